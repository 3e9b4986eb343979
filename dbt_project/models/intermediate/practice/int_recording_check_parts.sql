-- noqa: disable=LT01,LT02,LT05,LT12
-- (the lines that come from a loop have no indent of their own)
{{ config(materialized='table') }}

{%- set offence_dimensions = [
    ('offence_code', 'offence_code'),
    ('origin', 'record_origin_code'),
    ('system', 'recording_system'),
] -%}
{%- set incident_dimensions = [
    ('opening_code', 'opening_code'),
    ('report_category', 'report_category_code'),
] -%}
{%- set of_offences = offence_checks() + [
    ('police_to_hospital', 'is_violence_with_injury and is_knife_used', none),
] -%}
{%- set of_victims = [
    ('victim_ethnicity_unknown', "coalesce(ethnic_group_code, 'unknown') = 'unknown'", 'true'),
] %}

with alerts as (
    select distinct
        check_code,
        breakdown_code,
        area_type,
        area_id,
        area_code
    from {{ ref('mart_recording_practice') }}
    where check_status = 'ALERT'
),

forces as (
    select * from {{ ref('forces') }}
),

offences as (
    select * from {{ ref('fct_offence') }}
    where recorded_month is not null
),

incidents as (
    select * from {{ ref('fct_incident') }}
),

changes as (
    select
        changes.changed_month,
        changes.change_reason_code,
        changes.is_effective,
        changes.recording_system,
        offences.offence_code,
        offences.npu_code,
        offences.record_origin_code
    from {{ ref('fct_classification_change') }} as changes
    left join offences on changes.offence_id = offences.offence_id
),

victims as (
    select
        involvements.ethnic_group_code,
        offences.recorded_month,
        offences.offence_code,
        offences.npu_code,
        offences.record_origin_code,
        offences.recording_system
    from {{ ref('fct_involvement') }} as involvements
    inner join offences on involvements.offence_id = offences.offence_id
    where involvements.role_code = 'victim'
),

quarters as (
    select * from {{ ref('int_offence_counts') }}
    where
        period_type = 'quarter'
        and period_status = 'complete'
        and offence_group <> 'Fraud offences'
),

street_types as (
    select * from {{ ref('int_police_uk_monthly_counts') }}
    where
        table_name = 'street'
        and measure_code <> 'street_crimes_all'
        and record_count is not null
),

{{ recording_check_part_ctes(
    'offence', 'offences', 'recorded_month', of_offences, offence_dimensions
) }}
{{ recording_check_part_ctes(
    'incident', 'incidents', 'month', incident_checks(), incident_dimensions
) }}
{{ recording_check_part_ctes(
    'change', 'changes', 'changed_month', change_checks(), offence_dimensions
) }}
{{ recording_check_part_ctes(
    'victim', 'victims', 'recorded_month', of_victims, offence_dimensions
) }}

