{{ config(materialized='table') }}

with beats as (
    select * from {{ ref('stg_geography__beats') }}
),

deprivation as (
    select * from {{ ref('stg_ons__deprivation_ranks') }}
),

districts as (
    select * from {{ ref('int_districts') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

-- Neighbourhoods are the same in every system. Should two systems disagree about an LSOA all the
-- same, the newer one (connect sorts before legacy) is right.
force_lsoas as (
    select
        lsoa_code,
        neighbourhood_code,
        npu_code,
        district_code,
        is_impact_area
    from beats
    qualify
        row_number() over (
            partition by lsoa_code order by recording_system, beat_code, neighbourhood_code
        ) = 1
),

-- Elsewhere an LSOA is at least in a district.
other_lsoas as (
    select
        deprivation.lsoa_code,
        min(deprivation.lad_code) as district_code
    from deprivation
    left join force_lsoas on deprivation.lsoa_code = force_lsoas.lsoa_code
    where force_lsoas.lsoa_code is null
    group by deprivation.lsoa_code
),

beat_parts as (
    select
        recording_system,
        beat_code,
        neighbourhood_code,
        npu_code,
        district_code,
        is_impact_area,
        count(distinct lsoa_code) as lsoa_count
    from beats
    group by 1, 2, 3, 4, 5, 6
),

-- A beat that straddles neighbourhoods is given to the one with most of its LSOAs (best fit):
-- left unplaced, its crimes would be missing from neighbourhoods in one system and not the other.
beat_best_fits as (
    select
        recording_system,
        beat_code,
        neighbourhood_code,
        npu_code,
        district_code,
        is_impact_area,
        lsoa_count,
        sum(lsoa_count) over (partition by recording_system, beat_code) as beat_lsoa_count
    from beat_parts
    qualify
        row_number() over (
            partition by recording_system, beat_code
            order by lsoa_count desc, neighbourhood_code asc, npu_code asc, district_code asc
        ) = 1
),

units as (
    select
        npu_code,
        case when min(district_code) = max(district_code) then min(district_code) end
            as district_code,
        count(distinct lsoa_code) as lsoa_count
    from beats
    group by npu_code
),

placed as (
    select
        'lsoa' as place_type,
        'any' as recording_system,
        lsoa_code as place_code,
        neighbourhood_code,
        npu_code,
        district_code,
        is_impact_area,
        true as is_of_force,
        1 as lsoa_count,
        cast(1 as double) as best_fit_share
    from force_lsoas

    union all

    select
        'lsoa' as place_type,
        'any' as recording_system,
        lsoa_code as place_code,
        null as neighbourhood_code,
        null as npu_code,
        district_code,
        null as is_impact_area,
        false as is_of_force,
        1 as lsoa_count,
        null as best_fit_share
    from other_lsoas

    union all

    select
        'beat' as place_type,
        recording_system,
        beat_code as place_code,
        neighbourhood_code,
        npu_code,
        district_code,
        is_impact_area,
        true as is_of_force,
        beat_lsoa_count as lsoa_count,
        {{ safe_divide('lsoa_count', 'beat_lsoa_count') }} as best_fit_share
    from beat_best_fits

    union all

    select
        'npu' as place_type,
        'any' as recording_system,
        npu_code as place_code,
        null as neighbourhood_code,
        npu_code,
        district_code,
        null as is_impact_area,
        true as is_of_force,
        lsoa_count,
        null as best_fit_share
    from units
),

final as (
    select
        placed.place_type,
        placed.recording_system,
        placed.place_code,
        placed.neighbourhood_code,
        placed.npu_code,
        placed.district_code,
        placed.is_impact_area,
        placed.is_of_force or coalesce(districts.force_code = settings.force_code, false)
            as is_in_force,
        cast(placed.lsoa_count as integer) as lsoa_count,
        placed.best_fit_share
    from placed
    cross join settings
    left join districts on placed.district_code = districts.lad_code
)

select * from final
