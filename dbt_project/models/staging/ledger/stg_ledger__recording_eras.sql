with recording_eras as (
    select * from {{ source('ledger', 'recording_era') }}
),

final as (
    select
        code as era_code,
        name as era_name,
        system as recording_system,
        first_day as first_date,
        last_day as last_date,
        evidence
    from recording_eras
)

select * from final
