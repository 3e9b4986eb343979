with staged as not materialized (
    select * from {{ ref('stg_grants__ledger_entries') }}
),

budget_lines as (
    select * from {{ ref('stg_grants__budget_lines') }}
),

loads as (
    select * from {{ ref('stg_ledger__loads') }}
),

entries as (
    {{ latest_of_key('staged', ['entry_id']) }}
),

dated as (
    select
        *,
        {{ financial_year('entry_month') }} as financial_year
    from entries
),

-- A line is a line of one year's budget: an entry belongs to that of the year it falls in.
final as (
    select
        dated.entry_id,
        dated.line_id,
        dated.entry_month,
        dated.financial_year,
        dated.kind as entry_type,
        dated.amount,
        dated.posted_at,
        budget_lines.line_id is not null as is_budgeted,
        budget_lines.award_id,
        budget_lines.funding as funding_type,
        budget_lines.project,
        dated.load_id
    from dated
    left join budget_lines
        on
            dated.financial_year = budget_lines.financial_year
            and dated.line_id = budget_lines.line_id
)

select * from final
