with cohorts as (
    select * from {{ ref('int_outcome_cohorts') }}
),

areas as (
    select * from {{ ref('dim_area') }}
),

share_intervals as (
    select * from {{ ref('int_share_intervals') }}
),

measured as (
    select
        cohorts.*,
        cohorts.recorded_count >= {{ least_for_percentage() }} as has_percentage,
        positive.wilson_lower as positive_lower,
        positive.wilson_upper as positive_upper,
        wider.wilson_lower as wider_lower,
        wider.wilson_upper as wider_upper,
        -- Of what had ninety days to finish, or none.
        case when cohorts.is_mature then cohorts.positive_within_90_days_count end as prompt_count,
        case when cohorts.is_mature then prompt.wilson_lower end as prompt_lower,
        case when cohorts.is_mature then prompt.wilson_upper end as prompt_upper
    from cohorts
    left join share_intervals as positive
        on
            cohorts.positive_count = positive.success_count
            and cohorts.recorded_count = positive.trial_count
    left join share_intervals as wider
        on
            cohorts.positive_plus_diversion_count = wider.success_count
            and cohorts.recorded_count = wider.trial_count
    left join share_intervals as prompt
        on
            cohorts.positive_within_90_days_count = prompt.success_count
            and cohorts.recorded_count = prompt.trial_count
),

final as (
    select
        measured.area_id,
        measured.area_type,
        coalesce(areas.area_name, {{ split_part('measured.area_id', '/', 2) }}) as area_name,
        measured.offence_category,
        measured.period_type,
        measured.period_label,
        measured.financial_year,
        measured.first_month,
        measured.last_month,
        measured.month_count,
        'recorded' as basis,
        measured.reporting_date,
        measured.is_mature,
        measured.recorded_count,
        measured.finished_count,
        measured.positive_count,
        case
            when measured.has_percentage
                then 100 * {{ safe_divide('measured.positive_count', 'measured.recorded_count') }}
        end as positive_pct,
        100 * measured.positive_lower as positive_pct_lower,
        100 * measured.positive_upper as positive_pct_upper,
        measured.positive_plus_diversion_count,
        case
            when measured.has_percentage
                then
                    100 * {{ safe_divide(
                        'measured.positive_plus_diversion_count', 'measured.recorded_count'
                    ) }}
        end as positive_plus_diversion_pct,
        100 * measured.wider_lower as positive_plus_diversion_pct_lower,
        100 * measured.wider_upper as positive_plus_diversion_pct_upper,
        measured.prompt_count as positive_within_90_days_count,
        case
            when measured.has_percentage
                then 100 * {{ safe_divide('measured.prompt_count', 'measured.recorded_count') }}
        end as positive_within_90_days_pct,
        100 * measured.prompt_lower as positive_within_90_days_pct_lower,
        100 * measured.prompt_upper as positive_within_90_days_pct_upper,
        measured.charged_count,
        measured.community_resolution_count,
        measured.diversion_count,
        measured.victim_does_not_support_count,
        {{ safe_divide('measured.days_to_outcome_sum', 'measured.finished_count') }}
            as days_to_outcome_mean,
        false as is_suppressed
    from measured
    left join areas on measured.area_id = areas.area_id
)

select * from final
