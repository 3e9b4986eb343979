{{ config(materialized='table') }}

with offence_counts as (
    select * from {{ ref('int_offence_counts') }}
),

configuration as (
    select * from {{ ref('stg_ledger__configuration') }}
),

baselines as (
    select offence_counts.*
    from offence_counts
    inner join configuration on offence_counts.financial_year = configuration.baseline_year
),

compared as (
    select
        offence_counts.*,
        baselines.period_label as baseline_period_label,
        baselines.period_start as baseline_period_start,
        baselines.period_end as baseline_period_end,
        baselines.offence_count as baseline_count,
        coalesce(baselines.period_status, 'not_supplied') as baseline_status,
        offence_counts.financial_year = configuration.baseline_year as is_baseline
    from offence_counts
    cross join configuration
    left join baselines
        on
            offence_counts.force_code = baselines.force_code
            and offence_counts.offence_level = baselines.offence_level
            and offence_counts.offence_group = baselines.offence_group
            and offence_counts.offence_name = baselines.offence_name
            and offence_counts.period_type = baselines.period_type
            and offence_counts.financial_quarter = baselines.financial_quarter
),

final as (
    select
        compared.*,
        -- Only whole periods are compared, and a count below zero (crimes cancelled later than
        -- they were recorded) or a baseline of none has no ratio.
        coalesce(
            compared.period_status = 'complete'
            and compared.baseline_status = 'complete'
            and compared.offence_count >= 0
            and compared.baseline_count > 0,
            false
        ) as has_ratio
    from compared
)

select * from final
