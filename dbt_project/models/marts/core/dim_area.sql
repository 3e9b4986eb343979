with listed_forces as (
    select * from {{ ref('forces') }}
),

countries as (
    select * from {{ ref('countries') }}
),

districts as (
    select * from {{ ref('int_districts') }}
),

partnerships as (
    select
        lookup.csp_code,
        min(lookup.csp_name) as csp_name,
        min(listed_forces.force_code) as force_code,
        min(listed_forces.region_code) as region_code
    from {{ ref('stg_ons__districts_to_forces') }} as lookup
    left join listed_forces on lookup.pfa_code = listed_forces.pfa_code
    group by lookup.csp_code
),

lsoas_to_msoas as (
    select
        lsoa_code,
        min(lsoa_name) as lsoa_name,
        min(msoa_code) as msoa_code,
        min(msoa_name) as msoa_name
    from {{ ref('stg_ons__lsoas_to_msoas') }}
    -- The lookup also holds Scotland's data zones.
    where lsoa_code like 'E%' or lsoa_code like 'W%'
    group by lsoa_code
),

deprivation as (
    select
        lsoa_code,
        min(lsoa_name) as lsoa_name,
        min(lad_code) as lad_code,
        min(imd_rank) as imd_rank
    from {{ ref('stg_ons__deprivation_ranks') }}
    group by lsoa_code
),

populations as (
    select * from {{ ref('int_area_populations') }}
),

-- An LSOA is named after its district: where the index of deprivation (England only) does not
-- say which, the name does, if one district has it.
district_names as (
    select
        lad_name,
        min(lad_code) as lad_code
    from districts
    group by lad_name
    having count(*) = 1
),

