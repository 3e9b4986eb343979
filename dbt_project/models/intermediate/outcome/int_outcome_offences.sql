with offences as (
    select * from {{ ref('fct_offence') }}
    where not is_cancelled
),

outcomes as (
    select * from {{ ref('fct_outcome') }}
),

outcome_types as (
    select * from {{ ref('dim_outcome_type') }}
),

settings as (
    select {{ first_of_month('current_last_month') }} as last_month
    from {{ ref('stg_ledger__configuration') }}
),

last_day as (
    select {{ period_end('last_month', 1) }} as reporting_date
    from settings
),

latest as (
    select greatest(cast(max(recorded_at) as date), cast(max(outcome_at) as date)) as latest_date
    from offences
),

-- Outcomes are read as they stood at the end of the last month that is compared: later ones would
-- flatter the year that had longer to finish.
reporting as (
    select coalesce(last_day.reporting_date, latest.latest_date) as reporting_date
    from last_day
    cross join latest
),

final as (
    select
        offences.recorded_month,
        coalesce(offences.npu_code, 'unknown') as npu_code,
        offences.offence_subgroup,
        coalesce(offences.is_violence_with_injury and offences.has_victim_under_25, false)
            as is_under_25_vwi,
        reporting.reporting_date,
        offences.outcome_type_code,
        outcomes.days_to_outcome,
        coalesce(cast(offences.outcome_at as date) <= reporting.reporting_date, false)
            as is_finished,
        coalesce(outcome_types.is_positive_core, false) as is_positive,
        coalesce(outcome_types.is_positive_plus_diversion, false) as is_positive_plus_diversion
    from offences
    cross join reporting
    left join outcomes on offences.offence_id = outcomes.offence_id
    left join outcome_types on offences.outcome_type_code = outcome_types.outcome_type_code
    where offences.recorded_date <= reporting.reporting_date
)

select * from final
