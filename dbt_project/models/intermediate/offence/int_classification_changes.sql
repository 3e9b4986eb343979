{{ config(materialized='table') }}

with staged as not materialized (
    select * from {{ ref('stg_connect__classification_changes') }}
),

loads as (
    select * from {{ ref('stg_ledger__loads') }}
),

code_maps as (
    select * from {{ ref('int_code_maps') }}
),

changes as (
    {{ latest_of_key('staged', ['investigation_id', 'changed_at']) }}
),

final as (
    select
        changes.investigation_id,
        changes.changed_at,
        coalesce(from_map.conformed_code, changes.source_from_offence_code)
            as from_offence_code,
        coalesce(to_map.conformed_code, changes.source_to_offence_code) as to_offence_code,
        {{ conformed('reason_map', 'changes.source_change_reason_code') }} as change_reason_code,
        changes.load_id
    from changes
    {{ join_code_map('from_map', 'connect.offence', 'changes.source_from_offence_code') }}
    {{ join_code_map('to_map', 'connect.offence', 'changes.source_to_offence_code') }}
    {{ join_code_map('reason_map', 'connect.change_reason', 'changes.source_change_reason_code') }}
)

select * from final
