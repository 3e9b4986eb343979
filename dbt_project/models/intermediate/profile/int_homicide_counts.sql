{{ config(materialized='table') }}

with homicides as (
    select
        *,
        case
            when has_victim_under_25 then 'under_25'
            when has_victim_under_25 is null then 'unknown'
            else '25_and_over'
        end as victim_age_group,
        case
            when is_domestic then 'domestic'
            when is_domestic is null then 'unknown'
            else 'not_domestic'
        end as domestic_type
    from {{ ref('int_profile_offences') }}
    where indicator_code = 'homicide'
),

spans as (
    select * from {{ ref('int_profile_spans') }}
    where indicator_code = 'homicide'
),

weapons as (
    select conformed_code as method_code from {{ ref('conformed_codes') }}
    where code_set = 'weapon'
    union all
    select 'all' as method_code
),

-- All ages need no file of persons.
age_groups as (
    select
        'all' as age_group,
        'homicide' as subject_code
    union all
    select
        'under_25' as age_group,
        'homicide/persons' as subject_code
    union all
    select
        '25_and_over' as age_group,
        'homicide/persons' as subject_code
    union all
    select
        'unknown' as age_group,
        'homicide/persons' as subject_code
),

domestic_groups as (
    select 'all' as domestic_group
    union all
    select 'domestic' as domestic_group
    union all
    select 'not_domestic' as domestic_group
    union all
    select 'unknown' as domestic_group
),

grid as (
    select
        spans.subject_code,
        spans.period_type,
        spans.month_count,
        spans.day_count,
        spans.unrestricted_day_count,
        age_groups.age_group,
        weapons.method_code,
        domestic_groups.domestic_group
    from spans
    inner join age_groups on spans.subject_code = age_groups.subject_code
    cross join weapons
    cross join domestic_groups
),

counted as (
    select
        grid.period_type,
        grid.age_group,
        grid.method_code,
        grid.domestic_group,
        grid.subject_code,
        grid.day_count,
        grid.unrestricted_day_count,
        case when grid.month_count > 0 then count(homicides.offence_id) end as homicide_count,
        case
            when grid.month_count > 0
                then count(case when homicides.is_unrestricted then homicides.offence_id end)
        end as unrestricted_count
    from grid
    left join homicides
        on
            grid.subject_code = homicides.subject_code
            and grid.period_type = homicides.period_type
            and grid.age_group in ('all', homicides.victim_age_group)
            and grid.method_code in ('all', homicides.weapon_code)
            and grid.domestic_group in ('all', homicides.domestic_type)
    group by 1, 2, 3, 4, 5, 6, 7, grid.month_count
),

final as (
    select
        counted.*,
        baseline.homicide_count as baseline_count,
        baseline.day_count as baseline_day_count,
        baseline.unrestricted_count as unrestricted_baseline_count,
        baseline.unrestricted_day_count as unrestricted_baseline_day_count
    from counted
    inner join counted as baseline
        on
            counted.age_group = baseline.age_group
            and counted.method_code = baseline.method_code
            and counted.domestic_group = baseline.domestic_group
            and baseline.period_type = 'baseline'
)

select * from final
