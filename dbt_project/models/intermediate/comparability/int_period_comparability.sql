with pairs as (
    select * from {{ ref('int_period_pairs') }}
),

eras as (
    select * from {{ ref('dim_recording_era') }}
),

events as (
    select * from {{ ref('dim_known_event') }}
),

days as (
    select * from {{ ref('dim_date') }}
),

supply as (
    select * from {{ ref('int_recording_supply') }}
),

warnings as (
    select * from {{ ref('comparability_warnings') }}
),

periods as (
    select
        comparison_code,
        'current' as period_role,
        current_first_date as first_date,
        current_last_date as last_date
    from pairs
    union all
    select
        comparison_code,
        'baseline' as period_role,
        baseline_first_date as first_date,
        baseline_last_date as last_date
    from pairs
),

spans as (
    select
        comparison_code,
        min(first_date) as first_date,
        max(last_date) as last_date
    from periods
    group by comparison_code
),

crossed_eras as (
    select
        spans.comparison_code,
        'crosses_recording_system' as warning_code,
        eras.era_code as subject_code,
        eras.era_name as subject_name,
        'both' as period_role,
        previous_eras.era_name || ' gave way to ' || eras.era_name as detail,
        eras.first_date as event_date,
        cast(null as integer) as affected_count
    from spans
    inner join eras
        on spans.first_date < eras.first_date and spans.last_date >= eras.first_date
    inner join eras as previous_eras on eras.previous_era_code = previous_eras.era_code
),

event_spans as (
    select
        pairs.comparison_code,
        events.event_code,
        events.event_name,
        events.action_type,
        events.first_date,
        events.last_date,
        events.is_of_all_measures,
        events.first_date <= pairs.current_last_date
        and coalesce(events.last_date, pairs.current_first_date) >= pairs.current_first_date
            as is_in_current,
        events.first_date <= pairs.baseline_last_date
        and coalesce(events.last_date, pairs.baseline_first_date) >= pairs.baseline_first_date
            as is_in_baseline,
        -- What covers both periods whole touches both alike.
        events.first_date <= spans.first_date
        and coalesce(events.last_date, spans.last_date) >= spans.last_date as is_throughout,
        events.first_date > spans.first_date and events.first_date <= spans.last_date
            as is_begun_between
    from pairs
    inner join spans on pairs.comparison_code = spans.comparison_code
    cross join events
),

known_events as (
    select
        comparison_code,
        'known_event_' || action_type as warning_code,
        event_code as subject_code,
        event_name as subject_name,
        case
            when is_in_current and is_in_baseline then 'both'
            when is_in_current then 'current'
            when is_in_baseline then 'baseline'
            else 'between'
        end as period_role,
        case
            when last_date is null then 'from ' || cast(first_date as {{ dbt.type_string() }})
            else
                cast(first_date as {{ dbt.type_string() }})
                || ' to '
                || cast(last_date as {{ dbt.type_string() }})
        end as detail,
        first_date as event_date,
        cast(null as integer) as affected_count,
        is_of_all_measures
    from event_spans
    where
        (is_in_current or is_in_baseline or (action_type = 'break' and is_begun_between))
        -- What is to be left out is left out of both, wherever it lies.
        and (action_type = 'exclude' or not is_throughout)
),

lockdowns as (
    select
        periods.comparison_code,
        'lockdown_days' as warning_code,
        periods.period_role as subject_code,
        cast(null as {{ dbt.type_string() }}) as subject_name,
        periods.period_role,
        cast(null as {{ dbt.type_string() }}) as detail,
        min(days.date_day) as event_date,
        cast(count(*) as integer) as affected_count
    from periods
    inner join days
        on days.date_day between periods.first_date and periods.last_date
    where days.is_lockdown
    group by periods.comparison_code, periods.period_role
),

supply_months as (
    select
        periods.comparison_code,
        periods.period_role,
        supply.*,
        substr(cast(supply.month as {{ dbt.type_string() }}), 1, 7) as month_text
    from periods
    inner join supply on supply.month between periods.first_date and periods.last_date
),

incomplete as (
    select
        comparison_code,
        'incomplete_period' as warning_code,
        period_role as subject_code,
        cast(null as {{ dbt.type_string() }}) as subject_name,
        period_role,
        {{ dbt.listagg('month_text', "', '", 'order by month_text') }} as detail,
        min(month) as event_date,
        cast(count(*) as integer) as affected_count
    from supply_months
    where not is_supplied
    group by comparison_code, period_role
),

partial as (
    select
        comparison_code,
        'partial_month' as warning_code,
        month_text as subject_code,
        month_text as subject_name,
        period_role,
        cast(null as {{ dbt.type_string() }}) as detail,
        month as event_date,
        missing_day_count as affected_count
    from supply_months
    where is_supplied
),

of_all_measures as (
    select * from crossed_eras
    union all
    select * from lockdowns
    union all
    select * from incomplete
    union all
    select * from partial
),

found as (
    select
        *,
        true as is_of_all_measures
    from of_all_measures
    union all
    select * from known_events
),

final as (
    select
        found.comparison_code,
        found.warning_code,
        found.subject_code,
        found.period_role,
        warnings.severity_type,
        cast(warnings.sort_order as integer) as sort_order,
        {{ fill_template('warnings.sentence_template', {
            'subject': 'found.subject_name',
            'where': "case found.period_role
                when 'both' then 'in both periods'
                when 'between' then 'between the two periods'
                else 'in the ' || found.period_role || ' period'
            end",
            'detail': 'found.detail',
            'from': 'cast(found.event_date as ' ~ dbt.type_string() ~ ')',
            'number': 'cast(found.affected_count as ' ~ dbt.type_string() ~ ')',
        }) }} as warning_text,
        warnings.action,
        found.event_date,
        found.affected_count,
        found.is_of_all_measures
    from found
    inner join warnings on found.warning_code = warnings.warning_code
    where
        warnings.threshold is null
        or found.affected_count >= warnings.threshold
)

select * from final
