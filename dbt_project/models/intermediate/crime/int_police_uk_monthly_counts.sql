{{ config(materialized='table') }}

-- The month of a row is the month of its file: stop-and-search times are UTC, the files' months
-- are months of British local time.
with street_crimes as (
    select
        period,
        crime_type,
        count(*) as record_count
    from {{ ref('stg_police_uk__street_crimes') }}
    group by period, crime_type
),

crime_outcomes as (
    select
        period,
        count(*) as record_count
    from {{ ref('stg_police_uk__crime_outcomes') }}
    group by period
),

stop_searches as (
    select
        period,
        count(*) as record_count
    from {{ ref('stg_police_uk__stop_searches') }}
    group by period
),

supply as (
    select * from {{ ref('int_police_uk_supply') }}
),

measures as (
    select * from {{ ref('measures') }}
    where source = 'police_uk'
),

crime_types as (
    select * from {{ ref('police_uk_crime_types') }}
),

counted as (
    select
        'street' as table_name,
        period,
        'crime_type' as measure_level,
        crime_type as category_name,
        record_count
    from street_crimes

    union all

    select
        'street' as table_name,
        period,
        'all' as measure_level,
        cast(null as {{ dbt.type_string() }}) as category_name,
        sum(record_count) as record_count
    from street_crimes
    group by period

    union all

    select
        'outcomes' as table_name,
        period,
        'all' as measure_level,
        cast(null as {{ dbt.type_string() }}) as category_name,
        record_count
    from crime_outcomes

    union all

    select
        'stop_and_search' as table_name,
        period,
        'all' as measure_level,
        cast(null as {{ dbt.type_string() }}) as category_name,
        record_count
    from stop_searches
),

-- A category is expected in the months it was in use; other months count only what was found.
expected as (
    select
        supply.*,
        measures.measure_code,
        measures.measure_level,
        measures.category_name,
        crime_types.crime_type is null
        or (
            supply.month >= coalesce(crime_types.valid_from, supply.month)
            and supply.month <= coalesce(crime_types.valid_to, supply.month)
        ) as is_in_use
    from supply
    inner join measures on supply.table_name = measures.table_name
    left join crime_types on measures.category_name = crime_types.crime_type
),

final as (
    select
        expected.table_name,
        expected.measure_code,
        expected.force_code,
        expected.month,
        expected.supply_status,
        expected.load_id,
        case
            when expected.supply_status in ('not_supplied', 'refused') then null
            else cast(coalesce(counted.record_count, 0) as bigint)
        end as record_count
    from expected
    left join counted
        on
            expected.table_name = counted.table_name
            and expected.measure_level = counted.measure_level
            and coalesce(expected.category_name, '') = coalesce(counted.category_name, '')
            and {{ split_part('counted.period', '/', 1) }} = expected.force_code
            and {{ split_part('counted.period', '/', 2) }}
            = substr(cast(expected.month as {{ dbt.type_string() }}), 1, 7)
    where expected.is_in_use or counted.record_count is not null
)

select * from final
