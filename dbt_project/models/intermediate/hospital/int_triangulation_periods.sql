{{ config(materialized='table') }}
{% set flags = "'" ~ (flag_indicators() | join("', '")) ~ "'" %}

with pairs as (
    select * from {{ ref('triangulation_pairs') }}
),

configuration as (
    select * from {{ ref('stg_ledger__configuration') }}
),

forces as (
    select * from {{ ref('forces') }}
    where is_territorial and region_code like 'E12%'
),

area_forces as (
    select
        'region/' || region_code as area_id,
        region_code as area_code,
        region_name as area_name,
        force_code,
        pfa_code
    from forces

    union all

    select
        'country/E92000001' as area_id,
        'E92000001' as area_code,
        'England' as area_name,
        force_code,
        pfa_code
    from forces
),

areas as (
    select
        area_id,
        area_code,
        area_name,
        cast(count(*) as integer) as force_count
    from area_forces
    group by area_id, area_code, area_name
),

offence_counts as (
    select * from {{ ref('int_offence_counts') }}
),

knife_offences as (
    select
        *,
        {{ financial_year('period_start_month') }} as financial_year,
        'ONS table P6 to ' || substr(
            cast(max(period_end_month) over (partition by load_id) as {{ dbt.type_string() }}), 1, 7
        ) as series_vintage
    from {{ ref('stg_ons__knife_offences_by_area') }}
    where measure_type = 'offences'
),

-- Only twelve months from April are a financial year.
knife_years as (
    select * from knife_offences
    where
        {{ month_of('period_start_month') }} = 4
        and period_end_month = {{ add_months('period_start_month', 11) }}
),

hospital_months as (
    select * from {{ ref('int_hospital_months') }}
),

indicator_series as (
    select * from {{ ref('int_indicator_series') }}
    where area_type = 'force'
),

indicator_supply as (
    select * from {{ ref('int_indicator_supply') }}
),

indicator_months as (
    select * from {{ ref('int_indicator_months') }}
    where area_type = 'force'
),

