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
    select
        cast(max(recorded_at) as date) as last_recorded_date,
        cast(max(outcome_at) as date) as last_outcome_date
    from offences
),

-- Outcomes are read as they stood at the end of the last month that is compared: later ones would
-- flatter the year that had longer to finish.
reporting as (
    select
        latest.last_outcome_date,
        coalesce(
            last_day.reporting_date,
            greatest(latest.last_recorded_date, latest.last_outcome_date)
        ) as reporting_date
    from latest
    cross join last_day
),

final as (
    select
        offences.recorded_month,
        coalesce(offences.npu_code, 'unknown') as npu_code,
        offences.offence_subgroup,
        coalesce(offences.is_violence_with_injury and offences.has_victim_under_25, false)
            as is_under_25_vwi,
        offences.recorded_date,
        reporting.reporting_date,
        reporting.last_outcome_date,
        offences.outcome_type_code,
        cast(offences.outcome_at as date) as outcome_date,
        outcomes.days_to_outcome,
        coalesce(cast(offences.outcome_at as date) <= reporting.reporting_date, false)
            as is_finished,
        coalesce(outcome_types.is_positive_core, false) as is_positive,
        coalesce(outcome_types.is_positive_plus_diversion, false) as is_positive_plus_diversion,
        -- Ninety days after the last crime of the month, everything that was to end by then has.
        {{ add_months('offences.recorded_month', 1) }}
        <= {{ add_days('reporting.reporting_date', -89) }} as is_mature
    from offences
    cross join reporting
    left join outcomes on offences.offence_id = outcomes.offence_id
    left join outcome_types on offences.outcome_type_code = outcome_types.outcome_type_code
)

select * from final
