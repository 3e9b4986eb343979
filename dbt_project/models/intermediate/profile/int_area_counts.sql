-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
{{ config(materialized='table') }}

{% set levels = {
    'lad': 'district_code', 'npu': 'npu_code', 'neighbourhood': 'neighbourhood_code',
    'lsoa': 'lsoa_code',
} -%}
with profile_indicators as (
    select * from {{ ref('profile_indicators') }}
    where profile_code = 'hotspots'
),

subjects as (
    select subjects.subject_code
    from {{ ref('int_profile_subjects') }} as subjects
    inner join profile_indicators
        on
            subjects.indicator_code = profile_indicators.indicator_code
            and subjects.needs_persons = profile_indicators.needs_persons
),

offences as (
    select * from {{ ref('int_profile_offences') }}
),

spans as (
    select * from {{ ref('int_profile_spans') }}
    where month_count > 0
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

places as (
    select * from {{ ref('int_places') }}
    where is_in_force
),

known_areas as (
    select
        areas.area_id,
        areas.area_type
    from {{ ref('dim_area') }} as areas
    inner join settings on areas.force_code = settings.force_code
    where areas.area_type in ('npu', 'neighbourhood') and areas.area_code <> 'unknown'

    union distinct

    select
        'lsoa/' || place_code as area_id,
        'lsoa' as area_type
    from places
    where place_type = 'lsoa'

    union distinct

    select
        'lad/' || district_code as area_id,
        'lad' as area_type
    from places
    where district_code is not null
),

populations as (
    select * from {{ ref('int_area_populations') }}
),

observed as (
    {%- for level, column in levels.items() %}
    select
        subject_code,
        period_type,
        '{{ level }}/' || {{ column }} as area_id,
        count(*) as event_count,
        sum(case when is_unrestricted then 1 else 0 end) as unrestricted_count
    from offences
    where {{ column }} is not null
    group by 1, 2, 3
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

-- The mid-year estimate of the calendar year that the period begins in, else the latest before it.
dated_populations as (
    select
        spans.subject_code,
        spans.period_type,
        populations.area_id,
        populations.reference_year,
        populations.population_count
    from spans
    inner join populations on populations.reference_year <= {{ year_of('spans.first_month') }}
    qualify
        row_number() over (
            partition by spans.subject_code, spans.period_type, populations.area_id
            order by populations.reference_year desc
        ) = 1
),

final as (
    select
        spans.subject_code,
        spans.period_type,
        known_areas.area_type,
        known_areas.area_id,
        spans.day_count,
        cast(coalesce(observed.event_count, 0) as bigint) as event_count,
        cast(coalesce(observed.unrestricted_count, 0) as bigint) as unrestricted_count,
        dated_populations.population_count,
        dated_populations.reference_year as population_year
    from subjects
    inner join spans on subjects.subject_code = spans.subject_code
    cross join known_areas
    left join observed
        on
            spans.subject_code = observed.subject_code
            and spans.period_type = observed.period_type
            and known_areas.area_id = observed.area_id
    left join dated_populations
        on
            spans.subject_code = dated_populations.subject_code
            and spans.period_type = dated_populations.period_type
            and known_areas.area_id = dated_populations.area_id
)

select * from final
