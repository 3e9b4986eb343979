{% set flags = "'" ~ (flag_indicators() | join("', '")) ~ "'" -%}
with components as (
    select * from {{ ref('int_change_components') }}
),

component_names as (
    select * from {{ ref('change_components') }}
),

rules as (
    select * from {{ ref('like_for_like_rules') }}
),

pairs as (
    select * from {{ ref('int_indicator_pairs') }}
    where basis = 'recorded' and area_type = 'force'
),

indicators as (
    select * from {{ ref('indicators') }}
    where record_type = 'offence'
),

comparability as (
    select * from {{ ref('int_indicator_comparability') }}
),

-- A rule without a row of its own in the seed is named by its reason.
listed as (
    select
        component_code,
        component_order,
        component_name,
        component_text
    from component_names

    union all

    select
        rules.rule_code as component_code,
        4 as component_order,
        rules.rule_code as component_name,
        rules.reason as component_text
    from rules
    left join component_names on rules.rule_code = component_names.component_code
    where component_names.component_code is null
),

changes as (
    select
        indicator_code,
        area_id,
        component_count_lower as change_count_lower,
        component_count_upper as change_count_upper
    from components
    where component_code = 'change'
),

joined as (
    select
        pairs.indicator_code,
        indicators.indicator_name,
        indicators.indicator_order,
        pairs.area_id,
        pairs.area_type,
        pairs.area_name,
        comparability.baseline_label as baseline_period_label,
        comparability.current_label as current_period_label,
        comparability.is_broken,
        listed.component_code,
        listed.component_order,
        listed.component_name,
        listed.component_text,
        pairs.baseline_count,
        pairs.current_count,
        changes.change_count_lower,
        changes.change_count_upper,
        components.component_count,
        components.component_count_lower,
        components.component_count_upper,
        listed.component_code = 'knife_flags' and pairs.indicator_code not in ({{ flags }})
            as is_not_applicable
    from pairs
    inner join indicators on pairs.indicator_code = indicators.indicator_code
    inner join comparability on pairs.indicator_code = comparability.indicator_code
    cross join listed
    left join components
        on
            pairs.indicator_code = components.indicator_code
            and pairs.area_id = components.area_id
            and listed.component_code = components.component_code
    left join changes
        on
            pairs.indicator_code = changes.indicator_code
            and pairs.area_id = changes.area_id
),

-- A change between two years of none has parts of none.
parted as (
    select
        *,
        case
            when baseline_count is null or current_count is null then 'not_assessed'
            when is_broken then 'not_comparable'
            when is_not_applicable then 'not_applicable'
            else 'estimated'
        end as component_status,
        case
            when baseline_count is not null and current_count is not null
                then coalesce(component_count, 0)
        end as part_count
    from joined
),

stepped as (
    select
        *,
        sum(part_count) over (
            partition by indicator_code, area_id
            order by component_order, component_code
            rows between unbounded preceding and current row
        ) + baseline_count as step_to_count
    from parted
),

final as (
    select
        indicator_code,
        indicator_name,
        cast(indicator_order as integer) as indicator_order,
        area_id,
        area_type,
        area_name,
        'recorded' as basis,
        baseline_period_label,
        current_period_label,
        component_code,
        cast(component_order as integer) as component_order,
        component_name,
        component_text,
        component_status,
        baseline_count,
        current_count,
        current_count - baseline_count as change_count,
        change_count_lower,
        change_count_upper,
        part_count as component_count,
        case when component_status <> 'not_applicable' then component_count_lower end
            as component_count_lower,
        case when component_status <> 'not_applicable' then component_count_upper end
            as component_count_upper,
        step_to_count - part_count as step_from_count,
        step_to_count,
        case
            when component_status <> 'estimated' then null
            when component_count_lower > 0 then 'up'
            when component_count_upper < 0 then 'down'
            else 'not distinguishable from chance'
        end as component_verdict,
        false as is_suppressed
    from stepped
)

select * from final
