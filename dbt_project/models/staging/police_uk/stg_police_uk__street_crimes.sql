-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('police_uk', 'street') }}
),

final as (
    select
        crime_id,
        reported_by as reported_by_force_name,
        falls_within as falls_within_force_name,
        longitude,
        latitude,
        location as location_name,
        lsoa_code,
        lsoa_name,
        {{ first_of_month('month') }} as recorded_month,
        crime_type,
        last_outcome_category as last_outcome_type,
        context as context_text,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
