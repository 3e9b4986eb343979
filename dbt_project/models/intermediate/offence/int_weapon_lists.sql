{{ config(materialized='table') }}

with investigations as (
    select * from {{ ref('stg_connect__investigations') }}
),

code_maps as (
    select * from {{ ref('int_code_maps') }}
),

weapons as (
    select * from {{ ref('conformed_codes') }}
    where code_set = 'weapon'
),

lists as (
    select distinct source_weapon_codes
    from investigations
    where source_weapon_codes is not null
),

parts as (
    {{ list_parts('lists', 'source_weapon_codes', ';') }}
),

conformed as (
    select
        parts.source_weapon_codes,
        coalesce(weapon_map.conformed_code, 'unknown') as weapon_code
    from parts
    {{ join_code_map('weapon_map', 'connect.weapon', 'parts.part') }}
),

ranked as (
    select
        conformed.source_weapon_codes,
        conformed.weapon_code,
        row_number() over (
            partition by conformed.source_weapon_codes
            order by weapons.sort_order nulls last, conformed.weapon_code
        ) as nth,
        count(*) over (partition by conformed.source_weapon_codes) as weapon_count
    from conformed
    left join weapons on conformed.weapon_code = weapons.conformed_code
),

final as (
    select
        source_weapon_codes,
        weapon_code,
        cast(weapon_count as integer) as weapon_count
    from ranked
    where nth = 1
)

select * from final
