with configuration as (
    select
        *,
        {{ financial_year_start('baseline_year') }} as baseline_start_date,
        {{ financial_year_start('current_year') }} as current_start_date,
        {{ first_of_month('current_last_month') }} as last_month
    from {{ ref('stg_ledger__configuration') }}
),

months as (
    select distinct
        month,
        financial_year,
        financial_year_start,
        financial_quarter
    from {{ ref('dim_date') }}
),

-- Months to date in the current year; the whole year where no last month of it is configured.
years_to_date as (
    select
        configuration.baseline_year,
        configuration.baseline_start_date,
        configuration.current_year,
        configuration.current_start_date,
        cast(
            coalesce(
                sum(case when months.month <= configuration.last_month then 1 end), 12
            ) as integer
        ) as month_count
    from configuration
    left join months on configuration.current_year = months.financial_year
    group by 1, 2, 3, 4
),

spans as (
    select
        'financial_year' as period_type,
        0 as month_offset,
        12 as month_count
    union all
    select
        'year_to_date' as period_type,
        0 as month_offset,
        month_count
    from years_to_date
    union all
    select distinct
        'quarter' as period_type,
        (months.financial_quarter - 1) * 3 as month_offset,
        3 as month_count
    from months
    union all
    select
        'month' as period_type,
        cast(row_number() over (order by months.month) - 1 as integer) as month_offset,
        1 as month_count
    from years_to_date
    inner join months on years_to_date.baseline_year = months.financial_year
),

years as (
    select distinct
        months.financial_year,
        months.financial_year_start,
        years_to_date.baseline_year,
        years_to_date.baseline_start_date,
        months.financial_year = years_to_date.current_year as is_configured_pair
    from months
    cross join years_to_date
    where
        months.financial_year <> years_to_date.baseline_year
        and months.financial_year_start <= years_to_date.current_start_date
),

dated as (
    select
        spans.period_type,
        spans.month_offset,
        years.financial_year,
        years.baseline_year,
        years.is_configured_pair,
        {{ add_months('years.financial_year_start', 'spans.month_offset') }}
            as current_first_date,
        {{ period_end(
            add_months('years.financial_year_start', 'spans.month_offset'), 'spans.month_count'
        ) }} as current_last_date,
        {{ add_months('years.baseline_start_date', 'spans.month_offset') }}
            as baseline_first_date,
        {{ period_end(
            add_months('years.baseline_start_date', 'spans.month_offset'), 'spans.month_count'
        ) }} as baseline_last_date
    from years
    cross join spans
),

labelled as (
    select
        *,
        {{ period_label('financial_year', 'current_first_date', 'current_last_date') }}
            as current_label,
        {{ period_label('baseline_year', 'baseline_first_date', 'baseline_last_date') }}
            as baseline_label
    from dated
),

final as (
    select
        period_type || ':' || current_label || ':' || baseline_label as comparison_code,
        period_type,
        current_label,
        baseline_label,
        financial_year,
        baseline_year,
        current_first_date,
        current_last_date,
        baseline_first_date,
        baseline_last_date,
        is_configured_pair
    from labelled
)

select * from final
