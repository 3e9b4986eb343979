-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
{{ config(materialized='table') }}

with unit_checks as (
    select check_code
    from {{ ref('recording_checks') }}
    where is_by_unit
),

offences as (
    select * from {{ ref('fct_offence') }}
    where recorded_month is not null
),

incidents as (
    select * from {{ ref('fct_incident') }}
),

changes as (
    select * from {{ ref('fct_classification_change') }}
),

outcomes as (
    select * from {{ ref('fct_outcome') }}
    where days_to_outcome <= 90
),

victims as (
    select
        involvements.person_hash,
        involvements.ethnic_group_code,
        offences.recorded_month,
        offences.recorded_at
    from {{ ref('fct_involvement') }} as involvements
    inner join offences on involvements.offence_id = offences.offence_id
    where involvements.role_code = 'victim'
),

admissions as (
    select * from {{ ref('fct_admission') }}
    where is_countable_admission and is_assault_sharp_object and is_force_resident
),

audits as (
    select * from {{ ref('int_audit_figures') }}
    where offence_group = 'all' and period_type = 'month'
),

revisions as (
    select * from {{ ref('int_count_revisions') }}
    where measure_code = 'violence_with_injury'
),

recording_supply as (
    select * from {{ ref('int_recording_supply') }}
    where supplied_system_count > 0
),

