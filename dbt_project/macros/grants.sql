{#- The amounts of a budget line that add up over lines: the columns of int_grant_line_positions. -#}
{% macro grant_amounts() -%}
    {{ return([
        'original_amount',
        'bid_amount',
        'actual_month_amount',
        'actual_year_to_date_amount',
        'forecast_remaining_amount',
        'accrual_amount',
        'late_posted_amount',
        'reversed_amount',
        'posted_later_amount',
    ]) }}
{%- endmacro %}
