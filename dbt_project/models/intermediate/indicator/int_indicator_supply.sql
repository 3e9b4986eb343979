with indicators as (
    select * from {{ ref('indicators') }}
),

supply as (
    select * from {{ ref('int_force_supply') }}
),

eras as (
    select * from {{ ref('stg_ledger__recording_eras') }}
),

-- The months that a system was recording crime in, if only in part.
system_months as (
    select distinct
        supply.month,
        eras.recording_system
    from supply
    inner join eras
        on
            {{ period_end('supply.month', 1) }} >= eras.first_date
            and supply.month <= coalesce(eras.last_date, supply.month)
),

final as (
    select
        indicators.indicator_code,
        supply.month,
        case
            when
                indicators.needed_system is not null
                and indicators.needed_system <> ''
                and system_months.month is null
                then 'not_recorded'
            else supply.supply_status
        end as supply_status
    from indicators
    inner join supply
        on
            indicators.record_type = supply.record_type
            and indicators.age_group = supply.age_group
    left join system_months
        on
            indicators.needed_system = system_months.recording_system
            and supply.month = system_months.month
)

select * from final
