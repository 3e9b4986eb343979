{#- Arithmetic that engines disagree about. -#}

{% macro safe_divide(numerator, denominator) -%}
    {#- null, never an error or infinity, where the denominator is zero or null -#}
    (cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0))
{%- endmacro %}

{% macro median(expression) -%}
    {{ return(adapter.dispatch('median', 'plumbline')(expression)) }}
{%- endmacro %}

{% macro default__median(expression) -%}
    percentile_cont(0.5) within group (order by {{ expression }})
{%- endmacro %}

{% macro duckdb__median(expression) -%}
    median({{ expression }})
{%- endmacro %}

{% macro spark__median(expression) -%}
    percentile({{ expression }}, 0.5)
{%- endmacro %}

{% macro split_part(text, separator, number) -%}
    split_part({{ text }}, '{{ separator }}', {{ number }})
{%- endmacro %}

{#- A text as a number; null where it is none. -#}
{% macro number_or_null(text) -%}
    {{ return(adapter.dispatch('number_or_null', 'plumbline')(text)) }}
{%- endmacro %}

{% macro default__number_or_null(text) -%}
    case
        when regexp_replace({{ text }}, '^-?[0-9]+([.][0-9]+)?$', '') = ''
            then cast({{ text }} as double)
    end
{%- endmacro %}

{% macro duckdb__number_or_null(text) -%}
    try_cast({{ text }} as double)
{%- endmacro %}

{% macro spark__number_or_null(text) -%}
    try_cast({{ text }} as double)
{%- endmacro %}