months as (
    select
        date_day as month,
        financial_year,
        financial_quarter,
        mod(month_of_year + 8, 12) + 1 as month_of_financial_year,
        is_lockdown_month,
        is_restricted_month
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

crime_police as (
    select
        pairs.pair_code,
        area_forces.area_id,
        offence_counts.period_type,
        offence_counts.financial_year,
        offence_counts.financial_quarter,
        cast(sum(offence_counts.offence_count) as bigint) as police_count,
        cast(
            sum(case when offence_counts.period_status = 'complete' then 1 else 0 end) as integer
        ) as forces_supplied_count,
        case
            when min(offence_counts.load_id) = max(offence_counts.load_id)
                then 'Home Office open data, load ' || min(offence_counts.load_id)
            else 'Home Office open data, several loads'
        end as series_vintage
    from offence_counts
    inner join pairs
        on
            pairs.police_source = 'home_office_crimes'
            and offence_counts.offence_level = pairs.offence_level
            and offence_counts.offence_name = pairs.offence_name
    inner join area_forces on offence_counts.force_code = area_forces.force_code
    group by 1, 2, 3, 4, 5
),

knife_by_forces as (
    select
        'knife_offences_force_sum' as pair_code,
        area_forces.area_id,
        'financial_year' as period_type,
        knife_years.financial_year,
        0 as financial_quarter,
        cast(sum(knife_years.measure_value) as bigint) as police_count,
        cast(count(knife_years.measure_value) as integer) as forces_supplied_count,
        max(knife_years.series_vintage) as series_vintage
    from knife_years
    inner join area_forces on knife_years.area_code = area_forces.pfa_code
    group by 1, 2, 3, 4, 5
),

-- A published row of the area stands for all its forces.
knife_by_area_row as (
    select
        'knife_offences_region_row' as pair_code,
        areas.area_id,
        'financial_year' as period_type,
        knife_years.financial_year,
        0 as financial_quarter,
        cast(max(knife_years.measure_value) as bigint) as police_count,
        max(case when knife_years.measure_value is null then 0 else areas.force_count end)
            as forces_supplied_count,
        max(knife_years.series_vintage) as series_vintage
    from knife_years
    inner join areas on knife_years.area_code = areas.area_code
    group by 1, 2, 3, 4, 5
),

police as (
    select * from crime_police
    union all
    select * from knife_by_forces
    union all
    select * from knife_by_area_row
),

hospital as (
    select
        area_id,
        'quarter' as period_type,
        financial_year,
        financial_quarter,
        sum(episode_count) as hospital_count,
        sum(episode_count_lower) as hospital_count_lower,
        sum(episode_count_upper) as hospital_count_upper,
        count(*) as months_supplied_count,
        sum(case when disclosure_type in ('suppressed', 'blank') then 1 else 0 end)
            as suppressed_month_count
    from hospital_months
    group by 1, 2, 3, 4

    union all

    select
        area_id,
        'financial_year' as period_type,
        financial_year,
        0 as financial_quarter,
        sum(episode_count) as hospital_count,
        sum(episode_count_lower) as hospital_count_lower,
        sum(episode_count_upper) as hospital_count_upper,
        count(*) as months_supplied_count,
        sum(case when disclosure_type in ('suppressed', 'blank') then 1 else 0 end)
            as suppressed_month_count
    from hospital_months
    group by 1, 2, 3, 4
),

expected as (
    select
        pair_code,
        area_id,
        period_type,
        financial_year,
        financial_quarter
    from police

    union distinct

    select
        pairs.pair_code,
        hospital.area_id,
        hospital.period_type,
        hospital.financial_year,
        hospital.financial_quarter
    from hospital
    inner join pairs
        on
            pairs.police_source = 'home_office_crimes'
            or (
                pairs.police_source in ('ons_knife_region', 'ons_knife_forces')
                and hospital.period_type = 'financial_year'
            )
),

region_periods as (
    select
        expected.pair_code,
        'recorded' as basis,
        expected.area_id,
        areas.area_code,
        areas.area_name,
        expected.period_type,
        expected.financial_year,
        cast(expected.financial_quarter as integer) as financial_quarter,
        cast(expected.financial_quarter as integer) as period_number,
        police.police_count,
        areas.force_count,
        coalesce(police.forces_supplied_count, 0) as forces_supplied_count,
        police.series_vintage,
        cast(hospital.hospital_count as bigint) as hospital_count,
        cast(hospital.hospital_count_lower as bigint) as hospital_count_lower,
        cast(hospital.hospital_count_upper as bigint) as hospital_count_upper,
        cast(coalesce(hospital.months_supplied_count, 0) as integer) as months_supplied_count,
        cast(coalesce(hospital.suppressed_month_count, 0) as integer) as suppressed_month_count,
        coalesce(police.forces_supplied_count, 0) >= areas.force_count as is_police_complete,
        coalesce(hospital.months_supplied_count, 0)
        = case when expected.period_type = 'quarter' then 3 else 12 end as is_hospital_complete
    from expected
    inner join areas on expected.area_id = areas.area_id
    left join police
        on
            expected.pair_code = police.pair_code
            and expected.area_id = police.area_id
            and expected.period_type = police.period_type
            and expected.financial_year = police.financial_year
            and expected.financial_quarter = police.financial_quarter
    left join hospital
        on
            expected.area_id = hospital.area_id
            and expected.period_type = hospital.period_type
            and expected.financial_year = hospital.financial_year
            and expected.financial_quarter = hospital.financial_quarter
),

-- The force's own records against its admissions, month by month: a month counts where both were
-- supplied. Like for like, a flag that the systems fill in unequally has no one count.
own_months as (
    select
        pairs.pair_code,
        recorded.basis,
        recorded.area_id,
        recorded.area_code,
        recorded.area_name,
        months.month,
        months.financial_year,
        cast(months.financial_quarter as integer) as financial_quarter,
        cast(months.month_of_financial_year as integer) as month_of_financial_year,
        police_supply.supply_status = 'supplied' as is_police_supplied,
        coalesce(hospital_supply.supply_status = 'supplied', false) as is_hospital_supplied,
        case
            when police_supply.supply_status = 'supplied' then coalesce(police.event_count, 0)
        end as police_count,
        case
            when hospital_supply.supply_status = 'supplied' then coalesce(hospital.event_count, 0)
        end as hospital_count
    from pairs
    inner join indicator_series as recorded
        on
            pairs.police_measure = recorded.indicator_code
            and (recorded.basis = 'recorded' or pairs.police_measure not in ({{ flags }}))
    inner join indicator_supply as police_supply
        on pairs.police_measure = police_supply.indicator_code
    inner join months on police_supply.month = months.month
    left join indicator_supply as hospital_supply
        on
            pairs.hospital_measure = hospital_supply.indicator_code
            and police_supply.month = hospital_supply.month
    left join indicator_months as police
        on
            pairs.police_measure = police.indicator_code
            and recorded.area_id = police.area_id
            and recorded.basis = police.basis
            and police_supply.month = police.month
    left join indicator_months as hospital
        on
            pairs.hospital_measure = hospital.indicator_code
            and recorded.area_id = hospital.area_id
            and recorded.basis = hospital.basis
            and police_supply.month = hospital.month
    where pairs.police_source = 'force_records'
),

own_spans as (
    select
        *,
        'month' as period_type,
        month as period_month,
        month_of_financial_year as period_number,
        1 as needed_month_count
    from own_months

    union all

    select
        *,
        'quarter' as period_type,
        cast(null as date) as period_month,
        financial_quarter as period_number,
        3 as needed_month_count
    from own_months

    union all

    select
        *,
        'financial_year' as period_type,
        cast(null as date) as period_month,
        0 as period_number,
        12 as needed_month_count
    from own_months
),

own_periods as (
    select
        pair_code,
        basis,
        area_id,
        area_code,
        area_name,
        period_type,
        period_month as month,
        financial_year,
        cast(
            case when period_type = 'financial_year' then 0 else min(financial_quarter) end
            as integer
        ) as financial_quarter,
        period_number,
        cast(sum(police_count) as bigint) as police_count,
        1 as force_count,
        case
            when sum(case when is_police_supplied then 1 else 0 end) = needed_month_count then 1
            else 0
        end as forces_supplied_count,
        'The force''s own records' as series_vintage,
        cast(sum(hospital_count) as bigint) as hospital_count,
        cast(sum(case when is_hospital_supplied then 1 else 0 end) as integer)
            as months_supplied_count,
        sum(case when is_hospital_supplied then 1 else 0 end) = needed_month_count
            as is_hospital_complete
    from own_spans
    group by
        pair_code,
        basis,
        area_id,
        area_code,
        area_name,
        period_type,
        period_month,
        financial_year,
        period_number,
        needed_month_count
),

joined as (
    select
        pair_code,
        basis,
        area_id,
        area_code,
        area_name,
        period_type,
        cast(null as date) as month,
        financial_year,
        financial_quarter,
        period_number,
        police_count,
        force_count,
        forces_supplied_count,
        series_vintage,
        hospital_count,
        hospital_count_lower,
        hospital_count_upper,
        months_supplied_count,
        suppressed_month_count,
        is_police_complete,
        is_hospital_complete
    from region_periods

    union all

    select
        pair_code,
        basis,
        area_id,
        area_code,
        area_name,
        period_type,
        month,
        financial_year,
        financial_quarter,
        period_number,
        police_count,
        force_count,
        forces_supplied_count,
        series_vintage,
        hospital_count,
        -- The force's own extract has no rounding and nothing withheld.
        hospital_count as hospital_count_lower,
        hospital_count as hospital_count_upper,
        months_supplied_count,
        0 as suppressed_month_count,
        forces_supplied_count = 1 as is_police_complete,
        is_hospital_complete
    from own_periods
),

period_spans as (
    select
        'month' as period_type,
        financial_year,
        cast(month_of_financial_year as integer) as period_number,
        month,
        is_lockdown_month,
        is_restricted_month
    from months

    union all

    select
        'quarter' as period_type,
        financial_year,
        cast(financial_quarter as integer) as period_number,
        month,
        is_lockdown_month,
        is_restricted_month
    from months

    union all

    select
        'financial_year' as period_type,
        financial_year,
        0 as period_number,
        month,
        is_lockdown_month,
        is_restricted_month
    from months
),

period_flags as (
    select
        period_type,
        financial_year,
        period_number,
        min(month) as period_start,
        max(case when is_lockdown_month then 1 else 0 end) = 1 as is_lockdown_period,
        max(case when is_restricted_month then 1 else 0 end) = 1 as is_restricted_period
    from period_spans
    group by 1, 2, 3
),

baselines as (
    select joined.*
    from joined
    inner join configuration on joined.financial_year = configuration.baseline_year
),

final as (
    select
        joined.*,
        period_flags.period_start,
        coalesce(period_flags.is_lockdown_period, false) as is_lockdown_period,
        coalesce(period_flags.is_restricted_period, false) as is_restricted_period,
        joined.financial_year = configuration.baseline_year as is_baseline,
        baselines.police_count as baseline_police_count,
        baselines.hospital_count as baseline_hospital_count,
        baselines.hospital_count_lower as baseline_hospital_count_lower,
        baselines.hospital_count_upper as baseline_hospital_count_upper,
        coalesce(baselines.is_police_complete and baselines.is_hospital_complete, false)
            as is_baseline_complete,
        -- The index of a count needs both ends whole, and a baseline above zero.
        coalesce(
            joined.is_police_complete
            and joined.is_hospital_complete
            and baselines.is_police_complete
            and baselines.is_hospital_complete
            and joined.police_count >= 0
            and baselines.police_count > 0
            and baselines.hospital_count_lower > 0,
            false
        ) as has_index
    from joined
    cross join configuration
    left join baselines
        on
            joined.pair_code = baselines.pair_code
            and joined.basis = baselines.basis
            and joined.area_id = baselines.area_id
            and joined.period_type = baselines.period_type
            and joined.period_number = baselines.period_number
    left join period_flags
        on
            joined.period_type = period_flags.period_type
            and joined.financial_year = period_flags.financial_year
            and joined.period_number = period_flags.period_number
)

select * from final
