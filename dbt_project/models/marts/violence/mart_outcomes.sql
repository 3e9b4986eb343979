-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
with cohorts as (
    select * from {{ ref('int_outcome_cohorts') }}
),

areas as (
    select * from {{ ref('dim_area') }}
),

share_intervals as (
    select * from {{ ref('int_share_intervals') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

comparisons as (
    select * from {{ ref('int_outcome_comparisons') }}
),

baselines as (
    select cohorts.*
    from cohorts
    inner join settings on cohorts.financial_year = settings.baseline_year
    where cohorts.period_type = 'mature_year_to_date'
),

measured as (
    select
        cohorts.*,
        cohorts.recorded_count >= {{ least_for_percentage() }} as has_percentage,
        cohorts.period_type = 'mature_year_to_date'
        and cohorts.financial_year = settings.baseline_year as is_baseline,
        comparisons.share_ratio,
        comparisons.share_ratio_lower,
        comparisons.share_ratio_upper,
        comparisons.p_value,
        baselines.positive_within_90_days_count as baseline_prompt_count,
        baselines.recorded_count as baseline_recorded_count,
        {%- for name in outcome_shares() %}
        {{ name }}.wilson_lower as {{ name }}_lower,
        {{ name }}.wilson_upper as {{ name }}_upper,
        {%- endfor %}
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
    {%- for name in outcome_shares() %}
    left join share_intervals as {{ name }}
        on
            cohorts.{{ name }}_count = {{ name }}.success_count
            and cohorts.recorded_count = {{ name }}.trial_count
    {%- endfor %}
    cross join settings
    left join baselines
        on
            cohorts.area_id = baselines.area_id
            and cohorts.offence_category = baselines.offence_category
            and cohorts.period_type = baselines.period_type
            and cohorts.financial_year <> baselines.financial_year
    left join comparisons
        on
            cohorts.positive_within_90_days_count = comparisons.success_count
            and cohorts.recorded_count = comparisons.trial_count
            and baselines.positive_within_90_days_count = comparisons.baseline_success_count
            and baselines.recorded_count = comparisons.baseline_trial_count
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
        {%- for name in outcome_shares() %}
        case
            when measured.has_percentage
                then
                    100 * {{ safe_divide(
                        'measured.' ~ name ~ '_count', 'measured.recorded_count'
                    ) }}
        end as {{ name }}_pct,
        100 * measured.{{ name }}_lower as {{ name }}_pct_lower,
        100 * measured.{{ name }}_upper as {{ name }}_pct_upper,
        {%- endfor %}
        {{ safe_divide('measured.days_to_outcome_sum', 'measured.finished_count') }}
            as days_to_outcome_mean,
        case when measured.is_mature then measured.finished_within_90_days_count end
            as finished_within_90_days_count,
        measured.share_ratio as positive_within_90_days_ratio,
        measured.share_ratio_lower as positive_within_90_days_ratio_lower,
        measured.share_ratio_upper as positive_within_90_days_ratio_upper,
        measured.p_value as positive_within_90_days_p_value,
        case
            when measured.is_baseline then 'baseline'
            when measured.p_value is null then 'not compared'
            when measured.prompt_count + measured.baseline_prompt_count = 0
                then 'none in either period'
            when measured.p_value >= 0.05 then 'not distinguishable from chance'
            when
                measured.prompt_count * measured.baseline_recorded_count
                > measured.baseline_prompt_count * measured.recorded_count
                then 'up'
            else 'down'
        end as verdict,
        'Read on '
        || cast(measured.reporting_date as {{ dbt.type_string() }})
        || ': '
        || {{ with_commas('measured.finished_count') }}
        || ' of '
        || {{ with_commas('measured.recorded_count') }}
        || ' investigations had ended.'
        || case
            when measured.is_mature then ' All had ninety days to end.'
            else ' Some had fewer than ninety days, and rates will rise as they end.'
        end as maturity_text,
        false as is_suppressed
    from measured
    left join areas on measured.area_id = areas.area_id
)

select * from final
