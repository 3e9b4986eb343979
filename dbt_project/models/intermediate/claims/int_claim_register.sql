with claims as (
    select * from {{ ref('published_claims') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

final as (
    select claims.*
    from claims
    inner join settings on claims.force_code = settings.force_code
)

select * from final
