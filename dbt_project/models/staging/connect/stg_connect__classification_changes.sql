-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('connect', 'classification_history') }}
),

final as (
    select
        investigation_id,
        changed_at,
        from_code as source_from_offence_code,
        to_code as source_to_offence_code,
        reason as source_change_reason_code,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
