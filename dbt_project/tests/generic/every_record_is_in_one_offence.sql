{#- Every record of either system is in exactly one offence; returns those in none or in several. -#}
{% test every_record_is_in_one_offence(model) %}

with records as (
    select distinct crime_number as record_ref, 'legacy' as recording_system
    from {{ ref('stg_legacy__crimes') }}

    union all

    select distinct investigation_id as record_ref, 'connect' as recording_system
    from {{ ref('stg_connect__investigations') }}
),

in_offences as (
    select crime_number as record_ref, 'legacy' as recording_system, count(*) as offence_count
    from {{ model }}
    where crime_number is not null
    group by crime_number

    union all

    select investigation_id as record_ref, 'connect' as recording_system, count(*) as offence_count
    from {{ model }}
    where investigation_id is not null
    group by investigation_id
)

select
    coalesce(records.recording_system, in_offences.recording_system) as recording_system,
    coalesce(records.record_ref, in_offences.record_ref) as record_ref,
    coalesce(in_offences.offence_count, 0) as offence_count
from records
full outer join in_offences
    on
        records.recording_system = in_offences.recording_system
        and records.record_ref = in_offences.record_ref
where records.record_ref is null or coalesce(in_offences.offence_count, 0) <> 1

{% endtest %}
