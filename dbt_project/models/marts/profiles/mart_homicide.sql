with counts as (
    select * from {{ ref('int_homicide_counts') }}
),

spans as (
    select * from {{ ref('int_profile_spans') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

count_intervals as (
    select * from {{ ref('int_count_intervals') }}
),

ratio_intervals as (
    select * from {{ ref('int_profile_ratio_intervals') }}
),

measured as (
    select
        counts.*,
        spans.period_label,
        spans.first_month,
        spans.last_month,
        spans.month_count,
        spans.is_broken,
        spans.comparability_status,
        spans.comparability_text,
        observed.count_lower,
        observed.count_upper,
        ratios.rate_ratio,
        ratios.rate_ratio_lower,
        ratios.rate_ratio_upper,
        ratios.p_value,
        unrestricted_ratios.p_value as unrestricted_p_value
    from counts
    inner join spans
        on counts.subject_code = spans.subject_code and counts.period_type = spans.period_type
    left join count_intervals as observed on counts.homicide_count = observed.observed_count
    -- Across what is to break comparisons there is no ratio.
    left join ratio_intervals as ratios
        on
            counts.period_type = 'current'
            and not spans.is_broken
            and counts.homicide_count = ratios.current_count
            and counts.day_count = ratios.current_day_count
            and counts.baseline_count = ratios.baseline_count
            and counts.baseline_day_count = ratios.baseline_day_count
    left join ratio_intervals as unrestricted_ratios
        on
            counts.period_type = 'current'
            and not spans.is_broken
            and counts.unrestricted_count = unrestricted_ratios.current_count
            and counts.unrestricted_day_count = unrestricted_ratios.current_day_count
            and counts.unrestricted_baseline_count = unrestricted_ratios.baseline_count
            and counts.unrestricted_baseline_day_count = unrestricted_ratios.baseline_day_count
),

final as (
    select
        'force/' || settings.force_code as area_id,
        measured.period_type,
        measured.period_label,
        measured.age_group,
        measured.method_code,
        measured.domestic_group,
        'recorded' as basis,
        measured.first_month,
        measured.last_month,
        measured.month_count,
        measured.day_count,
        measured.homicide_count,
        measured.count_lower as homicide_count_lower,
        measured.count_upper as homicide_count_upper,
        measured.unrestricted_count,
        measured.rate_ratio,
        measured.rate_ratio_lower,
        measured.rate_ratio_upper,
        measured.p_value,
        {{ change_verdict(
            'measured.period_type', 'measured.homicide_count', 'measured.baseline_count',
            'measured.day_count', 'measured.baseline_day_count', 'measured.p_value',
            'measured.is_broken'
        ) }} as verdict,
        {{ change_verdict(
            'measured.period_type', 'measured.unrestricted_count',
            'measured.unrestricted_baseline_count', 'measured.unrestricted_day_count',
            'measured.unrestricted_baseline_day_count', 'measured.unrestricted_p_value',
            'measured.is_broken'
        ) }} as unrestricted_verdict,
        measured.comparability_status,
        measured.comparability_text,
        false as is_suppressed
    from measured
    cross join settings
)

select * from final
