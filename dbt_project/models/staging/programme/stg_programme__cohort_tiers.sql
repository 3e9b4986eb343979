-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('programme', 'cohort_tiers') }}
),

final as (
    select
        {{ first_of_month('month') }} as month,
        cohort,
        tier,
        person_count,
        in_custody_count,
        arrest_count,
        intervention_count,
        archived_count,
        reoffended_count,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
