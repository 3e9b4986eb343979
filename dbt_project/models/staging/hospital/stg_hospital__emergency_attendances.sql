-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('hospital', 'ecds') }}
),

final as (
    select
        attendance_id,
        arrived_at,
        injured_at,
        age as age_at_arrival,
        sex as source_sex_code,
        assault_location_text_code as assault_location_code,
        weapon_code as source_weapon_code,
        lsoa as lsoa_code,
        site_code,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
