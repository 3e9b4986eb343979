{{ config(materialized='table') }}

with records as (
    select * from {{ ref('int_link_records') }}
),

cutover as (
    select * from {{ ref('int_cutover') }}
),

beats as (
    select distinct
        recording_system,
        beat_code,
        neighbourhood_code
    from {{ ref('stg_geography__beats') }}
),

-- Every neighbourhood a record can lie in: that of its LSOA, or all that its beat touches. Without
-- a geography the LSOA itself.
record_places as (
    select
        record_id,
        coalesce(neighbourhood_code, lsoa_code) as place_code
    from records
    where location_basis = 'lsoa'

    union all

    select
        records.record_id,
        beats.neighbourhood_code as place_code
    from records
    inner join beats
        on
            records.recording_system = beats.recording_system
            and records.beat_code = beats.beat_code
    where records.location_basis = 'beat'
),

record_groups as (
    select
        record_id,
        offence_group
    from records
    where offence_group is not null

    union distinct

    select
        record_id,
        first_offence_group as offence_group
    from records
    where first_offence_group is not null
),

record_days as (
    select
        record_id,
        'reported' as day_type,
        cast(reported_at as date) as day
    from records

    union all

    select
        record_id,
        'occurred' as day_type,
        cast(occurred_from_at as date) as day
    from records
    where occurred_from_at is not null
),

record_keys as (
    select
        records.record_id,
        records.recording_system,
        record_places.place_code,
        record_groups.offence_group,
        record_days.day_type,
        record_days.day
    from records
    inner join record_places on records.record_id = record_places.record_id
    inner join record_groups on records.record_id = record_groups.record_id
    inner join record_days on records.record_id = record_days.record_id
),

-- A pair within so many days lies on the same day or on one of so many days to either side.
day_shifts as (
    select cast(shift as integer) as shift
    from generate_series(-7, 7) as shifts (shift)
),

connect_keys as (
    select
        record_keys.record_id,
        record_keys.place_code,
        record_keys.offence_group,
        record_keys.day_type,
        {{ add_days('record_keys.day', 'day_shifts.shift') }} as day
    from record_keys
    cross join cutover
    inner join day_shifts on day_shifts.shift between -cutover.block_days and cutover.block_days
    where record_keys.recording_system = 'connect'
),

of_one_log as (
    select
        legacy_records.record_id as legacy_record_id,
        connect_records.record_id as connect_record_id
    from records as legacy_records
    inner join records as connect_records
        on legacy_records.log_number = connect_records.log_number
    where
        legacy_records.recording_system = 'legacy'
        and connect_records.recording_system = 'connect'
),

alike as (
    select distinct
        legacy_keys.record_id as legacy_record_id,
        connect_keys.record_id as connect_record_id
    from record_keys as legacy_keys
    inner join connect_keys
        on
            legacy_keys.place_code = connect_keys.place_code
            and legacy_keys.offence_group = connect_keys.offence_group
            and legacy_keys.day_type = connect_keys.day_type
            and legacy_keys.day = connect_keys.day
    where legacy_keys.recording_system = 'legacy'
),

-- Where nobody wrote down a place, only the minute tells which records to compare.
record_moments as (
    select
        records.record_id,
        records.recording_system,
        records.location_basis in ('npu', 'unknown') as is_unplaced,
        record_groups.offence_group,
        'reported' as moment_type,
        {{ dbt.date_trunc('minute', 'records.reported_at') }} as moment
    from records
    inner join record_groups on records.record_id = record_groups.record_id

    union all

    select
        records.record_id,
        records.recording_system,
        records.location_basis in ('npu', 'unknown') as is_unplaced,
        record_groups.offence_group,
        'occurred' as moment_type,
        {{ dbt.date_trunc('minute', 'records.occurred_from_at') }} as moment
    from records
    inner join record_groups on records.record_id = record_groups.record_id
    where records.occurred_from_at is not null
),

of_one_moment as (
    select distinct
        legacy_moments.record_id as legacy_record_id,
        connect_moments.record_id as connect_record_id
    from record_moments as legacy_moments
    inner join record_moments as connect_moments
        on
            legacy_moments.offence_group = connect_moments.offence_group
            and legacy_moments.moment_type = connect_moments.moment_type
            and legacy_moments.moment = connect_moments.moment
    where
        legacy_moments.recording_system = 'legacy'
        and connect_moments.recording_system = 'connect'
        and (legacy_moments.is_unplaced or connect_moments.is_unplaced)
),

blocked as (
    select
        *,
        'log' as block_code,
        1 as block_order
    from of_one_log

    union all

    select
        *,
        'attributes' as block_code,
        2 as block_order
    from alike

    union all

    select
        *,
        'moment' as block_code,
        3 as block_order
    from of_one_moment
),

final as (
    select
        legacy_record_id,
        connect_record_id,
        min_by(block_code, block_order) as block_code
    from blocked
    group by legacy_record_id, connect_record_id
)

select * from final
