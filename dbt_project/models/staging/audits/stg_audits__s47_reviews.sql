-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('audits', 's47_audit') }}
),

final as (
    select
        {{ first_of_month('audit_month') }} as audit_month,
        crime_ref,
        is_contacted_within_7_days,
        is_victim_updated,
        is_plan_recorded,
        is_supervisory_review_recorded,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
