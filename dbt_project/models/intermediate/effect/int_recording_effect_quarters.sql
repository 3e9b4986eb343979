{{ config(materialized='table') }}

with counts as (
    select * from {{ ref('int_offence_counts') }}
    where period_type = 'quarter'
),

forces as (
    select * from {{ ref('forces') }}
    where is_territorial
),

combinations as (
    select * from {{ ref('offence_combinations') }}
),

settings as (
    select max(setting_value) as first_year
    from {{ ref('recording_effect_settings') }}
    where setting_code = 'synthetic_first_year'
),

lockdown_quarters as (
    select distinct
        financial_year,
        financial_quarter
    from {{ ref('dim_date') }}
    where is_lockdown
),

dispersion_quarters as (
    select distinct period_start
    from {{ ref('int_offence_dispersion_quarters') }}
),

years as (
    select distinct financial_year
    from counts
),

expected_parts as (
    select
        combinations.combination_name,
        years.financial_year,
        count(*) as part_count
    from combinations
    cross join years
    where
        years.financial_year >= coalesce(combinations.first_financial_year, years.financial_year)
        and years.financial_year <= coalesce(combinations.last_financial_year, years.financial_year)
    group by 1, 2
),

-- A subgroup that is all of its group is said once, as the group.
published as (
    select
        force_code,
        offence_level,
        offence_group,
        offence_name,
        financial_year,
        financial_quarter,
        case when period_status = 'complete' then offence_count end as offence_count
    from counts
    where
        offence_level <> 'subgroup'
        or offence_name <> offence_group
),

combined as (
    select
        counts.force_code,
        'combination' as offence_level,
        min(combinations.offence_group) as offence_group,
        combinations.combination_name,
        counts.financial_year,
        counts.financial_quarter,
        sum(case when counts.period_status = 'complete' then counts.offence_count end)
            as offence_count,
        sum(
            case
                when
                    counts.period_status = 'complete'
                    and counts.financial_year
                    >= coalesce(combinations.first_financial_year, counts.financial_year)
                    and counts.financial_year
                    <= coalesce(combinations.last_financial_year, counts.financial_year)
                    then 1
                else 0
            end
        ) as complete_part_count,
        sum(case when counts.period_status = 'complete' then 0 else 1 end) as incomplete_part_count
    from counts
    inner join combinations
        on
            counts.offence_level = 'subgroup'
            and counts.offence_group = combinations.offence_group
            and counts.offence_name = combinations.offence_subgroup
    group by 1, 4, 5, 6
),

-- One part that is missing leaves no sum.
added as (
    select combined.*
    from combined
    inner join expected_parts
        on
            combined.combination_name = expected_parts.combination_name
            and combined.financial_year = expected_parts.financial_year
    where
        combined.incomplete_part_count = 0
        and combined.complete_part_count = expected_parts.part_count
),

series as (
    select
        force_code,
        offence_level,
        offence_group,
        offence_name,
        financial_year,
        financial_quarter,
        offence_count
    from published
    union all
    select
        force_code,
        offence_level,
        offence_group,
        combination_name as offence_name,
        financial_year,
        financial_quarter,
        offence_count
    from added
),

final as (
    select
        'recorded_' || {{ code_of('series.offence_name') }} as measure_code,
        series.offence_level,
        series.offence_group,
        series.offence_name,
        series.force_code,
        forces.region_code,
        series.financial_year,
        cast(series.financial_quarter as integer) as financial_quarter,
        {{ financial_quarter_start('series.financial_year', 'series.financial_quarter') }}
            as period_start,
        lockdown_quarters.financial_year is not null as is_lockdown_quarter,
        dispersion_quarters.period_start is not null as is_dispersion_quarter,
        cast(series.offence_count as bigint) as offence_count
    from series
    inner join forces on series.force_code = forces.force_code
    cross join settings
    left join lockdown_quarters
        on
            series.financial_year = lockdown_quarters.financial_year
            and series.financial_quarter = lockdown_quarters.financial_quarter
    left join dispersion_quarters
        on
            {{ financial_quarter_start('series.financial_year', 'series.financial_quarter') }}
            = dispersion_quarters.period_start
    where
        series.financial_year >= settings.first_year
        and series.offence_group <> 'Fraud offences'
)

select * from final
