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

indicator_counts as (
    select event_count as observed_count from {{ ref('int_indicator_months') }}
),

indicator_totals as (
    select
        baseline_count,
        current_count,
        current_most_count
    from {{ ref('int_indicator_pairs') }}
),

vintages as (
    select event_count as observed_count from {{ ref('int_count_vintages') }}
),

ethnic_counts as (
    select event_count as observed_count from {{ ref('int_ethnic_counts') }}
),

homicide_counts as (
    select homicide_count as observed_count from {{ ref('int_homicide_counts') }}
),

requests as (
    select observed_count from vintages
    union all
    select observed_count from offence_counts
    union all
    select observed_count from monthly_counts
    union all
    select observed_count from triangulation_counts
    union all
    select observed_count from programme_counts
    union all
    select observed_count from indicator_counts
    union all
    select baseline_count as observed_count from indicator_totals
    union all
    select current_count as observed_count from indicator_totals
    union all
    select current_most_count as observed_count from indicator_totals
    union all
    select observed_count from homicide_counts
    union all
    select observed_count from ethnic_counts
    union all
    -- A month that was supplied and has none.
    select 0 as observed_count
),

final as (
    select distinct observed_count
    from requests
    where observed_count >= 0
)

select * from final
