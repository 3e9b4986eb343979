with weights as (
    select * from {{ ref('int_temporal_weights') }}
),

spans as (
    select * from {{ ref('int_profile_spans') }}
),

indicators as (
    select * from {{ ref('indicators') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

final as (
    select
        spans.indicator_code,
        indicators.indicator_name,
        'force/' || settings.force_code as area_id,
        weights.period_type,
        spans.period_label,
        weights.hour_of_week,
        -- Hour 0 is Sunday's first, and Sunday the last day of an ISO week.
        cast(
            case when weights.hour_of_week < 24 then 7 else floor(weights.hour_of_week / 24) end
            as integer
        ) as day_of_week,
        cast(mod(weights.hour_of_week, 24) as integer) as hour_of_day,
        'recorded' as basis,
        spans.first_month,
        spans.last_month,
        spans.month_count,
        spans.day_count,
        weights.event_count,
        weights.placed_count,
        weights.known_time_count,
        weights.no_end_count,
        weights.week_or_longer_count,
        weights.midnight_count,
        weights.aoristic_weight,
        case when weights.placed_count >= {{ least_for_percentage() }} then 100 * weights.share end
            as share_pct,
        100 * weights.share_lower as share_pct_lower,
        100 * weights.share_upper as share_pct_upper,
        cast(
            rank() over (
                partition by weights.subject_code, weights.period_type
                order by weights.aoristic_weight desc
            ) as integer
        ) as weight_rank,
        weights.is_peak,
        case when not spans.is_broken then weights.share_ratio end as share_ratio,
        case when not spans.is_broken then weights.share_ratio_lower end as share_ratio_lower,
        case when not spans.is_broken then weights.share_ratio_upper end as share_ratio_upper,
        case when not spans.is_broken then weights.p_value end as p_value,
        case when not spans.is_broken then weights.q_value end as q_value,
        case
            when weights.period_type = 'baseline' then null
            when spans.is_broken then 'not comparable'
            when weights.q_value is null then 'not assessed'
            when weights.p_value >= 0.05 or weights.q_value > {{ false_discovery_rate() }}
                then 'not distinguishable from chance'
            when weights.share_ratio > 1 then 'up'
            else 'down'
        end as verdict,
        spans.comparability_status,
        spans.comparability_text,
        false as is_suppressed
    from weights
    inner join spans
        on weights.subject_code = spans.subject_code and weights.period_type = spans.period_type
    inner join indicators on spans.indicator_code = indicators.indicator_code
    cross join settings
)

select * from final
