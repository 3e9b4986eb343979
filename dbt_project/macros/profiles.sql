{#-
    What a count says beside that of the baseline, in the words of the headline indicators. Empty for
    the baseline itself.
-#}
{% macro change_verdict(period_type, now, was, now_days, was_days, p_value, is_broken) -%}
    case
        when {{ period_type }} = 'baseline' then null
        when {{ now }} is null or {{ was }} is null then 'not assessed'
        when {{ is_broken }} then 'not comparable'
        when {{ now }} + {{ was }} = 0 then 'none in either period'
        when {{ p_value }} is null then 'not assessed'
        when {{ p_value }} >= 0.05 then 'not distinguishable from chance'
        when {{ now }} * {{ was_days }} > {{ was }} * {{ now_days }} then 'up'
        else 'down'
    end
{%- endmacro %}
