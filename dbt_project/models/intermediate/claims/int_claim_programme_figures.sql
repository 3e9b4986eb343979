-- noqa: disable=LT02
-- (lines that come from a loop have no indent of their own)
{% set amounts = [
    'original_amount',
    'bid_amount',
    'total_amount',
    'actual_year_to_date_amount',
    'forecast_remaining_amount',
    'outlook_amount',
] -%}
with requests as (
    select * from {{ ref('int_claim_requests') }}
),

programme as (
    select
        *,
        substr(cast(month as {{ dbt.type_string() }}), 1, 7) as month_label
    from {{ ref('mart_programme') }}
    where npu_code = 'all'
),

programme_figures as (
    select
        requests.figure_code,
        requests.figure_type,
        'mart_programme' as mart_name,
        -- Of few, the mart gives no percentage; the counts of a claim are compared without one.
        case
            when programme.supply_status <> 'supplied' then null
            when programme.value_type = 'share'
                then
                    100
                    * {{ safe_divide('programme.numerator_count', 'programme.denominator_count') }}
            else programme.value
        end as value,
        cast(null as double) as value_to,
        programme.value_lower,
        programme.value_upper,
        programme.interval_type,
        case when programme.value_type = 'share' then programme.numerator_count end as numerator,
        case when programme.value_type = 'share' then programme.denominator_count end
            as denominator,
        case
            when programme.supply_status <> 'supplied'
                then 'the figures were not supplied in full: ' || programme.supply_status
        end as note_text,
        programme.is_suppressed
    from requests
    inner join programme
        on
            requests.part_1 = programme.measure_code
            and requests.part_2 = programme.group_code
            and requests.part_3 = programme.period_type
            and requests.part_4 = programme.month_label
    where requests.figure_type = 'programme'
),

-- Every amount of a position as a row of its own; awards of one year are added up.
grant_amounts as (
    {% for amount in amounts %}
    select
        financial_year,
        line_level,
        funding_type,
        line_name,
        '{{ amount }}' as amount_name,
        substr(cast(month as {{ dbt.type_string() }}), 1, 7) as month_label,
        sum({{ amount }}) as amount
    from {{ ref('mart_grant_position') }}
    group by financial_year, line_level, funding_type, line_name, month
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

grant_figures as (
    select
        requests.figure_code,
        requests.figure_type,
        cast(grant_amounts.amount as double) as value,
        cast(null as double) as numerator,
        cast(null as double) as denominator
    from requests
    inner join grant_amounts
        on
            requests.part_1 = grant_amounts.financial_year
            and requests.part_2 = grant_amounts.line_level
            and requests.part_3 = grant_amounts.funding_type
            and requests.part_4 = grant_amounts.line_name
            and requests.part_5 = grant_amounts.amount_name
            and requests.part_6 = grant_amounts.month_label
    where requests.figure_type = 'grant'

    union all

    select
        requests.figure_code,
        requests.figure_type,
        100 * {{ safe_divide('parts.amount', 'wholes.amount') }} as value,
        cast(parts.amount as double) as numerator,
        cast(wholes.amount as double) as denominator
    from requests
    inner join grant_amounts as parts
        on
            requests.part_1 = parts.financial_year
            and parts.line_level = 'funding'
            and requests.part_2 = parts.funding_type
            and requests.part_3 = parts.amount_name
            and requests.part_6 = parts.month_label
    inner join grant_amounts as wholes
        on
            requests.part_1 = wholes.financial_year
            and wholes.line_level = 'funding'
            and requests.part_4 = wholes.funding_type
            and requests.part_5 = wholes.amount_name
            and requests.part_6 = wholes.month_label
    where requests.figure_type = 'grant_share'
),

audits as (
    select
        measure_code,
        sample_count,
        substr(cast(month as {{ dbt.type_string() }}), 1, 7) as month_label
    from {{ ref('mart_data_integrity_audit') }}
    where period_type = 'month' and sample_count > 0
),

-- The smallest and the largest monthly sample of the months asked for; without one of them there
-- is no saying.
audit_figures as (
    select
        requests.figure_code,
        requests.figure_type,
        cast(min(audits.sample_count) as double) as value,
        cast(max(audits.sample_count) as double) as value_to
    from requests
    inner join audits
        on
            requests.part_1 = audits.measure_code
            and audits.month_label between requests.part_2 and requests.part_3
    where requests.figure_type = 'audit_samples'
    group by requests.figure_code, requests.figure_type
    having
        count(distinct audits.month_label)
        = 1 + max({{ dbt.datediff(
            first_of_month('requests.part_2'), first_of_month('requests.part_3'), 'month'
        ) }})
),

every_figure as (
    select * from programme_figures

    union all

    select
        figure_code,
        figure_type,
        'mart_grant_position' as mart_name,
        value,
        null as value_to,
        null as value_lower,
        null as value_upper,
        'none' as interval_type,
        numerator,
        denominator,
        null as note_text,
        false as is_suppressed
    from grant_figures

    union all

    select
        figure_code,
        figure_type,
        'mart_data_integrity_audit' as mart_name,
        value,
        value_to,
        null as value_lower,
        null as value_upper,
        'none' as interval_type,
        null as numerator,
        null as denominator,
        null as note_text,
        false as is_suppressed
    from audit_figures
),

final as (
    select
        figure_code,
        figure_type,
        mart_name,
        cast(value as double) as value,
        cast(value_to as double) as value_to,
        cast(value_lower as double) as value_lower,
        cast(value_upper as double) as value_upper,
        interval_type,
        cast(numerator as double) as numerator,
        cast(denominator as double) as denominator,
        cast(null as double) as numerator_then,
        cast(null as double) as denominator_then,
        cast(null as {{ dbt.type_string() }}) as text_value,
        cast(note_text as {{ dbt.type_string() }}) as note_text,
        is_suppressed,
        'records' as source_type
    from every_figure
)

select * from final
