with settings as (
    select * from {{ source('ledger', 'configuration') }}
),

final as (
    select
        substr(key, length('linkage.') + 1) as setting,
        value as configured_value
    from settings
    where key like 'linkage.%'
)

select * from final
