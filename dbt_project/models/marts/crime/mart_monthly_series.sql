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

indicators as (
    select * from {{ ref('indicators') }}
),

indicator_months as (
    select * from {{ ref('int_indicator_months') }}
),

indicator_supply as (
    select * from {{ ref('int_indicator_supply') }}
),

indicator_series as (
    select * from {{ ref('int_indicator_series') }}
),

-- A month that was supplied and counts none is a zero; one that was not is no number.
indicator_values as (
    select
        expected.indicator_code as measure_code,
        expected.area_id,
        expected.area_type,
        expected.area_code,
        expected.area_name,
        indicator_supply.month,
        expected.basis,
        case
            when indicator_supply.supply_status = 'supplied'
                then coalesce(indicator_months.event_count, 0)
        end as event_count,
        case
            when
                indicator_supply.supply_status = 'supplied'
                and coalesce(indicator_months.event_count, 0) = 0
                then 'supplied_zero'
            else indicator_supply.supply_status
        end as supply_status
    from indicator_series as expected
    inner join indicator_supply on expected.indicator_code = indicator_supply.indicator_code
    left join indicator_months
        on
            expected.indicator_code = indicator_months.indicator_code
            and expected.area_id = indicator_months.area_id
            and expected.basis = indicator_months.basis
            and indicator_supply.month = indicator_months.month
),

adjusted_counts as (
    select * from {{ ref('int_adjusted_counts') }}
),

-- What no practice decides about, deaths and patients, needs no adjustment.
adjusted_measures as (
    select measure_key as measure_code
    from {{ ref('recording_effect_measures') }}
    where measure_source = 'force_records' and recording_scope <> 'none'
),

changes_of_recording as (
    select
        min(first_month) as first_month,
        max(first_month) as last_month
    from {{ ref('int_recording_effect_events') }}
),

adjusted_keys as (
    select
        indicator_values.*,
        case
            when
                adjusted_measures.measure_code is not null
                and indicator_values.month >= changes_of_recording.first_month
                then indicator_values.event_count
        end as adjusted_key,
        indicator_values.month < changes_of_recording.last_month as is_between_changes
    from indicator_values
    cross join changes_of_recording
    left join adjusted_measures
        on indicator_values.measure_code = adjusted_measures.measure_code
    where indicator_values.basis = 'recorded' and indicator_values.area_type = 'force'
),

-- Between the changes the effect may not be there yet: the upper limit is that of the record.
adjusted_values as (
    select
        adjusted_keys.measure_code,
        adjusted_keys.area_id,
        adjusted_keys.area_type,
        adjusted_keys.area_code,
        adjusted_keys.area_name,
        adjusted_keys.month,
        coalesce(
            adjusted_counts.adjusted_count, cast(adjusted_keys.event_count as double)
        ) as value,
        coalesce(adjusted_counts.adjusted_count_lower, count_intervals.count_lower) as value_lower,
        case
            when adjusted_counts.observed_count is null then count_intervals.count_upper
            when adjusted_keys.is_between_changes
                then greatest(adjusted_counts.adjusted_count_upper, count_intervals.count_upper)
            else adjusted_counts.adjusted_count_upper
        end as value_upper,
        case
            when adjusted_counts.observed_count is null then 'poisson_95'
            else 'poisson_and_assessed_95'
        end as interval_type,
        adjusted_keys.supply_status,
        false as is_suppressed,
        cast(null as {{ dbt.type_string() }}) as load_id,
        'adjusted' as basis
    from adjusted_keys
    left join count_intervals on adjusted_keys.event_count = count_intervals.observed_count
    left join adjusted_counts on adjusted_keys.adjusted_key = adjusted_counts.observed_count
),

named_measures as (
    select
        measure_code,
        measure_name,
        category_name,
        unit
    from measures

    union all

    select
        indicator_code as measure_code,
        indicator_name as measure_name,
        cast(null as {{ dbt.type_string() }}) as category_name,
        unit
    from indicators
),

series as (
    select
        *,
        'recorded' as basis
    from police_values

    union all

    select
        *,
        'recorded' as basis
    from hospital_values

    union all

    select
        indicator_values.measure_code,
        indicator_values.area_id,
        indicator_values.area_type,
        indicator_values.area_code,
        indicator_values.area_name,
        indicator_values.month,
        cast(indicator_values.event_count as double) as value,
        count_intervals.count_lower as value_lower,
        count_intervals.count_upper as value_upper,
        'poisson_95' as interval_type,
        indicator_values.supply_status,
        false as is_suppressed,
        cast(null as {{ dbt.type_string() }}) as load_id,
        indicator_values.basis
    from indicator_values
    left join count_intervals on indicator_values.event_count = count_intervals.observed_count

    union all

    select * from adjusted_values
),

final as (
    select
        series.measure_code,
        named_measures.measure_name,
        named_measures.category_name,
        named_measures.unit,
        series.area_id,
        series.area_type,
        series.area_code,
        series.area_name,
        series.month,
        months.financial_year,
        months.financial_quarter,
        months.days_in_month,
        months.is_lockdown_month,
        series.basis,
        series.value,
        series.value_lower,
        series.value_upper,
        series.interval_type,
        series.supply_status,
        series.is_suppressed,
        series.load_id,
        loads.row_count_quarantined as quarantined_row_count
    from series
    inner join named_measures on series.measure_code = named_measures.measure_code
    inner join months on series.month = months.month
    left join loads on series.load_id = loads.load_id
)

select * from final
