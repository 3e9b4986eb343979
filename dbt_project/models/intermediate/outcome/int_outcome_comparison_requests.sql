with cohorts as (
    select * from {{ ref('int_outcome_cohorts') }}
    where period_type = 'mature_year_to_date'
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

baselines as (
    select cohorts.*
    from cohorts
    inner join settings on cohorts.financial_year = settings.baseline_year
),

final as (
    select distinct
        cohorts.positive_within_90_days_count as success_count,
        cohorts.recorded_count as trial_count,
        baselines.positive_within_90_days_count as baseline_success_count,
        baselines.recorded_count as baseline_trial_count
    from cohorts
    inner join baselines
        on
            cohorts.area_id = baselines.area_id
            and cohorts.offence_category = baselines.offence_category
    cross join settings
    where cohorts.financial_year <> settings.baseline_year
)

select * from final
