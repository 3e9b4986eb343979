with offences as (
    select * from {{ ref('int_outcome_offences') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

months as (
    select
        date_day as month,
        financial_year,
        mod(month_of_year + 8, 12) + 1 as month_of_financial_year
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

counted as (
    select
        recorded_month,
        npu_code,
        offence_subgroup,
        is_under_25_vwi,
        min(reporting_date) as reporting_date,
        min(case when is_mature then 1 else 0 end) as mature_number,
        count(*) as recorded_count,
        sum(case when is_finished then 1 else 0 end) as finished_count,
        sum(case when is_finished and is_positive then 1 else 0 end) as positive_count,
        sum(case when is_finished and is_positive_plus_diversion then 1 else 0 end)
            as positive_plus_diversion_count,
        sum(case when is_positive and days_to_outcome <= 90 then 1 else 0 end)
            as positive_within_90_days_count,
        sum(case when is_finished and outcome_type_code = '1' then 1 else 0 end)
            as charged_count,
        sum(case when is_finished and outcome_type_code = '8' then 1 else 0 end)
            as community_resolution_count,
        sum(case when is_finished and outcome_type_code = '22' then 1 else 0 end)
            as diversion_count,
        sum(case when is_finished and outcome_type_code in ('14', '16') then 1 else 0 end)
            as victim_does_not_support_count,
        sum(case when is_finished then days_to_outcome else 0 end) as days_to_outcome_sum
    from offences
    where recorded_date <= reporting_date
    group by 1, 2, 3, 4
),

categories as (
    select
        'all' as offence_category,
        counted.*
    from counted

    union all

    select
        offence_subgroup as offence_category,
        counted.*
    from counted
    where offence_subgroup is not null

    union all

    select
        'Violence with injury, victim under 25' as offence_category,
        counted.*
    from counted
    where is_under_25_vwi
),

placed as (
    select
        'force/' || settings.force_code as area_id,
        'force' as area_type,
        categories.*
    from categories
    cross join settings

    union all

    select
        'npu/' || npu_code as area_id,
        'npu' as area_type,
        *
    from categories
),

-- The same months of every year: up to the last month that is compared.
compared as (
    select distinct month_of_financial_year
    from {{ ref('int_compared_months') }}
),

periods as (
    select
        month,
        'month' as period_type,
        substr(cast(month as {{ dbt.type_string() }}), 1, 7) as period_label,
        financial_year
    from months

    union all

    select
        months.month,
        'year_to_date' as period_type,
        months.financial_year || ' to date' as period_label,
        months.financial_year
    from months
    inner join compared
        on months.month_of_financial_year = compared.month_of_financial_year
),

final as (
    select
        placed.area_id,
        placed.area_type,
        placed.offence_category,
        periods.period_type,
        periods.period_label,
        periods.financial_year,
        min(placed.recorded_month) as first_month,
        max(placed.recorded_month) as last_month,
        min(placed.reporting_date) as reporting_date,
        min(placed.mature_number) = 1 as is_mature,
        cast(sum(placed.recorded_count) as bigint) as recorded_count,
        cast(sum(placed.finished_count) as bigint) as finished_count,
        cast(sum(placed.positive_count) as bigint) as positive_count,
        cast(sum(placed.positive_plus_diversion_count) as bigint)
            as positive_plus_diversion_count,
        cast(sum(placed.positive_within_90_days_count) as bigint)
            as positive_within_90_days_count,
        cast(sum(placed.charged_count) as bigint) as charged_count,
        cast(sum(placed.community_resolution_count) as bigint) as community_resolution_count,
        cast(sum(placed.diversion_count) as bigint) as diversion_count,
        cast(sum(placed.victim_does_not_support_count) as bigint)
            as victim_does_not_support_count,
        cast(sum(placed.days_to_outcome_sum) as bigint) as days_to_outcome_sum
    from placed
    inner join periods on placed.recorded_month = periods.month
    group by 1, 2, 3, 4, 5, 6
)

select * from final
