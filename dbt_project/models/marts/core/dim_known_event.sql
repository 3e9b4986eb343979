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
        evidence
    from events
)

select * from final
