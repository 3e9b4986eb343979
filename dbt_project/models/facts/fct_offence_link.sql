with links as (
    select * from {{ ref('int_offence_links') }}
),

final as (
    select
        crime_number,
        investigation_id,
        counted_record_id as offence_id,
        counted_system,
        link_reason,
        link_score,
        log_agreement,
        offence_agreement,
        lsoa_agreement,
        occurred_agreement,
        reported_agreement,
        persons_agreement,
        victims_agreement
    from links
)

select * from final
