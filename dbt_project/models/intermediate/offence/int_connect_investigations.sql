{{ config(materialized='table') }}

with staged as not materialized (
    select * from {{ ref('stg_connect__investigations') }}
),

loads as (
    select * from {{ ref('stg_ledger__loads') }}
),

code_maps as (
    select * from {{ ref('int_code_maps') }}
),

places as (
    select * from {{ ref('int_places') }}
),

lsoa_places as (
    select * from places
    where place_type = 'lsoa'
),

beat_places as (
    select * from places
    where place_type = 'beat' and recording_system = 'connect'
),

weapon_lists as (
    select * from {{ ref('int_weapon_lists') }}
),

changes as (
    select * from {{ ref('int_classification_changes') }}
),

investigations as (
    {{ latest_of_key('staged', ['investigation_id']) }}
),

-- Changes between codes that are one conformed code (8N-01 to 8N-06) are none here.
reclassifications as (
    select
        investigation_id,
        min_by(from_offence_code, changed_at) as first_offence_code,
        max_by(to_offence_code, changed_at) as last_offence_code,
        max(changed_at) as reclassified_at
    from changes
    where
        change_reason_code = 'reclassified'
        and from_offence_code is distinct from to_offence_code
    group by investigation_id
),

left_codes as (
    select distinct
        investigation_id,
        from_offence_code
    from changes
    where
        change_reason_code = 'reclassified'
        and from_offence_code is distinct from to_offence_code
),

cancellations as (
    select
        investigation_id,
        min(changed_at) as cancelled_at,
        max_by(change_reason_code, changed_at) as change_reason_code
    from changes
    where change_reason_code like 'cancelled%'
    group by investigation_id
),

coded as (
    select
        investigations.investigation_id,
        {{ log_number('investigations.log_ref') }} as log_number,
        investigations.created_at,
        investigations.reported_at,
        investigations.occurred_from_at,
        investigations.occurred_to_at,
        coalesce(offence_map.conformed_code, investigations.source_offence_code)
            as extracted_offence_code,
        investigations.lsoa_code,
        investigations.beat_code,
        investigations.is_domestic,
        weapon_lists.weapon_code,
        {{ conformed('use_map', 'investigations.source_weapon_use_code') }} as weapon_use_code,
        investigations.is_spiking,
        {{ conformed('toxicology_map', 'investigations.source_toxicology_code') }}
            as toxicology_code,
        {{ conformed('origin_map', 'investigations.source_record_origin_code') }}
            as record_origin_code,
        nullif({{ conformed('outcome_map', 'investigations.source_outcome_code') }}, '0')
            as outcome_type_code,
        investigations.outcome_at,
        {{ conformed('status_map', 'investigations.source_status_code') }} as status_code,
        investigations.load_id
    from investigations
    left join weapon_lists
        on investigations.source_weapon_codes = weapon_lists.source_weapon_codes
    {{ join_code_map('offence_map', 'connect.offence', 'investigations.source_offence_code') }}
    {{ join_code_map('use_map', 'connect.weapon_use', 'investigations.source_weapon_use_code') }}
    {{ join_code_map(
        'toxicology_map', 'connect.toxicology', 'investigations.source_toxicology_code'
    ) }}
    {{ join_code_map(
        'origin_map', 'connect.record_origin', 'investigations.source_record_origin_code'
    ) }}
    {{ join_code_map('outcome_map', 'connect.outcome', 'investigations.source_outcome_code') }}
    {{ join_code_map('status_map', 'connect.status', 'investigations.source_status_code') }}
),

-- The history comes in files of its own, by month of change. Where it says that the extract's code
-- was left behind, the extract is the older of the two.
classified as (
    select
        coded.*,
        case
            when
                left_codes.investigation_id is not null
                and reclassifications.last_offence_code is not null
                then reclassifications.last_offence_code
            else coded.extracted_offence_code
        end as offence_code,
        coalesce(reclassifications.first_offence_code, coded.extracted_offence_code)
            as first_offence_code,
        reclassifications.reclassified_at,
        cancellations.investigation_id is not null
        or coalesce(coded.status_code = 'cancelled', false) as is_cancelled,
        upper(substr(cancellations.change_reason_code, length('cancelled_') + 1))
            as cancelled_code,
        cancellations.cancelled_at
    from coded
    left join reclassifications on coded.investigation_id = reclassifications.investigation_id
    left join left_codes
        on
            coded.investigation_id = left_codes.investigation_id
            and coded.extracted_offence_code = left_codes.from_offence_code
    left join cancellations on coded.investigation_id = cancellations.investigation_id
),

placed as (
    select
        classified.*,
        {{ location_basis('classified.lsoa_code') }} as location_basis,
        lsoa_places.neighbourhood_code as lsoa_neighbourhood_code,
        lsoa_places.npu_code as lsoa_npu_code,
        lsoa_places.district_code as lsoa_district_code,
        lsoa_places.is_impact_area as is_lsoa_impact_area,
        beat_places.neighbourhood_code as beat_neighbourhood_code,
        beat_places.npu_code as beat_npu_code,
        beat_places.district_code as beat_district_code,
        beat_places.is_impact_area as is_beat_impact_area
    from classified
    left join lsoa_places on classified.lsoa_code = lsoa_places.place_code
    left join beat_places on classified.beat_code = beat_places.place_code
),

final as (
    select
        'connect:' || investigation_id as record_id,
        'connect' as recording_system,
        cast(null as {{ dbt.type_string() }}) as crime_number,
        investigation_id,
        log_number,
        reported_at,
        created_at as recorded_at,
        occurred_from_at,
        occurred_to_at,
        offence_code,
        first_offence_code,
        reclassified_at,
        lsoa_code,
        beat_code,
        case location_basis
            when 'lsoa' then lsoa_neighbourhood_code
            when 'beat' then beat_neighbourhood_code
        end as neighbourhood_code,
        case location_basis
            when 'lsoa' then lsoa_npu_code
            when 'beat' then beat_npu_code
        end as npu_code,
        case location_basis
            when 'lsoa' then lsoa_district_code
            when 'beat' then beat_district_code
        end as district_code,
        case location_basis
            when 'lsoa' then is_lsoa_impact_area
            when 'beat' then is_beat_impact_area
        end as is_impact_area,
        location_basis,
        is_domestic,
        weapon_code,
        weapon_use_code,
        is_spiking,
        toxicology_code,
        coalesce(record_origin_code, 'unknown') as record_origin_code,
        is_cancelled,
        cancelled_code,
        cancelled_at,
        outcome_type_code,
        case when outcome_type_code is not null then outcome_at end as outcome_at,
        load_id
    from placed
)

select * from final
