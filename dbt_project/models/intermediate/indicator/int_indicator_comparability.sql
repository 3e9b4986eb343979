with pairs as (
    select * from {{ ref('int_period_pairs') }}
    where period_type = 'year_to_date' and is_configured_pair
),

comparability as (
    select * from {{ ref('int_period_comparability') }}
),

event_indicators as (
    select * from {{ ref('int_event_indicators') }}
),

indicators as (
    select
        indicator_code,
        record_type
    from {{ ref('indicators') }}
),

-- What happened to the force's files, systems and practice happened to no admission. That a month
-- is missing is no warning here, for it is left out of both years.
applicable as (
    select
        indicators.indicator_code,
        comparability.*
    from comparability
    cross join indicators
    left join event_indicators
        on
            comparability.subject_code = event_indicators.event_code
            and indicators.indicator_code = event_indicators.indicator_code
    where
        case
            when comparability.warning_code like 'known_event%'
                then event_indicators.event_code is not null
            when comparability.warning_code = 'lockdown_days' then true
            else
                comparability.warning_code <> 'incomplete_period'
                and indicators.record_type = 'offence'
        end
),

summarised as (
    select
        comparison_code,
        indicator_code,
        sum(case when severity_type = 'stop' then 1 else 0 end) as stop_count,
        sum(case when severity_type = 'caution' then 1 else 0 end) as caution_count,
        sum(case when warning_code = 'known_event_break' then 1 else 0 end) as break_count,
        {{ dbt.listagg(
            'warning_text', "' '", 'order by sort_order, event_date, subject_code'
        ) }} as comparability_text
    from applicable
    group by comparison_code, indicator_code
),

final as (
    select
        indicators.indicator_code,
        pairs.comparison_code,
        pairs.baseline_label,
        pairs.current_label,
        case
            when summarised.stop_count > 0 then 'not_comparable'
            when summarised.caution_count > 0 then 'caution'
            else 'comparable'
        end as comparability_status,
        coalesce(summarised.break_count, 0) > 0 as is_broken,
        summarised.comparability_text
    from pairs
    cross join indicators
    left join summarised
        on
            pairs.comparison_code = summarised.comparison_code
            and indicators.indicator_code = summarised.indicator_code
)

select * from final
