with series as (
    select * from {{ ref('int_indicator_series') }}
    where basis = 'recorded' and area_type = 'force'
),

supply as (
    select * from {{ ref('int_indicator_supply') }}
),

counts as (
    select * from {{ ref('int_indicator_months') }}
    where basis = 'recorded'
),

months as (
    select
        date_day as month,
        days_in_month,
        is_lockdown_month
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

compared_months as (
    select * from {{ ref('int_compared_months') }}
),

current_months as (
    select month
    from compared_months
    where period_type = 'current'
),

excluded as (
    select
        excluded_months.indicator_code,
        compared_months.month
    from {{ ref('int_excluded_months') }} as excluded_months
    inner join compared_months
        on excluded_months.month_of_financial_year = compared_months.month_of_financial_year
),

final as (
    select
        series.indicator_code as measure_code,
        series.area_id,
        supply.month,
        months.days_in_month,
        months.is_lockdown_month,
        current_months.month is not null as is_current_month,
        case
            when supply.supply_status = 'supplied' and excluded.month is null
                then coalesce(counts.event_count, 0)
        end as event_count
    from series
    inner join supply on series.indicator_code = supply.indicator_code
    inner join months on supply.month = months.month
    left join current_months on supply.month = current_months.month
    left join excluded
        on series.indicator_code = excluded.indicator_code and supply.month = excluded.month
    left join counts
        on
            series.indicator_code = counts.indicator_code
            and series.area_id = counts.area_id
            and supply.month = counts.month
)

select * from final
