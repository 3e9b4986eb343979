-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('legacy', 'crimes') }}
),

final as (
    select
        crime_number,
        incident_log_number,
        recorded_at,
        reported_at,
        occurred_from_at,
        occurred_to_at,
        offence_code as source_offence_code,
        location_lsoa as lsoa_code,
        neighbourhood_code as beat_code,
        npu_code,
        is_domestic,
        weapon_code as source_weapon_code,
        knife_used as source_knife_used_code,
        outcome_type as source_outcome_code,
        outcome_date,
        cancelled_code,
        cancelled_at,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
