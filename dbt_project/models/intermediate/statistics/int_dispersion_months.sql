{{ config(materialized='table') }}

-- Counts that say how much an indicator scatters when nothing is known to have changed: months
-- around the baseline, from the last known event before it to the first after, and none of the
-- current year.
with series as (
    select * from {{ ref('int_indicator_series') }}
),

indicators as (
    select
        indicator_code,
        record_type
    from {{ ref('indicators') }}
),

compared_months as (
    select * from {{ ref('int_compared_months') }}
),

event_indicators as (
    select * from {{ ref('int_event_indicators') }}
),

eras as (
    select * from {{ ref('stg_ledger__recording_eras') }}
),

supply as (
    select * from {{ ref('int_indicator_supply') }}
    where supply_status = 'supplied'
),

indicator_months as (
    select * from {{ ref('int_indicator_months') }}
),

months as (
    select
        date_day as month,
        days_in_month,
        is_restricted_month
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

compared as (
    select
        min(case when period_type = 'baseline' then month end) as baseline_first_month,
        min(case when period_type = 'current' then month end) as current_first_month
    from compared_months
),

change_days as (
    select
        indicator_code,
        first_date as change_date
    from event_indicators
    where action_type in ('break', 'flag')

    union distinct

    select
        indicator_code,
        {{ add_days('last_date', 1) }} as change_date
    from event_indicators
    where action_type in ('break', 'flag') and last_date is not null

    union distinct

    select
        indicators.indicator_code,
        eras.first_date as change_date
    from eras
    inner join indicators on indicators.record_type = 'offence'
),

changes as (
    select
        indicator_code,
        change_date,
        cast({{ dbt.date_trunc('month', 'change_date') }} as date) as change_month
    from change_days
),

-- A month with a change in the middle of it is of neither side.
spans as (
    select
        indicators.indicator_code,
        max(
            case
                when changes.change_month = changes.change_date then changes.change_month
                else {{ add_months('changes.change_month', 1) }}
            end
        ) as first_month
    from indicators
    cross join compared
    left join changes
        on
            indicators.indicator_code = changes.indicator_code
            and compared.baseline_first_month >= changes.change_date
    group by indicators.indicator_code
),

ends as (
    select
        indicators.indicator_code,
        least(
            compared.current_first_month,
            coalesce(min(changes.change_month), compared.current_first_month)
        ) as following_month
    from indicators
    cross join compared
    left join changes
        on
            indicators.indicator_code = changes.indicator_code
            and compared.baseline_first_month < changes.change_date
    group by indicators.indicator_code, compared.current_first_month
),

excluded as (
    select
        event_indicators.indicator_code,
        months.month
    from event_indicators
    inner join months
        on
            {{ period_end('months.month', 1) }} >= event_indicators.first_date
            and months.month <= coalesce(event_indicators.last_date, months.month)
    where event_indicators.action_type = 'exclude'
    group by 1, 2
),

usable as (
    select
        supply.indicator_code,
        supply.month,
        months.days_in_month
    from supply
    inner join months on supply.month = months.month
    inner join spans on supply.indicator_code = spans.indicator_code
    inner join ends on supply.indicator_code = ends.indicator_code
    left join excluded
        on supply.indicator_code = excluded.indicator_code and supply.month = excluded.month
    where
        not months.is_restricted_month
        and excluded.month is null
        and ends.following_month > supply.month
        and (spans.first_month is null or supply.month >= spans.first_month)
),

final as (
    select
        series.indicator_code,
        series.area_id,
        series.basis,
        usable.month,
        usable.days_in_month,
        cast(coalesce(indicator_months.event_count, 0) as bigint) as event_count
    from series
    inner join usable on series.indicator_code = usable.indicator_code
    left join indicator_months
        on
            series.indicator_code = indicator_months.indicator_code
            and series.area_id = indicator_months.area_id
            and series.basis = indicator_months.basis
            and usable.month = indicator_months.month
)

select * from final
