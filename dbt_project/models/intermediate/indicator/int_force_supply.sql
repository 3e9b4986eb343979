with load_periods as (
    select * from {{ ref('stg_ledger__load_periods') }}
    where is_current
),

recording_supply as (
    select * from {{ ref('int_recording_supply') }}
),

admissions as (
    select * from {{ ref('fct_admission') }}
    where admission_month is not null
),

force_lsoas as (
    select * from {{ ref('int_places') }}
    where place_type = 'lsoa' and is_in_force
),

months as (
    select
        date_day as month,
        financial_year
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

crime_files as (
    select distinct
        {{ first_of_month('slot') }} as month,
        source
    from load_periods
    where
        row_count > 0
        and (
            (source = 'legacy' and table_name = 'crimes')
            or (source = 'connect' and table_name = 'investigations')
        )
),

person_files as (
    select distinct
        {{ first_of_month('slot') }} as month,
        source
    from load_periods
    where
        (source = 'legacy' and table_name = 'persons')
        or (source = 'connect' and table_name = 'involvements')
),

-- Every file of crimes has one of their persons beside it.
person_supply as (
    select
        crime_files.month,
        count(person_files.month) = count(*) as has_persons
    from crime_files
    left join person_files
        on crime_files.month = person_files.month and crime_files.source = person_files.source
    group by crime_files.month
),

offence_months as (
    select
        recording_supply.month,
        case when recording_supply.is_supplied then 'supplied' else 'incomplete' end
            as offence_status,
        coalesce(person_supply.has_persons, true) as has_persons
    from recording_supply
    left join person_supply on recording_supply.month = person_supply.month
    where recording_supply.supplied_system_count > 0
),

-- A year's file of admissions may end before the year does.
admission_years as (
    select
        {{ financial_year('admission_month') }} as financial_year,
        max(admission_month) as last_month,
        count(is_force_resident) as placed_count
    from admissions
    group by 1
),

geography as (
    select count(*) > 0 as is_known
    from force_lsoas
),

-- Only residents are counted: without homes, or without the force's own LSOAs, nobody is one.
admission_months as (
    select distinct
        months.month,
        case
            when geography.is_known and admission_years.placed_count > 0 then 'supplied'
            else 'incomplete'
        end as admission_status
    from load_periods
    inner join admission_years on load_periods.slot = admission_years.financial_year
    inner join months
        on
            admission_years.financial_year = months.financial_year
            and admission_years.last_month >= months.month
    cross join geography
    where load_periods.source = 'hospital' and load_periods.table_name = 'hes_apc'
),

supplied_months as (
    select month from offence_months
    union distinct
    select month from admission_months
),

bounds as (
    select
        min(month) as first_month,
        max(month) as last_month
    from supplied_months
),

statuses as (
    select
        months.month,
        coalesce(offence_months.offence_status, 'not_supplied') as offence_status,
        case
            when offence_months.offence_status = 'supplied' and not offence_months.has_persons
                then 'incomplete'
            else coalesce(offence_months.offence_status, 'not_supplied')
        end as offence_age_status,
        coalesce(admission_months.admission_status, 'not_supplied') as admission_status
    from months
    inner join bounds on months.month between bounds.first_month and bounds.last_month
    left join offence_months on months.month = offence_months.month
    left join admission_months on months.month = admission_months.month
),

final as (
    select
        'offence' as record_type,
        'all' as age_group,
        month,
        offence_status as supply_status
    from statuses

    union all

    -- How old a victim was is known from the files of persons.
    select
        'offence' as record_type,
        'under_25' as age_group,
        month,
        offence_age_status as supply_status
    from statuses

    union all

    select
        'admission' as record_type,
        'all' as age_group,
        month,
        admission_status as supply_status
    from statuses

    union all

    select
        'admission' as record_type,
        'under_25' as age_group,
        month,
        admission_status as supply_status
    from statuses
)

select * from final
