with periods as (
    select * from {{ ref('int_triangulation_periods') }}
),

pairs as (
    select * from {{ ref('triangulation_pairs') }}
),

count_intervals as (
    select * from {{ ref('int_count_intervals') }}
),

ratio_intervals as (
    select * from {{ ref('int_ratio_intervals') }}
),

onsets as (
    select * from {{ ref('int_divergence_onsets') }}
),

divergence_tests as (
    select * from {{ ref('int_divergence_tests') }}
),

-- Keys of the indices as columns: a condition beside them would keep engines from hashing the
-- joins. The baseline is not compared with itself.
keyed as (
    select
        *,
        has_index and not is_baseline as is_compared,
        case when has_index and not is_baseline then police_count end as index_police_count
    from periods
),

measured as (
    select
        keyed.*,
        pairs.pair_name,
        pairs.meaning,
        divergence_tests.divergence_p_value,
        divergence_tests.divergence_q_value,
        onsets.series_type,
        onsets.onset_shape,
        onsets.onset_start,
        onsets.earliest_start,
        onsets.latest_start,
        onsets.step_ratio,
        onsets.step_ratio_lower,
        onsets.step_ratio_upper,
        onsets.onset_p_value,
        onsets.onset_q_value,
        onsets.unrestricted_onset_start,
        case
            when onsets.onset_shape is null or onsets.onset_shape = 'too short' then 'not assessed'
            when onsets.onset_q_value > {{ false_discovery_rate() }} then 'none found'
            when onsets.onset_shape = 'step' then 'step'
            else 'gradual'
        end as since_status,
        case
            when
                onsets.unrestricted_onset_shape is null
                or onsets.unrestricted_onset_shape = 'too short'
                then 'not assessed'
            when onsets.unrestricted_onset_q_value > {{ false_discovery_rate() }} then 'none found'
            when onsets.unrestricted_onset_shape = 'step' then 'step'
            else 'gradual'
        end as unrestricted_since_status,
        police_range.count_lower as police_count_lower,
        police_range.count_upper as police_count_upper,
        -- The middle of what the published cells allow: the count itself where nothing is hidden.
        (keyed.hospital_count_lower + keyed.hospital_count_upper) / 2.0 as hospital_estimate,
        (keyed.baseline_hospital_count_lower + keyed.baseline_hospital_count_upper) / 2.0
            as baseline_hospital_estimate,
        case when keyed.has_index and keyed.is_baseline then 1.0 else police_ratio.ratio end
            as police_index,
        case when keyed.is_compared then police_ratio.ratio_lower end as police_index_lower,
        case when keyed.is_compared then police_ratio.ratio_upper end as police_index_upper,
        case when keyed.is_compared then least_ratio.ratio_lower end as hospital_index_lower,
        case when keyed.is_compared then greatest_ratio.ratio_upper end as hospital_index_upper
    from keyed
    inner join pairs on keyed.pair_code = pairs.pair_code
    left join onsets
        on
            keyed.pair_code = onsets.pair_code
            and keyed.basis = onsets.basis
            and keyed.area_id = onsets.area_id
    left join divergence_tests
        on
            keyed.pair_code = divergence_tests.pair_code
            and keyed.basis = divergence_tests.basis
            and keyed.area_id = divergence_tests.area_id
            and keyed.period_type = divergence_tests.period_type
            and keyed.financial_year = divergence_tests.financial_year
            and keyed.period_number = divergence_tests.period_number
    left join count_intervals as police_range
        on keyed.police_count = police_range.observed_count
    left join ratio_intervals as police_ratio
        on
            keyed.index_police_count = police_ratio.count_a
            and keyed.baseline_police_count = police_ratio.count_b
    left join ratio_intervals as least_ratio
        on
            keyed.hospital_count_lower = least_ratio.count_a
            and keyed.baseline_hospital_count_upper = least_ratio.count_b
    left join ratio_intervals as greatest_ratio
        on
            keyed.hospital_count_upper = greatest_ratio.count_a
            and keyed.baseline_hospital_count_lower = greatest_ratio.count_b
),

indexed as (
    select
        *,
        case
            when has_index then {{ safe_divide('hospital_estimate', 'baseline_hospital_estimate') }}
        end as hospital_index
    from measured
),

-- The limits of a ratio of two independent estimates from the limits of each, on the log scale
-- (Zou and Donner, Statistics in Medicine 27 (2008) 1693-1702).
logged as (
    select
        *,
        is_compared
        and police_index > 0
        and hospital_index > 0
        and police_index_lower > 0
        and hospital_index_lower > 0
            as has_divergence
    from indexed
),

diverging as (
    select
        *,
        case when has_divergence then police_index / hospital_index end as divergence,
        case
            when has_divergence
                then exp(
                    ln(police_index) - ln(hospital_index)
                    - sqrt(
                        power(ln(police_index) - ln(police_index_lower), 2)
                        + power(ln(hospital_index_upper) - ln(hospital_index), 2)
                    )
                )
        end as divergence_lower,
        case
            when has_divergence
                then exp(
                    ln(police_index) - ln(hospital_index)
                    + sqrt(
                        power(ln(police_index_upper) - ln(police_index), 2)
                        + power(ln(hospital_index) - ln(hospital_index_lower), 2)
                    )
                )
        end as divergence_upper
    from logged
),

directed as (
    select
        *,
        case
            when police_index_lower > 1 then 'up'
            when police_index_upper < 1 then 'down'
            else 'level'
        end as police_direction,
        case
            when hospital_index_lower > 1 then 'up'
            when hospital_index_upper < 1 then 'down'
            else 'level'
        end as hospital_direction
    from diverging
),

