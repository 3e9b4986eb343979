with legacy as (
    select * from {{ ref('int_legacy_crimes') }}
),

connect as (
    select * from {{ ref('int_connect_investigations') }}
),

final as (
    select * from legacy
    union all
    select * from connect
)

select * from final
