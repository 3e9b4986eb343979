{{ config(materialized='table') }}

with offences as (
    select * from {{ ref('fct_offence') }}
),

changes as (
    select * from {{ ref('fct_classification_change') }}
    where is_effective
),

changed as (
    select distinct offence_id
    from changes
    where change_reason_code = 'reclassified'
    union distinct
    select offence_id
    from offences
    where is_cancelled
),

-- Nothing happened to most offences: one standing, from when it was recorded, until now.
unchanged_standings as (
    select
        offences.offence_id,
        1 as standing_number,
        offences.recorded_at as valid_from,
        cast(null as timestamp) as valid_to,
        offences.offence_code,
        true as is_counted
    from offences
    left join changed on offences.offence_id = changed.offence_id
    where changed.offence_id is null
),

-- Nothing changes before it is there: an earlier moment is taken for that of recording.
events as (
    select
        offences.offence_id,
        offences.recorded_at as event_at,
        0 as event_order,
        offences.first_offence_code as offence_code,
        true as is_counted
    from offences
    inner join changed on offences.offence_id = changed.offence_id

    union all

    select
        changes.offence_id,
        greatest(changes.changed_at, offences.recorded_at) as event_at,
        changes.change_number as event_order,
        changes.to_offence_code as offence_code,
        cast(null as boolean) as is_counted
    from changes
    inner join offences on changes.offence_id = offences.offence_id
    where changes.change_reason_code = 'reclassified'

    union all

    -- A cancellation without a date never counted as far as anyone can tell.
    select
        offence_id,
        greatest(coalesce(cancelled_at, recorded_at), recorded_at) as event_at,
        1000000 as event_order,
        cast(null as {{ dbt.type_string() }}) as offence_code,
        false as is_counted
    from offences
    where is_cancelled
),

filled as (
    select
        offence_id,
        event_at,
        last_value(offence_code ignore nulls) over (
            partition by offence_id
            order by event_at, event_order
            rows between unbounded preceding and current row
        ) as offence_code,
        last_value(is_counted ignore nulls) over (
            partition by offence_id
            order by event_at, event_order
            rows between unbounded preceding and current row
        ) as is_counted,
        row_number() over (partition by offence_id, event_at order by event_order desc)
            as nth_last_of_moment
    from events
),

spans as (
    select
        offence_id,
        row_number() over (partition by offence_id order by event_at) as standing_number,
        event_at as valid_from,
        lead(event_at) over (partition by offence_id order by event_at) as valid_to,
        offence_code,
        is_counted
    from filled
    where nth_last_of_moment = 1
),

changed_standings as (
    select
        spans.offence_id,
        spans.standing_number,
        spans.valid_from,
        spans.valid_to,
        -- The last standing is today's, whatever is missing from the history.
        case when spans.valid_to is null then offences.offence_code else spans.offence_code end
            as offence_code,
        spans.is_counted
    from spans
    inner join offences on spans.offence_id = offences.offence_id
),

standings as (
    select * from unchanged_standings
    union all
    select * from changed_standings
),

final as (
    select
        offence_id,
        cast(standing_number as integer) as standing_number,
        valid_from,
        valid_to,
        offence_code,
        is_counted
    from standings
)

select * from final
