{{ config(materialized='table') }}

with assignments as (
    select * from {{ ref('int_link_assignments') }}
),

scores as (
    select * from {{ ref('int_link_scores') }}
),

records as (
    select * from {{ ref('int_link_records') }}
),

cutover as (
    select * from {{ ref('int_cutover') }}
),

linked as (
    select
        scores.*,
        legacy_records.crime_number,
        connect_records.investigation_id,
        -- A crime that was recorded before go-live was counted then, and keeps its place.
        case when legacy_records.recorded_at < cutover.go_live_date then 'legacy' else 'connect' end
            as counted_system
    from assignments
    inner join scores
        on
            assignments.legacy_record_id = scores.legacy_record_id
            and assignments.connect_record_id = scores.connect_record_id
    inner join records as legacy_records
        on assignments.legacy_record_id = legacy_records.record_id
    inner join records as connect_records
        on assignments.connect_record_id = connect_records.record_id
    cross join cutover
),

final as (
    select
        legacy_record_id,
        connect_record_id,
        crime_number,
        investigation_id,
        counted_system,
        case counted_system when 'legacy' then legacy_record_id else connect_record_id end
            as counted_record_id,
        case counted_system when 'legacy' then connect_record_id else legacy_record_id end
            as other_record_id,
        {{ link_reason() }} as link_reason,
        link_score,
        log_agreement,
        offence_agreement,
        lsoa_agreement,
        occurred_agreement,
        reported_agreement,
        persons_agreement,
        victims_agreement
    from linked
)

select * from final
