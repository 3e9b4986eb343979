with events as (
    select * from {{ ref('stg_ledger__known_events') }}
),

final as (
    select
        event_code,
        event_name,
        event_type,
        action_type,
        first_date,
        last_date,
        last_date is null as is_lasting,
        measures,
        ' ' || replace(lower(measures), ',', ' ') || ' ' like '% all %' as is_of_all_measures,
        -- What is not said of a new system is that it leaves a check as it was.
        case
            when trim(checks) = '' and event_type = 'recording_system' then 'all'
            else replace(lower(checks), ',', ' ')
        end as checks,
        evidence
    from events
)

select * from final
