with load_periods as (
    select * from {{ ref('stg_ledger__load_periods') }}
    where is_current
),

recording_supply as (
    select * from {{ ref('int_recording_supply') }}
),

months as (
    select
        date_day as month,
        financial_year
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

bounds as (
    select
        min(month) as first_month,
        max(month) as last_month
    from recording_supply
    where supplied_system_count > 0
),

-- Persons come in files of their own.
person_slots as (
    select
        {{ first_of_month('slot') }} as month,
        count(distinct source) as person_system_count
    from load_periods
    where
        (source = 'legacy' and table_name = 'persons')
        or (source = 'connect' and table_name = 'involvements')
    group by 1
),

offence_months as (
    select
        recording_supply.month,
        case
            when recording_supply.is_supplied then 'supplied'
            when recording_supply.supplied_system_count > 0 then 'incomplete'
            else 'not_supplied'
        end as offence_status,
        coalesce(person_slots.person_system_count, 0) >= recording_supply.supplied_system_count
            as has_persons
    from recording_supply
    inner join bounds
        on recording_supply.month between bounds.first_month and bounds.last_month
    left join person_slots on recording_supply.month = person_slots.month
),

-- A year's file of admissions may end before the year does.
admission_years as (
    select
        {{ financial_year('admission_month') }} as financial_year,
        max(admission_month) as last_month
    from {{ ref('fct_admission') }}
    where admission_month is not null
    group by 1
),

admission_months as (
    select distinct months.month
    from load_periods
    inner join admission_years on load_periods.slot = admission_years.financial_year
    inner join months
        on
            admission_years.financial_year = months.financial_year
            and admission_years.last_month >= months.month
    where load_periods.source = 'hospital' and load_periods.table_name = 'hes_apc'
),

final as (
    select
        'offence' as record_type,
        'all' as age_group,
        month,
        offence_status as supply_status
    from offence_months

    union all

    -- How old a victim was is known from the files of persons.
    select
        'offence' as record_type,
        'under_25' as age_group,
        month,
        case
            when offence_status = 'supplied' and not has_persons then 'incomplete'
            else offence_status
        end as supply_status
    from offence_months

    union all

    select
        'admission' as record_type,
        'all' as age_group,
        month,
        'supplied' as supply_status
    from admission_months

    union all

    select
        'admission' as record_type,
        'under_25' as age_group,
        month,
        'supplied' as supply_status
    from admission_months
)

select * from final
