-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('programme', 'training') }}
),

final as (
    select
        {{ first_of_month('month') }} as month,
        staff_group,
        establishment_count,
        trained_count,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
