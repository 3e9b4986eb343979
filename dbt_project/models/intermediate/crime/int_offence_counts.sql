{{ config(materialized='table') }}

with recorded_crimes as (
    select * from {{ ref('int_recorded_crimes_by_quarter') }}
),

quarantined as (
    select * from {{ ref('int_recorded_crimes_in_quarantine') }}
),

supplying as (
    select distinct force_code
    from recorded_crimes
),

territorial_forces as (
    select forces.force_code
    from {{ ref('forces') }} as forces
    inner join supplying on forces.force_code = supplying.force_code
    where forces.is_territorial
),

territorial_cells as (
    select distinct
        recorded_crimes.offence_level,
        recorded_crimes.offence_group,
        recorded_crimes.offence_name,
        recorded_crimes.financial_year,
        recorded_crimes.financial_quarter
    from recorded_crimes
    inner join territorial_forces on recorded_crimes.force_code = territorial_forces.force_code
),

-- An offence that any territorial force reports in a quarter is expected of all of them: the
-- publisher writes zeros out, so a missing cell is a cell that was not supplied.
expected_cells as (
    select
        territorial_forces.force_code,
        offences.offence_level,
        offences.offence_group,
        offences.offence_name,
        offences.financial_year,
        offences.financial_quarter
    from territorial_forces
    cross join territorial_cells as offences
),

quarters as (
    select
        expected_cells.force_code,
        expected_cells.offence_level,
        expected_cells.offence_group,
        expected_cells.offence_name,
        expected_cells.financial_year,
        expected_cells.financial_quarter,
        recorded_crimes.offence_count,
        recorded_crimes.load_id
    from expected_cells
    left join recorded_crimes
        on
            expected_cells.force_code = recorded_crimes.force_code
            and expected_cells.offence_level = recorded_crimes.offence_level
            and expected_cells.offence_group = recorded_crimes.offence_group
            and expected_cells.offence_name = recorded_crimes.offence_name
            and expected_cells.financial_year = recorded_crimes.financial_year
            and expected_cells.financial_quarter = recorded_crimes.financial_quarter

    union all

    select
        recorded_crimes.force_code,
        recorded_crimes.offence_level,
        recorded_crimes.offence_group,
        recorded_crimes.offence_name,
        recorded_crimes.financial_year,
        recorded_crimes.financial_quarter,
        recorded_crimes.offence_count,
        recorded_crimes.load_id
    from recorded_crimes
    left join territorial_forces on recorded_crimes.force_code = territorial_forces.force_code
    where territorial_forces.force_code is null
),

years as (
    select
        force_code,
        offence_level,
        offence_group,
        offence_name,
        financial_year,
        cast(sum(offence_count) as bigint) as offence_count,
        cast(count(offence_count) as integer) as quarters_supplied_count,
        case when min(load_id) = max(load_id) then min(load_id) else 'several loads' end as load_id
    from quarters
    group by 1, 2, 3, 4, 5
),

periods as (
    select
        force_code,
        offence_level,
        offence_group,
        offence_name,
        'quarter' as period_type,
        financial_year,
        financial_quarter,
        offence_count,
        cast(case when offence_count is null then 0 else 1 end as integer)
            as quarters_supplied_count,
        load_id,
        {{ financial_quarter_start('financial_year', 'financial_quarter') }} as period_start,
        financial_year || ' Q' || cast(financial_quarter as {{ dbt.type_string() }}) as period_label
    from quarters

    union all

    select
        force_code,
        offence_level,
        offence_group,
        offence_name,
        'financial_year' as period_type,
        financial_year,
        0 as financial_quarter,
        offence_count,
        quarters_supplied_count,
        load_id,
        {{ financial_year_start('financial_year') }} as period_start,
        financial_year as period_label
    from years
),

final as (
    select
        periods.force_code,
        periods.offence_level,
        periods.offence_group,
        periods.offence_name,
        periods.period_type,
        periods.period_label,
        periods.financial_year,
        periods.financial_quarter,
        periods.period_start,
        case
            when periods.period_type = 'quarter' then {{ period_end('periods.period_start', 3) }}
            else {{ period_end('periods.period_start', 12) }}
        end as period_end,
        periods.offence_count,
        periods.quarters_supplied_count,
        -- A row in quarantine may be of any offence: what is wrong with it can be its offence.
        case
            when periods.quarters_supplied_count = 0 then 'not_supplied'
            when periods.period_type = 'financial_year' and periods.quarters_supplied_count < 4
                then 'incomplete'
            when quarantined.quarantined_row_count > 0 then 'incomplete_quarantined'
            else 'complete'
        end as period_status,
        coalesce(quarantined.quarantined_row_count, 0) as quarantined_row_count,
        periods.load_id
    from periods
    left join quarantined
        on
            periods.force_code = quarantined.force_code
            and periods.period_type = quarantined.period_type
            and periods.financial_year = quarantined.financial_year
            and periods.financial_quarter = quarantined.financial_quarter
)

select * from final
