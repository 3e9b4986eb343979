{{ config(materialized='table') }}

with settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

supply as (
    select * from {{ ref('int_force_supply') }}
    where age_group = 'all' and record_type in ('offence', 'admission')
),

months as (
    select * from {{ ref('dim_date') }}
    where day_of_month = 1
),

offences as (
    select * from {{ ref('fct_offence') }}
    where recorded_month is not null and not is_cancelled
),

admissions as (
    select * from {{ ref('fct_admission') }}
    where is_countable_admission and is_force_resident
),

quarters as (
    select * from {{ ref('int_offence_counts') }}
    where period_type = 'quarter'
),

offence_months as (
    select
        recorded_month as month,
        {{ count_where("offence_group = 'Robbery'") }} as robbery_count,
        {{ count_where('is_homicide') }} as homicide_count
    from offences
    group by recorded_month
),

admission_months as (
    select
        admission_month as month,
        {{ count_where('is_assault_sharp_object') }} as sharp_count,
        {{ count_where('is_assault') }} as assault_count
    from admissions
    group by admission_month
),

series as (
    select
        'hospital_sharp' as series_code,
        'admission' as record_type
    union all
    select
        'hospital_assault' as series_code,
        'admission' as record_type
    union all
    select
        'robbery' as series_code,
        'offence' as record_type
    union all
    select
        'homicide' as series_code,
        'offence' as record_type
),

force_months as (
    select
        series.series_code,
        'force_records' as source_type,
        settings.force_code,
        supply.month,
        case
            when supply.supply_status = 'supplied'
                then
                    coalesce(
                        case series.series_code
                            when 'hospital_sharp' then admission_months.sharp_count
                            when 'hospital_assault' then admission_months.assault_count
                            when 'robbery' then offence_months.robbery_count
                            else offence_months.homicide_count
                        end, 0
                    )
        end as event_count
    from series
    cross join settings
    inner join supply on series.record_type = supply.record_type
    left join admission_months on supply.month = admission_months.month
    left join offence_months on supply.month = offence_months.month
),

published as (
    select
        case offence_level when 'group' then 'robbery' else 'homicide' end as series_code,
        'home_office' as source_type,
        force_code,
        period_start as month,
        -- A count below 0 takes back an earlier one: no count of events.
        case when period_status = 'complete' and offence_count >= 0 then offence_count end
            as event_count
    from quarters
    where
        (offence_level = 'group' and offence_group = 'Robbery')
        or (offence_level = 'subgroup' and offence_name = 'Homicide')
),

counts as (
    select * from force_months

    union all

    select * from published
),

restrictions as (
    select
        periods.month,
        periods.month_count,
        cast(sum(months.days_in_month) as integer) as day_count,
        max(case when months.is_lockdown_month then 1 else 0 end) = 1 as is_lockdown
    from (
        select distinct
            month,
            case source_type when 'home_office' then 3 else 1 end as month_count
        from counts
    ) as periods
    inner join months
        on
            months.month between periods.month
            and {{ period_end('periods.month', 'periods.month_count') }}
    group by periods.month, periods.month_count
),

final as (
    select
        counts.series_code,
        counts.source_type,
        counts.force_code,
        counts.month,
        restrictions.month_count,
        cast(counts.event_count as bigint) as event_count,
        restrictions.day_count,
        restrictions.is_lockdown
    from counts
    inner join restrictions
        on
            counts.month = restrictions.month
            and restrictions.month_count
            = case counts.source_type when 'home_office' then 3 else 1 end
)

select * from final
