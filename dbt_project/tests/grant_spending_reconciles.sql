-- All that was ever posted as spent is in the latest position of its year: in time, or late.
with latest as (
    select
        financial_year,
        month,
        sum(actual_year_to_date_amount + posted_later_amount) as position_amount,
        row_number() over (partition by financial_year order by month desc) as month_rank
    from {{ ref('mart_grant_position') }}
    where line_level = 'award'
    group by financial_year, month
),

entries as (
    select
        latest.financial_year,
        sum(entries.amount) as posted_amount
    from {{ ref('stg_grants__ledger_entries') }} as entries
    inner join latest
        on
            {{ financial_year('entries.entry_month') }} = latest.financial_year
            and entries.entry_month <= latest.month
    where entries.kind = 'actual' and latest.month_rank = 1
    group by latest.financial_year
)

select
    latest.financial_year,
    latest.position_amount,
    entries.posted_amount
from latest
inner join entries on latest.financial_year = entries.financial_year
where
    latest.month_rank = 1
    and abs(coalesce(latest.position_amount, 0) - entries.posted_amount) >= 0.01
