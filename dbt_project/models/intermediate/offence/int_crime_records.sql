with legacy_crimes as (
    select * from {{ ref('int_legacy_crimes') }}
),

investigations as (
    select * from {{ ref('int_connect_investigations') }}
),

final as (
    select * from legacy_crimes
    union all
    select * from investigations
)

select * from final
