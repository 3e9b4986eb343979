with pairs as (
    select * from {{ ref('int_indicator_pairs') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

areas as (
    select * from {{ ref('dim_area') }}
),

comparison as (
    select * from {{ ref('int_period_comparability_summary') }}
    where period_type = 'year_to_date' and is_configured_pair
),

count_intervals as (
    select * from {{ ref('int_count_intervals') }}
),

ratio_intervals as (
    select * from {{ ref('int_period_ratio_intervals') }}
),

measured as (
    select
        pairs.*,
        ratios.rate_ratio,
        ratios.rate_ratio_lower,
        ratios.rate_ratio_upper,
        ratios.p_value,
        baseline.count_lower as baseline_count_lower,
        baseline.count_upper as baseline_count_upper,
        observed.count_lower as current_count_lower,
        observed.count_upper as current_count_upper,
        cast(pairs.current_day_count as double) / nullif(pairs.baseline_day_count, 0)
            as day_ratio,
        -- Below 20 on either side a percentage says more than the counts do.
        pairs.ratio_baseline_count >= 20 and pairs.ratio_current_count >= 20 as has_percentage
    from pairs
    left join ratio_intervals as ratios
        on
            pairs.ratio_current_count = ratios.current_count
            and pairs.ratio_baseline_count = ratios.baseline_count
            and pairs.current_day_count = ratios.current_day_count
            and pairs.baseline_day_count = ratios.baseline_day_count
    left join count_intervals as baseline
        on pairs.baseline_count = baseline.observed_count
    left join count_intervals as observed
        on pairs.current_count = observed.observed_count
),

final as (
    select
        measured.indicator_code,
        indicators.indicator_name,
        cast(indicators.indicator_order as integer) as indicator_order,
        indicators.is_headline,
        indicators.age_group,
        indicators.unit,
        indicators.definition,
        measured.area_id,
        measured.area_type,
        areas.area_name,
        measured.basis,
        comparison.baseline_label as baseline_period_label,
        comparison.current_label as current_period_label,
        measured.baseline_first_month,
        measured.baseline_last_month,
        measured.current_first_month,
        measured.current_last_month,
        measured.compared_month_count,
        measured.missing_month_count,
        measured.baseline_day_count,
        measured.current_day_count,
        measured.baseline_count,
        measured.baseline_count_lower,
        measured.baseline_count_upper,
        measured.current_count,
        -- Where a flag is read at the completeness of the baseline, what the current period would
        -- have counted follows from the ratio.
        case
            when measured.is_estimated
                then measured.rate_ratio * measured.baseline_count * measured.day_ratio
            else cast(measured.current_count as double)
        end as current_estimate,
        case
            when measured.is_estimated
                then measured.rate_ratio_lower * measured.baseline_count * measured.day_ratio
            else measured.current_count_lower
        end as current_estimate_lower,
        case
            when measured.is_estimated
                then measured.rate_ratio_upper * measured.baseline_count * measured.day_ratio
            else measured.current_count_upper
        end as current_estimate_upper,
        measured.is_estimated,
        measured.rate_ratio,
        measured.rate_ratio_lower,
        measured.rate_ratio_upper,
        measured.p_value,
        case when measured.has_percentage then 100 * (measured.rate_ratio - 1) end as change_pct,
        case when measured.has_percentage then 100 * (measured.rate_ratio_lower - 1) end
            as change_pct_lower,
        case when measured.has_percentage then 100 * (measured.rate_ratio_upper - 1) end
            as change_pct_upper,
        case
            when measured.ratio_current_count is null then 'not assessed'
            when measured.ratio_current_count + measured.ratio_baseline_count = 0
                then 'none in either period'
            when measured.p_value >= 0.05 then 'not distinguishable from chance'
            when
                cast(measured.ratio_current_count as double)
                / measured.current_day_count
                > cast(measured.ratio_baseline_count as double) / measured.baseline_day_count
                then 'up'
            else 'down'
        end as verdict,
        comparison.comparability_status,
        comparison.comparability_text,
        false as is_suppressed
    from measured
    inner join indicators on measured.indicator_code = indicators.indicator_code
    left join areas on measured.area_id = areas.area_id
    cross join comparison
)

select * from final