beats as (
    select * from {{ ref('stg_geography__beats') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

regions as (
    select distinct
        region_code,
        region_name
    from listed_forces
    where region_code like 'E12%'
),

-- A force that the list does not have is an area too, under the name that it configures.
forces as (
    select
        force_code,
        pfa_code,
        force_name,
        region_code,
        is_territorial
    from listed_forces

    union all

    select
        settings.force_code,
        cast(null as {{ dbt.type_string() }}) as pfa_code,
        settings.force_name,
        regions.region_code,
        false as is_territorial
    from settings
    left join listed_forces on settings.force_code = listed_forces.force_code
    left join regions on settings.region_code = regions.region_code
    where listed_forces.force_code is null
),

units as (
    select
        npu_code,
        min(npu_name) as npu_name
    from beats
    group by npu_code
),

neighbourhoods as (
    select
        neighbourhood_code,
        min(neighbourhood_name) as neighbourhood_name,
        min(npu_code) as npu_code
    from beats
    group by neighbourhood_code
),

-- Places of the force's own that records can be counted for, though none of them is on a map.
own_areas as (
    select
        'npu/' || npu_code as area_id,
        'npu' as area_type,
        npu_code as area_code,
        npu_name as area_name
    from units

    union all

    select
        'npu/unknown' as area_id,
        'npu' as area_type,
        'unknown' as area_code,
        'Unit not known' as area_name

    union all

    select
        'impact_area/all' as area_id,
        'impact_area' as area_type,
        'all' as area_code,
        'All impact areas' as area_name
),

lsoa_codes as (
    select lsoa_code from lsoas_to_msoas
    union distinct
    select lsoa_code from deprivation
),

lsoas as (
    select
        lsoa_codes.lsoa_code,
        coalesce(deprivation.lsoa_name, lsoas_to_msoas.lsoa_name) as lsoa_name,
        lsoas_to_msoas.msoa_code,
        lsoas_to_msoas.msoa_name,
        deprivation.imd_rank,
        coalesce(deprivation.lad_code, district_names.lad_code) as lad_code
    from lsoa_codes
    left join lsoas_to_msoas on lsoa_codes.lsoa_code = lsoas_to_msoas.lsoa_code
    left join deprivation on lsoa_codes.lsoa_code = deprivation.lsoa_code
    left join district_names
        on
            substr(lsoas_to_msoas.lsoa_name, 1, length(lsoas_to_msoas.lsoa_name) - 5)
            = district_names.lad_name
),

msoas as (
    select
        msoa_code,
        min(msoa_name) as msoa_name,
        case when min(lad_code) = max(lad_code) then min(lad_code) end as lad_code
    from lsoas
    where msoa_code is not null
    group by msoa_code
),

areas as (
    select
        'country/' || country_code as area_id,
        'country' as area_type,
        country_code as area_code,
        country_name as area_name,
        'country/' || parent_code as parent_area_id,
        cast(null as {{ dbt.type_string() }}) as force_code,
        cast(null as {{ dbt.type_string() }}) as region_code,
        cast(null as bigint) as imd_rank
    from countries

    union all

    select
        'region/' || region_code as area_id,
        'region' as area_type,
        region_code as area_code,
        region_name as area_name,
        'country/E92000001' as parent_area_id,
        cast(null as {{ dbt.type_string() }}) as force_code,
        region_code,
        cast(null as bigint) as imd_rank
    from regions

    union all

    select
        'force/' || force_code as area_id,
        'force' as area_type,
        coalesce(pfa_code, force_code) as area_code,
        force_name as area_name,
        case
            when region_code like 'E12%' then 'region/' || region_code
            else 'country/' || region_code
        end as parent_area_id,
        force_code,
        case when region_code like 'E12%' then region_code end as region_code,
        cast(null as bigint) as imd_rank
    from forces

    union all

    select
        'csp/' || csp_code as area_id,
        'csp' as area_type,
        csp_code as area_code,
        csp_name as area_name,
        'force/' || force_code as parent_area_id,
        force_code,
        case when region_code like 'E12%' then region_code end as region_code,
        cast(null as bigint) as imd_rank
    from partnerships

    union all

    select
        'lad/' || lad_code as area_id,
        'lad' as area_type,
        lad_code as area_code,
        lad_name as area_name,
        coalesce('csp/' || csp_code, 'force/' || force_code, 'region/' || region_code)
            as parent_area_id,
        force_code,
        region_code,
        cast(null as bigint) as imd_rank
    from districts

    union all

    select
        'msoa/' || msoas.msoa_code as area_id,
        'msoa' as area_type,
        msoas.msoa_code as area_code,
        msoas.msoa_name as area_name,
        'lad/' || msoas.lad_code as parent_area_id,
        districts.force_code,
        districts.region_code,
        cast(null as bigint) as imd_rank
    from msoas
    left join districts on msoas.lad_code = districts.lad_code

    union all

    select
        'lsoa/' || lsoas.lsoa_code as area_id,
        'lsoa' as area_type,
        lsoas.lsoa_code as area_code,
        lsoas.lsoa_name as area_name,
        coalesce('msoa/' || lsoas.msoa_code, 'lad/' || lsoas.lad_code) as parent_area_id,
        districts.force_code,
        districts.region_code,
        lsoas.imd_rank
    from lsoas
    left join districts on lsoas.lad_code = districts.lad_code

    union all

    select
        own_areas.area_id,
        own_areas.area_type,
        own_areas.area_code,
        own_areas.area_name,
        'force/' || settings.force_code as parent_area_id,
        settings.force_code,
        cast(null as {{ dbt.type_string() }}) as region_code,
        cast(null as bigint) as imd_rank
    from own_areas
    cross join settings

    union all

    select
        'neighbourhood/' || neighbourhoods.neighbourhood_code as area_id,
        'neighbourhood' as area_type,
        neighbourhoods.neighbourhood_code as area_code,
        neighbourhoods.neighbourhood_name as area_name,
        'npu/' || neighbourhoods.npu_code as parent_area_id,
        settings.force_code,
        cast(null as {{ dbt.type_string() }}) as region_code,
        cast(null as bigint) as imd_rank
    from neighbourhoods
    cross join settings
),

latest_populations as (
    select
        area_id,
        max(reference_year) as reference_year
    from populations
    group by area_id
),

final as (
    select
        areas.area_id,
        areas.area_type,
        areas.area_code,
        areas.area_name,
        areas.parent_area_id,
        areas.force_code,
        areas.region_code,
        case when areas.area_type = 'force' then coalesce(forces.is_territorial, false) end
            as is_territorial_force,
        latest.population_count,
        latest.reference_year as population_year,
        mid_2019.population_count as population_mid_2019_count,
        mid_2020.population_count as population_mid_2020_count,
        cast(areas.imd_rank as integer) as imd_rank,
        -- 32,844 LSOAs are ranked; decile 1 is the most deprived tenth.
        cast(ceil(areas.imd_rank * 10.0 / 32844) as integer) as imd_decile
    from areas
    left join forces
        on areas.area_type = 'force' and areas.force_code = forces.force_code
    left join latest_populations on areas.area_id = latest_populations.area_id
    left join populations as latest
        on
            latest_populations.area_id = latest.area_id
            and latest_populations.reference_year = latest.reference_year
    left join populations as mid_2019
        on areas.area_id = mid_2019.area_id and mid_2019.reference_year = 2019
    left join populations as mid_2020
        on areas.area_id = mid_2020.area_id and mid_2020.reference_year = 2020
)

select * from final
