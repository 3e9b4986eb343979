{{ config(materialized='table') }}

with episodes as (
    select * from {{ ref('stg_nhs__sharp_object_episodes') }}
    where
        breakdown_type = 'total'
        and episode_type = 'FAE'
        and episode_month is not null
),

regions as (
    select distinct
        'region/' || region_code as area_id,
        region_code as area_code,
        region_name as area_name
    from {{ ref('forces') }}
    where region_code like 'E12%'

    union all

    select
        'country/' || country_code as area_id,
        country_code as area_code,
        country_name as area_name
    from {{ ref('countries') }}
    where country_code = 'E92000001'
),

final as (
    select
        regions.area_id,
        regions.area_code,
        regions.area_name,
        episodes.episode_month as month,
        episodes.financial_year,
        {{ financial_quarter('episodes.episode_month') }} as financial_quarter,
        episodes.episode_count,
        episodes.episode_count_lower,
        episodes.episode_count_upper,
        episodes.disclosure_type,
        episodes.load_id
    from episodes
    inner join regions on lower(trim(episodes.area_name)) = lower(regions.area_name)
)

select * from final
