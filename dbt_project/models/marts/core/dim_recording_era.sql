with eras as (
    select * from {{ ref('stg_ledger__recording_eras') }}
),

final as (
    select
        era_code,
        era_name,
        recording_system,
        first_date,
        last_date,
        lag(era_code) over (order by first_date) as previous_era_code,
        last_date is null as is_current,
        evidence
    from eras
)

select * from final
