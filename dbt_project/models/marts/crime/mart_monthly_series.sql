with police_counts as (
    select * from {{ ref('int_police_uk_monthly_counts') }}
),

hospital_months as (
    select * from {{ ref('int_hospital_months') }}
),

measures as (
    select * from {{ ref('measures') }}
),

forces as (
    select * from {{ ref('forces') }}
),

months as (
    select
        month,
        financial_year,
        financial_quarter,
        days_in_month,
        is_lockdown_month
    from {{ ref('dim_date') }}
    where day_of_month = 1
),

count_intervals as (
    select * from {{ ref('int_count_intervals') }}
),

loads as (
    select * from {{ ref('stg_ledger__loads') }}
),

police_values as (
    select
        police_counts.measure_code,
        'force/' || police_counts.force_code as area_id,
        'force' as area_type,
        coalesce(forces.pfa_code, police_counts.force_code) as area_code,
        coalesce(forces.force_name, police_counts.force_code) as area_name,
        police_counts.month,
        cast(police_counts.record_count as double) as value,
        count_intervals.count_lower as value_lower,
        count_intervals.count_upper as value_upper,
        'poisson_95' as interval_type,
        police_counts.supply_status,
        false as is_suppressed,
        police_counts.load_id
    from police_counts
    left join forces on police_counts.force_code = forces.force_code
    left join count_intervals on police_counts.record_count = count_intervals.observed_count
),

hospital_bounds as (
    select
        min(month) as first_month,
        max(month) as last_month
    from hospital_months
),

hospital_areas as (
    select distinct
        area_id,
        area_code,
        area_name
    from hospital_months
),

hospital_expected as (
    select
        areas.area_id,
        areas.area_code,
        areas.area_name,
        months.month
    from hospital_areas as areas
    cross join hospital_bounds
    inner join months
        on months.month between hospital_bounds.first_month and hospital_bounds.last_month
),

hospital_values as (
    select
        'hospital_sharp_object_faes' as measure_code,
        expected.area_id,
        {{ split_part('expected.area_id', '/', 1) }} as area_type,
        expected.area_code,
        expected.area_name,
        expected.month,
        cast(hospital_months.episode_count as double) as value,
        cast(hospital_months.episode_count_lower as double) as value_lower,
        cast(hospital_months.episode_count_upper as double) as value_upper,
        'published_range' as interval_type,
        case
            when hospital_months.disclosure_type is null then 'not_supplied'
            -- A blank cell is withheld as far as a reader can tell: its range is 0 to 7.
            when hospital_months.disclosure_type in ('suppressed', 'blank') then 'suppressed'
            when hospital_months.disclosure_type = 'rounded' then 'rounded'
            when hospital_months.episode_count = 0 then 'supplied_zero'
            else 'supplied'
        end as supply_status,
        coalesce(hospital_months.disclosure_type in ('suppressed', 'blank'), false)
            as is_suppressed,
        hospital_months.load_id
    from hospital_expected as expected
    left join hospital_months
        on
            expected.area_id = hospital_months.area_id
            and expected.month = hospital_months.month
),

series as (
    select * from police_values
    union all
    select * from hospital_values
),

final as (
    select
        series.measure_code,
        measures.measure_name,
        measures.category_name,
        measures.unit,
        series.area_id,
        series.area_type,
        series.area_code,
        series.area_name,
        series.month,
        months.financial_year,
        months.financial_quarter,
        months.days_in_month,
        months.is_lockdown_month,
        'recorded' as basis,
        series.value,
        series.value_lower,
        series.value_upper,
        series.interval_type,
        series.supply_status,
        series.is_suppressed,
        series.load_id,
        loads.row_count_quarantined as quarantined_row_count
    from series
    inner join measures on series.measure_code = measures.measure_code
    inner join months on series.month = months.month
    left join loads on series.load_id = loads.load_id
)

select * from final
