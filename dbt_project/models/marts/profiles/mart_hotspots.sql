with counts as (
    select
        *,
        rank() over (
            partition by subject_code, area_type, period_type order by event_count desc
        ) as area_rank
    from {{ ref('int_area_counts') }}
),

baseline as (
    select * from counts
    where period_type = 'baseline'
),

measures as (
    select * from {{ ref('int_area_measures') }}
),

spans as (
    select * from {{ ref('int_profile_spans') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

areas as (
    select * from {{ ref('dim_area') }}
),

measured as (
    select
        counts.*,
        spans.indicator_code,
        spans.period_label,
        spans.first_month,
        spans.last_month,
        spans.month_count,
        spans.is_broken,
        spans.comparability_status,
        spans.comparability_text,
        baseline.area_rank as baseline_rank,
        baseline.event_count as baseline_count,
        baseline.day_count as baseline_day_count,
        measures.exposure_type,
        measures.event_count_lower,
        measures.event_count_upper,
        measures.smoothed_count,
        measures.smoothed_count_lower,
        measures.smoothed_count_upper,
        measures.is_top_tenth,
        measures.gini,
        measures.gini_by_chance_lower,
        measures.gini_by_chance_upper,
        measures.top_tenth_share,
        measures.baseline_top_tenth_share,
        measures.baseline_top_tenth_share_lower,
        measures.baseline_top_tenth_share_upper,
        counts.period_type = 'current' and not spans.is_broken as is_compared,
        measures.rate_ratio,
        measures.rate_ratio_lower,
        measures.rate_ratio_upper,
        measures.p_value,
        measures.q_value,
        sum(counts.event_count) over (
            partition by counts.subject_code, counts.area_type, counts.period_type
        ) as level_count
    from counts
    inner join spans
        on counts.subject_code = spans.subject_code and counts.period_type = spans.period_type
    inner join baseline
        on counts.subject_code = baseline.subject_code and counts.area_id = baseline.area_id
    inner join measures
        on
            counts.subject_code = measures.subject_code
            and counts.area_id = measures.area_id
            and counts.period_type = measures.period_type
),

final as (
    select
        measured.indicator_code,
        indicators.indicator_name,
        measured.area_id,
        measured.area_type,
        coalesce(areas.area_name, {{ split_part('measured.area_id', '/', 2) }}) as area_name,
        measured.period_type,
        measured.period_label,
        'recorded' as basis,
        measured.first_month,
        measured.last_month,
        measured.month_count,
        measured.day_count,
        measured.event_count,
        measured.event_count_lower,
        measured.event_count_upper,
        measured.unrestricted_count,
        measured.population_count,
        measured.population_year,
        case when measured.population_count is null then 'not supplied' else 'supplied' end
            as population_status,
        1000 * {{ safe_divide('measured.event_count', 'measured.population_count') }}
            as rate_per_1000,
        1000 * {{ safe_divide('measured.event_count_lower', 'measured.population_count') }}
            as rate_per_1000_lower,
        1000 * {{ safe_divide('measured.event_count_upper', 'measured.population_count') }}
            as rate_per_1000_upper,
        measured.exposure_type as smoothing_exposure_type,
        measured.smoothed_count,
        measured.smoothed_count_lower,
        measured.smoothed_count_upper,
        1000 * {{ safe_divide('measured.smoothed_count', 'measured.population_count') }}
            as smoothed_rate_per_1000,
        cast(measured.area_rank as integer) as area_rank,
        cast(measured.baseline_rank as integer) as baseline_rank,
        case
            when measured.period_type = 'current'
                then cast(measured.baseline_rank - measured.area_rank as integer)
        end as rank_rise,
        measured.is_top_tenth,
        case
            when measured.level_count >= {{ least_for_percentage() }}
                then 100 * measured.top_tenth_share
        end as top_tenth_share_pct,
        case
            when measured.level_count >= {{ least_for_percentage() }}
                then 100 * measured.baseline_top_tenth_share
        end as baseline_top_tenth_share_pct,
        100 * measured.baseline_top_tenth_share_lower as baseline_top_tenth_share_pct_lower,
        100 * measured.baseline_top_tenth_share_upper as baseline_top_tenth_share_pct_upper,
        measured.gini,
        measured.gini_by_chance_lower,
        measured.gini_by_chance_upper,
        case
            when measured.gini is null then 'not assessed'
            when measured.gini > measured.gini_by_chance_upper
                then 'more concentrated than by chance'
            else 'not distinguishable from chance'
        end as concentration_verdict,
        case when measured.is_compared then measured.rate_ratio end as rate_ratio,
        case when measured.is_compared then measured.rate_ratio_lower end as rate_ratio_lower,
        case when measured.is_compared then measured.rate_ratio_upper end as rate_ratio_upper,
        case when measured.is_compared then measured.p_value end as p_value,
        case when measured.is_compared then measured.q_value end as q_value,
        case
            when
                measured.q_value > {{ false_discovery_rate() }}
                and measured.is_compared
                then 'not distinguishable from chance'
            else
                {{ change_verdict(
                    'measured.period_type', 'measured.event_count', 'measured.baseline_count',
                    'measured.day_count', 'measured.baseline_day_count', 'measured.p_value',
                    'measured.is_broken'
                ) }}
        end as verdict,
        areas.imd_decile,
        case
            when areas.imd_decile is not null then 'supplied'
            when measured.area_type = 'lsoa' then 'not supplied'
            else 'not published for this kind of area'
        end as imd_status,
        measured.comparability_status,
        measured.comparability_text,
        false as is_suppressed
    from measured
    inner join indicators on measured.indicator_code = indicators.indicator_code
    left join areas on measured.area_id = areas.area_id
)

select * from final
