with quarantined_values as (
    select * from {{ source('ledger', 'quarantine') }}
),

final as (
    select
        load_id,
        source,
        table_name,
        row_number,
        rule_code,
        column_name,
        value as offending_value,
        message,
        who_fixes,
        row_text,
        quarantined_at
    from quarantined_values
)

select * from final
