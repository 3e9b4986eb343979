with loads as (
    select * from {{ ref('stg_ledger__loads') }}
),

load_periods as (
    select * from {{ ref('stg_ledger__load_periods') }}
),

gate_results as (
    select * from {{ ref('stg_ledger__gate_results') }}
),

contract_tables as (
    select * from {{ ref('contract_tables') }}
),

slots as (
    select
        load_id,
        source,
        table_name,
        cast(count(*) as integer) as slot_count,
        cast(sum(case when is_current then 1 else 0 end) as integer) as current_slot_count,
        max(superseded_by) as superseded_by,
        max(superseded_at) as superseded_at
    from load_periods
    group by load_id, source, table_name
),

gates as (
    select
        load_id,
        cast(sum(case when gate_status_type = 'fail' then 1 else 0 end) as integer)
            as failed_expectation_count,
        cast(sum(case when gate_status_type = 'not_assessed' then 1 else 0 end) as integer)
            as not_assessed_expectation_count
    from gate_results
    group by load_id
),

final as (
    select
        loads.load_id,
        loads.source,
        loads.table_name,
        loads.file_name,
        loads.member_name,
        loads.claim,
        loads.outcome,
        loads.reason_code,
        loads.reason,
        loads.row_count_read,
        loads.row_count_entered,
        loads.row_count_quarantined,
        loads.period_min,
        loads.period_max,
        coalesce(slots.slot_count, 0) as slot_count,
        coalesce(slots.current_slot_count, 0) as current_slot_count,
        coalesce(slots.current_slot_count, 0) > 0 as is_current,
        slots.superseded_by,
        slots.superseded_at,
        loads.gate_status,
        coalesce(gates.failed_expectation_count, 0) as failed_expectation_count,
        coalesce(gates.not_assessed_expectation_count, 0) as not_assessed_expectation_count,
        loads.data_docs,
        loads.layout_era,
        loads.encoding,
        loads.file_sha256,
        loads.content_sha256,
        loads.byte_count,
        loads.contract_version,
        loads.run_id,
        loads.entered_at,
        contract_tables.attribution
    from loads
    left join slots
        on
            loads.load_id = slots.load_id
            and loads.source = slots.source
            and loads.table_name = slots.table_name
    left join gates on loads.load_id = gates.load_id
    left join contract_tables
        on
            loads.source = contract_tables.source
            and loads.table_name = contract_tables.table_name
)

select * from final
