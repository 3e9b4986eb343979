with gate_results as (
    select * from {{ source('ledger', 'gate_result') }}
),

final as (
    select
        load_id,
        expectation_code,
        measure as measure_name,
        severity as severity_type,
        status as gate_status_type,
        observed,
        expected,
        message,
        who_fixes,
        evaluated_at
    from gate_results
)

select * from final
