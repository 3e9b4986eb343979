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
