with requests as (
    select * from {{ ref('int_claim_requests') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

indicators as (
    select
        *,
        substr(cast(baseline_last_month as {{ dbt.type_string() }}), 1, 7) as baseline_month,
        substr(cast(current_last_month as {{ dbt.type_string() }}), 1, 7) as current_month,
        -- Over fewer months than were asked for it is another figure.
        case
            when missing_month_count > 0
                then
                    'months that one of the years lacks are left out: '
                    || cast(missing_month_count as {{ dbt.type_string() }})
        end as missing_text
    from {{ ref('mart_headline_indicators') }}
    where basis = 'recorded'
),

force_indicators as (
    select * from indicators
    where area_type = 'force'
),

vintages as (
    select
        measure_code,
        month,
        as_of_date,
        event_count
    from {{ ref('mart_count_vintages') }}
),

-- The same counts as they were known at the end of the last month that is compared.
counts_then as (
    select
        force_indicators.indicator_code,
        sum(
            case
                when
                    vintages.month between
                    force_indicators.current_first_month and force_indicators.current_last_month
                    then vintages.event_count
            end
        ) as current_count,
        sum(
            case
                when
                    vintages.month between
                    force_indicators.baseline_first_month and force_indicators.baseline_last_month
                    then vintages.event_count
            end
        ) as baseline_count
    from force_indicators
    inner join vintages
        on
            force_indicators.indicator_code = vintages.measure_code
            and vintages.as_of_date = {{ period_end('force_indicators.current_last_month', 1) }}
    where force_indicators.missing_month_count = 0
    group by force_indicators.indicator_code
),

changes as (
    select
        requests.figure_code,
        requests.figure_type,
        indicators.missing_text,
        indicators.is_suppressed,
        indicators.current_count,
        indicators.baseline_count,
        counts_then.current_count as current_count_then,
        counts_then.baseline_count as baseline_count_then,
        case
            when requests.figure_type = 'change' then 100 * (indicators.rate_ratio - 1)
            else indicators.current_count - indicators.baseline_count
        end as value,
        case when requests.figure_type = 'change' then 100 * (indicators.rate_ratio_lower - 1) end
            as value_lower,
        case when requests.figure_type = 'change' then 100 * (indicators.rate_ratio_upper - 1) end
            as value_upper
    from requests
    inner join force_indicators as indicators
        on
            requests.part_1 = indicators.indicator_code
            and requests.part_2 = indicators.baseline_month
            and requests.part_3 = indicators.current_month
    left join counts_then on indicators.indicator_code = counts_then.indicator_code
    where requests.figure_type in ('change', 'difference')
),

-- A share of the current period or of the baseline, whichever ends with the month asked for.
shares as (
    select
        requests.figure_code,
        requests.figure_type,
        parts.missing_text,
        parts.is_suppressed or wholes.is_suppressed as is_suppressed,
        case
            when requests.month = parts.current_month then parts.current_count
            else parts.baseline_count
        end as numerator,
        case
            when requests.month = wholes.current_month then wholes.current_count
            else wholes.baseline_count
        end as denominator
    from (
        select
            *,
            case when figure_type = 'share' then part_2 else part_1 end as whole_code,
            part_3 as month
        from requests
        where figure_type in ('share', 'area_share')
    ) as requests
    cross join settings
    inner join indicators as parts
        on
            requests.part_1 = parts.indicator_code
            and parts.area_id = case
                when requests.figure_type = 'area_share' then requests.part_2
                else 'force/' || settings.force_code
            end
            and requests.month in (parts.current_month, parts.baseline_month)
    inner join force_indicators as wholes on requests.whole_code = wholes.indicator_code
),

series as (
    select
        measure_code,
        substr(cast(month as {{ dbt.type_string() }}), 1, 7) as month,
        value,
        supply_status,
        is_suppressed
    from {{ ref('mart_monthly_series') }}
    where area_type = 'force' and basis = 'recorded'
),

month_shares as (
    select
        requests.figure_code,
        requests.figure_type,
        case
            when parts.value is null or wholes.value is null
                then 'the month was not supplied in full: ' || parts.supply_status
        end as missing_text,
        parts.is_suppressed or wholes.is_suppressed as is_suppressed,
        parts.value as numerator,
        wholes.value as denominator
    from requests
    inner join series as parts
        on requests.part_1 = parts.measure_code and requests.part_3 = parts.month
    inner join series as wholes
        on requests.part_2 = wholes.measure_code and requests.part_3 = wholes.month
    where requests.figure_type = 'month_share'
),

outcomes as (
    select
        *,
        substr(cast(first_month as {{ dbt.type_string() }}), 1, 7) as first_label,
        substr(cast(last_month as {{ dbt.type_string() }}), 1, 7) as last_label,
        12 * ({{ year_of('last_month') }} - {{ year_of('first_month') }})
        + {{ month_of('last_month') }}
        - {{ month_of('first_month') }}
        + 1 as asked_month_count
    from {{ ref('mart_outcomes') }}
    where area_type = 'force' and period_type in ('month', 'year_to_date')
),

outcome_rates as (
    select
        requests.figure_code,
        requests.figure_type,
        case
            when outcomes.month_count < outcomes.asked_month_count
                then 'not every month of the period was supplied'
        end as missing_text,
        outcomes.is_suppressed,
        outcomes.positive_count as numerator,
        outcomes.recorded_count as denominator,
        outcomes.positive_pct_lower as value_lower,
        outcomes.positive_pct_upper as value_upper
    from requests
    inner join outcomes
        on
            requests.part_1 = outcomes.offence_category
            and requests.part_2 = outcomes.first_label
            and requests.part_3 = outcomes.last_label
    where requests.figure_type = 'positive_outcomes'
),

every_share as (
    select
        *,
        'mart_headline_indicators' as mart_name
    from shares

    union all

    select
        *,
        'mart_monthly_series' as mart_name
    from month_shares
),

every_figure as (
    select
        figure_code,
        figure_type,
        'mart_headline_indicators' as mart_name,
        value,
        value_lower,
        value_upper,
        case when figure_type = 'change' then 'exact_95' else 'none' end as interval_type,
        current_count as numerator,
        baseline_count as denominator,
        current_count_then as numerator_then,
        baseline_count_then as denominator_then,
        missing_text,
        is_suppressed
    from changes

    union all

    select
        figure_code,
        figure_type,
        mart_name,
        100 * {{ safe_divide('numerator', 'denominator') }} as value,
        null as value_lower,
        null as value_upper,
        'clopper_pearson_95' as interval_type,
        numerator,
        denominator,
        null as numerator_then,
        null as denominator_then,
        missing_text,
        is_suppressed
    from every_share

    union all

    select
        figure_code,
        figure_type,
        'mart_outcomes' as mart_name,
        100 * {{ safe_divide('numerator', 'denominator') }} as value,
        value_lower,
        value_upper,
        'wilson_95' as interval_type,
        numerator,
        denominator,
        null as numerator_then,
        null as denominator_then,
        missing_text,
        is_suppressed
    from outcome_rates
),

final as (
    select
        figure_code,
        figure_type,
        mart_name,
        case when missing_text is null then cast(value as double) end as value,
        cast(null as double) as value_to,
        cast(value_lower as double) as value_lower,
        cast(value_upper as double) as value_upper,
        interval_type,
        cast(numerator as double) as numerator,
        cast(denominator as double) as denominator,
        cast(numerator_then as double) as numerator_then,
        cast(denominator_then as double) as denominator_then,
        cast(null as {{ dbt.type_string() }}) as text_value,
        missing_text as note_text,
        is_suppressed,
        'records' as source_type
    from every_figure
)

select * from final
