{{ config(materialized='table') }}

with measures as (
    select * from {{ ref('disproportionality_measures') }}
),

spans as (
    select * from {{ ref('int_profile_spans') }}
),

profile_months as (
    select * from {{ ref('int_profile_months') }}
),

involvements as (
    select * from {{ ref('int_involvement_counts') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

labels as (
    select * from {{ ref('ethnic_group_labels') }}
),

populations as (
    select * from {{ ref('int_ethnic_populations') }}
),

searches as (
    select
        searched.search_object_type,
        {{ first_of_month(split_part('searched.period', '/', 2)) }} as month,
        searched.self_defined_ethnicity_type,
        searched.officer_defined_ethnicity_type
    from {{ ref('stg_police_uk__stop_searches') }} as searched
    inner join settings on searched.period like settings.force_code || '/%'
),

names as (
    select self_defined_ethnicity_type as label from searches
    union distinct
    select officer_defined_ethnicity_type as label from searches
),

grouped_labels as (
    select
        names.label,
        labels.ethnic_group_code
    from names
    inner join labels on names.label like labels.label_start || '%'
    qualify
        row_number() over (partition by names.label order by length(labels.label_start) desc) = 1
),

-- As the person said; where that is not stated, as the officer saw it.
grouped_searches as (
    select
        searches.search_object_type,
        profile_months.period_type,
        profile_months.is_unrestricted,
        coalesce(
            nullif(said.ethnic_group_code, 'unknown'), seen.ethnic_group_code, 'unknown'
        ) as ethnic_group_code,
        coalesce(said.ethnic_group_code, 'unknown') = 'unknown'
        and coalesce(seen.ethnic_group_code, 'unknown') <> 'unknown' as is_officer_defined
    from searches
    inner join profile_months
        on
            profile_months.subject_code = 'stop_and_search'
            and searches.month = profile_months.month
    left join grouped_labels as said on searches.self_defined_ethnicity_type = said.label
    left join grouped_labels as seen on searches.officer_defined_ethnicity_type = seen.label
),

counted as (
    select
        measures.measure_code,
        involvements.period_type,
        involvements.ethnic_group_code,
        sum(involvements.involvement_count) as event_count,
        sum(involvements.unrestricted_count) as unrestricted_count,
        sum(involvements.officer_defined_count) as officer_defined_count
    from measures
    inner join involvements
        on
            measures.subject_code = involvements.subject_code
            and measures.role_code = involvements.role_code
    group by 1, 2, 3

    union all

    select
        measures.measure_code,
        grouped_searches.period_type,
        grouped_searches.ethnic_group_code,
        count(*) as event_count,
        sum(case when grouped_searches.is_unrestricted then 1 else 0 end) as unrestricted_count,
        sum(case when grouped_searches.is_officer_defined then 1 else 0 end)
            as officer_defined_count
    from measures
    inner join grouped_searches
        on
            measures.search_object_type is null
            or measures.search_object_type = grouped_searches.search_object_type
    where measures.subject_code = 'stop_and_search'
    group by 1, 2, 3
),

ethnic_groups as (
    select
        conformed_code as ethnic_group_code,
        cast(sort_order as integer) as ethnic_group_order
    from {{ ref('conformed_codes') }}
    where code_set = 'ethnic_group'
),

final as (
    select
        measures.measure_code,
        measures.subject_code,
        spans.period_type,
        ethnic_groups.ethnic_group_code,
        ethnic_groups.ethnic_group_order,
        case when spans.month_count > 0 then cast(coalesce(counted.event_count, 0) as bigint) end
            as event_count,
        case
            when spans.month_count > 0
                then cast(coalesce(counted.unrestricted_count, 0) as bigint)
        end as unrestricted_count,
        case
            when spans.month_count > 0
                then cast(coalesce(counted.officer_defined_count, 0) as bigint)
        end as officer_defined_count,
        populations.population_count,
        populations.district_count
    from measures
    inner join spans on measures.subject_code = spans.subject_code
    cross join ethnic_groups
    left join counted
        on
            measures.measure_code = counted.measure_code
            and spans.period_type = counted.period_type
            and ethnic_groups.ethnic_group_code = counted.ethnic_group_code
    left join populations on ethnic_groups.ethnic_group_code = populations.ethnic_group_code
)

select * from final
