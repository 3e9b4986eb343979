with pairs as (
    select * from {{ ref('int_indicator_pairs') }}
    where baseline_count is not null and current_count is not null
),

-- Of a range the least ratio and the greatest; of a count both are its own.
final as (
    select
        current_count,
        current_day_count,
        baseline_most_count as baseline_count,
        baseline_day_count
    from pairs

    union distinct

    select
        current_most_count as current_count,
        current_day_count,
        baseline_count,
        baseline_day_count
    from pairs
)

select * from final
