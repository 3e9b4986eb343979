with code_maps as (
    select * from {{ source('ledger', 'code_map') }}
),

final as (
    select
        list_code,
        source_code,
        conformed_code
    from code_maps
)

select * from final
