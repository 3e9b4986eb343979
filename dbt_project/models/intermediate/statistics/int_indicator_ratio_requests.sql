with pairs as (
    select * from {{ ref('int_indicator_pairs') }}
),

dispersions as (
    select * from {{ ref('int_indicator_dispersion') }}
),

final as (
    select
        pairs.indicator_code,
        pairs.area_id,
        pairs.basis,
        pairs.is_range,
        pairs.baseline_count,
        pairs.baseline_most_count,
        pairs.baseline_day_count,
        pairs.current_count,
        pairs.current_most_count,
        pairs.current_day_count,
        pairs.unrestricted_baseline_count,
        pairs.unrestricted_baseline_most_count,
        nullif(pairs.unrestricted_baseline_day_count, 0) as unrestricted_baseline_day_count,
        pairs.unrestricted_current_count,
        pairs.unrestricted_current_most_count,
        nullif(pairs.unrestricted_current_day_count, 0) as unrestricted_current_day_count,
        dispersions.phi_of_sums,
        dispersions.phi_degrees
    from pairs
    left join dispersions
        on
            pairs.indicator_code = dispersions.indicator_code
            and pairs.area_id = dispersions.area_id
            and pairs.basis = dispersions.basis
)

select * from final
