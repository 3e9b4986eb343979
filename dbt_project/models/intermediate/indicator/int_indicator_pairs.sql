-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
{% set flags = "'" ~ (flag_indicators() | join("', '")) ~ "'" -%}
with series as (
    select
        *,
        indicator_code in ({{ flags }}) as has_flag
    from {{ ref('int_indicator_series') }}
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

excluded_months as (
    select * from {{ ref('int_excluded_months') }}
),

matched as (
    {{ matched_months('supply') }}
),

excluded as (
    select
        indicator_code,
        cast(count(*) as integer) as excluded_month_count
    from excluded_months
    group by indicator_code
),

matched_months as (
    select
        matched.indicator_code,
        matched.is_unrestricted,
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
        cast(
            count(distinct case when is_unrestricted then month_of_financial_year end) as integer
        )
            as unrestricted_month_count,
        cast(
            sum(
                case when is_unrestricted and period_type = 'baseline' then days_in_month else 0 end
            )
            as integer
        ) as unrestricted_baseline_day_count,
        cast(
            sum(
                case when is_unrestricted and period_type = 'current' then days_in_month else 0 end
            )
            as integer
        ) as unrestricted_current_day_count,
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
        ) as current_count,
        sum(
            case
                when matched_months.period_type = 'baseline' then indicator_months.possible_count
            end
        ) as baseline_possible_count,
        sum(
            case
                when matched_months.period_type = 'current' then indicator_months.possible_count
            end
        ) as current_possible_count,
        {%- for period in ['baseline', 'current'] %}
        sum(
            case
                when matched_months.is_unrestricted and matched_months.period_type = '{{ period }}'
                    then indicator_months.event_count
            end
        ) as unrestricted_{{ period }}_count,
        sum(
            case
                when matched_months.is_unrestricted and matched_months.period_type = '{{ period }}'
                    then indicator_months.possible_count
            end
        ) as unrestricted_{{ period }}_possible_count{{ "," if not loop.last }}
        {%- endfor %}
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
        coalesce(excluded.excluded_month_count, 0) as excluded_month_count,
        asked.month_count
        - coalesce(excluded.excluded_month_count, 0)
        - coalesce(spans.compared_month_count, 0) as missing_month_count,
        case
            when spans.compared_month_count > 0
                then cast(coalesce(summed.baseline_count, 0) as bigint)
        end as baseline_count,
        case
            when spans.compared_month_count > 0
                then cast(coalesce(summed.current_count, 0) as bigint)
        end as current_count,
        case
            when spans.compared_month_count > 0 and series.has_flag
                then cast(coalesce(summed.baseline_possible_count, 0) as bigint)
        end as baseline_possible_count,
        case
            when spans.compared_month_count > 0 and series.has_flag
                then cast(coalesce(summed.current_possible_count, 0) as bigint)
        end as current_possible_count,
        coalesce(spans.unrestricted_month_count, 0) as unrestricted_month_count,
        spans.unrestricted_baseline_day_count,
        spans.unrestricted_current_day_count,
        {%- for period in ['baseline', 'current'] %}
        case
            when spans.unrestricted_month_count > 0
                then cast(coalesce(summed.unrestricted_{{ period }}_count, 0) as bigint)
        end as unrestricted_{{ period }}_count,
        case
            when spans.unrestricted_month_count > 0
                then cast(coalesce(summed.unrestricted_{{ period }}_possible_count, 0) as bigint)
        end as unrestricted_{{ period }}_possible_count,
        {%- endfor %}
        series.has_flag and series.basis = 'like_for_like' as is_range
    from series
    cross join asked
    left join excluded on series.indicator_code = excluded.indicator_code
    left join spans on series.indicator_code = spans.indicator_code
    left join summed
        on
            series.indicator_code = summed.indicator_code
            and series.area_id = summed.area_id
            and series.basis = summed.basis
),

-- Like for like, all that is known of a flag that the systems fill in unequally is that it belongs
-- to the records that have it at least, and at most to those of which nobody said besides.
final as (
    select
        *,
        case when is_range then baseline_count + baseline_possible_count else baseline_count end
            as baseline_most_count,
        case when is_range then current_count + current_possible_count else current_count end
            as current_most_count,
        case
            when is_range then unrestricted_baseline_count + unrestricted_baseline_possible_count
            else unrestricted_baseline_count
        end as unrestricted_baseline_most_count,
        case
            when is_range then unrestricted_current_count + unrestricted_current_possible_count
            else unrestricted_current_count
        end as unrestricted_current_most_count
    from counted
)

select * from final
