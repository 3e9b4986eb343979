with counted as (
    select * from {{ ref('int_count_vintages') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

count_intervals as (
    select * from {{ ref('int_count_intervals') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

final as (
    select
        counted.measure_code,
        indicators.indicator_name as measure_name,
        'force/' || settings.force_code as area_id,
        'recorded' as basis,
        counted.month,
        counted.financial_year,
        {{ period_end('counted.as_of_month', 1) }} as as_of_date,
        counted.months_since,
        counted.is_latest,
        counted.event_count,
        count_intervals.count_lower as event_count_lower,
        count_intervals.count_upper as event_count_upper,
        cast(counted.first_count as bigint) as first_count,
        cast(counted.cancelled_count as bigint) as cancelled_count,
        cast(counted.reclassified_in_count as bigint) as reclassified_in_count,
        cast(counted.reclassified_out_count as bigint) as reclassified_out_count,
        cast(counted.difference_count as bigint) as difference_count,
        case
            when
                counted.first_count >= {{ least_for_percentage() }}
                and counted.first_count + counted.difference_count >= {{ least_for_percentage() }}
                then 100 * {{ safe_divide('counted.difference_count', 'counted.first_count') }}
        end as difference_pct,
        false as is_suppressed
    from counted
    inner join indicators on counted.measure_code = indicators.indicator_code
    left join count_intervals on counted.event_count = count_intervals.observed_count
    cross join settings
)

select * from final
