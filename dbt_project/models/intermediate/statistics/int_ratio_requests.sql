with triangulation_periods as (
    select * from {{ ref('int_triangulation_periods') }}
    where has_index and not is_baseline
),

requests as (
    select
        police_count as count_a,
        baseline_police_count as count_b
    from triangulation_periods
    union all
    -- What rounding and suppression allow at most and at least, on top of chance.
    select
        hospital_count_lower,
        baseline_hospital_count_upper
    from triangulation_periods
    union all
    select
        hospital_count_upper,
        baseline_hospital_count_lower
    from triangulation_periods
),

final as (
    select distinct
        count_a,
        count_b
    from requests
    where count_a >= 0 and count_b > 0
)

select * from final
