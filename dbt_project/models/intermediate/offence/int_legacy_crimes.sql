{{ config(materialized='table') }}

with staged as not materialized (
    select * from {{ ref('stg_legacy__crimes') }}
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
    where place_type = 'beat' and recording_system = 'legacy'
),

npu_places as (
    select * from places
    where place_type = 'npu'
),

weapon_uses as (
    select * from {{ ref('weapon_uses') }}
),

-- Logs in which the Log Quality Team found a crime that should have been recorded.
overturned_logs as (
    select * from {{ ref('int_incident_logs') }}
    where lqt_result_code = 'crime_required'
),

crimes as (
    {{ latest_of_key('staged', ['crime_number']) }}
),

coded as (
    select
        crimes.crime_number,
        {{ log_number('crimes.incident_log_number') }} as log_number,
        crimes.recorded_at,
        crimes.reported_at,
        crimes.occurred_from_at,
        crimes.occurred_to_at,
        coalesce(offence_map.conformed_code, crimes.source_offence_code) as offence_code,
        crimes.lsoa_code,
        crimes.beat_code,
        crimes.npu_code,
        crimes.is_domestic,
        -- A knife that was used, in whatever way, was there, whatever stands in the field for the
        -- weapon.
        case
            when weapon_uses.is_presence then 'knife'
            else {{ conformed('weapon_map', 'crimes.source_weapon_code') }}
        end as weapon_code,
        {{ conformed('knife_map', 'crimes.source_knife_used_code') }} as weapon_use_code,
        -- Type 0 of the framework is 'not yet'.
        nullif({{ conformed('outcome_map', 'crimes.source_outcome_code') }}, '0')
            as outcome_type_code,
        cast(crimes.outcome_date as timestamp) as outcome_at,
        coalesce(crimes.cancelled_code, '') <> '' or crimes.cancelled_at is not null
            as is_cancelled,
        crimes.cancelled_code,
        crimes.cancelled_at,
        crimes.load_id
    from crimes
    {{ join_code_map('offence_map', 'legacy.offence', 'crimes.source_offence_code') }}
    {{ join_code_map('weapon_map', 'legacy.weapon', 'crimes.source_weapon_code') }}
    {{ join_code_map('knife_map', 'legacy.knife_used', 'crimes.source_knife_used_code') }}
    left join weapon_uses on knife_map.conformed_code = weapon_uses.weapon_use_code
    {{ join_code_map('outcome_map', 'legacy.outcome', 'crimes.source_outcome_code') }}
),

placed as (
    select
        coded.*,
        {{ location_basis('coded.lsoa_code', 'coded.npu_code') }} as location_basis,
        lsoa_places.neighbourhood_code as lsoa_neighbourhood_code,
        lsoa_places.npu_code as lsoa_npu_code,
        lsoa_places.district_code as lsoa_district_code,
        lsoa_places.is_impact_area as is_lsoa_impact_area,
        beat_places.neighbourhood_code as beat_neighbourhood_code,
        beat_places.npu_code as beat_npu_code,
        beat_places.district_code as beat_district_code,
        beat_places.is_impact_area as is_beat_impact_area,
        npu_places.district_code as npu_district_code
    from coded
    left join lsoa_places on coded.lsoa_code = lsoa_places.place_code
    left join beat_places on coded.beat_code = beat_places.place_code
    left join npu_places on coded.npu_code = npu_places.place_code
),

final as (
    select
        'legacy:' || placed.crime_number as record_id,
        'legacy' as recording_system,
        placed.crime_number,
        cast(null as {{ dbt.type_string() }}) as investigation_id,
        placed.log_number,
        placed.reported_at,
        placed.recorded_at,
        placed.occurred_from_at,
        placed.occurred_to_at,
        placed.offence_code,
        -- The system before CONNECT kept no history of a crime's classification.
        placed.offence_code as first_offence_code,
        cast(null as timestamp) as reclassified_at,
        placed.lsoa_code,
        placed.beat_code,
        case placed.location_basis
            when 'lsoa' then placed.lsoa_neighbourhood_code
            when 'beat' then placed.beat_neighbourhood_code
        end as neighbourhood_code,
        case placed.location_basis
            when 'lsoa' then coalesce(placed.lsoa_npu_code, placed.npu_code)
            when 'beat' then placed.beat_npu_code
            when 'npu' then placed.npu_code
        end as npu_code,
        case placed.location_basis
            when 'lsoa' then placed.lsoa_district_code
            when 'beat' then placed.beat_district_code
            when 'npu' then placed.npu_district_code
        end as district_code,
        case placed.location_basis
            when 'lsoa' then placed.is_lsoa_impact_area
            when 'beat' then placed.is_beat_impact_area
        end as is_impact_area,
        placed.location_basis,
        placed.is_domestic,
        placed.weapon_code,
        placed.weapon_use_code,
        cast(null as boolean) as is_spiking,
        cast(null as {{ dbt.type_string() }}) as toxicology_code,
        case
            when overturned_logs.log_number is not null then 'log_quality_review'
            else 'standard'
        end as record_origin_code,
        placed.is_cancelled,
        placed.cancelled_code,
        placed.cancelled_at,
        placed.outcome_type_code,
        case when placed.outcome_type_code is not null then placed.outcome_at end as outcome_at,
        placed.load_id
    from placed
    -- What was recorded before the review did not come of it.
    left join overturned_logs
        on
            placed.log_number = overturned_logs.log_number
            and placed.recorded_at >= overturned_logs.lqt_reviewed_at
)

select * from final
