{#- Figures, dates and periods in words, for sentences that marts show. -#}

{#-
    '2021/22', '2021/22 Q1', '2021-11', or '2021/22 to 2021-11', by column period_type of the query
    it stands in.
-#}
{% macro period_label(financial_year, first_date, last_date) -%}
    case period_type
        when 'month' then substr(cast({{ first_date }} as {{ dbt.type_string() }}), 1, 7)
        when 'quarter'
            then
                {{ financial_year }}
                || ' Q'
                || cast({{ financial_quarter(first_date) }} as {{ dbt.type_string() }})
        when 'year_to_date'
            then
                {{ financial_year }}
                || ' to '
                || substr(cast({{ last_date }} as {{ dbt.type_string() }}), 1, 7)
        else {{ financial_year }}
    end
{%- endmacro %}

{#- A template's {names} replaced by text columns; a null leaves nothing in its place. -#}
{% macro fill_template(template, values) -%}
    {%- set filled = namespace(text=template) -%}
    {%- for name, column in values.items() -%}
        {%- set filled.text = "replace(" ~ filled.text ~ ", '{" ~ name ~ "}', coalesce(" ~ column ~ ", ''))" -%}
    {%- endfor -%}
    {{ filled.text }}
{%- endmacro %}

{#- A whole number with its thousands set off by commas. -#}
{% macro with_commas(number) -%}
    {{ return(adapter.dispatch('with_commas', 'plumbline')(number)) }}
{%- endmacro %}

{% macro default__with_commas(number) -%}
    trim(to_char(round({{ number }}), 'FM999,999,999,999,990'))
{%- endmacro %}

{% macro duckdb__with_commas(number) -%}
    format('{:,}', cast(round({{ number }}) as bigint))
{%- endmacro %}

{% macro spark__with_commas(number) -%}
    format_number({{ number }}, 0)
{%- endmacro %}
