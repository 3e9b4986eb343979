with settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

known_events as (
    select * from {{ ref('dim_known_event') }}
),

changes as (
    select * from {{ ref('system_changes') }}
    where change_type in ('recording_system', 'recording_practice')
),

final as (
    select
        settings.force_code,
        known_events.event_code,
        known_events.event_name,
        known_events.event_type,
        known_events.first_date,
        known_events.last_date,
        known_events.checks,
        true as is_dated,
        known_events.evidence
    from known_events
    cross join settings

    union all

    -- Of other forces what is public; a day within half a year dates a change of quarters.
    select
        changes.force_code,
        changes.change_code as event_code,
        changes.system_name as event_name,
        changes.change_type as event_type,
        changes.first_day as first_date,
        changes.last_day as last_date,
        'all' as checks,
        changes.last_day <= {{ add_months('changes.first_day', 6) }} as is_dated,
        changes.evidence
    from changes
    cross join settings
    where changes.force_code <> settings.force_code
)

select * from final
