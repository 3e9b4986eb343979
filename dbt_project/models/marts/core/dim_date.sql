with days as (
    {{ day_spine("cast('2010-04-01' as date)", "cast('2030-03-31' as date)", 'date_day') }}
),

lockdowns as (
    select * from {{ ref('lockdown_periods') }}
),

restricted_days as (
    select
        days.date_day,
        max(case when lockdowns.restriction_type = 'lockdown' then 1 else 0 end) = 1 as is_lockdown
    from days
    inner join lockdowns on days.date_day between lockdowns.first_day and lockdowns.last_day
    group by days.date_day
),

placed as (
    select
        days.date_day,
        {{ year_of('days.date_day') }} as calendar_year,
        {{ month_of('days.date_day') }} as month_of_year,
        cast(extract(day from days.date_day) as integer) as day_of_month,
        cast({{ dbt.date_trunc('month', 'days.date_day') }} as date) as month,
        {{ financial_year('days.date_day') }} as financial_year,
        {{ financial_quarter('days.date_day') }} as financial_quarter,
        coalesce(restricted_days.is_lockdown, false) as is_lockdown,
        restricted_days.date_day is not null as is_restricted
    from days
    left join restricted_days on days.date_day = restricted_days.date_day
),

final as (
    select
        date_day,
        {{ iso_weekday('date_day') }} as day_of_week,
        day_of_month,
        month,
        month_of_year,
        cast(count(*) over (partition by month) as integer) as days_in_month,
        cast(floor((month_of_year + 2) / 3) as integer) as calendar_quarter,
        calendar_year,
        financial_year,
        financial_quarter,
        {{ financial_quarter_start('financial_year', 'financial_quarter') }}
            as financial_quarter_start,
        {{ financial_year_start('financial_year') }} as financial_year_start,
        is_lockdown,
        max(case when is_lockdown then 1 else 0 end) over (partition by month) = 1
            as is_lockdown_month,
        max(case when is_restricted then 1 else 0 end) over (partition by month) = 1
            as is_restricted_month
    from placed
)

select * from final
