-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('ons', 'p8_firearm_offences') }}
),

final as (
    select
        area_code,
        area_name,
        area_level as area_type,
        notes as note_text,
        column_title as column_title_name,
        {{ first_of_month('period_start_month') }} as period_start_month,
        {{ first_of_month('period_end_month') }} as period_end_month,
        published_value,
        value as measure_value,
        value_status as value_status_type,
        measure as measure_type,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
