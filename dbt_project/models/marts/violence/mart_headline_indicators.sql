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
        ratios.rate_ratio,
        ratios.rate_ratio_lower,
        ratios.rate_ratio_upper,
        ratios.p_value,
        baseline.count_lower as baseline_count_lower,
        baseline.count_upper as baseline_count_upper,
        observed.count_lower as ratio_current_count_lower,
        observed.count_upper as ratio_current_count_upper,
        -- How much of what can carry the flag carried it in the baseline.
        {{ safe_divide('pairs.baseline_count', 'pairs.ratio_baseline_count') }} as flag_share,
        shares.exact_lower as flag_share_lower,
        shares.exact_upper as flag_share_upper
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
        on pairs.ratio_current_count = observed.observed_count
    left join share_intervals as shares
        on
            pairs.is_estimated
            and pairs.baseline_count = shares.success_count
            and pairs.ratio_baseline_count = shares.trial_count
),

-- The flag at the completeness of the baseline is a count times a share, each with its own chance:
-- the limits of the product are those of MOVER (Zou and Donner, Statistics in Medicine 27 (2008)
-- 1693-1702).
estimated as (
    select
        *,
        case
            when is_estimated then ratio_current_count * flag_share
            else cast(current_count as double)
        end as current_estimate,
        case
            when is_estimated
                then
                    ratio_current_count * flag_share
                    - sqrt(
                        power((ratio_current_count - ratio_current_count_lower) * flag_share, 2)
                        + power(ratio_current_count * (flag_share - flag_share_lower), 2)
                    )
            else ratio_current_count_lower
        end as unbounded_lower,
        case
            when is_estimated
                then
                    ratio_current_count * flag_share
                    + sqrt(
                        power((ratio_current_count_upper - ratio_current_count) * flag_share, 2)
                        + power(ratio_current_count * (flag_share_upper - flag_share), 2)
                    )
            else ratio_current_count_upper
        end as current_estimate_upper
    from measured
),

judged as (
    select
        *,
        case when unbounded_lower < 0 then 0 else unbounded_lower end as current_estimate_lower,
        baseline_count >= {{ least_for_percentage() }}
        and current_estimate >= {{ least_for_percentage() }}
        and ratio_current_count >= {{ least_for_percentage() }} as has_percentage,
        case
            when compared_month_count = 0 then 'No month can be counted in both years.'
            when missing_month_count = 1
                then 'One month that either year lacks is left out of both.'
            when missing_month_count > 1
                then
                    cast(missing_month_count as {{ dbt.type_string() }})
                    || ' months that either year lacks are left out of both.'
        end as missing_text
    from estimated
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
        comparability.baseline_label as baseline_period_label,
        comparability.current_label as current_period_label,
        judged.baseline_first_month,
        judged.baseline_last_month,
        judged.current_first_month,
        judged.current_last_month,
        judged.compared_month_count,
        judged.missing_month_count,
        judged.baseline_day_count,
        judged.current_day_count,
        judged.baseline_count,
        judged.baseline_count_lower,
        judged.baseline_count_upper,
        judged.current_count,
        judged.current_estimate,
        judged.current_estimate_lower,
        judged.current_estimate_upper,
        judged.is_estimated,
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
            when judged.ratio_current_count is null then 'not assessed'
            when judged.ratio_current_count + judged.ratio_baseline_count = 0
                then 'none in either period'
            when judged.p_value >= 0.05 then 'not distinguishable from chance'
            -- Counts a day: one year may be the longer.
            when
                judged.ratio_current_count * judged.baseline_day_count
                > judged.ratio_baseline_count * judged.current_day_count
                then 'up'
            else 'down'
        end as verdict,
        case
            when judged.compared_month_count = 0 then 'not_comparable'
            when
                judged.missing_month_count > 0
                and comparability.comparability_status = 'comparable'
                then 'caution'
            else comparability.comparability_status
        end as comparability_status,
        nullif(
            concat_ws(' ', comparability.comparability_text, judged.missing_text), ''
        ) as comparability_text,
        false as is_suppressed
    from judged
    inner join indicators on judged.indicator_code = indicators.indicator_code
    inner join comparability on indicators.record_type = comparability.record_type
)

select * from final
