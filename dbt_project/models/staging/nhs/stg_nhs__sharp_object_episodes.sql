-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('nhs', 'hes_sharp_object') }}
),

final as (
    select
        sheet_name,
        source_cell as source_cell_name,
        breakdown as breakdown_type,
        category as category_name,
        area_name,
        financial_year,
        {{ first_of_month('month') }} as episode_month,
        period_label,
        episode_type,
        published_value,
        episode_count,
        episode_count_lower,
        episode_count_upper,
        disclosure as disclosure_type,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
