with profiles as (
    select * from {{ ref('int_person_profiles') }}
),

baseline as (
    select * from profiles
    where period_type = 'baseline'
),

spans as (
    select * from {{ ref('int_profile_spans') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

share_intervals as (
    select * from {{ ref('int_share_intervals') }}
),

share_changes as (
    select * from {{ ref('int_share_changes') }}
),

measured as (
    select
        profiles.*,
        spans.indicator_code,
        spans.period_label,
        spans.first_month,
        spans.last_month,
        spans.month_count,
        spans.day_count,
        spans.is_broken,
        spans.comparability_status,
        spans.comparability_text,
        shares.wilson_lower as share_lower,
        shares.wilson_upper as share_upper,
        young.wilson_lower as under_25_lower,
        young.wilson_upper as under_25_upper,
        -- A multiplier needs twenty on both sides.
        profiles.period_type = 'current'
        and not spans.is_broken
        and profiles.involvement_count >= {{ least_for_percentage() }}
        and baseline.involvement_count >= {{ least_for_percentage() }} as has_ratio,
        share_changes.share_ratio,
        share_changes.share_ratio_lower,
        share_changes.share_ratio_upper,
        share_changes.p_value
    from profiles
    inner join spans
        on profiles.subject_code = spans.subject_code and profiles.period_type = spans.period_type
    inner join baseline
        on
            profiles.subject_code = baseline.subject_code
            and profiles.role_code = baseline.role_code
            and profiles.age_band_code = baseline.age_band_code
            and profiles.sex_code = baseline.sex_code
            and profiles.ethnic_group_code = baseline.ethnic_group_code
    left join share_intervals as shares
        on
            profiles.involvement_count = shares.success_count
            and profiles.role_count = shares.trial_count
    left join share_intervals as young
        on
            profiles.under_25_count = young.success_count
            and profiles.known_age_count = young.trial_count
    left join share_changes
        on
            profiles.involvement_count = share_changes.current_count
            and profiles.role_count = share_changes.current_total_count
            and baseline.involvement_count = share_changes.baseline_count
            and baseline.role_count = share_changes.baseline_total_count
),

final as (
    select
        measured.indicator_code,
        indicators.indicator_name,
        'force/' || settings.force_code as area_id,
        measured.role_code,
        measured.age_band_code,
        measured.sex_code,
        measured.ethnic_group_code,
        measured.period_type,
        measured.period_label,
        'recorded' as basis,
        measured.first_month,
        measured.last_month,
        measured.month_count,
        measured.day_count,
        measured.involvement_count,
        measured.unrestricted_count,
        measured.role_count,
        case
            when measured.role_count >= {{ least_for_percentage() }}
                then 100 * {{ safe_divide('measured.involvement_count', 'measured.role_count') }}
        end as share_pct,
        100 * measured.share_lower as share_pct_lower,
        100 * measured.share_upper as share_pct_upper,
        case
            when measured.known_age_count >= {{ least_for_percentage() }} then measured.modal_age
        end as modal_age,
        case when measured.age_band_code = 'all' then measured.known_age_count end
            as known_age_count,
        case when measured.age_band_code = 'all' then measured.under_25_count end
            as under_25_count,
        case
            when
                measured.age_band_code = 'all'
                and measured.known_age_count >= {{ least_for_percentage() }}
                then
                    100 * {{ safe_divide('measured.under_25_count', 'measured.known_age_count') }}
        end as under_25_pct,
        case when measured.age_band_code = 'all' then 100 * measured.under_25_lower end
            as under_25_pct_lower,
        case when measured.age_band_code = 'all' then 100 * measured.under_25_upper end
            as under_25_pct_upper,
        case when measured.has_ratio then measured.share_ratio end as share_ratio,
        case when measured.has_ratio then measured.share_ratio_lower end as share_ratio_lower,
        case when measured.has_ratio then measured.share_ratio_upper end as share_ratio_upper,
        case when measured.has_ratio then measured.p_value end as p_value,
        case
            when measured.period_type = 'baseline' then null
            when measured.is_broken then 'not comparable'
            -- All of a whole: no share that could change.
            when not measured.has_ratio or measured.p_value is null then 'not assessed'
            when measured.p_value >= 0.05 then 'not distinguishable from chance'
            when measured.share_ratio > 1 then 'up'
            else 'down'
        end as verdict,
        measured.comparability_status,
        measured.comparability_text,
        false as is_suppressed
    from measured
    inner join indicators on measured.indicator_code = indicators.indicator_code
    cross join settings
)

select * from final
