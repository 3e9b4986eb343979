with census as (
    select * from {{ ref('stg_ons__ethnic_groups') }}
    where ethnic_group_measure_name like '%(number)'
),

districts as (
    select * from {{ ref('int_districts') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

labels as (
    select * from {{ ref('ethnic_group_labels') }}
),

names as (
    select distinct ethnic_group_measure_name from census
),

grouped as (
    select
        names.ethnic_group_measure_name,
        labels.ethnic_group_code
    from names
    inner join labels on names.ethnic_group_measure_name like labels.label_start || '%'
    qualify
        row_number() over (
            partition by names.ethnic_group_measure_name order by length(labels.label_start) desc
        ) = 1
),

final as (
    select
        grouped.ethnic_group_code,
        cast(sum(census.measure_value) as bigint) as population_count,
        cast(count(distinct census.lad_code) as integer) as district_count
    from census
    inner join districts on census.lad_code = districts.lad_code
    inner join settings on districts.force_code = settings.force_code
    inner join grouped on census.ethnic_group_measure_name = grouped.ethnic_group_measure_name
    group by grouped.ethnic_group_code
)

select * from final
