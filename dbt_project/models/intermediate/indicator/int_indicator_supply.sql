with indicators as (
    select * from {{ ref('indicators') }}
),

supply as (
    select * from {{ ref('int_force_supply') }}
),

eras as (
    select * from {{ ref('stg_ledger__recording_eras') }}
),

load_periods as (
    select * from {{ ref('stg_ledger__load_periods') }}
    where is_current
),

-- The months in which a system was in use, if only in part: those of its eras or, where a force
-- configures none, those it gave a file of.
system_months as (
    select
        supply.month,
        eras.recording_system
    from supply
    inner join eras
        on
            {{ period_end('supply.month', 1) }} >= eras.first_date
            and supply.month <= coalesce(eras.last_date, supply.month)

    union distinct

    select
        {{ first_of_month('slot') }} as month,
        source as recording_system
    from load_periods
    where
        (
            (source = 'legacy' and table_name = 'crimes')
            or (source = 'connect' and table_name = 'investigations')
        )
        and not exists (select 1 from eras)
),

final as (
    select
        indicators.indicator_code,
        supply.month,
        case
            when indicators.needed_system is not null and system_months.month is null
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
