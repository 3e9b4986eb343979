with changes as (
    select * from {{ ref('int_classification_changes') }}
),

legacy_crimes as (
    select * from {{ ref('int_legacy_crimes') }}
),

investigations as (
    select * from {{ ref('int_connect_investigations') }}
),

links as (
    select * from {{ ref('int_offence_links') }}
),

offences as (
    select * from {{ ref('fct_offence') }}
),

in_connect as (
    select
        coalesce(links.counted_record_id, investigations.record_id) as offence_id,
        changes.changed_at,
        changes.from_offence_code,
        changes.to_offence_code,
        changes.change_reason_code,
        'connect' as recording_system
    from changes
    inner join investigations on changes.investigation_id = investigations.investigation_id
    left join links on investigations.record_id = links.connect_record_id
),

-- A crime of the old system that CONNECT began under another code was reclassified as it was
-- converted.
at_conversion as (
    select
        links.counted_record_id as offence_id,
        investigations.recorded_at as changed_at,
        legacy_crimes.offence_code as from_offence_code,
        investigations.first_offence_code as to_offence_code,
        'reclassified' as change_reason_code,
        'connect' as recording_system
    from links
    inner join legacy_crimes on links.legacy_record_id = legacy_crimes.record_id
    inner join investigations on links.connect_record_id = investigations.record_id
    where
        links.counted_system = 'legacy'
        and legacy_crimes.offence_code <> investigations.first_offence_code
),

-- The old system kept of its changes only the cancellation.
in_legacy as (
    select
        coalesce(links.counted_record_id, legacy_crimes.record_id) as offence_id,
        legacy_crimes.cancelled_at as changed_at,
        legacy_crimes.offence_code as from_offence_code,
        legacy_crimes.offence_code as to_offence_code,
        'cancelled_' || lower(coalesce(legacy_crimes.cancelled_code, 'unknown'))
            as change_reason_code,
        'legacy' as recording_system
    from legacy_crimes
    left join links on legacy_crimes.record_id = links.legacy_record_id
    where legacy_crimes.is_cancelled and legacy_crimes.cancelled_at is not null
),

every_change as (
    select * from in_connect
    union all
    select * from at_conversion
    union all
    select * from in_legacy
),

final as (
    select
        every_change.offence_id,
        cast(
            row_number() over (
                partition by every_change.offence_id
                order by
                    every_change.changed_at asc,
                    every_change.recording_system desc,
                    every_change.change_reason_code asc,
                    every_change.to_offence_code asc
            ) as integer
        ) as change_number,
        every_change.changed_at,
        cast({{ dbt.date_trunc('month', 'every_change.changed_at') }} as date) as changed_month,
        every_change.from_offence_code,
        every_change.to_offence_code,
        every_change.change_reason_code,
        every_change.recording_system,
        -- A cancellation of the old record alone, or one that was not the first, changes nothing.
        case
            when every_change.change_reason_code like 'cancelled%'
                then
                    offences.is_cancelled
                    and coalesce(every_change.changed_at = offences.cancelled_at, false)
            when every_change.change_reason_code = 'reclassified'
                then
                    coalesce(every_change.from_offence_code, '')
                    <> coalesce(every_change.to_offence_code, '')
            else false
        end as is_effective
    from every_change
    inner join offences on every_change.offence_id = offences.offence_id
)

select * from final
