-- noqa: disable=LT02
-- (the lines of amounts come from a loop, which has no indent of its own)
with line_positions as (
    select * from {{ ref('int_grant_line_positions') }}
),

rules as (
    select
        max(case when finding_type = 'behind' then threshold end) as behind_above,
        max(case when finding_type = 'behind' then least_count end) as behind_from_month,
        max(case when finding_type = 'ahead' then threshold end) as ahead_below,
        max(case when finding_type = 'ahead' then least_count end) as ahead_from_month
    from {{ ref('alert_rules') }}
    where check_code = 'grant_pace'
),

line_rows as (
    select
        award_id,
        financial_year,
        month,
        elapsed_month_count,
        'line' as line_level,
        funding_type,
        line_id,
        project as line_name,
        position_status,
        {%- for name in grant_amounts() %}
        {{ name }},
        {%- endfor %}
        late_posted_count,
        reversed_count
    from line_positions
),

funding_rows as (
    select
        award_id,
        financial_year,
        month,
        elapsed_month_count,
        'funding' as line_level,
        funding_type,
        cast(null as {{ dbt.type_string() }}) as line_id,
        'Total ' || funding_type as line_name,
        position_status,
        {%- for name in grant_amounts() %}
        sum({{ name }}) as {{ name }},
        {%- endfor %}
        sum(late_posted_count) as late_posted_count,
        sum(reversed_count) as reversed_count
    from line_positions
    group by
        award_id, financial_year, month, elapsed_month_count, funding_type, position_status
),

award_rows as (
    select
        award_id,
        financial_year,
        month,
        elapsed_month_count,
        'award' as line_level,
        'all' as funding_type,
        cast(null as {{ dbt.type_string() }}) as line_id,
        'Total' as line_name,
        position_status,
        {%- for name in grant_amounts() %}
        sum({{ name }}) as {{ name }},
        {%- endfor %}
        sum(late_posted_count) as late_posted_count,
        sum(reversed_count) as reversed_count
    from line_positions
    group by award_id, financial_year, month, elapsed_month_count, position_status
),

every_row as (
    select * from line_rows
    union all
    select * from funding_rows
    union all
    select * from award_rows
),

reckoned as (
    select
        *,
        original_amount + bid_amount as total_amount,
        actual_year_to_date_amount + forecast_remaining_amount as outlook_amount,
        cast(12 - elapsed_month_count as integer) as remaining_month_count
    from every_row
),

paced as (
    select
        *,
        {{ safe_divide('actual_year_to_date_amount', 'elapsed_month_count') }}
            as spent_per_month_amount,
        {{ safe_divide('total_amount - actual_year_to_date_amount', 'remaining_month_count') }}
            as needed_per_month_amount,
        -- Where nothing is left to spend, or nothing was spent, there is no pace to compare with.
        case
            when total_amount > actual_year_to_date_amount and actual_year_to_date_amount > 0
                then
                    {{ safe_divide(
                        'total_amount - actual_year_to_date_amount', 'remaining_month_count'
                    ) }}
                    / {{ safe_divide('actual_year_to_date_amount', 'elapsed_month_count') }}
        end as pace_ratio
    from reckoned
),

judged as (
    select
        paced.*,
        case
            when paced.position_status = 'not_supplied' or paced.total_amount <= 0
                then 'not_assessed'
            when paced.remaining_month_count = 0 then 'year_over'
            when
                paced.elapsed_month_count >= rules.behind_from_month
                and (paced.pace_ratio > rules.behind_above or paced.actual_year_to_date_amount <= 0)
                then 'behind'
            when
                paced.elapsed_month_count >= rules.ahead_from_month
                and (
                    paced.pace_ratio < rules.ahead_below
                    or paced.actual_year_to_date_amount >= paced.total_amount
                )
                then 'ahead'
            when
                paced.elapsed_month_count < rules.behind_from_month
                or paced.elapsed_month_count < rules.ahead_from_month
                then 'too_early'
            else 'on_pace'
        end as pace_status
    from paced
    cross join rules
),

final as (
    select
        award_id,
        financial_year,
        month,
        line_level,
        funding_type,
        line_id,
        line_name,
        'recorded' as basis,
        position_status,
        elapsed_month_count,
        remaining_month_count,
        cast(original_amount as decimal(18, 2)) as original_amount,
        cast(bid_amount as decimal(18, 2)) as bid_amount,
        cast(total_amount as decimal(18, 2)) as total_amount,
        cast(actual_month_amount as decimal(18, 2)) as actual_month_amount,
        cast(actual_year_to_date_amount as decimal(18, 2)) as actual_year_to_date_amount,
        cast(forecast_remaining_amount as decimal(18, 2)) as forecast_remaining_amount,
        cast(outlook_amount as decimal(18, 2)) as outlook_amount,
        cast(outlook_amount - total_amount as decimal(18, 2)) as variance_amount,
        100 * {{ safe_divide('outlook_amount - total_amount', 'total_amount') }} as variance_pct,
        100 * {{ safe_divide('actual_year_to_date_amount', 'total_amount') }} as spent_pct,
        spent_per_month_amount,
        needed_per_month_amount,
        pace_ratio,
        pace_status,
        case
            when pace_status not in ('not_assessed', 'year_over')
                then
                    {{ pounds('actual_year_to_date_amount') }}
                    || ' of the budget of '
                    || {{ pounds('total_amount') }}
                    || ' is spent after '
                    || cast(elapsed_month_count as {{ dbt.type_string() }})
                    || case when elapsed_month_count = 1 then ' month' else ' months' end
                    || case
                        when actual_year_to_date_amount >= total_amount then '; nothing is left.'
                        when actual_year_to_date_amount <= 0 then '; nothing was spent so far.'
                        else
                            '; the rest needs '
                            || {{ pounds('needed_per_month_amount') }}
                            || ' a month, '
                            || {{ one_decimal('pace_ratio') }}
                            || ' times the '
                            || {{ pounds('spent_per_month_amount') }}
                            || ' a month so far.'
                    end
        end as pace_text,
        cast(accrual_amount as decimal(18, 2)) as accrual_amount,
        cast(late_posted_amount as decimal(18, 2)) as late_posted_amount,
        cast(late_posted_count as integer) as late_posted_count,
        cast(reversed_amount as decimal(18, 2)) as reversed_amount,
        cast(reversed_count as integer) as reversed_count,
        cast(posted_later_amount as decimal(18, 2)) as posted_later_amount
    from judged
)

select * from final
