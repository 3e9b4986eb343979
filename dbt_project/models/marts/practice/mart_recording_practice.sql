with checks as (
    select * from {{ ref('recording_checks') }}
),

months as (
    select * from {{ ref('int_recording_check_months') }}
),

results as (
    select * from {{ ref('int_recording_check_results') }}
),

forces as (
    select * from {{ ref('forces') }}
),

units as (
    select * from {{ ref('dim_area') }}
    where area_type = 'npu'
),

lasting_events as (
    select * from {{ ref('dim_known_event') }}
    where is_of_all_measures
),

-- What was known to happen in the period, whether or not it keeps the check from being made.
events_of_months as (
    select
        periods.month,
        periods.month_count,
        min(lasting_events.event_code) as known_event_code
    from (
        select distinct
            month,
            month_count
        from months
    ) as periods
    inner join lasting_events
        on
            {{ period_end('periods.month', 'periods.month_count') }} >= lasting_events.first_date
            and periods.month
            <= case
                when lasting_events.is_lasting then lasting_events.first_date
                else coalesce(lasting_events.last_date, lasting_events.first_date)
            end
    group by periods.month, periods.month_count
),

measured as (
    select
        months.check_code,
        months.breakdown_code,
        months.npu_code,
        months.force_code,
        months.month,
        months.month_count,
        months.detector_type,
        months.is_held_to_peers,
        months.numerator_count,
        months.denominator_count,
        months.is_lockdown,
        months.baseline_weight,
        months.baseline_code,
        checks.direction as watched_direction,
        checks.watch_from,
        checks.alert_from,
        checks.watch_p_value,
        checks.alert_q_value,
        checks.least_change,
        results.value_lower,
        results.value_upper,
        results.observed,
        results.expected,
        results.lower_limit,
        results.upper_limit,
        results.p_value,
        results.q_value,
        results.direction,
        results.is_persistent,
        results.history_count,
        results.baseline_month,
        results.detector,
        months.detector_type = 'rule' or results.p_value is not null as is_judged,
        {{ safe_divide('months.numerator_count', 'months.denominator_count') }} as ratio,
        months.not_assessed_reason as reason_before
    from months
    inner join checks on months.check_code = checks.check_code
    left join results
        on
            months.check_code = results.check_code
            and months.breakdown_code = results.breakdown_code
            and months.npu_code = results.npu_code
            and months.force_code = results.force_code
            and months.month = results.month
),

judged as (
    select
        *,
        -- With a history and no result there were too few others, or too few events, to hold it to.
        case
            when reason_before is not null or is_judged then reason_before
            when
                is_held_to_peers
                and history_count >= case month_count when 3 then 8 else 12 end
                then 'too few'
            else 'too early'
        end as not_assessed_reason,
        coalesce(
            watched_direction = 'both'
            or (watched_direction = 'up' and direction = 1)
            or (watched_direction = 'down' and direction = -1),
            false
        ) as is_watched_direction,
        -- Of a share, of the rarer of the part and the rest. Where the level of a whole year says
        -- most, the count of the month is not what was tested.
        not (is_persistent and detector = 'farrington')
        and coalesce(
            abs(observed - expected)
            < least_change
            * case
                when detector_type = 'share' then least(expected, 1 - expected) else expected
            end,
            false
        ) as is_small_change
    from measured
),

statuses as (
    select
        *,
        case
            when not_assessed_reason is not null then 'NOT ASSESSED'
            when detector_type = 'rule'
                then
                    case
                        when ratio >= alert_from then 'ALERT'
                        when ratio >= watch_from then 'WATCH'
                        else 'PASS'
                    end
            when is_watched_direction and p_value <= watch_p_value
                then
                    case
                        when q_value <= alert_q_value and not is_small_change then 'ALERT'
                        else 'WATCH'
                    end
            else 'PASS'
        end as check_status
    from judged
),

-- Another direction, or a baseline that began anew, is another finding.
begun as (
    select
        *,
        case
            when
                check_status <> 'ALERT'
                or lag(direction)
                    over (
                        partition by check_code, breakdown_code, npu_code, force_code
                        order by month
                    )
                <> direction
                or lag(baseline_month)
                    over (
                        partition by check_code, breakdown_code, npu_code, force_code
                        order by month
                    )
                <> baseline_month
                then 1
            else 0
        end as is_begun
    from statuses
),

