-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('connect', 'investigations') }}
),

final as (
    select
        investigation_id,
        occurrence_id,
        log_ref,
        created_at,
        reported_at,
        offence_start as occurred_from_at,
        offence_end as occurred_to_at,
        current_offence_code as source_offence_code,
        location_lsoa as lsoa_code,
        beat_code,
        dv_flag as is_domestic,
        weapon_list as source_weapon_codes,
        weapon_use as source_weapon_use_code,
        record_origin as source_record_origin_code,
        spiking_flag as is_spiking,
        toxicology_result as source_toxicology_code,
        outcome_type as source_outcome_code,
        outcome_at,
        status as source_status_code,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
