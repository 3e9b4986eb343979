{{ config(materialized='table') }}

with recorded_crimes as (
    select * from {{ ref('stg_home_office__recorded_crimes') }}
),

force_names as (
    select * from {{ ref('force_names') }}
    where source = 'home_office'
),

-- The publisher writes 'Fraud: Action Fraud' and 'Fraud: action fraud': one spelling is kept.
spellings as (
    select
        lower(offence_subgroup) as folded_subgroup,
        min(offence_subgroup) as offence_subgroup
    from recorded_crimes
    group by lower(offence_subgroup)
),

by_subgroup as (
    select
        coalesce(force_names.force_code, lower(recorded_crimes.force_name)) as force_code,
        recorded_crimes.offence_group,
        spellings.offence_subgroup,
        recorded_crimes.financial_year,
        cast(recorded_crimes.financial_quarter as integer) as financial_quarter,
        cast(sum(recorded_crimes.offence_count) as bigint) as offence_count,
        min(recorded_crimes.load_id) as load_id
    from recorded_crimes
    inner join spellings on lower(recorded_crimes.offence_subgroup) = spellings.folded_subgroup
    left join force_names on recorded_crimes.force_name = force_names.source_name
    group by 1, 2, 3, 4, 5
),

levels as (
    select
        force_code,
        'subgroup' as offence_level,
        offence_group,
        offence_subgroup as offence_name,
        financial_year,
        financial_quarter,
        offence_count,
        load_id
    from by_subgroup

    union all

    select
        force_code,
        'group' as offence_level,
        offence_group,
        offence_group as offence_name,
        financial_year,
        financial_quarter,
        offence_count,
        load_id
    from by_subgroup

    union all

    select
        force_code,
        'all' as offence_level,
        'All crime excluding fraud' as offence_group,
        'All crime excluding fraud' as offence_name,
        financial_year,
        financial_quarter,
        offence_count,
        load_id
    from by_subgroup
    where offence_group <> 'Fraud offences'
),

final as (
    select
        force_code,
        offence_level,
        offence_group,
        offence_name,
        financial_year,
        financial_quarter,
        cast(sum(offence_count) as bigint) as offence_count,
        min(load_id) as load_id
    from levels
    group by 1, 2, 3, 4, 5, 6
)

select * from final
