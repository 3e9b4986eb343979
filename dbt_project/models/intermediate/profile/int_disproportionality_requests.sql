with counts as (
    select * from {{ ref('int_ethnic_counts') }}
),

-- More events than residents is no proportion of them.
pairs as (
    select
        counts.measure_code,
        counts.ethnic_group_code,
        counts.period_type,
        counts.event_count as group_count,
        counts.population_count as group_population_count,
        white.event_count as white_count,
        white.population_count as white_population_count
    from counts
    inner join counts as white
        on
            counts.measure_code = white.measure_code
            and counts.period_type = white.period_type
            and white.ethnic_group_code = 'white'
    where
        counts.ethnic_group_code not in ('white', 'unknown')
        and counts.event_count <= counts.population_count
        and white.event_count <= white.population_count
        and counts.population_count > 0
        and white.population_count > 0
),

final as (
    select
        now.measure_code,
        now.ethnic_group_code,
        now.group_count as current_group_count,
        now.white_count as current_white_count,
        before.group_count as baseline_group_count,
        before.white_count as baseline_white_count,
        now.group_population_count,
        now.white_population_count
    from pairs as now
    inner join pairs as before
        on
            now.measure_code = before.measure_code
            and now.ethnic_group_code = before.ethnic_group_code
    where now.period_type = 'current' and before.period_type = 'baseline'
)

select * from final
