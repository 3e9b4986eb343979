with eras as (
    select * from {{ ref('stg_ledger__recording_eras') }}
),

load_periods as (
    select * from {{ ref('stg_ledger__load_periods') }}
),

months as (
    select
        month,
        max(date_day) as last_date
    from {{ ref('dim_date') }}
    group by month
),

-- The systems whose era touches the month, each of which must have given a file; a force that
-- configures no eras needs one from any.
expected as (
    select
        months.month,
        eras.recording_system
    from months
    inner join eras
        on
            months.last_date >= eras.first_date
            and months.month <= coalesce(eras.last_date, months.month)
    group by months.month, eras.recording_system
),

supplied as (
    select
        {{ first_of_month('slot') }} as month,
        source as recording_system
    from load_periods
    where
        is_current
        and (
            (source = 'legacy' and table_name = 'crimes')
            or (source = 'connect' and table_name = 'investigations')
        )
    group by slot, source
),

recorded_dates as (
    select cast(recorded_at as date) as recorded_date
    from {{ ref('stg_legacy__crimes') }}
    union all
    select cast(created_at as date) as recorded_date
    from {{ ref('stg_connect__investigations') }}
),

recorded as (
    select
        cast({{ dbt.date_trunc('month', 'recorded_date') }} as date) as month,
        min(recorded_date) as first_recorded_date,
        max(recorded_date) as last_recorded_date
    from recorded_dates
    group by 1
),

counted as (
    select
        months.month,
        months.last_date,
        count(distinct expected.recording_system) as expected_system_count,
        count(distinct case when expected.month is not null then supplied.recording_system end)
            as expected_supplied_count,
        count(distinct any_supplied.recording_system) as supplied_system_count
    from months
    left join expected on months.month = expected.month
    left join supplied
        on
            expected.month = supplied.month
            and expected.recording_system = supplied.recording_system
    left join supplied as any_supplied on months.month = any_supplied.month
    group by months.month, months.last_date
),

final as (
    select
        counted.month,
        cast(counted.expected_system_count as integer) as expected_system_count,
        cast(counted.supplied_system_count as integer) as supplied_system_count,
        counted.supplied_system_count > 0
        and counted.expected_supplied_count = counted.expected_system_count as is_supplied,
        recorded.first_recorded_date,
        recorded.last_recorded_date,
        case
            when recorded.month is not null
                then
                    cast(
                        {{ dbt.datediff('counted.month', 'first_recorded_date', 'day') }}
                        + {{ dbt.datediff('last_recorded_date', 'counted.last_date', 'day') }}
                        as integer
                    )
        end as missing_day_count
    from counted
    left join recorded on counted.month = recorded.month
)

select * from final
