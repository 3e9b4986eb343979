with known_events as (
    select * from {{ source('ledger', 'known_event') }}
),

final as (
    select
        code as event_code,
        name as event_name,
        kind as event_type,
        action as action_type,
        first_day as first_date,
        last_day as last_date,
        measures,
        coalesce(checks, '') as checks,
        evidence
    from known_events
)

select * from final
