-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('audits', 'cdi_audit') }}
),

final as (
    select
        {{ first_of_month('audit_month') }} as audit_month,
        log_number,
        offence_group,
        crimes_required_count,
        crimes_recorded_count,
        recorded_within_24_hours_count,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
