{{ config(materialized='table') }}

with subjects as (
    select * from {{ ref('int_profile_subjects') }}
),

profile_months as (
    select * from {{ ref('int_profile_months') }}
),

compared_months as (
    select * from {{ ref('int_compared_months') }}
),

excluded_months as (
    select * from {{ ref('int_excluded_months') }}
),

pairs as (
    select * from {{ ref('int_period_pairs') }}
    where period_type = 'year_to_date' and is_configured_pair
),

indicator_comparability as (
    select * from {{ ref('int_indicator_comparability') }}
),

-- No change of crime recording systems touches searches.
lockdown_warnings as (
    select
        comparison_code,
        min(warning_text) as warning_text
    from {{ ref('int_period_comparability') }}
    where warning_code = 'lockdown_days'
    group by comparison_code
),

asked as (
    select cast(count(distinct month_of_financial_year) as integer) as month_count
    from compared_months
),

excluded as (
    select
        indicator_code,
        cast(count(*) as integer) as excluded_month_count
    from excluded_months
    group by indicator_code
),

period_types as (
    select 'baseline' as period_type
    union all
    select 'current' as period_type
),

spans as (
    select
        subject_code,
        period_type,
        min(month) as first_month,
        max(month) as last_month,
        cast(count(*) as integer) as month_count,
        cast(sum(days_in_month) as integer) as day_count,
        cast(sum(case when is_unrestricted then days_in_month else 0 end) as integer)
            as unrestricted_day_count
    from profile_months
    group by 1, 2
),

described as (
    select
        subjects.subject_code,
        subjects.indicator_code,
        period_types.period_type,
        case
            when period_types.period_type = 'baseline' then pairs.baseline_label
            else pairs.current_label
        end as period_label,
        spans.first_month,
        spans.last_month,
        coalesce(spans.month_count, 0) as month_count,
        spans.day_count,
        spans.unrestricted_day_count,
        coalesce(excluded.excluded_month_count, 0) as excluded_month_count,
        asked.month_count
        - coalesce(excluded.excluded_month_count, 0)
        - coalesce(spans.month_count, 0) as missing_month_count,
        coalesce(indicator_comparability.is_broken, false) as is_broken,
        coalesce(
            indicator_comparability.comparability_status,
            case when lockdown_warnings.warning_text is null then 'comparable' else 'caution' end
        ) as comparability_status,
        case
            when subjects.indicator_code is null then lockdown_warnings.warning_text
            else indicator_comparability.comparability_text
        end as comparability_text
    from subjects
    cross join period_types
    cross join pairs
    cross join asked
    left join spans
        on
            subjects.subject_code = spans.subject_code
            and period_types.period_type = spans.period_type
    left join excluded on subjects.indicator_code = excluded.indicator_code
    left join indicator_comparability
        on subjects.indicator_code = indicator_comparability.indicator_code
    left join lockdown_warnings on pairs.comparison_code = lockdown_warnings.comparison_code
),

final as (
    select
        subject_code,
        indicator_code,
        period_type,
        period_label,
        first_month,
        last_month,
        month_count,
        missing_month_count,
        excluded_month_count,
        day_count,
        unrestricted_day_count,
        is_broken,
        case
            when month_count = 0 then 'not_comparable'
            when missing_month_count > 0 and comparability_status = 'comparable' then 'caution'
            else comparability_status
        end as comparability_status,
        nullif(
            concat_ws(
                ' ',
                comparability_text,
                case
                    when month_count = 0 then 'No month can be counted in both years.'
                    when missing_month_count + excluded_month_count > 0
                        then
                            'Months left out of both years, because one lacks them or a known '
                            || 'event touches them: '
                            || cast(
                                missing_month_count + excluded_month_count
                                as {{ dbt.type_string() }}
                            )
                            || '.'
                end
            ),
            ''
        ) as comparability_text
    from described
)

select * from final
