-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
{{ config(materialized='table') }}

with checks as (
    select * from {{ ref('recording_checks') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

months as (
    select * from {{ ref('dim_date') }}
    where day_of_month = 1
),

events as (
    select * from {{ ref('dim_known_event') }}
    where action_type = 'exclude' and is_of_all_measures
),

load_periods as (
    select * from {{ ref('stg_ledger__load_periods') }}
    where is_current and row_count > 0
),

force_supply as (
    select * from {{ ref('int_force_supply') }}
),

police_uk_supply as (
    select * from {{ ref('int_police_uk_supply') }}
),

force_quarters as (
    select * from {{ ref('int_offence_counts') }}
    where offence_level = 'all' and period_type = 'quarter'
),

force_counts as (
    select * from {{ ref('int_recording_check_force_counts') }}
),

open_counts as (
    select * from {{ ref('int_recording_check_open_counts') }}
),

system_starts as (
    select
        source as recording_system,
        min({{ first_of_month('slot') }}) as first_month
    from load_periods
    where
        (source = 'legacy' and table_name = 'crimes')
        or (source = 'connect' and table_name = 'investigations')
    group by source
),

newest_system as (
    select
        max(first_month) as first_month,
        max_by(recording_system, first_month) as recording_system
    from system_starts
),

force_months as (
    select distinct month
    from force_supply
),

-- Logs and audits have no calendar of their own: a month is there when its file is.
force_files as (
    select distinct
        case source when 'incidents' then 'incident' else 'audit' end as supply_type,
        {{ first_of_month('slot') }} as month
    from load_periods
    where
        (source = 'incidents' and table_name = 'logs')
        or (source = 'audits' and table_name = 'cdi_audit')
),

supply_types as (
    select distinct supply_type
    from checks
    where source_type = 'force_records'
),

force_supplied as (
    select
        supply_types.supply_type,
        settings.force_code,
        force_months.month,
        coalesce(
            of_facts.supply_status = 'supplied' or force_files.month is not null, false
        ) as is_supplied
    from supply_types
    cross join settings
    cross join force_months
    left join force_supply as of_facts
        on
            force_months.month = of_facts.month
            and of_facts.record_type
            = case supply_types.supply_type when 'admission' then 'admission' else 'offence' end
            and of_facts.age_group
            = case supply_types.supply_type when 'victim' then 'under_25' else 'all' end
            and supply_types.supply_type not in ('incident', 'audit')
    left join force_files
        on
            supply_types.supply_type = force_files.supply_type
            and force_months.month = force_files.month
),

supplied as (
    select
        'force_records' as source_type,
        *
    from force_supplied

    union all

    select
        'police_uk' as source_type,
        table_name as supply_type,
        force_code,
        month,
        supply_status not in ('not_supplied', 'refused') as is_supplied
    from police_uk_supply

    union all

    select
        'home_office' as source_type,
        'recorded_crimes' as supply_type,
        force_code,
        period_start as month,
        period_status = 'complete' as is_supplied
    from force_quarters
),

-- After the last month that is there another is late, not missing.
supplied_spans as (
    select
        supply_type,
        min(month) as first_month,
        max(month) as last_month
    from force_supplied
    where is_supplied
    group by supply_type
),

missing as (
    select
        checks.check_code,
        force_supplied.force_code,
        force_supplied.month,
        case when force_supplied.is_supplied then 0 else 1 end as missing_count
    from checks
    inner join force_supplied on checks.supply_type = force_supplied.supply_type
    inner join supplied_spans
        on
            force_supplied.supply_type = supplied_spans.supply_type
            and force_supplied.month between supplied_spans.first_month
            and supplied_spans.last_month
    where
        checks.check_code in (
            {%- for code in supply_checks() %}
            '{{ code }}'{% if not loop.last %},{% endif %}
            {%- endfor %}
        )
),

counts as (
    select
        force_counts.check_code,
        force_counts.breakdown_code,
        force_counts.npu_code,
        settings.force_code,
        force_counts.month,
        force_counts.numerator_count,
        force_counts.denominator_count
    from force_counts
    cross join settings

    union all

    select
        check_code,
        'all' as breakdown_code,
        'all' as npu_code,
        force_code,
        month,
        missing_count as numerator_count,
        1 as denominator_count
    from missing

    union all

    select
        check_code,
        breakdown_code,
        'all' as npu_code,
        force_code,
        month,
        numerator_count,
        denominator_count
    from open_counts
),

found_breakdowns as (
    select distinct
        check_code,
        breakdown_code,
        npu_code
    from counts
),

breakdowns as (
    select
        checks.check_code,
        coalesce(found_breakdowns.breakdown_code, 'all') as breakdown_code,
        coalesce(found_breakdowns.npu_code, 'all') as npu_code
    from checks
    left join found_breakdowns on checks.check_code = found_breakdowns.check_code
),

expected as (
    select
        checks.*,
        breakdowns.breakdown_code,
        breakdowns.npu_code,
        supplied.force_code,
        supplied.month,
        case checks.period_type when 'quarter' then 3 else 1 end as month_count,
        supplied.is_supplied
        and (
            checks.needed_system is null
            or coalesce(supplied.month >= system_starts.first_month, false)
        ) as is_supplied,
        min(supplied.month) over (
            partition by
                checks.check_code,
                breakdowns.breakdown_code,
                breakdowns.npu_code,
                supplied.force_code
        ) as first_month,
        case
            when not checks.is_within_system then 'all'
            when supplied.month >= newest_system.first_month then newest_system.recording_system
            else 'before'
        end as baseline_code
    from checks
    inner join breakdowns on checks.check_code = breakdowns.check_code
    inner join supplied
        on
            checks.source_type = supplied.source_type
            and checks.supply_type = supplied.supply_type
    left join system_starts on checks.needed_system = system_starts.recording_system
    cross join newest_system
),

restrictions as (
    select
        periods.month,
        periods.month_count,
        max(case when months.is_lockdown_month then 1 else 0 end) = 1 as is_lockdown,
        max(case when months.is_restricted_month then 1 else 0 end) = 1 as is_restricted,
        min(events.event_code) as event_code
    from (
        select distinct
            month,
            month_count
        from expected
    ) as periods
    inner join months
        on
            months.month between periods.month
            and {{ period_end('periods.month', 'periods.month_count') }}
    left join events
        on
            {{ period_end('months.month', 1) }} >= events.first_date
            and months.month <= coalesce(events.last_date, months.month)
    group by periods.month, periods.month_count
),

placed as (
    select
        expected.check_code,
        expected.breakdown_code,
        expected.npu_code,
        expected.force_code,
        expected.month,
        expected.month_count,
        expected.baseline_code,
        expected.is_migration,
        expected.npu_code <> 'all' as is_of_unit,
        expected.source_type,
        expected.supply_type,
        expected.detector_type,
        expected.is_of_supply,
        expected.is_held_to_peers,
        expected.is_supplied,
        expected.least_count,
        expected.month < {{ add_months('expected.first_month', 12) }} as is_in_first_year,
        counts.numerator_count,
        counts.denominator_count,
        restrictions.event_code,
        restrictions.is_lockdown,
        restrictions.is_restricted,
        restrictions.event_code is not null
        or (
            restrictions.is_lockdown
            and not expected.is_lockdown_assessed
            and expected.npu_code = 'all'
        ) as is_known_event,
        sum(case when expected.npu_code = 'all' then counts.numerator_count end) over (
            partition by
                expected.check_code,
                expected.breakdown_code,
                expected.force_code,
                expected.month
        ) as force_numerator_count,
        sum(case when expected.npu_code = 'all' then counts.denominator_count end) over (
            partition by
                expected.check_code,
                expected.breakdown_code,
                expected.force_code,
                expected.month
        ) as force_denominator_count
    from expected
    inner join restrictions
        on
            expected.month = restrictions.month
            and expected.month_count = restrictions.month_count
    left join counts
        on
            expected.check_code = counts.check_code
            and expected.breakdown_code = counts.breakdown_code
            and expected.npu_code = counts.npu_code
            and expected.force_code = counts.force_code
            and expected.month = counts.month
),

final as (
    select
        check_code,
        breakdown_code,
        npu_code,
        force_code,
        month,
        month_count,
        source_type,
        detector_type,
        is_held_to_peers,
        is_migration,
        baseline_code,
        numerator_count,
        denominator_count,
        case
            when is_of_unit
                then cast(force_numerator_count as double) / nullif(force_denominator_count, 0)
        end as force_ratio,
        event_code,
        is_lockdown,
        -- What baselines give the period: too few count there, what was not supplied does not.
        case
            when not is_supplied and not is_of_supply then 0.0
            when event_code is not null then 0.0
            -- What all forces went through falls out of a comparison with them.
            when is_held_to_peers or is_of_unit then 1.0
            when is_lockdown then 0.0
            when is_restricted then 0.5
            else 1.0
        end as baseline_weight,
        case
            when not is_supplied and not is_of_supply then 'not supplied'
            when is_known_event and not is_of_supply then 'known event'
            -- Outcomes that had no ninety days yet; a first year that has none before it.
            when numerator_count is null and (supply_type = 'outcome' or is_in_first_year)
                then 'too early'
            -- Below 0 where corrections of other periods came to more than the period itself.
            when numerator_count is null or numerator_count < 0 then 'no data'
            when detector_type = 'count' then null
            when coalesce(denominator_count, 0) = 0 then 'no data'
            when denominator_count < least_count then 'too few'
            -- None in the whole force says nothing of where they are.
            when is_of_unit and coalesce(force_numerator_count, 0) = 0 then 'too few'
        end as not_assessed_reason
    from placed
)

select * from final
