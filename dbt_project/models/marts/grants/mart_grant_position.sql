-- noqa: disable=LT02
-- (the lines of amounts come from a loop, which has no indent of its own)
with line_positions as (
    select * from {{ ref('int_grant_line_positions') }}
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
        end as pace_ratio,
        cast(accrual_amount as decimal(18, 2)) as accrual_amount,
        cast(late_posted_amount as decimal(18, 2)) as late_posted_amount,
        cast(late_posted_count as integer) as late_posted_count,
        cast(reversed_amount as decimal(18, 2)) as reversed_amount,
        cast(reversed_count as integer) as reversed_count,
        cast(posted_later_amount as decimal(18, 2)) as posted_later_amount
    from reckoned
)

select * from final
