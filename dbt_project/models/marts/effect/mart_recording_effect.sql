-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
{% set judgements = [
    'recorded_ratio', 'recorded_ratio_lower', 'recorded_ratio_upper', 'dispersion',
    'effect_ratio', 'effect_ratio_lower', 'effect_ratio_upper',
    'adjusted_ratio', 'adjusted_ratio_lower', 'adjusted_ratio_upper', 'adjusted_rise_probability',
    'p_value', 'autocorrelation', 'vif', 'condition_number', 'used_period_count',
    'donor_count', 'placebo_rank', 'distance_rank', 'compared_unit_count', 'attained_level',
    'conformal_lower', 'conformal_upper', 'pre_rmspe', 'rmspe_ratio', 'rmspe_ratio_rank',
    'leave_one_out_least', 'leave_one_out_greatest', 'ratio_before_last_change', 'caution_text',
] -%}
with of_records as (
    select * from {{ ref('int_recording_effects_of_records') }}
),

of_offences as (
    select * from {{ ref('int_recording_effects_of_offences') }}
),

methods as (
    select * from {{ ref('recording_effect_methods') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

indicator_series as (
    select * from {{ ref('int_indicator_series') }}
    where basis = 'recorded'
),

comparability as (
    select * from {{ ref('int_indicator_comparability') }}
),

offences as (
    select distinct
        measure_code,
        offence_name,
        offence_level
    from {{ ref('int_recording_effect_quarters') }}
),

forces as (
    select * from {{ ref('forces') }}
),

configuration as (
    select * from {{ ref('stg_ledger__configuration') }}
),

coverage as (
    select * from {{ ref('recording_effect_coverage') }}
),

regions as (
    select distinct
        'region/' || region_code as area_id,
        region_name as area_name
    from forces
    where region_code is not null
),

named as (
    select
        'force_records' as measure_source,
        indicators.indicator_name as measure_name,
        indicator_series.area_type,
        indicator_series.area_name,
        comparability.baseline_label as baseline_period_label,
        comparability.current_label as current_period_label,
        coalesce(comparability.is_broken, false) as is_broken,
        of_records.*
    from of_records
    inner join indicators on of_records.measure_code = indicators.indicator_code
    inner join indicator_series
        on
            of_records.measure_code = indicator_series.indicator_code
            and of_records.area_id = indicator_series.area_id
    inner join comparability on of_records.measure_code = comparability.indicator_code

    union all

    select
        'home_office' as measure_source,
        'Recorded: ' || offences.offence_name as measure_name,
        {{ split_part('of_offences.area_id', '/', 1) }} as area_type,
        coalesce(forces.force_name, regions.area_name, of_offences.area_id) as area_name,
        configuration.baseline_year as baseline_period_label,
        configuration.current_year as current_period_label,
        false as is_broken,
        of_offences.*
    from of_offences
    inner join offences on of_offences.measure_code = offences.measure_code
    cross join configuration
    left join forces on of_offences.area_id = 'force/' || forces.force_code
    left join regions on of_offences.area_id = regions.area_id
),

-- Across a known event that breaks the comparison there are counts and nothing else.
comparable as (
    select
        measure_source,
        measure_code,
        measure_name,
        area_id,
        area_type,
        area_name,
        method_code,
        variant_code,
        baseline_period_label,
        current_period_label,
        baseline_count,
        current_count,
        case when is_broken then 'not_assessed' else estimate_status end as estimate_status,
        case
            when is_broken
                then 'A known event breaks the comparison of the two periods: counts only.'
            else reason_text
        end as reason_text
        {%- for judgement in judgements %},
        case when not is_broken then {{ judgement }} end as {{ judgement }}
        {%- endfor %}
    from named
),

described as (
    select
        comparable.*,
        methods.method_order,
        methods.method_name,
        methods.variant_name,
        methods.is_main_variant,
        methods.holds_type,
        methods.holds_text,
        methods.assumptions,
        methods.cannot_text,
        comparable.estimate_status = 'estimated' as is_estimated,
        methods.holds_type in ('recording', 'beyond_injury') as is_of_recording,
        comparable.method_code = 'like_for_like'
        or (
            comparable.method_code = 'hospital_controlled'
            and comparable.variant_code in ('own', 'region')
        ) as is_left_counted,
        case
            when comparable.recorded_ratio_lower is null and comparable.recorded_ratio_upper is null
                then 'not assessed'
            when comparable.recorded_ratio_lower > 1 then 'up'
            when comparable.recorded_ratio_upper < 1 then 'down'
            else 'not distinguishable from chance'
        end as recorded_verdict
    from comparable
    inner join methods
        on
            comparable.method_code = methods.method_code
            and comparable.variant_code = methods.variant_code
),

-- What is left of the change at the ends of the range of the effect. Like for like, and against
-- admissions, it is counted by itself: dividing would take the chance of the records twice. An
-- effect without a limit leaves anything.
ranged as (
    select
        *,
        case
            when is_left_counted then adjusted_ratio_lower
            else recorded_ratio_lower / effect_ratio_upper
        end as left_lower,
        case
            when is_left_counted then adjusted_ratio_upper
            else recorded_ratio_upper / nullif(effect_ratio_lower, 0)
        end as left_upper
    from described
),

judged as (
    select
        *,
        case
            when not is_estimated or recorded_verdict = 'not assessed' then 'not assessed'
            when recorded_verdict = 'up' and left_lower > 1 then 'robust'
            when recorded_verdict = 'down' and left_upper < 1 then 'robust'
            when recorded_verdict = 'up' and left_upper < 1 then 'reversed'
            when recorded_verdict = 'down' and left_lower > 1 then 'reversed'
            when recorded_verdict = 'not distinguishable from chance' and left_lower > 1
                then 'masked_rise'
            when recorded_verdict = 'not distinguishable from chance' and left_upper < 1
                then 'masked_fall'
            else 'undecidable'
        end as change_verdict
    from ranged
),

compared as (
    select
        measure_code,
        area_id,
        cast(count(*) as integer) as estimated_method_count,
        min(change_verdict) as least_verdict,
        max(change_verdict) as greatest_verdict,
        min(case when is_of_recording then change_verdict end) as least_recording_verdict,
        max(case when is_of_recording then change_verdict end) as greatest_recording_verdict,
        sum(case when is_of_recording then 1 else 0 end) as recording_method_count,
        -- An assessment without data behind it agrees with others, and with nothing alone.
        sum(
            case when is_of_recording and method_code <> 'assessed' then 1 else 0 end
        ) as measured_recording_count,
        -- What also holds crime should differ from what does not: only the others are compared.
        max(case when is_of_recording then coalesce(effect_ratio_lower, 0) end)
            as shared_ratio_lower,
        min(case when is_of_recording then effect_ratio_upper end) as shared_ratio_upper,
        sum(case when change_verdict = 'robust' then 1 else 0 end) as robust_count,
        sum(case when change_verdict = 'undecidable' then 1 else 0 end) as undecidable_count,
        sum(case when change_verdict = 'reversed' then 1 else 0 end) as reversed_count,
        sum(case when change_verdict = 'masked_rise' then 1 else 0 end) as masked_rise_count,
        sum(case when change_verdict = 'masked_fall' then 1 else 0 end) as masked_fall_count
    from judged
    where is_estimated and is_main_variant and change_verdict <> 'not assessed'
    group by measure_code, area_id
),

agreement as (
    select
        *,
        case when least_verdict = greatest_verdict then least_verdict else 'undecidable' end
            as agreement_verdict,
        case
            when measured_recording_count = 0 then 'not assessed'
            when least_recording_verdict = greatest_recording_verdict then least_recording_verdict
            else 'undecidable'
        end as recording_agreement_verdict,
        recording_method_count > 1 as is_compared,
        recording_method_count > 1
        and shared_ratio_lower <= coalesce(shared_ratio_upper, shared_ratio_lower)
            as is_shared
    from compared
),

covered as (
    select
        method_code,
        variant_code,
        min(case when is_assumption_met then coverage_pct end) as coverage_pct,
        max(case when is_assumption_met then claim_pct end) as false_claim_pct,
        {{ dbt.listagg(
            "case when not is_assumption_met then condition_text || ': '"
            ~ " || cast(cast(round(coverage_pct, 1) as decimal(5, 1)) as "
            ~ dbt.type_string() ~ ") || '%' end",
            "'; '",
            'order by condition_order',
        ) }} as failing_text
    from coverage
    group by method_code, variant_code
),

final as (
    select
        judged.measure_source,
        judged.measure_code,
        judged.measure_name,
        judged.area_id,
        judged.area_type,
        judged.area_name,
        judged.method_code,
        judged.variant_code,
        cast(judged.method_order as integer) as method_order,
        judged.method_name,
        judged.variant_name,
        judged.is_main_variant,
        judged.holds_type,
        judged.holds_text,
        'recorded' as basis,
        judged.baseline_period_label,
        judged.current_period_label,
        judged.baseline_count,
        judged.current_count,
        judged.recorded_ratio,
        judged.recorded_ratio_lower,
        judged.recorded_ratio_upper,
        judged.dispersion,
        judged.recorded_verdict,
        judged.estimate_status,
        judged.reason_text,
        judged.effect_ratio,
        judged.effect_ratio_lower,
        judged.effect_ratio_upper,
        judged.is_estimated and judged.method_code <> 'assessed'
        and coalesce(judged.effect_ratio_lower > 1 or judged.effect_ratio_upper < 1, false)
            as is_effect_claimed,
        judged.p_value,
        -- Of the others the effect holds more than recording, and makes no count of it.
        case
            when judged.holds_type = 'recording'
                then judged.current_count - judged.current_count / judged.effect_ratio
        end as recording_count,
        case
            when judged.holds_type = 'recording'
                then
                    judged.current_count
                    - judged.current_count / nullif(judged.effect_ratio_lower, 0)
        end as recording_count_lower,
        case
            when judged.holds_type = 'recording'
                then judged.current_count - judged.current_count / judged.effect_ratio_upper
        end as recording_count_upper,
        judged.adjusted_ratio,
        judged.adjusted_ratio_lower,
        judged.adjusted_ratio_upper,
        judged.adjusted_rise_probability,
        -- An effect of this size would be the whole of the change.
        judged.recorded_ratio as tipping_ratio,
        judged.change_verdict,
        judged.used_period_count,
        judged.autocorrelation,
        judged.vif,
        judged.condition_number,
        judged.donor_count,
        judged.placebo_rank,
        judged.distance_rank,
        judged.compared_unit_count,
        judged.attained_level,
        judged.conformal_lower,
        judged.conformal_upper,
        judged.pre_rmspe,
        judged.rmspe_ratio,
        judged.rmspe_ratio_rank,
        judged.leave_one_out_least,
        judged.leave_one_out_greatest,
        judged.ratio_before_last_change,
        judged.caution_text,
        judged.assumptions,
        judged.cannot_text,
        covered.coverage_pct,
        covered.false_claim_pct,
        covered.failing_text,
        coalesce(agreement.estimated_method_count, 0) as estimated_method_count,
        coalesce(agreement.agreement_verdict, 'not assessed') as agreement_verdict,
        coalesce(agreement.recording_agreement_verdict, 'not assessed')
            as recording_agreement_verdict,
        case when agreement.is_compared then agreement.is_shared end as has_shared_range,
        case when agreement.is_shared then agreement.shared_ratio_lower end as shared_ratio_lower,
        case when agreement.is_shared then agreement.shared_ratio_upper end as shared_ratio_upper,
        case
            when agreement.estimated_method_count is null then 'No method gives an estimate.'
            when agreement.estimated_method_count = 1
                then 'One method only: there is nothing to agree with.'
            else
                'Of '
                || cast(agreement.estimated_method_count as {{ dbt.type_string() }})
                || ' methods the change is robust to '
                || cast(agreement.robust_count as {{ dbt.type_string() }})
                || ', undecidable by '
                || cast(agreement.undecidable_count as {{ dbt.type_string() }})
                || ', reversed by '
                || cast(agreement.reversed_count as {{ dbt.type_string() }})
                || case
                    when agreement.masked_rise_count > 0
                        then
                            ', hides a rise by '
                            || cast(agreement.masked_rise_count as {{ dbt.type_string() }})
                    else ''
                end
                || case
                    when agreement.masked_fall_count > 0
                        then
                            ', hides a fall by '
                            || cast(agreement.masked_fall_count as {{ dbt.type_string() }})
                    else ''
                end
                || case
                    when not agreement.is_compared
                        then '; they hold different things, so their effects are not compared.'
                    when agreement.is_shared
                        then
                            '; the intervals of those that hold recording without crime have '
                            || 'values in common.'
                    else
                        '; no effect lies in all intervals of those that hold recording without '
                        || 'crime: an assumption fails, or reporting changed.'
                end
        end as agreement_text,
        false as is_suppressed
    from judged
    left join agreement
        on
            judged.measure_code = agreement.measure_code
            and judged.area_id = agreement.area_id
    left join covered
        on
            judged.method_code = covered.method_code
            and judged.variant_code = covered.variant_code
)

select * from final
