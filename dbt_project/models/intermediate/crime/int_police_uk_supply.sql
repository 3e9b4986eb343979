with load_periods as (
    select * from {{ ref('stg_ledger__load_periods') }}
    where
        is_current
        and source = 'police_uk'
        -- force/YYYY-MM, whatever the force
        and slot like '%/____-__'
),

supplied as (
    select
        table_name,
        {{ split_part('slot', '/', 1) }} as force_code,
        {{ first_of_month(split_part('slot', '/', 2)) }} as month,
        load_id,
        row_count
    from load_periods
),

-- A file refused before it was read has no claim yet: its name says force and month too.
refused_loads as (
    select
        load_id,
        table_name,
        entered_at,
        coalesce(claim, '') as claim,
        regexp_replace(
            regexp_replace(coalesce(member_name, file_name), '^.*/', ''), '[.][^.]*$', ''
        ) as base_name,
        '-' || replace(table_name, '_', '-') as name_end
    from {{ ref('stg_ledger__loads') }}
    where
        source = 'police_uk'
        and outcome = 'refused'
        and {{ had_happened('entered_at') }}
),

refused_claims as (
    select
        load_id,
        table_name,
        entered_at,
        case
            when claim like '%/____-__' then {{ split_part('claim', '/', 1) }}
            when base_name like '____-__-%' || name_end
                then substr(base_name, 9, length(base_name) - 8 - length(name_end))
        end as force_code,
        case
            when claim like '%/____-__' then {{ split_part('claim', '/', 2) }}
            when base_name like '____-__-%' || name_end then substr(base_name, 1, 7)
        end as month_text
    from refused_loads
),

bounds as (
    select
        table_name,
        min(month) as first_month,
        max(month) as last_month
    from supplied
    group by table_name
),

months as (
    select date_day as month
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

-- The latest refusal of a month. A name can say anything: the force must be one there is, and the
-- month must have begun.
refusals as (
    select
        refused_claims.table_name,
        refused_claims.force_code,
        months.month,
        refused_claims.load_id,
        row_number() over (
            partition by refused_claims.table_name, refused_claims.force_code, months.month
            order by refused_claims.entered_at desc, refused_claims.load_id asc
        ) as latest_first
    from refused_claims
    inner join {{ ref('forces') }} as forces on refused_claims.force_code = forces.force_code
    inner join months
        on
            refused_claims.month_text
            = substr(cast(months.month as {{ dbt.type_string() }}), 1, 7)
            and refused_claims.entered_at >= months.month
),

refused as (
    select * from refusals
    where latest_first = 1
),

supplying as (
    select distinct
        table_name,
        force_code
    from supplied
),

-- Every force that ever supplied a table is expected in every month anyone supplied it; a month
-- that was refused has a row wherever it lies.
expected as (
    select
        bounds.table_name,
        supplying.force_code,
        months.month
    from bounds
    inner join supplying on bounds.table_name = supplying.table_name
    inner join months on months.month between bounds.first_month and bounds.last_month

    union distinct

    select
        table_name,
        force_code,
        month
    from refused
),

final as (
    select
        expected.table_name,
        expected.force_code,
        expected.month,
        coalesce(supplied.load_id, refused.load_id) as load_id,
        case
            when supplied.load_id is null and refused.load_id is not null then 'refused'
            when supplied.load_id is null then 'not_supplied'
            when supplied.row_count = 0 then 'supplied_zero'
            else 'supplied'
        end as supply_status
    from expected
    left join supplied
        on
            expected.table_name = supplied.table_name
            and expected.force_code = supplied.force_code
            and expected.month = supplied.month
    left join refused
        on
            expected.table_name = refused.table_name
            and expected.force_code = refused.force_code
            and expected.month = refused.month
)

select * from final
