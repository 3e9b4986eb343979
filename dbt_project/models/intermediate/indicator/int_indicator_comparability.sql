with pairs as (
    select * from {{ ref('int_period_pairs') }}
    where period_type = 'year_to_date' and is_configured_pair
),

comparability as (
    select * from {{ ref('int_period_comparability') }}
),

events as (
    select * from {{ ref('dim_known_event') }}
),

record_types as (
    select distinct record_type from {{ ref('indicators') }}
),

-- What happened to the force's files, systems and practice happened to no admission. That a month
-- is missing is no warning here, for it is left out of both years.
applicable as (
    select
        record_types.record_type,
        comparability.*
    from comparability
    cross join record_types
    left join events
        on
            comparability.subject_code = events.event_code
            and comparability.warning_code like 'known_event%'
    where
        comparability.warning_code <> 'incomplete_period'
        and (
            record_types.record_type = 'offence'
            or comparability.warning_code = 'lockdown_days'
            or events.event_type = 'crime'
        )
),

summarised as (
    select
        comparison_code,
        record_type,
        sum(case when severity_type = 'stop' then 1 else 0 end) as stop_count,
        sum(case when severity_type = 'caution' then 1 else 0 end) as caution_count,
        {{ dbt.listagg(
            'warning_text', "' '", 'order by sort_order, event_date, subject_code'
        ) }} as comparability_text
    from applicable
    group by comparison_code, record_type
),

final as (
    select
        record_types.record_type,
        pairs.comparison_code,
        pairs.baseline_label,
        pairs.current_label,
        case
            when summarised.stop_count > 0 then 'not_comparable'
            when summarised.caution_count > 0 then 'caution'
            else 'comparable'
        end as comparability_status,
        summarised.comparability_text
    from pairs
    cross join record_types
    left join summarised
        on
            pairs.comparison_code = summarised.comparison_code
            and record_types.record_type = summarised.record_type
)

select * from final
