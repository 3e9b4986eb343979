with indicators as (
    select * from {{ ref('indicators') }}
    where home_office_metric_code is not null
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

supply as (
    select * from {{ ref('int_indicator_supply') }}
),

indicator_months as (
    select * from {{ ref('int_indicator_months') }}
    where area_type = 'force' and basis = 'recorded'
),

count_intervals as (
    select * from {{ ref('int_count_intervals') }}
),

months as (
    select
        date_day,
        financial_year,
        is_lockdown_month
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

counted as (
    select
        indicators.home_office_metric_code as metric_code,
        indicators.indicator_code,
        indicators.indicator_name,
        indicators.age_group,
        indicators.unit,
        indicators.definition,
        supply.month,
        supply.supply_status,
        case
            when supply.supply_status = 'supplied'
                then coalesce(indicator_months.event_count, 0)
        end as event_count
    from indicators
    inner join supply on indicators.indicator_code = supply.indicator_code
    left join indicator_months
        on
            indicators.indicator_code = indicator_months.indicator_code
            and supply.month = indicator_months.month
),

final as (
    select
        counted.metric_code,
        counted.indicator_name as metric_name,
        counted.age_group,
        counted.unit,
        counted.definition,
        'force/' || settings.force_code as area_id,
        counted.month,
        months.financial_year,
        months.is_lockdown_month,
        'recorded' as basis,
        counted.event_count,
        count_intervals.count_lower as event_count_lower,
        count_intervals.count_upper as event_count_upper,
        counted.supply_status,
        false as is_suppressed
    from counted
    cross join settings
    inner join months on counted.month = months.date_day
    left join count_intervals on counted.event_count = count_intervals.observed_count
)

select * from final
