with offences as (
    select * from {{ ref('int_outcome_offences') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

supply as (
    select * from {{ ref('int_force_supply') }}
    where record_type = 'offence' and supply_status = 'supplied'
),

compared_months as (
    select * from {{ ref('int_compared_months') }}
),

excluded_months as (
    select * from {{ ref('int_excluded_months') }}
),

months as (
    select
        date_day as month,
        financial_year,
        mod(month_of_year + 8, 12) + 1 as month_of_financial_year
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

reporting as (
    select max(reporting_date) as reporting_date
    from offences
),

-- Ninety days after the last crime of a month, everything that was to end by then has.
supplied_months as (
    select
        supply.age_group,
        months.month,
        months.financial_year,
        months.month_of_financial_year,
        {{ add_months('months.month', 1) }} <= {{ add_days('reporting.reporting_date', -89) }}
            as is_mature
    from supply
    inner join months on supply.month = months.month
    cross join reporting
    where months.month <= reporting.reporting_date
),

-- The same months of every year: those that both years compared have, and that no known event of
-- the crimes is to leave out.
compared as (
    select
        supplied_months.age_group,
        supplied_months.month_of_financial_year,
        min(case when supplied_months.is_mature then 1 else 0 end) = 1 as is_mature
    from compared_months
    inner join supplied_months on compared_months.month = supplied_months.month
    left join excluded_months
        on
            compared_months.month_of_financial_year = excluded_months.month_of_financial_year
            and excluded_months.indicator_code
            = case supplied_months.age_group
                when 'under_25' then 'under_25_vwi'
                else 'all_crime'
            end
    where excluded_months.indicator_code is null
    group by 1, 2
    having count(distinct compared_months.period_type) = 2
),

period_months as (
    select
        *,
        'month' as period_type,
        substr(cast(month as {{ dbt.type_string() }}), 1, 7) as period_label
    from supplied_months

    union all

    select
        supplied_months.*,
        'year_to_date' as period_type,
        supplied_months.financial_year || ' to date' as period_label
    from supplied_months
    inner join compared
        on
            supplied_months.age_group = compared.age_group
            and supplied_months.month_of_financial_year = compared.month_of_financial_year

    union all

    select
        supplied_months.*,
        'mature_year_to_date' as period_type,
        supplied_months.financial_year || ' to date, mature months' as period_label
    from supplied_months
    inner join compared
        on
            supplied_months.age_group = compared.age_group
            and supplied_months.month_of_financial_year = compared.month_of_financial_year
    where compared.is_mature
),

periods as (
    select
        age_group,
        period_type,
        period_label,
        financial_year,
        min(month) as first_month,
        max(month) as last_month,
        cast(count(*) as integer) as month_count,
        min(case when is_mature then 1 else 0 end) = 1 as is_mature
    from period_months
    group by 1, 2, 3, 4
),

counted as (
    select
        recorded_month,
        npu_code,
        offence_subgroup,
        is_under_25_vwi,
        count(*) as recorded_count,
        sum(case when is_finished then 1 else 0 end) as finished_count,
        sum(case when is_finished and is_positive then 1 else 0 end) as positive_count,
        sum(case when is_finished and is_positive_plus_diversion then 1 else 0 end)
            as positive_plus_diversion_count,
        sum(case when is_finished and is_positive and days_to_outcome <= 90 then 1 else 0 end)
            as positive_within_90_days_count,
        sum(case when is_finished and days_to_outcome <= 90 then 1 else 0 end)
            as finished_within_90_days_count,
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
    group by 1, 2, 3, 4
),

categories as (
    select
        'all' as offence_category,
        'all' as age_group,
        counted.*
    from counted

    union all

    select
        offence_subgroup as offence_category,
        'all' as age_group,
        counted.*
    from counted
    where offence_subgroup is not null

    union all

    select
        'Violence with injury, victim under 25' as offence_category,
        'under_25' as age_group,
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

final as (
    select
        placed.area_id,
        placed.area_type,
        placed.offence_category,
        periods.period_type,
        periods.period_label,
        periods.financial_year,
        periods.first_month,
        periods.last_month,
        periods.month_count,
        reporting.reporting_date,
        periods.is_mature,
        cast(sum(placed.recorded_count) as bigint) as recorded_count,
        cast(sum(placed.finished_count) as bigint) as finished_count,
        cast(sum(placed.positive_count) as bigint) as positive_count,
        cast(sum(placed.positive_plus_diversion_count) as bigint)
            as positive_plus_diversion_count,
        cast(sum(placed.positive_within_90_days_count) as bigint)
            as positive_within_90_days_count,
        cast(sum(placed.finished_within_90_days_count) as bigint)
            as finished_within_90_days_count,
        cast(sum(placed.charged_count) as bigint) as charged_count,
        cast(sum(placed.community_resolution_count) as bigint) as community_resolution_count,
        cast(sum(placed.diversion_count) as bigint) as diversion_count,
        cast(sum(placed.victim_does_not_support_count) as bigint)
            as victim_does_not_support_count,
        cast(sum(placed.days_to_outcome_sum) as bigint) as days_to_outcome_sum
    from placed
    inner join period_months
        on
            placed.age_group = period_months.age_group
            and placed.recorded_month = period_months.month
    inner join periods
        on
            period_months.age_group = periods.age_group
            and period_months.period_type = periods.period_type
            and period_months.period_label = periods.period_label
    cross join reporting
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
)

select * from final
