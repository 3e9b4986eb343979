with pairs as (
    select * from {{ ref('int_indicator_pairs') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

comparability as (
    select * from {{ ref('int_indicator_comparability') }}
),

count_intervals as (
    select * from {{ ref('int_count_intervals') }}
),

share_intervals as (
    select * from {{ ref('int_share_intervals') }}
),

ratio_intervals as (
    select * from {{ ref('int_period_ratio_intervals') }}
),

measured as (
    select
        pairs.*,
        comparability.baseline_label,
        comparability.current_label,
        comparability.comparability_status,
        comparability.comparability_text,
        comparability.is_broken,
        -- Of a range there is no one ratio: from the least that it may be to the greatest.
        case when not pairs.is_range then least_ratios.rate_ratio end as rate_ratio,
        least_ratios.rate_ratio_lower,
        greatest_ratios.rate_ratio_upper,
        case when not pairs.is_range then least_ratios.p_value end as p_value,
        baseline.count_lower as baseline_count_lower,
        baseline.count_upper as baseline_count_upper,
        observed.count_lower as current_count_lower,
        most.count_upper as current_most_count_upper,
        -- The least share of a baseline's records of a flag that can have had it.
        shares.exact_lower as flag_share_lower
    from pairs
    inner join comparability on pairs.indicator_code = comparability.indicator_code
    -- Across what is to break comparisons there is no ratio.
    left join ratio_intervals as least_ratios
        on
            not comparability.is_broken
            and pairs.current_count = least_ratios.current_count
            and pairs.baseline_most_count = least_ratios.baseline_count
            and pairs.current_day_count = least_ratios.current_day_count
            and pairs.baseline_day_count = least_ratios.baseline_day_count
    left join ratio_intervals as greatest_ratios
        on
            not comparability.is_broken
            and pairs.current_most_count = greatest_ratios.current_count
            and pairs.baseline_count = greatest_ratios.baseline_count
            and pairs.current_day_count = greatest_ratios.current_day_count
            and pairs.baseline_day_count = greatest_ratios.baseline_day_count
    left join count_intervals as baseline
        on pairs.baseline_count = baseline.observed_count
    left join count_intervals as observed
        on pairs.current_count = observed.observed_count
    left join count_intervals as most
        on pairs.current_most_count = most.observed_count
    left join share_intervals as shares
        on
            pairs.is_range
            and pairs.baseline_count = shares.success_count
            and pairs.baseline_most_count = shares.trial_count
),

judged as (
    select
        *,
        case when not is_range then cast(current_count as double) end as current_estimate,
        case
            when not is_range then current_count_lower
            when is_broken then null
            -- Where the baseline has no record of the flag, nothing is known of its completeness.
            when current_count is not null then current_count_lower * coalesce(flag_share_lower, 0)
        end as current_estimate_lower,
        case when not is_range or not is_broken then current_most_count_upper end
            as current_estimate_upper,
        baseline_count >= {{ least_for_percentage() }}
        and current_count >= {{ least_for_percentage() }} as has_percentage,
        case
            when compared_month_count = 0 then 'No month can be counted in both years.'
            when missing_month_count = 1
                then 'One month that either year lacks is left out of both.'
            when missing_month_count > 1
                then
                    cast(missing_month_count as {{ dbt.type_string() }})
                    || ' months that either year lacks are left out of both.'
        end as missing_text,
        case
            when compared_month_count = 0 then null
            when excluded_month_count = 1
                then 'One month that a known event touches is left out of both years.'
            when excluded_month_count > 1
                then
                    cast(excluded_month_count as {{ dbt.type_string() }})
                    || ' months that a known event touches are left out of both years.'
        end as excluded_text
    from measured
),

final as (
    select
        judged.indicator_code,
        indicators.indicator_name,
        cast(indicators.indicator_order as integer) as indicator_order,
        indicators.is_headline,
        indicators.age_group,
        indicators.unit,
        indicators.definition,
        judged.area_id,
        judged.area_type,
        judged.area_name,
        judged.basis,
        judged.baseline_label as baseline_period_label,
        judged.current_label as current_period_label,
        judged.baseline_first_month,
        judged.baseline_last_month,
        judged.current_first_month,
        judged.current_last_month,
        judged.compared_month_count,
        judged.missing_month_count,
        judged.excluded_month_count,
        judged.baseline_day_count,
        judged.current_day_count,
        judged.baseline_count,
        judged.baseline_count_lower,
        judged.baseline_count_upper,
        judged.baseline_possible_count,
        judged.current_count,
        judged.current_possible_count,
        judged.current_estimate,
        judged.current_estimate_lower,
        judged.current_estimate_upper,
        judged.is_range,
        judged.rate_ratio,
        judged.rate_ratio_lower,
        judged.rate_ratio_upper,
        judged.p_value,
        case when judged.has_percentage then 100 * (judged.rate_ratio - 1) end as change_pct,
        case when judged.has_percentage then 100 * (judged.rate_ratio_lower - 1) end
            as change_pct_lower,
        case when judged.has_percentage then 100 * (judged.rate_ratio_upper - 1) end
            as change_pct_upper,
        case
            when judged.current_count is null then 'not assessed'
            when judged.is_broken then 'not comparable'
            when judged.current_most_count + judged.baseline_most_count = 0
                then 'none in either period'
            when judged.is_range and judged.rate_ratio_lower > 1 then 'up'
            when judged.is_range and judged.rate_ratio_upper < 1 then 'down'
            when judged.is_range then 'undecidable'
            when judged.p_value >= 0.05 then 'not distinguishable from chance'
            -- Counts a day: one year may be the longer.
            when
                judged.current_count * judged.baseline_day_count
                > judged.baseline_count * judged.current_day_count
                then 'up'
            else 'down'
        end as verdict,
        case
            when judged.compared_month_count = 0 then 'not_comparable'
            when judged.missing_month_count > 0 and judged.comparability_status = 'comparable'
                then 'caution'
            else judged.comparability_status
        end as comparability_status,
        nullif(
            concat_ws(
                ' ', judged.comparability_text, judged.excluded_text, judged.missing_text
            ),
            ''
        ) as comparability_text,
        false as is_suppressed
    from judged
    inner join indicators on judged.indicator_code = indicators.indicator_code
)

select * from final
