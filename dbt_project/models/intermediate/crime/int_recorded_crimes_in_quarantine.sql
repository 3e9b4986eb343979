{{ config(materialized='table') }}

-- Rows that are missing from current counts. One that repeats an earlier row is missing from none.
with quarantined_rows as (
    select distinct
        load_id,
        row_number,
        row_text
    from {{ ref('stg_ledger__quarantined_values') }}
    where
        source = 'home_office'
        and table_name = 'prc'
        and rule_code <> 'home_office.prc.row.repeated_row'
),

load_quarters as (
    select
        load_id,
        {{ split_part('slot', ' Q', 1) }} as financial_year,
        cast({{ split_part('slot', ' Q', 2) }} as integer) as financial_quarter,
        is_current
    from {{ ref('stg_ledger__load_periods') }}
    where
        source = 'home_office'
        and table_name = 'prc'
),

load_years as (
    select distinct
        load_id,
        financial_year
    from load_quarters
),

-- Forces with counts in a quarter: a row that names no force may be missing from any of them.
supplying as (
    select distinct
        force_code,
        financial_year,
        financial_quarter
    from {{ ref('int_recorded_crimes_by_quarter') }}
),

known_names as (
    select
        source_name,
        force_code
    from {{ ref('force_names') }}
    where source = 'home_office'

    union distinct

    -- forces of an extended list have no other code than their name
    select distinct
        recorded_crimes.force_name as source_name,
        lower(recorded_crimes.force_name) as force_code
    from {{ ref('stg_home_office__recorded_crimes') }} as recorded_crimes
    left join {{ ref('force_names') }} as listed
        on
            recorded_crimes.force_name = listed.source_name
            and listed.source = 'home_office'
    where listed.force_code is null
),

as_written as (
    select
        load_id,
        row_number,
        trim({{ json_text('row_text', 'force_name') }}) as force_name,
        trim({{ json_text('row_text', 'financial_year') }}) as financial_year,
        -- '2.0' is a quarter written by a spreadsheet
        replace(trim({{ json_text('row_text', 'financial_quarter') }}), '.0', '')
            as financial_quarter
    from quarantined_rows
),

-- What of a row can be relied on; null where it says nothing that is known.
located as (
    select
        as_written.load_id,
        as_written.row_number,
        known_names.force_code,
        load_years.financial_year,
        case
            when as_written.financial_quarter in ('1', '2', '3', '4')
                then cast(as_written.financial_quarter as integer)
        end as financial_quarter
    from as_written
    left join known_names on as_written.force_name = known_names.source_name
    left join load_years
        on
            as_written.load_id = load_years.load_id
            and as_written.financial_year = load_years.financial_year
),

by_quarter as (
    select
        coalesce(located.force_code, supplying.force_code) as force_code,
        load_quarters.financial_year,
        load_quarters.financial_quarter,
        located.load_id,
        located.row_number
    from located
    inner join load_quarters
        on
            located.load_id = load_quarters.load_id
            and load_quarters.is_current
            and coalesce(located.financial_year, load_quarters.financial_year)
            = load_quarters.financial_year
            and coalesce(located.financial_quarter, load_quarters.financial_quarter)
            = load_quarters.financial_quarter
    left join supplying
        on
            located.force_code is null
            and load_quarters.financial_year = supplying.financial_year
            and load_quarters.financial_quarter = supplying.financial_quarter
),

-- A row without a quarter stands against every quarter, but is one row of the year.
final as (
    select
        force_code,
        'quarter' as period_type,
        financial_year,
        financial_quarter,
        cast(count(*) as bigint) as quarantined_row_count
    from by_quarter
    where force_code is not null
    group by 1, 2, 3, 4

    union all

    select
        force_code,
        'financial_year' as period_type,
        financial_year,
        0 as financial_quarter,
        cast(count(*) as bigint) as quarantined_row_count
    from (
        select distinct
            force_code,
            financial_year,
            load_id,
            row_number
        from by_quarter
    ) as rows_of_years
    where force_code is not null
    group by 1, 2, 3, 4
)

select * from final
