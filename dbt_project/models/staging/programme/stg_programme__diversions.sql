-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('programme', 'diversions') }}
),

final as (
    select
        {{ first_of_month('month') }} as month,
        npu_code,
        pathway,
        referral_count,
        completion_count,
        reoffended_count,
        in_impact_area_count,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
