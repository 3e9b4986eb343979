-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('geography', 'beats') }}
),

final as (
    select
        recording_system,
        beat_code,
        lsoa_code,
        neighbourhood_code,
        neighbourhood_name,
        npu_code,
        npu_name,
        district_code,
        is_impact_area,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
