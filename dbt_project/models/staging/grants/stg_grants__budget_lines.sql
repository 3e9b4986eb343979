-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('grants', 'budget_lines') }}
),

final as (
    select
        financial_year,
        line_id,
        award_id,
        funding,
        project,
        original_amount,
        bid_amount,
        conditions_ref,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
