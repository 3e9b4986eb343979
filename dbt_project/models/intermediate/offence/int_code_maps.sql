{{ config(materialized='table') }}

with published as (
    select * from {{ ref('force_codes') }}
),

configured as (
    select * from {{ ref('stg_ledger__code_maps') }}
),

final as (
    select
        list_code,
        source_code,
        conformed_code,
        true as is_configured
    from configured

    union all

    select
        published.list_code,
        published.source_code,
        published.conformed_code,
        false as is_configured
    from published
    left join configured
        on
            published.list_code = configured.list_code
            and published.source_code = configured.source_code
    where configured.source_code is null
)

select * from final