final as (
    select
        pair_code,
        pair_name,
        meaning,
        area_id,
        area_code,
        area_name,
        period_type,
        case
            when period_type = 'month'
                then substr(cast(month as {{ dbt.type_string() }}), 1, 7)
            when period_type = 'quarter'
                then
                    financial_year || ' Q' || cast(financial_quarter as {{ dbt.type_string() }})
            else financial_year
        end as period_label,
        financial_year,
        case when period_type = 'quarter' then financial_quarter end as financial_quarter,
        month,
        period_start,
        is_lockdown_period,
        is_restricted_period,
        basis,
        police_count,
        police_count_lower,
        police_count_upper,
        force_count,
        forces_supplied_count,
        series_vintage,
        hospital_count,
        hospital_count_lower,
        hospital_count_upper,
        months_supplied_count,
        suppressed_month_count,
        suppressed_month_count > 0 as is_suppressed,
        case
            when is_police_complete and is_hospital_complete and is_baseline_complete
                then 'complete'
            else 'incomplete'
        end as comparison_status,
        case
            when not is_police_complete and not is_hospital_complete
                then 'police and hospital counts are not whole'
            when not is_police_complete
                then 'a force is missing from the police count, or not whole'
            when not is_hospital_complete then 'a month is missing from the hospital count'
            when not is_baseline_complete then 'the baseline is not whole'
        end as incomplete_reason,
        case
            when is_police_complete and is_hospital_complete
                then {{ safe_divide('police_count', 'hospital_estimate') }}
        end as police_to_hospital_ratio,
        case
            when is_police_complete and is_hospital_complete
                then {{ safe_divide('police_count_lower', 'hospital_count_upper') }}
        end as police_to_hospital_ratio_lower,
        case
            when is_police_complete and is_hospital_complete
                then {{ safe_divide('police_count_upper', 'hospital_count_lower') }}
        end as police_to_hospital_ratio_upper,
        baseline_police_count,
        baseline_hospital_count,
        police_index,
        police_index_lower,
        police_index_upper,
        hospital_index,
        hospital_index_lower,
        hospital_index_upper,
        divergence,
        divergence_lower,
        divergence_upper,
        case
            when is_baseline and is_police_complete and is_hospital_complete then 'baseline'
            when not has_index or not coalesce(has_divergence, false) then 'not assessed'
            when divergence_lower > 1
                then
                    case
                        when police_direction = 'up' and hospital_direction <> 'up'
                            then 'police up, hospital not'
                        when police_direction = 'up' then 'both up, police more'
                        when hospital_direction = 'down' and police_direction <> 'down'
                            then 'hospital down, police not'
                        when hospital_direction = 'down' then 'both down, hospital more'
                        else 'police high against hospital'
                    end
            when divergence_upper < 1
                then
                    case
                        when police_direction = 'down' and hospital_direction <> 'down'
                            then 'police down, hospital not'
                        when police_direction = 'down' then 'both down, police more'
                        when hospital_direction = 'up' and police_direction <> 'up'
                            then 'hospital up, police not'
                        when hospital_direction = 'up' then 'both up, hospital more'
                        else 'police low against hospital'
                    end
            when police_direction <> 'level' and police_direction = hospital_direction
                then 'moved together'
            else 'not distinguishable'
        end as verdict,
        divergence_p_value,
        divergence_q_value,
        since_status,
        case when since_status = 'step' then onset_start end as since_date,
        case when since_status = 'step' then earliest_start end as since_date_lower,
        case when since_status = 'step' then latest_start end as since_date_upper,
        case when since_status in ('step', 'gradual') then step_ratio end as since_ratio,
        case when since_status in ('step', 'gradual') then step_ratio_lower end
            as since_ratio_lower,
        case when since_status in ('step', 'gradual') then step_ratio_upper end
            as since_ratio_upper,
        onset_p_value as since_p_value,
        onset_q_value as since_q_value,
        unrestricted_since_status,
        case when unrestricted_since_status = 'step' then unrestricted_onset_start end
            as unrestricted_since_date,
        case since_status
            when 'not assessed'
                then 'Since when the two have parted is not assessed: too few whole periods.'
            when 'none found'
                then 'No time is found since which the two have parted.'
            when 'gradual'
                then
                    'The two have parted, by '
                    || {{ two_decimals('step_ratio') }}
                    || ' times, and a steady drift says it as well as any one date.'
            else
                'For each admission the police record '
                || {{ two_decimals('step_ratio') }}
                || ' times as many ('
                || {{ two_decimals('step_ratio_lower') }}
                || ' to '
                || {{ two_decimals('step_ratio_upper') }}
                || ') since '
                || {{ month_in_words('onset_start') }}
                || case
                    when earliest_start < latest_start
                        then
                            ', or any '
                            || series_type
                            || ' from '
                            || {{ month_in_words('earliest_start') }}
                            || ' to '
                            || {{ month_in_words('latest_start') }}
                    else ''
                end
                || '.'
        end
        || case
            when since_status in ('not assessed', 'none found') then ''
            when unrestricted_since_status = 'step'
                then
                    ' Without lockdown, since '
                    || {{ month_in_words('unrestricted_onset_start') }}
                    || '.'
            when unrestricted_since_status = 'gradual' then ' Without lockdown, gradually.'
            when unrestricted_since_status = 'none found'
                then ' Without lockdown, it is not found.'
            else ' Without lockdown, it is not assessed.'
        end as since_text
    from directed
)

select * from final
