with episodes as (
    select * from {{ ref('stg_nhs__sharp_object_episodes') }}
    where breakdown_type = 'total' and episode_type = 'FAE'
),

months as (
    select * from {{ ref('int_hospital_months') }}
),

month_sums as (
    select
        area_id,
        area_name,
        financial_year,
        sum(episode_count_lower) as months_lower,
        sum(episode_count_upper) as months_upper,
        count(*) as month_count
    from months
    group by 1, 2, 3
),

-- Years are summed before they are rounded: their totals bound them more closely.
totals as (
    select
        lower(trim(area_name)) as folded_name,
        financial_year,
        max(episode_count_lower) as total_lower,
        min(episode_count_upper) as total_upper
    from episodes
    where episode_month is null
    group by 1, 2
),

final as (
    select
        month_sums.area_id,
        month_sums.area_name,
        month_sums.financial_year,
        cast(month_sums.months_lower as bigint) as months_lower,
        cast(month_sums.months_upper as bigint) as months_upper,
        cast(totals.total_lower as bigint) as total_lower,
        cast(totals.total_upper as bigint) as total_upper
    from month_sums
    left join totals
        on
            lower(month_sums.area_name) = totals.folded_name
            and month_sums.financial_year = totals.financial_year
    where month_sums.month_count = 12
)

select * from final
