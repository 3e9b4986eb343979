with indicators as (
    select * from {{ ref('indicators') }}
),

indicator_months as (
    select * from {{ ref('int_indicator_months') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

areas as (
    select * from {{ ref('dim_area') }}
),

bases as (
    select 'recorded' as basis
    union all
    select 'like_for_like' as basis
),

-- The force has its figures whether or not anything was recorded.
counted_areas as (
    select distinct
        area_id,
        area_type
    from indicator_months

    union distinct

    select
        'force/' || force_code as area_id,
        'force' as area_type
    from settings
),

-- Admissions are counted for the whole force only: below it, disclosure rules apply.
final as (
    select
        indicators.indicator_code,
        counted_areas.area_id,
        counted_areas.area_type,
        -- A unit that the geography does not know has no name but its code.
        coalesce(areas.area_code, {{ split_part('counted_areas.area_id', '/', 2) }}) as area_code,
        coalesce(areas.area_name, {{ split_part('counted_areas.area_id', '/', 2) }}) as area_name,
        bases.basis
    from indicators
    cross join counted_areas
    cross join bases
    left join areas on counted_areas.area_id = areas.area_id
    where indicators.record_type = 'offence' or counted_areas.area_type = 'force'
)

select * from final
