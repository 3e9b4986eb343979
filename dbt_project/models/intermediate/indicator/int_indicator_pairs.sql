-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
{% set flags = flag_indicators() -%}
with series as (
    select * from {{ ref('int_indicator_series') }}
),

compared_months as (
    select * from {{ ref('int_compared_months') }}
),

supply as (
    select * from {{ ref('int_indicator_supply') }}
    where supply_status = 'supplied'
),

indicator_months as (
    select * from {{ ref('int_indicator_months') }}
),

-- A month that one of the years lacks is left out of both.
matched as (
    select
        supply.indicator_code,
        compared_months.month_of_financial_year
    from compared_months
    inner join supply on compared_months.month = supply.month
    group by 1, 2
    having count(distinct compared_months.period_type) = 2
),

matched_months as (
    select
        matched.indicator_code,
        compared_months.*
    from matched
    inner join compared_months
        on matched.month_of_financial_year = compared_months.month_of_financial_year
),

spans as (
    select
        indicator_code,
        cast(count(distinct month_of_financial_year) as integer) as compared_month_count,
        cast(sum(case when period_type = 'baseline' then days_in_month else 0 end) as integer)
            as baseline_day_count,
        cast(sum(case when period_type = 'current' then days_in_month else 0 end) as integer)
            as current_day_count,
        min(case when period_type = 'baseline' then month end) as baseline_first_month,
        max(case when period_type = 'baseline' then month end) as baseline_last_month,
        min(case when period_type = 'current' then month end) as current_first_month,
        max(case when period_type = 'current' then month end) as current_last_month
    from matched_months
    group by indicator_code
),

asked as (
    select cast(count(distinct month_of_financial_year) as integer) as month_count
    from compared_months
),

summed as (
    select
        indicator_months.indicator_code,
        indicator_months.area_id,
        indicator_months.basis,
        sum(
            case when matched_months.period_type = 'baseline' then indicator_months.event_count end
        ) as baseline_count,
        sum(
            case when matched_months.period_type = 'current' then indicator_months.event_count end
        ) as current_count
    from indicator_months
    inner join matched_months
        on
            indicator_months.indicator_code = matched_months.indicator_code
            and indicator_months.month = matched_months.month
    group by 1, 2, 3
),

counted as (
    select
        series.indicator_code,
        series.area_id,
        series.area_type,
        series.area_name,
        series.basis,
        spans.baseline_day_count,
        spans.current_day_count,
        spans.baseline_first_month,
        spans.baseline_last_month,
        spans.current_first_month,
        spans.current_last_month,
        coalesce(spans.compared_month_count, 0) as compared_month_count,
        asked.month_count - coalesce(spans.compared_month_count, 0) as missing_month_count,
        case
            when spans.compared_month_count > 0
                then cast(coalesce(summed.baseline_count, 0) as bigint)
        end as baseline_count,
        case
            when spans.compared_month_count > 0
                then cast(coalesce(summed.current_count, 0) as bigint)
        end as current_count
    from series
    cross join asked
    left join spans on series.indicator_code = spans.indicator_code
    left join summed
        on
            series.indicator_code = summed.indicator_code
            and series.area_id = summed.area_id
            and series.basis = summed.basis
),

flags as (
    {%- for flag, carrier in flags.items() %}
    select
        '{{ flag }}' as indicator_code,
        '{{ carrier }}' as carrier_code
    {{- ' union all' if not loop.last }}
    {%- endfor %}
),

-- Like for like, a flag that the systems fill in unequally is read at the completeness of the
-- baseline: then its ratio is that of the records that can carry it.
final as (
    select
        counted.*,
        flags.carrier_code,
        flags.carrier_code is not null as is_estimated,
        case
            when flags.carrier_code is null then counted.baseline_count
            else carriers.baseline_count
        end as ratio_baseline_count,
        case
            when flags.carrier_code is null then counted.current_count
            else carriers.current_count
        end as ratio_current_count
    from counted
    left join flags
        on counted.indicator_code = flags.indicator_code and counted.basis = 'like_for_like'
    left join counted as carriers
        on
            flags.carrier_code = carriers.indicator_code
            and counted.area_id = carriers.area_id
            and counted.basis = carriers.basis
)

select * from final
