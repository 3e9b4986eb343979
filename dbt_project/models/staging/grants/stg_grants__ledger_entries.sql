-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('grants', 'ledger') }}
),

final as (
    select
        entry_id,
        line_id,
        {{ first_of_month('period') }} as entry_month,
        kind,
        amount,
        posted_at,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
