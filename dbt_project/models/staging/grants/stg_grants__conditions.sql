-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('grants', 'conditions') }}
),

final as (
    select
        award_id,
        rule,
        applies_to,
        threshold,
        period as condition_period,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
