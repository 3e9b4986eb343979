with cohorts as (
    select * from {{ ref('int_outcome_cohorts') }}
),

areas as (
    select * from {{ ref('dim_area') }}
),

share_intervals as (
    select * from {{ ref('int_share_intervals') }}
),

final as (
    select
        cohorts.area_id,
        cohorts.area_type,
        areas.area_name,
        cohorts.offence_category,
        cohorts.period_type,
        cohorts.period_label,
        cohorts.financial_year,
        cohorts.first_month,
        cohorts.last_month,
        'recorded' as basis,
        cohorts.reporting_date,
        cohorts.is_mature,
        cohorts.recorded_count,
        cohorts.finished_count,
        cohorts.positive_count,
        100.0 * {{ safe_divide('cohorts.positive_count', 'cohorts.recorded_count') }}
            as positive_pct,
        100.0 * positive.wilson_lower as positive_pct_lower,
        100.0 * positive.wilson_upper as positive_pct_upper,
        cohorts.positive_plus_diversion_count,
        100.0 * {{ safe_divide(
            'cohorts.positive_plus_diversion_count', 'cohorts.recorded_count'
        ) }} as positive_plus_diversion_pct,
        -- A share of what had ninety days to finish, or none.
        case when cohorts.is_mature then cohorts.positive_within_90_days_count end
            as positive_within_90_days_count,
        case
            when cohorts.is_mature
                then
                    100.0 * {{ safe_divide(
                        'cohorts.positive_within_90_days_count', 'cohorts.recorded_count'
                    ) }}
        end as positive_within_90_days_pct,
        case when cohorts.is_mature then 100.0 * prompt.wilson_lower end
            as positive_within_90_days_pct_lower,
        case when cohorts.is_mature then 100.0 * prompt.wilson_upper end
            as positive_within_90_days_pct_upper,
        cohorts.charged_count,
        cohorts.community_resolution_count,
        cohorts.diversion_count,
        cohorts.victim_does_not_support_count,
        {{ safe_divide('cohorts.days_to_outcome_sum', 'cohorts.finished_count') }}
            as days_to_outcome_mean,
        false as is_suppressed
    from cohorts
    left join areas on cohorts.area_id = areas.area_id
    left join share_intervals as positive
        on
            cohorts.positive_count = positive.success_count
            and cohorts.recorded_count = positive.trial_count
    left join share_intervals as prompt
        on
            cohorts.positive_within_90_days_count = prompt.success_count
            and cohorts.recorded_count = prompt.trial_count
)

select * from final
