with homicide_counts as (
    select * from {{ ref('int_homicide_counts') }}
    where period_type = 'current' and homicide_count is not null
),

requests as (
    select
        homicide_count as current_count,
        day_count as current_day_count,
        baseline_count,
        baseline_day_count
    from homicide_counts

    union all

    select
        unrestricted_count as current_count,
        unrestricted_day_count as current_day_count,
        unrestricted_baseline_count as baseline_count,
        unrestricted_baseline_day_count as baseline_day_count
    from homicide_counts
),

final as (
    select distinct
        current_count,
        current_day_count,
        baseline_count,
        baseline_day_count
    from requests
    where current_day_count > 0 and baseline_day_count > 0
)

select * from final
