with pairs as (
    select * from {{ ref('int_period_pairs') }}
    where period_type = 'year_to_date' and is_configured_pair
),

months as (
    select
        date_day as month,
        days_in_month,
        is_lockdown_month,
        is_restricted_month,
        mod(month_of_year + 8, 12) + 1 as month_of_financial_year
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

final as (
    select
        pairs.comparison_code,
        'baseline' as period_type,
        months.month,
        cast(months.month_of_financial_year as integer) as month_of_financial_year,
        months.days_in_month,
        months.is_lockdown_month,
        months.is_restricted_month
    from pairs
    inner join months
        on months.month between pairs.baseline_first_date and pairs.baseline_last_date

    union all

    select
        pairs.comparison_code,
        'current' as period_type,
        months.month,
        cast(months.month_of_financial_year as integer) as month_of_financial_year,
        months.days_in_month,
        months.is_lockdown_month,
        months.is_restricted_month
    from pairs
    inner join months
        on months.month between pairs.current_first_date and pairs.current_last_date
)

select * from final
