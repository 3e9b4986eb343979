with quarantined_values as (
    select * from {{ ref('stg_ledger__quarantined_values') }}
),

loads as (
    select * from {{ ref('stg_ledger__loads') }}
),

contract_tables as (
    select * from {{ ref('contract_tables') }}
),

summarised as (
    select
        load_id,
        source,
        table_name,
        rule_code,
        min(column_name) as column_name,
        count(distinct row_number) as row_count,
        count(*) as failure_count,
        min(row_number) as first_row_number,
        min(offending_value) as example_value,
        min(message) as message,
        min(who_fixes) as who_fixes
    from quarantined_values
    group by load_id, source, table_name, rule_code
),

final as (
    select
        summarised.load_id,
        summarised.rule_code,
        summarised.source,
        summarised.table_name,
        summarised.column_name,
        loads.file_name,
        loads.member_name,
        loads.claim,
        loads.outcome,
        summarised.row_count,
        summarised.failure_count,
        loads.row_count_read,
        {{ safe_divide('summarised.row_count', 'loads.row_count_read') }} as row_share,
        summarised.first_row_number,
        -- Only the value of one public column leaves the working database. What stands for a rule
        -- on whole rows is the text of a record, and a record cut up wrongly has no columns to
        -- judge by.
        case
            when
                contract_tables.sensitivity_type = 'public'
                and summarised.column_name not like '%,%'
                and summarised.rule_code not like '%.row.%'
                then substr(summarised.example_value, 1, 100)
        end as example_value,
        summarised.message,
        summarised.who_fixes
    from summarised
    left join loads on summarised.load_id = loads.load_id
    left join contract_tables
        on
            summarised.source = contract_tables.source
            and summarised.table_name = contract_tables.table_name
)

select * from final
