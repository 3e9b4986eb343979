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

-- When it was reported and when it happened, in minutes since the beginning of 1970.
record_minutes as (
    select
        record_id,
        'reported' as time_type,
        {{ dbt.datediff("cast('1970-01-01' as timestamp)", 'reported_at', 'minute') }}
            as minute
    from records

    union all

    select
        record_id,
        'occurred' as time_type,
        {{ dbt.datediff("cast('1970-01-01' as timestamp)", 'occurred_from_at', 'minute') }}
            as minute
    from records
    where occurred_from_at is not null
),

-- Times that lie no further apart than a span does are in one span of time or in adjacent ones.
record_keys as (
    select
        records.record_id,
        records.recording_system,
        records.lsoa_code,
        record_places.place_code,
        record_groups.offence_group,
        record_minutes.time_type,
        record_minutes.minute,
        cast(floor(record_minutes.minute / greatest(cutover.block_minutes, 1.0)) as bigint)
            as span_number
    from records
    cross join cutover
    inner join record_places on records.record_id = record_places.record_id
    inner join record_groups on records.record_id = record_groups.record_id
    inner join record_minutes on records.record_id = record_minutes.record_id
),

span_shifts as (
    select -1 as shift
    union all
    select 0 as shift
    union all
    select 1 as shift
),

connect_keys as (
    select
        record_keys.*,
        record_keys.span_number + span_shifts.shift as near_span_number
    from record_keys
    cross join span_shifts
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

-- Pairs of two LSOAs of one place are compared only where a time is the same to the minute: how
-- many others there are grows with the square of what is recorded.
alike as (
    select distinct
        legacy_keys.record_id as legacy_record_id,
        connect_keys.record_id as connect_record_id
    from record_keys as legacy_keys
    inner join connect_keys
        on
            legacy_keys.place_code = connect_keys.place_code
            and legacy_keys.offence_group = connect_keys.offence_group
            and legacy_keys.time_type = connect_keys.time_type
            and legacy_keys.span_number = connect_keys.near_span_number
    cross join cutover
    where
        legacy_keys.recording_system = 'legacy'
        and abs(legacy_keys.minute - connect_keys.minute) <= cutover.block_minutes
        and (
            legacy_keys.minute = connect_keys.minute
            or coalesce(legacy_keys.lsoa_code = connect_keys.lsoa_code, true)
        )
),

-- Where nobody wrote down a place, only the minute tells which records to compare.
record_moments as (
    select
        records.record_id,
        records.recording_system,
        records.location_basis in ('npu', 'unknown') as is_unplaced,
        record_groups.offence_group,
        record_minutes.time_type,
        record_minutes.minute
    from records
    inner join record_groups on records.record_id = record_groups.record_id
    inner join record_minutes on records.record_id = record_minutes.record_id
),

of_one_moment as (
    select distinct
        legacy_moments.record_id as legacy_record_id,
        connect_moments.record_id as connect_record_id
    from record_moments as legacy_moments
    inner join record_moments as connect_moments
        on
            legacy_moments.offence_group = connect_moments.offence_group
            and legacy_moments.time_type = connect_moments.time_type
            and legacy_moments.minute = connect_moments.minute
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
