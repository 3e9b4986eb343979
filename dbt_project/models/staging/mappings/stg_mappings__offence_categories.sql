-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('mappings', 'offence_categories') }}
),

final as (
    select
        row_index as source_row_number,
        offence_group,
        offence_code,
        offence_description,
        offence_subgroup,
        police_uk_category as police_uk_category_name,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