days_of_months as (
    select
        month,
        days_in_month
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

load_periods as (
    select * from {{ ref('stg_ledger__load_periods') }}
    where
        is_current
        and (
            (source = 'legacy' and table_name = 'crimes')
            or (source = 'connect' and table_name = 'investigations')
        )
),

loads as (
    select * from {{ ref('stg_ledger__loads') }}
),

quarantined as (
    select * from {{ ref('stg_ledger__quarantined_values') }}
    where
        (source = 'legacy' and table_name = 'crimes')
        or (source = 'connect' and table_name = 'investigations')
),

offence_units as (
    select
        recorded_month as month,
        coalesce(npu_code, 'unknown') as npu_code,
        {%- for code, numerator, denominator in offence_checks() %}
        {{ count_where(numerator) }} as {{ code }}_numerator,
        {{ count_where(denominator) if denominator else 'cast(null as bigint)' }}
            as {{ code }}_denominator,
        {%- endfor %}
        cast(count(*) as bigint) as crime_count,
        {{ count_where('is_violence_with_injury and is_knife_used') }} as knife_used_count,
        {{ count_where('is_violence_with_injury') }} as injury_count
    from offences
    group by recorded_month, coalesce(npu_code, 'unknown')
),

offence_months as (
    select
        month,
        {%- for code, numerator, denominator in offence_checks() %}
        sum({{ code }}_numerator) as {{ code }}_numerator,
        sum({{ code }}_denominator) as {{ code }}_denominator,
        {%- endfor %}
        sum(crime_count) as crime_count,
        sum(knife_used_count) as knife_used_count,
        sum(injury_count) as injury_count
    from offence_units
    group by month
),

incident_units as (
    select
        month,
        coalesce(npu_code, 'unknown') as npu_code,
        {%- for code, numerator, denominator in incident_checks() %}
        {{ count_where(numerator) }} as {{ code }}_numerator,
        {{ count_where(denominator) }} as {{ code }}_denominator
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from incidents
    group by month, coalesce(npu_code, 'unknown')
),

incident_months as (
    select
        month,
        {%- for code, numerator, denominator in incident_checks() %}
        sum({{ code }}_numerator) as {{ code }}_numerator,
        sum({{ code }}_denominator) as {{ code }}_denominator
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from incident_units
    group by month
),

-- What was reported, beside what was recorded of it.
knife_reports as (
    select
        incidents.month,
        {{ count_where('not coalesce(offences.has_knife, false)') }} as unflagged_count,
        cast(count(*) as bigint) as report_count
    from incidents
    inner join offences on incidents.offence_id = offences.offence_id
    where incidents.report_category_code = 'person_with_knife' and not incidents.has_no_trace
    group by incidents.month
),

change_months as (
    select
        changed_month,
        {%- for code, numerator, denominator in change_checks() %}
        {{ count_where(numerator) }} as {{ code }}_numerator,
        {{ count_where(denominator) if denominator else 'cast(null as bigint)' }}
            as {{ code }}_denominator
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from changes
    group by changed_month
),

changed as (
    select
        offence_months.month,
        {%- for code, _, denominator in change_checks() %}
        coalesce(change_months.{{ code }}_numerator, 0) as {{ code }}_numerator,
        {{ 'coalesce(change_months.' ~ code ~ '_denominator, 0)' if denominator
            else 'offence_months.crime_count' }}
            as {{ code }}_denominator
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from offence_months
    left join change_months on offence_months.month = change_months.changed_month
),

revised as (
    select
        changed_month,
        sum(cancelled_count) as revised_count
    from revisions
    where recorded_month < changed_month
    group by changed_month
),

-- Read as of the last record: a month had ninety days where its last crime had.
last_record as (
    select max(recorded_date) as last_day
    from offences
),

outcome_units as (
    select
        outcomes.recorded_month,
        coalesce(offences.npu_code, 'unknown') as npu_code,
        outcomes.outcome_type_code,
        cast(count(*) as bigint) as outcome_count
    from outcomes
    inner join offences on outcomes.offence_id = offences.offence_id
    where offences.is_violence_with_injury
    group by
        outcomes.recorded_month,
        coalesce(offences.npu_code, 'unknown'),
        outcomes.outcome_type_code
),

watched_outcomes as (
    {%- for code in watched_outcomes() %}
    select '{{ code }}' as outcome_type_code
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

outcome_shares as (
    select
        offence_units.month,
        offence_units.npu_code,
        watched_outcomes.outcome_type_code,
        coalesce(outcome_units.outcome_count, 0) as outcome_count,
        offence_units.injury_count
    from offence_units
    cross join watched_outcomes
    cross join last_record
    left join outcome_units
        on
            offence_units.month = outcome_units.recorded_month
            and offence_units.npu_code = outcome_units.npu_code
            and watched_outcomes.outcome_type_code = outcome_units.outcome_type_code
    where {{ add_days(period_end('offence_units.month', 1), 90) }} <= last_record.last_day
),

-- The victim's own earlier crime, if any: the one before is the nearest.
named_before as (
    select
        recorded_month,
        recorded_at,
        lag(recorded_at) over (partition by person_hash order by recorded_at) as earlier_at
    from victims
    where person_hash is not null
),

victim_months as (
    select
        recorded_month as month,
        {{ count_where("coalesce(ethnic_group_code, 'unknown') = 'unknown'") }} as unknown_count,
        cast(count(*) as bigint) as victim_count
    from victims
    group by recorded_month
),

repeat_months as (
    select
        recorded_month as month,
        {{ count_where(
            'earlier_at >= ' ~ dbt.dateadd('day', -365, 'recorded_at')
            ~ ' and earlier_at < recorded_at'
        ) }}
            as repeat_count,
        cast(count(*) as bigint) as named_count
    from named_before
    group by recorded_month
),

admission_months as (
    select
        admission_month,
        cast(count(*) as bigint) as admission_count
    from admissions
    group by admission_month
),

-- A row may break several rules.
refused_rows as (
    select
        load_id,
        count(
            distinct case
                when rule_code like '%.repeated_row' or rule_code like '%.conflicting_key'
                    then row_number
            end
        ) as repeated_count,
        count(
            distinct case when rule_code like '%offence_code.not_in_code_list' then row_number end
        ) as not_notifiable_count
    from quarantined
    group by load_id
),

refused as (
    select
        {{ first_of_month('load_periods.slot') }} as month,
        cast(sum(loads.row_count_quarantined) as bigint) as refused_count,
        cast(sum(coalesce(refused_rows.repeated_count, 0)) as bigint) as repeated_count,
        cast(sum(coalesce(refused_rows.not_notifiable_count, 0)) as bigint)
            as not_notifiable_count,
        cast(sum(loads.row_count_read) as bigint) as read_count
    from load_periods
    inner join loads on load_periods.load_id = loads.load_id
    left join refused_rows on load_periods.load_id = refused_rows.load_id
    group by 1
),

doubled as (
    select
        offence_months.month,
        offence_months.crime_count,
        greatest(month_before.crime_count, year_before.crime_count) as larger_count
    from offence_months
    inner join offence_months as month_before
        on offence_months.month = {{ add_months('month_before.month', 1) }}
    inner join offence_months as year_before
        on offence_months.month = {{ add_months('year_before.month', 12) }}
),

counts as (
    {%- for relation, checks in [
        ('offence_months', offence_checks()),
        ('incident_months', incident_checks()),
        ('changed', change_checks()),
    ] %}
    {%- for code, _, _ in checks %}
    select
        '{{ code }}' as check_code,
        'all' as breakdown_code,
        month,
        {{ code }}_numerator as numerator_count,
        {{ code }}_denominator as denominator_count
    from {{ relation }}

    union all
    {%- endfor %}
    {%- endfor %}

    select
        'late_changes' as check_code,
        'all' as breakdown_code,
        offence_months.month,
        coalesce(revised.revised_count, 0) as numerator_count,
        offence_months.injury_count as denominator_count
    from offence_months
    left join revised on offence_months.month = revised.changed_month

    union all

    select
        'outcome_mix' as check_code,
        outcome_type_code as breakdown_code,
        month,
        sum(outcome_count) as numerator_count,
        sum(injury_count) as denominator_count
    from outcome_shares
    group by outcome_type_code, month

    union all

    select
        'victim_ethnicity_unknown' as check_code,
        'all' as breakdown_code,
        month,
        unknown_count as numerator_count,
        victim_count as denominator_count
    from victim_months

    union all

    -- Of the first year it is not known who was a victim before.
    select
        'repeat_victims' as check_code,
        'all' as breakdown_code,
        month,
        repeat_count as numerator_count,
        named_count as denominator_count
    from repeat_months
    where month >= (select {{ add_months('min(month)', 12) }} from offence_months)

    union all

    select
        'police_to_hospital' as check_code,
        'all' as breakdown_code,
        offence_months.month,
        offence_months.knife_used_count as numerator_count,
        coalesce(admission_months.admission_count, 0) as denominator_count
    from offence_months
    left join admission_months on offence_months.month = admission_months.admission_month

    union all

    select
        case measure_code
            when 'cdi_recorded' then 'audit_recorded'
            else 'audit_within_24_hours'
        end as check_code,
        'all' as breakdown_code,
        month,
        numerator_count,
        denominator_count
    from audits
    where measure_code in ('cdi_recorded', 'cdi_recorded_within_24_hours')

    union all

    select
        'missing_days' as check_code,
        'all' as breakdown_code,
        recording_supply.month,
        recording_supply.missing_day_count as numerator_count,
        days_of_months.days_in_month as denominator_count
    from recording_supply
    inner join days_of_months on recording_supply.month = days_of_months.month

    union all

    select
        'refused_rows' as check_code,
        'all' as breakdown_code,
        month,
        refused_count as numerator_count,
        read_count as denominator_count
    from refused

    union all

    select
        'repeated_keys' as check_code,
        'all' as breakdown_code,
        month,
        repeated_count as numerator_count,
        read_count as denominator_count
    from refused

    union all

    select
        'not_notifiable' as check_code,
        'all' as breakdown_code,
        month,
        not_notifiable_count as numerator_count,
        read_count as denominator_count
    from refused

    union all

    select
        'knife_reports_unflagged' as check_code,
        'all' as breakdown_code,
        month,
        unflagged_count as numerator_count,
        report_count as denominator_count
    from knife_reports

    union all

    select
        'doubled_volume' as check_code,
        'all' as breakdown_code,
        month,
        crime_count as numerator_count,
        larger_count as denominator_count
    from doubled
),

-- A unit that has none in a month has no row, as a month without records has none.
of_units as (
    {%- for table, checks in [
        ('offence_units', offence_checks()), ('incident_units', incident_checks())
    ] %}
    {%- for code, numerator, denominator in checks %}
    select
        '{{ code }}' as check_code,
        'all' as breakdown_code,
        npu_code,
        month,
        {{ code }}_numerator as numerator_count,
        {{ code }}_denominator as denominator_count
    from {{ table }}

    union all
    {%- endfor %}
    {%- endfor %}

    select
        'outcome_mix' as check_code,
        outcome_type_code as breakdown_code,
        npu_code,
        month,
        outcome_count as numerator_count,
        injury_count as denominator_count
    from outcome_shares
),

placed as (
    select
        check_code,
        breakdown_code,
        'all' as npu_code,
        month,
        numerator_count,
        denominator_count
    from counts

    union all

    select
        check_code,
        breakdown_code,
        npu_code,
        month,
        numerator_count,
        denominator_count
    from of_units
    where
        npu_code <> 'unknown'
        and check_code in (select unit_checks.check_code from unit_checks)
),

final as (
    select
        check_code,
        breakdown_code,
        npu_code,
        month,
        cast(numerator_count as bigint) as numerator_count,
        cast(denominator_count as bigint) as denominator_count
    from placed
)

select * from final
