-- Quarters that say how much a force's offences scatter when no year is compared: five years up to
-- and with the baseline, whole, and without lockdown. What changed from year to year is no scatter.
with offence_counts as (
    select * from {{ ref('int_offence_counts') }}
    where period_type = 'quarter' and period_status = 'complete' and offence_count >= 0
),

settings as (
    select {{ financial_year_start('baseline_year') }} as baseline_start
    from {{ ref('stg_ledger__configuration') }}
),

quarters as (
    select
        financial_quarter_start as period_start,
        cast(count(*) as integer) as day_count,
        max(case when is_restricted_month then 1 else 0 end) = 1 as is_restricted
    from {{ ref('dim_date') }}
    group by financial_quarter_start
),

final as (
    select
        offence_counts.force_code,
        offence_counts.offence_level,
        offence_counts.offence_group,
        offence_counts.offence_name,
        offence_counts.period_start,
        quarters.day_count,
        offence_counts.offence_count
    from offence_counts
    cross join settings
    inner join quarters on offence_counts.period_start = quarters.period_start
    where
        not quarters.is_restricted
        and offence_counts.period_start >= {{ add_months('settings.baseline_start', -48) }}
        and offence_counts.period_start < {{ add_months('settings.baseline_start', 12) }}
)

select * from final
