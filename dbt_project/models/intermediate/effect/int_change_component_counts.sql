-- noqa: disable=LT02
-- (the lines that come from a loop have no indent of their own)
{{ config(materialized='table') }}
{% set indicators = offence_indicators() -%}
{% set flags = flag_indicators() -%}
{% set wholes = flag_wholes() -%}
with offences as (
    select * from {{ ref('fct_offence') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

compared_months as (
    select * from {{ ref('int_compared_months') }}
),

supply as (
    select * from {{ ref('int_indicator_supply') }}
    where supply_status = 'supplied'
),

excluded_months as (
    select * from {{ ref('int_excluded_months') }}
),

matched as (
    {{ matched_months('supply') }}
),

matched_months as (
    select
        matched.indicator_code,
        compared_months.month,
        compared_months.period_type
    from matched
    inner join compared_months
        on matched.month_of_financial_year = compared_months.month_of_financial_year
),

-- Each record belongs to one component: what a rule names, then spiking, then what has no origin.
-- 'cancelled' are those that would be ordinary did they stand, so that its share is of one
-- population. Other cancelled records belong to none: what made them also unmade them.
grouped as (
    select
        *,
        case
            when
                is_cancelled
                and (
                    like_for_like_rule_code is not null
                    or is_spiking
                    or record_origin_code = 'unknown'
                )
                then 'cancelled_other'
            when is_cancelled then 'cancelled'
            when like_for_like_rule_code is not null then like_for_like_rule_code
            when is_spiking then 'spiking'
            when record_origin_code = 'unknown' then 'unstated'
            else 'ordinary'
        end as component_group
    from offences
    where recorded_month in (select compared_months.month from compared_months)
),

counts as (
    select
        recorded_month as month,
        component_group
        {%- for code, condition in indicators.items() %},
        sum(case when {{ condition }} then 1 else 0 end) as {{ code }}
        {%- endfor %}
        {%- for code, condition in flags.items() %},
        sum(case when {{ condition }} then 1 else 0 end) as {{ code }}_possible
        {%- endfor %}
    from grouped
    where component_group <> 'cancelled_other'
    group by 1, 2
),

placed as (
    select
        counts.*,
        'force/' || settings.force_code as area_id
    from counts
    cross join settings
),

counted as (
    {%- for code in indicators %}
    select
        '{{ code }}' as indicator_code,
        month,
        area_id,
        component_group,
        {{ code }} as event_count,
        {{ code ~ '_possible' if code in flags else 0 }} as possible_count,
        {{ wholes[code] if code in flags else 0 }} as whole_count
    from placed
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
),

final as (
    select
        counted.indicator_code,
        counted.area_id,
        counted.component_group,
        matched_months.period_type,
        cast(sum(counted.event_count) as bigint) as event_count,
        -- Of an unequally recorded flag: records of which nobody said, and all that it is asked of.
        cast(sum(counted.possible_count) as bigint) as possible_count,
        cast(sum(counted.whole_count) as bigint) as whole_count
    from counted
    inner join matched_months
        on
            counted.indicator_code = matched_months.indicator_code
            and counted.month = matched_months.month
    where counted.event_count > 0 or counted.possible_count > 0 or counted.whole_count > 0
    group by 1, 2, 3, 4
)

select * from final
