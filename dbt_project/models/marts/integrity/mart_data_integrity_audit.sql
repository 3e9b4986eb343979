with figures as (
    select * from {{ ref('int_audit_figures') }}
),

measures as (
    select * from {{ ref('audit_measures') }}
),

share_intervals as (
    select * from {{ ref('int_share_intervals') }}
),

measured as (
    select
        measures.audit_code,
        measures.audit_name,
        figures.measure_code,
        measures.measure_name,
        measures.unit,
        measures.sample_unit,
        measures.interval_note,
        figures.offence_group,
        figures.period_type,
        figures.month,
        figures.audited_month_count,
        figures.supply_status,
        figures.sample_count,
        figures.numerator_count,
        figures.denominator_count,
        figures.design_effect,
        coalesce(figures.denominator_count < measures.small_number_threshold, false)
            as is_small_number,
        100 * {{ safe_divide('figures.numerator_count', 'figures.denominator_count') }}
            as share_pct,
        100 * share_intervals.wilson_lower as share_lower_pct,
        100 * share_intervals.wilson_upper as share_upper_pct
    from figures
    inner join measures on figures.measure_code = measures.measure_code
    left join share_intervals
        on
            figures.numerator_count = share_intervals.success_count
            and figures.denominator_count = share_intervals.trial_count
),

final as (
    select
        audit_code,
        audit_name,
        measure_code,
        measure_name,
        offence_group,
        period_type,
        month,
        case
            when period_type = 'rolling_12_months' then {{ add_months('month', -11) }}
            else month
        end as first_month,
        {{ financial_year('month') }} as financial_year,
        'audited' as basis,
        audited_month_count,
        sample_unit,
        sample_count,
        unit,
        numerator_count,
        denominator_count,
        case when not is_small_number then share_pct end as compliance_pct,
        share_lower_pct as compliance_lower_pct,
        share_upper_pct as compliance_upper_pct,
        'wilson_95' as interval_type,
        interval_note,
        design_effect,
        is_small_number,
        false as is_suppressed,
        supply_status,
        case
            when supply_status = 'not_supplied' then 'Not audited.'
            when supply_status = 'nothing_to_assess'
                then 'Nothing in the sample to be judged by this.'
            when is_small_number
                then
                    {{ share_of('numerator_count', 'denominator_count') }}
                    || ', too few for a percentage; with 95% confidence between '
                    || {{ one_decimal('share_lower_pct') }}
                    || '% and '
                    || {{ one_decimal('share_upper_pct') }}
                    || '%.'
            else
                {{ share_of('numerator_count', 'denominator_count') }}
                || ', '
                || {{ one_decimal('share_pct') }}
                || '% ('
                || {{ one_decimal('share_lower_pct') }}
                || '% to '
                || {{ one_decimal('share_upper_pct') }}
                || '%).'
        end
        || case
            when supply_status = 'incomplete' then ' Not all of the period was supplied.' else ''
        end as value_text
    from measured
)

select * from final
