-- noqa: disable=LT02,LT14
-- (the lines that come from a loop have no indent of their own)
{{ config(materialized='table') }}

with subjects as (
    select * from {{ ref('int_profile_subjects') }}
),

profile_months as (
    select * from {{ ref('int_profile_months') }}
),

months as (
    select distinct month from profile_months
),

offences as (
    select offences.*
    from {{ ref('fct_offence') }} as offences
    inner join months on offences.recorded_month = months.month
    where not offences.is_cancelled
),

counted as (
    {%- for code, condition in offence_indicators().items() %}
    select
        '{{ code }}' as indicator_code,
        *
    from offences
    where
        ({{ condition }})
        and exists (select 1 from subjects where subjects.indicator_code = '{{ code }}')
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

final as (
    select
        subjects.subject_code,
        counted.indicator_code,
        profile_months.period_type,
        profile_months.is_unrestricted,
        counted.offence_id,
        counted.lsoa_code,
        counted.neighbourhood_code,
        counted.npu_code,
        counted.district_code,
        counted.occurred_from_at,
        counted.occurred_to_at,
        counted.weapon_code,
        counted.is_domestic,
        counted.has_victim_under_25
    from counted
    inner join subjects on counted.indicator_code = subjects.indicator_code
    inner join profile_months
        on
            subjects.subject_code = profile_months.subject_code
            and counted.recorded_month = profile_months.month
)

select * from final
