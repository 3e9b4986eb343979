-- noqa: disable=LT02
-- (lines that come from a loop have no indent of their own)
with measures as (
    select * from {{ ref('audit_measures') }}
),

months as (
    select distinct month
    from {{ ref('dim_date') }}
),

-- Crimes recorded beyond what a log required make up for no other log.
log_findings as (
    select
        audit_month as month,
        offence_group,
        crimes_required_count as required_count,
        least(crimes_recorded_count, crimes_required_count) as recorded_count,
        least(recorded_within_24_hours_count, crimes_recorded_count, crimes_required_count)
            as in_time_count
    from {{ ref('stg_audits__cdi_samples') }}
),

cdi_units as (
    select
        measures.audit_code,
        measures.measure_code,
        log_findings.month,
        log_findings.offence_group,
        case measures.measure_code
            when 'cdi_recorded' then log_findings.recorded_count
            else log_findings.in_time_count
        end as hit_count,
        case measures.measure_code
            when 'cdi_recorded' then log_findings.required_count
            else log_findings.recorded_count
        end as trial_count
    from log_findings
    inner join measures on measures.audit_code = 'cdi'
),

s47_units as (
    select
        measures.audit_code,
        measures.measure_code,
        reviews.audit_month as month,
        'all' as offence_group,
        case
            when
                case measures.measure_code
                    when 's47_contacted_within_7_days' then reviews.is_contacted_within_7_days
                    when 's47_victim_updated' then reviews.is_victim_updated
                    when 's47_plan_recorded' then reviews.is_plan_recorded
                    when 's47_supervisory_review_recorded'
                        then reviews.is_supervisory_review_recorded
                end
                then 1
            else 0
        end as hit_count,
        1 as trial_count
    from {{ ref('stg_audits__s47_reviews') }} as reviews
    inner join measures on measures.audit_code = 's47'
),

units as (
    select * from cdi_units
    union all
    select
        audit_code,
        measure_code,
        month,
        'all' as offence_group,
        hit_count,
        trial_count
    from cdi_units
    union all
    select * from s47_units
),

-- Sums of squares and products of the sampled logs give the variance between them.
month_sums as (
    select
        measure_code,
        offence_group,
        month,
        count(*) as sample_count,
        sum(case when trial_count > 0 then 1 else 0 end) as unit_count,
        sum(hit_count) as numerator_count,
        sum(trial_count) as denominator_count,
        sum(hit_count * hit_count) as hit_square_sum,
        sum(hit_count * trial_count) as product_sum,
        sum(trial_count * trial_count) as trial_square_sum
    from units
    group by measure_code, offence_group, month
),

spans as (
    select
        audit_code,
        min(month) as first_month,
        max(month) as last_month
    from units
    group by audit_code
),

series as (
    select distinct
        audit_code,
        measure_code,
        offence_group
    from units
),

-- A month in which the audit has no sample at all was not audited; one in which only an offence
-- group has none was.
audited_months as (
    select distinct
        audit_code,
        month
    from units
),

expected as (
    select
        series.measure_code,
        series.offence_group,
        months.month,
        case when audited_months.month is null then 0 else 1 end as audited_month_count,
        {%- for name in audit_sums() %}
        month_sums.{{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from series
    inner join spans on series.audit_code = spans.audit_code
    inner join months on months.month between spans.first_month and spans.last_month
    left join audited_months
        on series.audit_code = audited_months.audit_code and months.month = audited_months.month
    left join month_sums
        on
            series.measure_code = month_sums.measure_code
            and series.offence_group = month_sums.offence_group
            and months.month = month_sums.month
),

rolling as (
    select
        measure_code,
        offence_group,
        month,
        {%- for name in ['audited_month_count'] + audit_sums() %}
        sum({{ name }}) over (
            partition by measure_code, offence_group
            order by month
            rows between 11 preceding and current row
        ) as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from expected
),

every_period as (
    select
        *,
        'month' as period_type
    from expected
    union all
    select
        *,
        'rolling_12_months' as period_type
    from rolling
),

shares as (
    select
        every_period.*,
        measures.is_clustered,
        {{ safe_divide('every_period.numerator_count', 'every_period.denominator_count') }}
            as share
    from every_period
    inner join measures on every_period.measure_code = measures.measure_code
),

-- Variance of a ratio of sums over logs, against that of so many crimes drawn one by one
-- (Cochran, Sampling Techniques, 3rd edition (1977), section 3.12).
final as (
    select
        measure_code,
        offence_group,
        period_type,
        month,
        cast(audited_month_count as integer) as audited_month_count,
        case
            when audited_month_count > 0 then cast(coalesce(sample_count, 0) as bigint)
        end as sample_count,
        case
            when audited_month_count > 0 then cast(coalesce(numerator_count, 0) as bigint)
        end as numerator_count,
        case
            when audited_month_count > 0 then cast(coalesce(denominator_count, 0) as bigint)
        end as denominator_count,
        case
            when is_clustered and unit_count > 1 and share > 0 and share < 1
                then
                    unit_count
                    / (unit_count - 1.0)
                    * (hit_square_sum - 2 * share * product_sum + share * share * trial_square_sum)
                    / (denominator_count * share * (1 - share))
        end as design_effect,
        case
            when audited_month_count = 0 then 'not_supplied'
            when coalesce(denominator_count, 0) = 0 then 'nothing_to_assess'
            when period_type = 'rolling_12_months' and audited_month_count < 12 then 'incomplete'
            else 'supplied'
        end as supply_status
    from shares
)

select * from final
