-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('police_uk', 'stop_and_search') }}
),

final as (
    select
        type as search_type,
        date as searched_at,
        part_of_a_policing_operation as is_part_of_operation,
        policing_operation as operation_name,
        latitude,
        longitude,
        gender as sex_type,
        age_range as age_band_type,
        self_defined_ethnicity as self_defined_ethnicity_type,
        officer_defined_ethnicity as officer_defined_ethnicity_type,
        legislation as legislation_name,
        object_of_search as search_object_type,
        outcome as outcome_type,
        outcome_linked_to_object_of_search as is_outcome_linked_to_object,
        removal_of_more_than_just_outer_clothing as is_more_than_outer_clothing_removed,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
