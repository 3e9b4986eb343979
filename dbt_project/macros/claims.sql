{#- What tests of published claims need. -#}

{#- Ends the query in an error with this text, where the engine can; otherwise the text itself. -#}
{% macro fail_with(text) -%}
    {{ return(adapter.dispatch('fail_with', 'plumbline')(text)) }}
{%- endmacro %}

{% macro default__fail_with(text) -%}
    {{ text }}
{%- endmacro %}

{% macro duckdb__fail_with(text) -%}
    error({{ text }})
{%- endmacro %}

{% macro spark__fail_with(text) -%}
    raise_error({{ text }})
{%- endmacro %}
