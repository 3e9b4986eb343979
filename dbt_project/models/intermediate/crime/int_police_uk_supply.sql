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

-- Every force that ever supplied a table is expected in every month anyone supplied it.
expected as (
    select
        bounds.table_name,
        supplying.force_code,
        months.month
    from bounds
    inner join (select distinct table_name, force_code from supplied) as supplying
        on bounds.table_name = supplying.table_name
    inner join months on months.month between bounds.first_month and bounds.last_month
),

final as (
    select
        expected.table_name,
        expected.force_code,
        expected.month,
        supplied.load_id,
        case
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
)

select * from final
