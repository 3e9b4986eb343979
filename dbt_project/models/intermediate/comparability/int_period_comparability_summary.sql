with pairs as (
    select * from {{ ref('int_period_pairs') }}
),

comparability as (
    select * from {{ ref('int_period_comparability') }}
    where is_of_all_measures
),

summarised as (
    select
        comparison_code,
        count(*) as warning_count,
        sum(case when severity_type = 'stop' then 1 else 0 end) as stop_count,
        sum(case when severity_type = 'caution' then 1 else 0 end) as caution_count,
        max(case when warning_code = 'crosses_recording_system' then 1 else 0 end)
            as crossing_number,
        max(case when warning_code = 'lockdown_days' then 1 else 0 end) as lockdown_number,
        {{ dbt.listagg(
            'warning_text', "' '", 'order by sort_order, event_date, subject_code'
        ) }} as comparability_text
    from comparability
    group by comparison_code
),

final as (
    select
        pairs.comparison_code,
        pairs.period_type,
        pairs.current_label,
        pairs.baseline_label,
        pairs.financial_year,
        pairs.baseline_year,
        pairs.current_first_date,
        pairs.current_last_date,
        pairs.baseline_first_date,
        pairs.baseline_last_date,
        pairs.is_configured_pair,
        case
            when summarised.stop_count > 0 then 'not_comparable'
            when summarised.caution_count > 0 then 'caution'
            else 'comparable'
        end as comparability_status,
        cast(coalesce(summarised.warning_count, 0) as integer) as warning_count,
        coalesce(summarised.crossing_number, 0) = 1 as is_across_systems,
        coalesce(summarised.lockdown_number, 0) = 1 as has_lockdown_days,
        summarised.comparability_text
    from pairs
    left join summarised on pairs.comparison_code = summarised.comparison_code
)

select * from final
