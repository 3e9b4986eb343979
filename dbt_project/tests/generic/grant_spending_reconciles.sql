{#- All that was ever posted as spent is in the latest position of its year: in time, or late. -#}
{% test grant_spending_reconciles(model, entries) %}

with positions as (
    select
        financial_year,
        month,
        sum(actual_year_to_date_amount + posted_later_amount) as position_amount,
        row_number() over (partition by financial_year order by month desc) as month_rank
    from {{ model }}
    where line_level = 'award'
    group by financial_year, month
),

posted as (
    select
        positions.financial_year,
        sum(entries.amount) as posted_amount
    from {{ entries }} as entries
    inner join positions
        on
            entries.financial_year = positions.financial_year
            and entries.entry_month <= positions.month
    where entries.entry_type = 'actual' and positions.month_rank = 1
    group by positions.financial_year
)

select
    positions.financial_year,
    positions.position_amount,
    posted.posted_amount
from positions
inner join posted on positions.financial_year = posted.financial_year
where
    positions.month_rank = 1
    and abs(coalesce(positions.position_amount, 0) - posted.posted_amount) >= 0.01

{% endtest %}
