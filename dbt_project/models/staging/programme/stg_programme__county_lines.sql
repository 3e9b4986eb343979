-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('programme', 'county_lines') }}
),

final as (
    select
        {{ first_of_month('month') }} as month,
        arrest_count,
        child_safeguarded_count,
        line_closed_count,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
