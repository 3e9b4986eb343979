{#- Values of a JSON text, in the words of each engine. -#}

{#- The value of a key as text; null where there is none, or where the text is not JSON. -#}
{% macro json_text(text, key) -%}
    {{ return(adapter.dispatch('json_text', 'plumbline')(text, key)) }}
{%- endmacro %}

{% macro default__json_text(text, key) -%}
    json_value({{ text }}, '$.{{ key }}' null on empty null on error)
{%- endmacro %}

{% macro duckdb__json_text(text, key) -%}
    case when json_valid({{ text }}) then json_extract_string({{ text }}, '$.{{ key }}') end
{%- endmacro %}

{% macro spark__json_text(text, key) -%}
    get_json_object({{ text }}, '$.{{ key }}')
{%- endmacro %}
