with load_periods as (
    select * from {{ source('ledger', 'load_period') }}
),

final as (
    select
        load_periods.load_id,
        load_periods.source,
        load_periods.table_name,
        load_periods.slot,
        load_periods.row_count,
        load_periods.entered_at,
        load_periods.superseded_at,
        load_periods.superseded_by,
        coalesce({{ is_current_period('load_periods') }}, false) as is_current
    from load_periods
)

select * from final
