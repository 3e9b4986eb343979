with logs as (
    select * from {{ ref('int_incident_logs') }}
),

offences as (
    select * from {{ ref('fct_offence') }}
),

of_log as (
    select
        log_number,
        -- Two crimes of one moment are told apart by name, so that the answer stays the same.
        min_by(
            offence_id, cast(first_recorded_at as {{ dbt.type_string() }}) || offence_id
        ) as offence_id,
        count(*) as offence_count,
        min(first_recorded_at) as first_recorded_at
    from offences
    where log_number is not null
    group by log_number
),

crime_references as (
    select
        crime_number as crime_ref,
        offence_id,
        first_recorded_at
    from offences
    where crime_number is not null

    union all

    select
        investigation_id as crime_ref,
        offence_id,
        first_recorded_at
    from offences
    where investigation_id is not null
),

-- References of logs that no offence names.
unnamed as (
    select logs.linked_crime_ref
    from logs
    left join of_log on logs.log_number = of_log.log_number
    where logs.linked_crime_ref is not null and of_log.log_number is null
),

references_to as (
    select
        crime_references.crime_ref,
        min(crime_references.offence_id) as offence_id,
        min(crime_references.first_recorded_at) as first_recorded_at
    from crime_references
    inner join unnamed on crime_references.crime_ref = unnamed.linked_crime_ref
    group by crime_references.crime_ref
),

joined as (
    select
        logs.*,
        coalesce(of_log.offence_id, references_to.offence_id) as offence_id,
        coalesce(
            of_log.offence_count, case when references_to.offence_id is not null then 1 else 0 end
        ) as offence_count,
        coalesce(of_log.first_recorded_at, references_to.first_recorded_at) as first_recorded_at
    from logs
    left join of_log on logs.log_number = of_log.log_number
    -- A crime whose record lost its log number is found by the reference the log keeps.
    left join references_to
        on
            of_log.log_number is null
            and logs.linked_crime_ref = references_to.crime_ref
),

final as (
    select
        log_number,
        source_log_number,
        opened_at,
        cast({{ dbt.date_trunc('month', 'opened_at') }} as date) as month,
        closed_at,
        opening_code,
        closing_outcome_code,
        has_no_trace,
        report_category_code,
        lsoa_code,
        neighbourhood_code,
        npu_code,
        district_code,
        is_impact_area,
        offence_id,
        cast(offence_count as integer) as offence_count,
        linked_crime_ref is not null as has_crime_reference,
        offence_id is not null or linked_crime_ref is not null as is_crime_recorded,
        first_recorded_at,
        ncrs_due_at,
        first_recorded_at <= ncrs_due_at as is_recorded_within_24_hours,
        lqt_reviewed_at,
        lqt_result_code,
        load_id
    from joined
)

select * from final
