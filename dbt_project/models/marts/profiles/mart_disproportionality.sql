with counts as (
    select * from {{ ref('int_ethnic_counts') }}
),

measures as (
    select * from {{ ref('disproportionality_measures') }}
),

spans as (
    select * from {{ ref('int_profile_spans') }}
),

ratios as (
    select * from {{ ref('int_disproportionality_ratios') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

count_intervals as (
    select * from {{ ref('int_count_intervals') }}
),

enough as (
    select
        counts.measure_code,
        counts.ethnic_group_code,
        counts.period_type,
        least(counts.event_count, white.event_count) >= {{ least_for_percentage() }} as is_enough
    from counts
    inner join counts as white
        on
            counts.measure_code = white.measure_code
            and counts.period_type = white.period_type
            and white.ethnic_group_code = 'white'
),

measured as (
    select
        counts.*,
        measures.measure_name,
        measures.measure_order,
        measures.unit,
        measures.definition,
        spans.period_label,
        spans.first_month,
        spans.last_month,
        spans.month_count,
        spans.day_count,
        spans.is_broken,
        spans.comparability_status,
        spans.comparability_text,
        count_intervals.count_lower,
        count_intervals.count_upper,
        coalesce(enough.is_enough, false) as has_ratio,
        coalesce(enough.is_enough and before.is_enough, false)
        and counts.period_type = 'current'
        and not spans.is_broken as has_change,
        case
            when counts.period_type = 'current' then ratios.current_ratio
            else ratios.baseline_ratio
        end as rate_ratio,
        case
            when counts.period_type = 'current' then ratios.current_ratio_lower
            else ratios.baseline_ratio_lower
        end as rate_ratio_lower,
        case
            when counts.period_type = 'current' then ratios.current_ratio_upper
            else ratios.baseline_ratio_upper
        end as rate_ratio_upper,
        case
            when counts.period_type = 'current' then ratios.current_p_value
            else ratios.baseline_p_value
        end as p_value,
        ratios.change_ratio,
        ratios.change_ratio_lower,
        ratios.change_ratio_upper,
        ratios.change_p_value
    from counts
    inner join measures on counts.measure_code = measures.measure_code
    inner join spans
        on counts.subject_code = spans.subject_code and counts.period_type = spans.period_type
    left join ratios
        on
            counts.measure_code = ratios.measure_code
            and counts.ethnic_group_code = ratios.ethnic_group_code
    left join enough
        on
            counts.measure_code = enough.measure_code
            and counts.ethnic_group_code = enough.ethnic_group_code
            and counts.period_type = enough.period_type
    left join enough as before
        on
            counts.measure_code = before.measure_code
            and counts.ethnic_group_code = before.ethnic_group_code
            and before.period_type = 'baseline'
    left join count_intervals on counts.event_count = count_intervals.observed_count
),

final as (
    select
        measured.measure_code,
        measured.measure_name,
        cast(measured.measure_order as integer) as measure_order,
        measured.unit,
        measured.definition,
        'force/' || settings.force_code as area_id,
        measured.ethnic_group_code,
        measured.period_type,
        measured.period_label,
        'recorded' as basis,
        measured.first_month,
        measured.last_month,
        measured.month_count,
        measured.day_count,
        measured.event_count,
        measured.count_lower as event_count_lower,
        measured.count_upper as event_count_upper,
        measured.unrestricted_count,
        measured.officer_defined_count,
        measured.population_count,
        case
            when measured.ethnic_group_code = 'unknown' then 'no denominator'
            when measured.population_count is null then 'denominator not supplied'
            else 'supplied'
        end as denominator_status,
        case
            when measured.population_count is not null
                then
                    'Census 2021 (ONS), usual residents of all ages, districts of the force area: '
                    || cast(measured.district_count as {{ dbt.type_string() }})
                    || '; the same for both periods'
        end as denominator_source,
        1000 * {{ safe_divide('measured.event_count', 'measured.population_count') }}
            as rate_per_1000,
        1000 * {{ safe_divide('measured.count_lower', 'measured.population_count') }}
            as rate_per_1000_lower,
        1000 * {{ safe_divide('measured.count_upper', 'measured.population_count') }}
            as rate_per_1000_upper,
        case when measured.has_ratio then measured.rate_ratio end as rate_ratio,
        case when measured.has_ratio then measured.rate_ratio_lower end as rate_ratio_lower,
        case when measured.has_ratio then measured.rate_ratio_upper end as rate_ratio_upper,
        case when measured.has_ratio then measured.p_value end as p_value,
        case
            when measured.ethnic_group_code = 'white' then 'group compared with'
            when measured.ethnic_group_code = 'unknown' then 'not assessed'
            when measured.event_count is null then 'not assessed'
            when measured.population_count is null then 'denominator not supplied'
            when not measured.has_ratio then 'too few to compare'
            when measured.rate_ratio is null then 'not assessed'
            when measured.p_value >= 0.05 then 'not distinguishable from chance'
            when measured.rate_ratio > 1 then 'higher than the white population'
            else 'lower than the white population'
        end as verdict,
        case when measured.has_change then measured.change_ratio end as change_ratio,
        case when measured.has_change then measured.change_ratio_lower end as change_ratio_lower,
        case when measured.has_change then measured.change_ratio_upper end as change_ratio_upper,
        case when measured.has_change then measured.change_p_value end as change_p_value,
        case
            when
                measured.period_type = 'baseline'
                or measured.ethnic_group_code in ('white', 'unknown')
                then null
            when measured.event_count is null then 'not assessed'
            when measured.is_broken then 'not comparable'
            when measured.population_count is null then 'denominator not supplied'
            when not measured.has_change then 'too few to compare'
            when measured.change_ratio is null then 'not assessed'
            when measured.change_p_value >= 0.05 then 'not distinguishable from chance'
            when measured.change_ratio > 1 then 'up'
            else 'down'
        end as change_verdict,
        measured.comparability_status,
        measured.comparability_text,
        false as is_suppressed
    from measured
    cross join settings
)

select * from final
