{{ config(materialized='table') }}

with cutover as (
    select * from {{ ref('int_cutover') }}
),

crime_records as (
    select * from {{ ref('int_crime_records') }}
),

-- The group a code belongs to now, or last belonged to.
offences as (
    select * from {{ ref('dim_offence') }}
    qualify row_number() over (partition by offence_code order by valid_from desc nulls last) = 1
),

-- Legacy crimes that could have been converted or keyed twice, and investigations of the weeks in
-- which that was done.
records as (
    select
        crime_records.record_id,
        crime_records.recording_system,
        crime_records.crime_number,
        crime_records.investigation_id,
        crime_records.log_number,
        crime_records.recorded_at,
        crime_records.reported_at,
        crime_records.occurred_from_at,
        crime_records.first_offence_code,
        crime_records.offence_code,
        crime_records.lsoa_code,
        crime_records.beat_code,
        crime_records.neighbourhood_code,
        crime_records.location_basis
    from crime_records
    cross join cutover
    where
        crime_records.recorded_at < {{ dbt.dateadd('day', 1, 'cutover.last_date') }}
        and crime_records.recorded_at >= case crime_records.recording_system
            when 'legacy' then cutover.legacy_first_date
            else cutover.connect_first_date
        end
),

final as (
    select
        records.*,
        first_offences.offence_group as first_offence_group,
        first_offences.offence_subgroup as first_offence_subgroup,
        now_offences.offence_group,
        now_offences.offence_subgroup
    from records
    left join offences as first_offences
        on records.first_offence_code = first_offences.offence_code
    left join offences as now_offences on records.offence_code = now_offences.offence_code
)

select * from final
