{#- How near two times are that lie so many minutes apart. Needs a row of int_cutover as `cutover`. -#}
{% macro time_agreement(minutes) -%}
    case
        when {{ minutes }} = 0 then 'same'
        when {{ minutes }} <= cutover.near_minutes then 'near'
        when {{ minutes }} <= 1440 then 'same_day'
        when {{ minutes }} is not null then 'different'
        else 'unknown'
    end
{%- endmacro %}

{#- Whole minutes between two times, whichever is the earlier. -#}
{% macro minutes_apart(one, other) -%}
    abs({{ dbt.datediff(one, other, 'minute') }})
{%- endmacro %}

{#- By what a pair of int_link_scores is, or would be, taken for one crime. -#}
{% macro link_reason() -%}
    case
        when block_code <> 'log' then 'attributes'
        when attribute_score > 0 then 'log_number_and_attributes'
        else 'log_number'
    end
{%- endmacro %}
