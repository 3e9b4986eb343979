with pairs as (
    select * from {{ ref('int_indicator_pairs') }}
),

final as (
    select distinct
        ratio_current_count as current_count,
        current_day_count,
        ratio_baseline_count as baseline_count,
        baseline_day_count
    from pairs
    where ratio_current_count is not null and ratio_baseline_count is not null
)

select * from final
