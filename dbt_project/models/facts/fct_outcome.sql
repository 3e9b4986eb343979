with offences as (
    select * from {{ ref('fct_offence') }}
),

final as (
    select
        offence_id,
        outcome_type_code,
        outcome_at,
        cast(cast(outcome_at as date) - recorded_date as integer) as days_to_outcome,
        recorded_month,
        is_cancelled
    from offences
    where outcome_type_code is not null
)

select * from final
