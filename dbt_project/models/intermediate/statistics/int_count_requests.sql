with offence_counts as (
    select offence_count as observed_count from {{ ref('int_offence_counts') }}
),

monthly_counts as (
    select record_count as observed_count from {{ ref('int_police_uk_monthly_counts') }}
),

triangulation_counts as (
    select police_count as observed_count from {{ ref('int_triangulation_periods') }}
),

programme_counts as (
    select numerator_count as observed_count
    from {{ ref('int_programme_figures') }}
    where denominator_count is null
),

requests as (
    select observed_count from offence_counts
    union all
    select observed_count from monthly_counts
    union all
    select observed_count from triangulation_counts
    union all
    select observed_count from programme_counts
),

final as (
    select distinct observed_count
    from requests
    where observed_count >= 0
)

select * from final
