with district_populations as (
    select
        lad_code,
        reference_year,
        population_count
    from {{ ref('stg_ons__populations') }}
    where age_code = 'total'
),

districts as (
    select * from {{ ref('int_districts') }}
),

placed as (
    select
        district_populations.*,
        districts.csp_code,
        districts.force_code,
        districts.region_code
    from district_populations
    inner join districts on district_populations.lad_code = districts.lad_code
),

by_area as (
    select
        'lad/' || lad_code as area_id,
        reference_year,
        population_count
    from placed
    union all
    select
        'csp/' || csp_code as area_id,
        reference_year,
        population_count
    from placed
    union all
    select
        'force/' || force_code as area_id,
        reference_year,
        population_count
    from placed
    union all
    select
        'region/' || region_code as area_id,
        reference_year,
        population_count
    from placed
    union all
    select
        case when lad_code like 'W%' then 'country/W92000004' else 'country/E92000001' end
            as area_id,
        reference_year,
        population_count
    from placed
    where lad_code like 'E%' or lad_code like 'W%'
    union all
    select
        'country/K04000001' as area_id,
        reference_year,
        population_count
    from placed
    where lad_code like 'E%' or lad_code like 'W%'
),

final as (
    select
        area_id,
        cast(reference_year as integer) as reference_year,
        cast(sum(population_count) as bigint) as population_count
    from by_area
    where area_id is not null
    group by area_id, reference_year
)

select * from final
