with attempts as (
    select * from {{ source('ledger', 'attempt') }}
),

final as (
    select
        attempt_id,
        run_id,
        attempted_at,
        file_name,
        member_name,
        content_sha256,
        byte_count,
        source,
        table_name,
        outcome,
        reason_code,
        reason,
        load_id
    from attempts
)

select * from final
