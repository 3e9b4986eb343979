with events as (
    select * from {{ ref('int_event_indicators') }}
    where action_type = 'exclude'
),

compared_months as (
    select * from {{ ref('int_compared_months') }}
),

final as (
    select distinct
        events.indicator_code,
        compared_months.month_of_financial_year
    from events
    inner join compared_months
        on
            {{ period_end('compared_months.month', 1) }} >= events.first_date
            and compared_months.month <= coalesce(events.last_date, compared_months.month)
)

select * from final