runs as (
    select
        *,
        sum(is_begun) over (
            partition by check_code, breakdown_code, npu_code, force_code
            order by month
            rows between unbounded preceding and current row
        ) as run_number
    from begun
),

dated as (
    select
        *,
        case
            when check_status = 'ALERT'
                then
                    min(case when check_status = 'ALERT' then month end) over (
                        partition by
                            check_code, breakdown_code, npu_code, force_code, run_number
                    )
        end as alert_since_month
    from runs
),

final as (
    select
        dated.check_code,
        checks.check_name,
        checks.question,
        checks.source_type,
        dated.breakdown_code,
        case
            when dated.npu_code = 'all' then 'force/' || dated.force_code
            else 'npu/' || dated.npu_code
        end as area_id,
        case when dated.npu_code = 'all' then 'force' else 'npu' end as area_type,
        case
            when dated.npu_code = 'all' then coalesce(forces.pfa_code, dated.force_code)
            else dated.npu_code
        end as area_code,
        case
            when dated.npu_code = 'all' then coalesce(forces.force_name, dated.force_code)
            else coalesce(units.area_name, dated.npu_code)
        end as area_name,
        dated.month,
        checks.period_type,
        {{ financial_year('dated.month') }} as financial_year,
        checks.numerator as numerator_name,
        checks.denominator as denominator_name,
        dated.numerator_count,
        dated.denominator_count,
        case
            when dated.detector_type = 'count' then cast(dated.numerator_count as double)
            when
                dated.denominator_count >= {{ least_for_percentage() }}
                or dated.detector_type = 'rule'
                then dated.ratio
        end as value,
        dated.value_lower,
        dated.value_upper,
        checks.detector_type,
        case when dated.detector_type = 'rule' then 'rule' else dated.detector end as detector_name,
        dated.observed as observed_value,
        dated.expected as expected_value,
        dated.lower_limit as limit_lower,
        dated.upper_limit as limit_upper,
        dated.p_value,
        dated.q_value,
        cast(dated.history_count as bigint) as history_period_count,
        case when dated.not_assessed_reason is null then dated.baseline_month end
            as baseline_first_month,
        case
            when dated.not_assessed_reason is not null or dated.detector_type = 'rule' then null
            when dated.direction > 0 then 'up'
            when dated.direction < 0 then 'down'
            else 'none'
        end as direction_type,
        dated.is_persistent and dated.not_assessed_reason is null as is_persistent,
        dated.check_status,
        dated.not_assessed_reason,
        dated.alert_since_month,
        events_of_months.known_event_code,
        dated.is_lockdown as is_lockdown_period,
        cast(dated.baseline_weight as double) as baseline_weight,
        dated.baseline_code,
        case
            when dated.check_status = 'NOT ASSESSED'
                then 'Not assessed: ' || dated.not_assessed_reason || '.'
            when dated.check_status = 'PASS' and dated.detector_type = 'rule'
                then 'Within the rule.'
            when dated.check_status = 'PASS' then 'Not distinguishable from chance.'
            when dated.detector_type = 'rule' then 'Over the rule''s threshold.'
            else
                case when dated.direction > 0 then 'Higher' else 'Lower' end
                || ' than the periods before say'
                || case when dated.npu_code = 'all' then '' else ', held to the force' end
                || case
                    when dated.is_persistent then ', over the latest ones together'
                    else ''
                end
                || case
                    when dated.check_status = 'WATCH' and dated.is_small_change
                        then '; too little to matter.'
                    when dated.check_status = 'WATCH'
                        then '; with so many checks that may be chance.'
                    else '.'
                end
        end as result_text,
        checks.severity,
        checks.who_acts,
        false as is_suppressed
    from dated
    inner join checks on dated.check_code = checks.check_code
    left join forces on dated.force_code = forces.force_code
    left join units on dated.npu_code = units.area_code
    left join events_of_months
        on
            dated.month = events_of_months.month
            and dated.month_count = events_of_months.month_count
)

select * from final