parts as (
    {{ recording_check_part_rows('offence', of_offences, offence_dimensions) }}
    {{ recording_check_part_rows('incident', incident_checks(), incident_dimensions) }}
    {{ recording_check_part_rows('change', change_checks(), offence_dimensions) }}
    {{ recording_check_part_rows('victim', of_victims, offence_dimensions) }}

    -- The group's own subgroups, and (as the whole that it is a part of) the force's groups.
    select
        'home_office_group_share' as check_code,
        offence_group as breakdown_code,
        'force/' || force_code as area_id,
        period_start as month,
        'offence_subgroup' as dimension_code,
        offence_name as part_code,
        offence_count as numerator_count,
        cast(null as bigint) as denominator_count
    from quarters
    where offence_level = 'subgroup'

    union all

    select
        'home_office_group_share' as check_code,
        alerts.breakdown_code,
        alerts.area_id,
        quarters.period_start as month,
        'offence_group' as dimension_code,
        quarters.offence_group as part_code,
        case when quarters.offence_group = alerts.breakdown_code then quarters.offence_count else 0 end
            as numerator_count,
        quarters.offence_count as denominator_count
    from quarters
    inner join alerts
        on
            alerts.check_code = 'home_office_group_share'
            and alerts.area_id = 'force/' || quarters.force_code
    where quarters.offence_level = 'group'

    union all

    select
        'home_office_share_of_forces' as check_code,
        offence_group as breakdown_code,
        'force/' || force_code as area_id,
        period_start as month,
        'offence_subgroup' as dimension_code,
        offence_name as part_code,
        offence_count as numerator_count,
        cast(null as bigint) as denominator_count
    from quarters
    where offence_level = 'subgroup'

    union all

    -- The other forces, which the part of one is held to.
    select
        'home_office_share_of_forces' as check_code,
        alerts.breakdown_code,
        alerts.area_id,
        quarters.period_start as month,
        'force' as dimension_code,
        coalesce(forces.force_name, quarters.force_code) as part_code,
        case when alerts.area_id = 'force/' || quarters.force_code then quarters.offence_count else 0 end
            as numerator_count,
        quarters.offence_count as denominator_count
    from quarters
    inner join alerts
        on
            alerts.check_code = 'home_office_share_of_forces'
            and quarters.offence_group = alerts.breakdown_code
    left join forces on quarters.force_code = forces.force_code
    where quarters.offence_level = 'group'

    union all

    select
        'home_office_injury' as check_code,
        'all' as breakdown_code,
        'force/' || force_code as area_id,
        period_start as month,
        'offence_subgroup' as dimension_code,
        offence_name as part_code,
        case when offence_name = 'Violence with injury' then offence_count else 0 end
            as numerator_count,
        offence_count as denominator_count
    from quarters
    where
        offence_level = 'subgroup'
        and offence_name in ('Violence with injury', 'Violence without injury')

    union all

    select
        'police_uk_crimes' as check_code,
        'all' as breakdown_code,
        'force/' || force_code as area_id,
        month,
        'crime_type' as dimension_code,
        substr(measure_code, length('street_crimes_') + 1) as part_code,
        record_count as numerator_count,
        cast(null as bigint) as denominator_count
    from street_types

    union all

    select
        'police_uk_crime_type' as check_code,
        alerts.breakdown_code,
        alerts.area_id,
        street_types.month,
        'crime_type' as dimension_code,
        substr(street_types.measure_code, length('street_crimes_') + 1) as part_code,
        case
            when street_types.measure_code = 'street_crimes_' || alerts.breakdown_code
                then street_types.record_count
            else 0
        end as numerator_count,
        street_types.record_count as denominator_count
    from street_types
    inner join alerts
        on
            alerts.check_code = 'police_uk_crime_type'
            and alerts.area_id = 'force/' || street_types.force_code

    union all

    select
        'police_uk_place_unknown' as check_code,
        'all' as breakdown_code,
        'force/' || {{ split_part('period', '/', 1) }} as area_id,
        {{ first_of_month(split_part('period', '/', 2)) }} as month,
        'crime_type' as dimension_code,
        coalesce(crime_type, 'unknown') as part_code,
        cast(count(*) - count(lsoa_code) as bigint) as numerator_count,
        cast(count(*) as bigint) as denominator_count
    from {{ ref('stg_police_uk__street_crimes') }}
    group by period, crime_type

    union all

    {%- for code, column in [
        ('stop_ethnicity_unknown', 'self_defined_ethnicity_type'),
        ('stop_outcome_unknown', 'outcome_type'),
    ] %}
    select
        '{{ code }}' as check_code,
        'all' as breakdown_code,
        'force/' || {{ split_part('period', '/', 1) }} as area_id,
        {{ first_of_month(split_part('period', '/', 2)) }} as month,
        'search_object' as dimension_code,
        coalesce(search_object_type, 'unknown') as part_code,
        cast(count(*) - count({{ column }}) as bigint) as numerator_count,
        cast(count(*) as bigint) as denominator_count
    from {{ ref('stg_police_uk__stop_searches') }}
    group by period, search_object_type
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}
),

-- Only what alerts has to be taken apart.
final as (
    select
        parts.check_code,
        parts.breakdown_code,
        parts.area_id,
        parts.month,
        parts.dimension_code,
        parts.part_code,
        cast(parts.numerator_count as bigint) as numerator_count,
        cast(parts.denominator_count as bigint) as denominator_count
    from parts
    inner join alerts
        on
            parts.check_code = alerts.check_code
            and parts.breakdown_code = alerts.breakdown_code
            and parts.area_id = alerts.area_id
)

select * from final
