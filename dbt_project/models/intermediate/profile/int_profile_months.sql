{{ config(materialized='table') }}

with subjects as (
    select * from {{ ref('int_profile_subjects') }}
),

compared_months as (
    select * from {{ ref('int_compared_months') }}
),

indicator_supply as (
    select * from {{ ref('int_indicator_supply') }}
    where supply_status = 'supplied'
),

person_supply as (
    select * from {{ ref('int_force_supply') }}
    where record_type = 'offence' and age_group = 'under_25' and supply_status = 'supplied'
),

search_supply as (
    select * from {{ ref('int_police_uk_supply') }}
    where table_name = 'stop_and_search' and supply_status = 'supplied'
),

excluded_months as (
    select * from {{ ref('int_excluded_months') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

supplied as (
    select
        subjects.subject_code,
        subjects.indicator_code,
        indicator_supply.month
    from subjects
    inner join indicator_supply on subjects.indicator_code = indicator_supply.indicator_code
    left join person_supply on indicator_supply.month = person_supply.month
    where not subjects.needs_persons or person_supply.month is not null

    union all

    select
        subjects.subject_code,
        subjects.indicator_code,
        search_supply.month
    from subjects
    cross join settings
    inner join search_supply on settings.force_code = search_supply.force_code
    where subjects.subject_code = 'stop_and_search'
),

matched as (
    {{ matched_months('supplied', 'subject_code') }}
),

final as (
    select
        matched.subject_code,
        compared_months.period_type,
        compared_months.month,
        compared_months.days_in_month,
        matched.is_unrestricted
    from matched
    inner join compared_months
        on matched.month_of_financial_year = compared_months.month_of_financial_year
)

select * from final
