{{ config(materialized='table') }}

with counts as (
    select counts.*
    from {{ ref('int_involvement_counts') }} as counts
    inner join {{ ref('int_profile_subjects') }} as subjects
        on counts.subject_code = subjects.subject_code
    inner join {{ ref('profile_indicators') }} as profile_indicators
        on
            subjects.indicator_code = profile_indicators.indicator_code
            and subjects.needs_persons = profile_indicators.needs_persons
    where profile_indicators.profile_code = 'victim_suspect'
),

-- Every cell, and every margin of it.
cells as (
    select
        subject_code,
        role_code,
        period_type,
        coalesce(age_band_code, 'all') as age_band_code,
        coalesce(sex_code, 'all') as sex_code,
        coalesce(ethnic_group_code, 'all') as ethnic_group_code,
        sum(involvement_count) as involvement_count,
        sum(unrestricted_count) as unrestricted_count,
        sum(under_25_count) as under_25_count,
        sum(known_age_count) as known_age_count
    from counts
    group by
        subject_code, role_code, period_type, cube(age_band_code, sex_code, ethnic_group_code)
),

periods as (
    select 'baseline' as period_type
    union all
    select 'current' as period_type
),

subjects as (
    select distinct
        subject_code,
        role_code
    from counts
),

codes as (
    select
        code_set,
        conformed_code as code
    from {{ ref('conformed_codes') }}
    where code_set in ('age_band', 'sex', 'ethnic_group')

    union all

    select distinct
        code_set,
        'all' as code
    from {{ ref('conformed_codes') }}
    where code_set in ('age_band', 'sex', 'ethnic_group')
),

-- Every cell has its row, also where nobody is: that there is one says nothing.
described as (
    select
        subjects.subject_code,
        subjects.role_code,
        periods.period_type,
        age_bands.code as age_band_code,
        sexes.code as sex_code,
        ethnic_groups.code as ethnic_group_code
    from subjects
    cross join periods
    cross join codes as age_bands
    cross join codes as sexes
    cross join codes as ethnic_groups
    where
        age_bands.code_set = 'age_band'
        and sexes.code_set = 'sex'
        and ethnic_groups.code_set = 'ethnic_group'
),

filled as (
    select
        described.*,
        cast(coalesce(cells.involvement_count, 0) as bigint) as involvement_count,
        cast(coalesce(cells.unrestricted_count, 0) as bigint) as unrestricted_count,
        cast(coalesce(cells.under_25_count, 0) as bigint) as under_25_count,
        cast(coalesce(cells.known_age_count, 0) as bigint) as known_age_count
    from described
    left join cells
        on
            described.subject_code = cells.subject_code
            and described.role_code = cells.role_code
            and described.period_type = cells.period_type
            and described.age_band_code = cells.age_band_code
            and described.sex_code = cells.sex_code
            and described.ethnic_group_code = cells.ethnic_group_code
),

-- The most frequent year of age by sex and ethnic group; of equals the youngest.
ages as (
    select
        subject_code,
        role_code,
        period_type,
        coalesce(sex_code, 'all') as sex_code,
        coalesce(ethnic_group_code, 'all') as ethnic_group_code,
        age_at_offence,
        sum(involvement_count) as age_count
    from counts
    where age_at_offence is not null
    group by
        subject_code, role_code, period_type, age_at_offence, cube(sex_code, ethnic_group_code)
),

modal_ages as (
    select * from ages
    qualify
        row_number() over (
            partition by subject_code, role_code, period_type, sex_code, ethnic_group_code
            order by age_count desc, age_at_offence asc
        ) = 1
),

final as (
    select
        filled.*,
        totals.involvement_count as role_count,
        modal_ages.age_at_offence as modal_age
    from filled
    inner join filled as totals
        on
            filled.subject_code = totals.subject_code
            and filled.role_code = totals.role_code
            and filled.period_type = totals.period_type
            and totals.age_band_code = 'all'
            and totals.sex_code = 'all'
            and totals.ethnic_group_code = 'all'
    left join modal_ages
        on
            filled.age_band_code = 'all'
            and filled.subject_code = modal_ages.subject_code
            and filled.role_code = modal_ages.role_code
            and filled.period_type = modal_ages.period_type
            and filled.sex_code = modal_ages.sex_code
            and filled.ethnic_group_code = modal_ages.ethnic_group_code
)

select * from final
