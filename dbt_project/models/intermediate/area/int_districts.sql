with districts_2019 as (
    select
        lad_code,
        min(lad_name) as lad_name,
        min(pfa_code) as pfa_code,
        -- A district of several community safety partnerships belongs to none of them alone.
        case when min(csp_code) = max(csp_code) then min(csp_code) end as csp_code
    from {{ ref('stg_ons__districts_to_forces') }}
    group by lad_code
),

newer_districts as (
    select * from {{ ref('district_changes') }}
),

districts_to_regions as (
    select
        lad_code,
        min(lad_name) as lad_name,
        min(region_code) as region_code
    from {{ ref('stg_ons__districts_to_regions') }}
    group by lad_code
),

populations as (
    select
        lad_code,
        min(lad_name) as lad_name
    from {{ ref('stg_ons__populations') }}
    group by lad_code
),

deprivation as (
    select
        lad_code,
        min(lad_name) as lad_name
    from {{ ref('stg_ons__deprivation_ranks') }}
    group by lad_code
),

forces as (
    select * from {{ ref('forces') }}
),

known as (
    select lad_code from districts_2019
    union distinct
    select lad_code from districts_to_regions
    union distinct
    select lad_code from populations
    union distinct
    select lad_code from deprivation
),

final as (
    select
        known.lad_code,
        coalesce(
            districts_to_regions.lad_name,
            districts_2019.lad_name,
            populations.lad_name,
            newer_districts.lad_name,
            deprivation.lad_name
        ) as lad_name,
        districts_2019.csp_code,
        forces.force_code,
        coalesce(
            districts_to_regions.region_code,
            case when forces.region_code like 'E12%' then forces.region_code end
        ) as region_code
    from known
    left join districts_2019 on known.lad_code = districts_2019.lad_code
    left join newer_districts on known.lad_code = newer_districts.lad_code
    left join districts_to_regions on known.lad_code = districts_to_regions.lad_code
    left join populations on known.lad_code = populations.lad_code
    left join deprivation on known.lad_code = deprivation.lad_code
    left join forces
        on coalesce(districts_2019.pfa_code, newer_districts.pfa_code) = forces.pfa_code
)

select * from final
