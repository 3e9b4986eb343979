-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
{% set ratio_columns = [
    'rate_ratio', 'rate_ratio_lower', 'rate_ratio_upper', 'p_value', 'interval_type',
    'phi_of_chance', 'midp_lower', 'midp_upper', 'midp_p_value',
    'smallest_detectable_rise_ratio', 'smallest_detectable_fall_ratio', 'events_needed',
    'unrestricted_rate_ratio', 'unrestricted_rate_ratio_lower', 'unrestricted_rate_ratio_upper',
    'unrestricted_p_value',
] -%}
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
    select * from {{ ref('int_indicator_ratio_intervals') }}
),

dispersions as (
    select * from {{ ref('int_indicator_dispersion') }}
),

measured as (
    select
        pairs.*,
        comparability.baseline_label,
        comparability.current_label,
        comparability.comparability_status,
        comparability.comparability_text,
        comparability.is_broken,
        -- Across what is to break comparisons there is no ratio.
        {%- for name in ratio_columns %}
        case when not comparability.is_broken then ratio_intervals.{{ name }} end as {{ name }},
        {%- endfor %}
        dispersions.phi_of_sums as phi,
        coalesce(dispersions.month_count, 0) as dispersion_month_count,
        dispersions.dispersion_status,
        baseline.count_lower as baseline_count_lower,
        baseline.count_upper as baseline_count_upper,
        observed.count_lower as current_count_lower,
        most.count_upper as current_most_count_upper,
        -- The least share of a baseline's records of a flag that can have had it.
        shares.exact_lower as flag_share_lower
    from pairs
    inner join comparability on pairs.indicator_code = comparability.indicator_code
    left join ratio_intervals
        on
            pairs.indicator_code = ratio_intervals.indicator_code
            and pairs.area_id = ratio_intervals.area_id
            and pairs.basis = ratio_intervals.basis
    left join dispersions
        on
            pairs.indicator_code = dispersions.indicator_code
            and pairs.area_id = dispersions.area_id
            and pairs.basis = dispersions.basis
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
        {{ verdict_of_change() }} as verdict,
        {{ verdict_of_change('unrestricted_') }} as unrestricted_verdict,
        compared_month_count - unrestricted_month_count as restricted_month_count,
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

worded as (
    select
        *,
        case
            when verdict in ('not assessed', 'none in either period', 'not comparable')
                then verdict || '.'
            when is_range
                then
                    'Between '
                    || {{ two_decimals('rate_ratio_lower') }}
                    || coalesce(
                        ' and ' || {{ two_decimals('rate_ratio_upper') }} || ' times',
                        ' times and without a limit'
                    )
                    || ' the baseline: '
                    || verdict
                    || '.'
            else
                {{ with_commas('current_count') }}
                || ' against '
                || {{ with_commas('baseline_count') }}
                || coalesce(
                    ', '
                    || {{ two_decimals('rate_ratio') }}
                    || ' times as many a day (95% interval '
                    || {{ two_decimals('rate_ratio_lower') }}
                    || ' to '
                    || {{ two_decimals('rate_ratio_upper') }}
                    || ')',
                    ''
                )
                || ': '
                || verdict
                || '.'
        end as ratio_text,
        case
            when verdict = 'not distinguishable from chance' and events_needed is not null
                then
                    'To find a change of this size four times in five takes '
                    || {{ with_commas('events_needed') }}
                    || ' in the baseline.'
        end as needed_text,
        case
            when smallest_detectable_rise_ratio is not null and not is_broken
                then
                    'A baseline of '
                    || {{ with_commas('baseline_count') }}
                    || ' shows four times in five a rise to '
                    || {{ two_decimals('smallest_detectable_rise_ratio') }}
                    || ' times or beyond and '
                    || coalesce(
                        'a fall to '
                        || {{ two_decimals('smallest_detectable_fall_ratio') }}
                        || ' times or beyond.',
                        'no fall, however deep.'
                    )
        end as detectable_text,
        case
            when interval_type is null then null
            when phi is null
                then
                    'Whether counts scatter more than chance alone makes them is not assessed: '
                    || case
                        when dispersion_month_count < {{ least_months_for_dispersion() }}
                            then
                                'it takes {{ least_months_for_dispersion() }} months without a '
                                || 'known change or lockdown, and there are '
                                || cast(dispersion_month_count as {{ dbt.type_string() }})
                                || '.'
                        else 'their months do not tell (' || dispersion_status || ').'
                    end
                    || case
                        when verdict in ('up', 'down') and phi_of_chance > 1
                            then
                                ' The change would be within chance if they scattered '
                                || {{ one_decimal('phi_of_chance') }}
                                || ' times as much.'
                        else ''
                    end
            when interval_type = 'exact'
                then
                    'Counts scatter no more than chance makes them, as '
                    || cast(dispersion_month_count as {{ dbt.type_string() }})
                    || ' months show.'
            else
                'Counts scatter '
                || {{ two_decimals('phi') }}
                || ' times as much as chance makes them, as '
                || cast(dispersion_month_count as {{ dbt.type_string() }})
                || ' months show, and the interval is widened for it.'
        end as dispersion_text,
        case
            when is_broken or restricted_month_count = 0 then null
            when unrestricted_current_count is null
                then 'Every month compared had restrictions in one of the years.'
            else
                'Without the '
                || cast(restricted_month_count as {{ dbt.type_string() }})
                || ' months of lockdown or the way out of one, '
                || {{ with_commas('unrestricted_current_count') }}
                || ' against '
                || {{ with_commas('unrestricted_baseline_count') }}
                || coalesce(
                    ', '
                    || {{ two_decimals('unrestricted_rate_ratio') }}
                    || ' times ('
                    || {{ two_decimals('unrestricted_rate_ratio_lower') }}
                    || ' to '
                    || {{ two_decimals('unrestricted_rate_ratio_upper') }}
                    || ')',
                    ''
                )
                || ': '
                || unrestricted_verdict
                || '.'
        end as restricted_text
    from judged
),

final as (
    select
        worded.indicator_code,
        indicators.indicator_name,
        cast(indicators.indicator_order as integer) as indicator_order,
        indicators.is_headline,
        indicators.age_group,
        indicators.unit,
        indicators.definition,
        worded.area_id,
        worded.area_type,
        worded.area_name,
        worded.basis,
        worded.baseline_label as baseline_period_label,
        worded.current_label as current_period_label,
        worded.baseline_first_month,
        worded.baseline_last_month,
        worded.current_first_month,
        worded.current_last_month,
        worded.compared_month_count,
        worded.missing_month_count,
        worded.excluded_month_count,
        worded.baseline_day_count,
        worded.current_day_count,
        worded.baseline_count,
        worded.baseline_count_lower,
        worded.baseline_count_upper,
        worded.baseline_possible_count,
        worded.current_count,
        worded.current_possible_count,
        worded.current_estimate,
        worded.current_estimate_lower,
        worded.current_estimate_upper,
        worded.is_range,
        worded.rate_ratio,
        worded.rate_ratio_lower,
        worded.rate_ratio_upper,
        worded.p_value,
        case when worded.has_percentage then 100 * (worded.rate_ratio - 1) end as change_pct,
        case when worded.has_percentage then 100 * (worded.rate_ratio_lower - 1) end
            as change_pct_lower,
        case when worded.has_percentage then 100 * (worded.rate_ratio_upper - 1) end
            as change_pct_upper,
        worded.verdict,
        worded.interval_type,
        worded.phi,
        cast(worded.dispersion_month_count as integer) as dispersion_month_count,
        worded.dispersion_text,
        worded.phi_of_chance,
        worded.midp_lower as rate_ratio_midp_lower,
        worded.midp_upper as rate_ratio_midp_upper,
        worded.midp_p_value,
        worded.smallest_detectable_rise_ratio,
        worded.smallest_detectable_fall_ratio,
        cast(worded.events_needed as bigint) as events_needed_count,
        cast(worded.restricted_month_count as integer) as restricted_month_count,
        worded.unrestricted_baseline_count,
        worded.unrestricted_current_count,
        worded.unrestricted_rate_ratio,
        worded.unrestricted_rate_ratio_lower,
        worded.unrestricted_rate_ratio_upper,
        worded.unrestricted_p_value,
        worded.unrestricted_verdict,
        concat_ws(
            ' ',
            worded.ratio_text,
            worded.needed_text,
            worded.detectable_text,
            worded.dispersion_text,
            worded.restricted_text
        ) as change_text,
        case
            when worded.compared_month_count = 0 then 'not_comparable'
            when worded.missing_month_count > 0 and worded.comparability_status = 'comparable'
                then 'caution'
            else worded.comparability_status
        end as comparability_status,
        nullif(
            concat_ws(
                ' ', worded.comparability_text, worded.excluded_text, worded.missing_text
            ),
            ''
        ) as comparability_text,
        false as is_suppressed
    from worded
    inner join indicators on worded.indicator_code = indicators.indicator_code
)

select * from final
