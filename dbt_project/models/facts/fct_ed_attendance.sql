with staged as not materialized (
    select * from {{ ref('stg_hospital__emergency_attendances') }}
),

loads as (
    select * from {{ ref('stg_ledger__loads') }}
),

code_maps as (
    select * from {{ ref('int_code_maps') }}
),

age_bands as (
    select * from {{ ref('age_bands') }}
),

lsoa_places as (
    select * from {{ ref('int_places') }}
    where place_type = 'lsoa'
),

attendances as (
    {{ latest_of_key('staged', ['attendance_id']) }}
),

final as (
    select
        attendances.attendance_id,
        attendances.arrived_at,
        cast({{ dbt.date_trunc('month', 'attendances.arrived_at') }} as date) as arrived_month,
        attendances.injured_at,
        cast(attendances.age_at_arrival as integer) as age_at_arrival,
        coalesce(age_bands.age_band_code, 'unknown') as age_band_code,
        age_bands.is_under_25,
        coalesce(sex_map.conformed_code, 'unknown') as sex_code,
        attendances.assault_location_code,
        coalesce(weapon_map.conformed_code, 'unknown') as weapon_code,
        coalesce(weapon_map.conformed_code = 'knife', false) as is_sharp_object,
        attendances.lsoa_code,
        lsoa_places.neighbourhood_code,
        lsoa_places.npu_code,
        lsoa_places.district_code,
        lsoa_places.is_impact_area,
        attendances.site_code,
        attendances.load_id
    from attendances
    left join age_bands
        on attendances.age_at_arrival between age_bands.age_from and age_bands.age_to
    left join lsoa_places on attendances.lsoa_code = lsoa_places.place_code
    {{ join_code_map('sex_map', 'hospital.ecds_sex', 'attendances.source_sex_code') }}
    {{ join_code_map('weapon_map', 'hospital.ecds_weapon', 'attendances.source_weapon_code') }}
)

select * from final
