with published as (
    select * from {{ ref('linkage_settings') }}
),

configured as (
    select
        setting,
        {{ number_or_null('configured_value') }} as value
    from {{ ref('stg_ledger__linkage_settings') }}
),

final as (
    select
        published.setting,
        coalesce(configured.value, published.value) as value,
        published.unit,
        published.meaning,
        configured.value is not null as is_configured
    from published
    left join configured on published.setting = configured.setting
)

select * from final
