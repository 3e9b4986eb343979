with loads as (
    select * from {{ source('ledger', 'load') }}
),

final as (
    select
        load_id,
        run_id,
        source,
        table_name,
        file_name,
        member_name,
        file_sha256,
        content_sha256,
        byte_count,
        claim,
        layout_era,
        encoding,
        outcome,
        reason_code,
        reason,
        row_count_read,
        row_count_entered,
        row_count_quarantined,
        period_min,
        period_max,
        contract_version,
        gate_status,
        data_docs,
        entered_at,
        sent_at
    from loads
)

select * from final
