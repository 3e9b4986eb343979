{{ config(materialized='table') }}

with subjects as (
    select * from {{ ref('int_profile_subjects') }}
    where needs_persons
),

spans as (
    select * from {{ ref('int_profile_spans') }}
    where month_count > 0
),

offences as (
    select * from {{ ref('int_profile_offences') }}
),

involvements as (
    select * from {{ ref('fct_involvement') }}
    where role_code in ('victim', 'suspect')
),

counted as (
    select
        offences.subject_code,
        offences.period_type,
        involvements.role_code,
        involvements.age_band_code,
        involvements.sex_code,
        involvements.ethnic_group_code,
        involvements.age_at_offence,
        count(*) as involvement_count,
        sum(case when offences.is_unrestricted then 1 else 0 end) as unrestricted_count,
        sum(case when involvements.is_under_25 then 1 else 0 end) as under_25_count,
        sum(case when involvements.is_under_25 is not null then 1 else 0 end) as known_age_count,
        sum(case when involvements.ethnicity_basis = 'officer' then 1 else 0 end)
            as officer_defined_count
    from offences
    inner join subjects on offences.subject_code = subjects.subject_code
    inner join involvements on offences.offence_id = involvements.offence_id
    group by 1, 2, 3, 4, 5, 6, 7
),

final as (
    select
        counted.*,
        spans.day_count
    from counted
    inner join spans
        on counted.subject_code = spans.subject_code and counted.period_type = spans.period_type
)

select * from final
