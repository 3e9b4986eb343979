with load_periods as (
    select * from {{ source('ledger', 'load_period') }}
),

final as (
    select
        load_id,
        source,
        table_name,
        slot,
        row_count,
        entered_at,
        superseded_at,
        superseded_by,
        coalesce({{ is_current_period('load_periods') }}, false) as is_current
    from load_periods
)

select * from final
