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

{#- An amount of money: whole pounds with commas, a minus before the sign. -#}
{% macro pounds(amount) -%}
    (case when round({{ amount }}) < 0 then '-' else '' end || '£' || {{ with_commas('abs(' ~ amount ~ ')') }})
{%- endmacro %}

{#- A number with one decimal place, as text. -#}
{% macro one_decimal(number) -%}
    cast(cast(round({{ number }}, 1) as decimal(18, 1)) as {{ dbt.type_string() }})
{%- endmacro %}

{#- A number with two decimal places, as text. -#}
{% macro two_decimals(number) -%}
    cast(cast(round({{ number }}, 2) as decimal(18, 2)) as {{ dbt.type_string() }})
{%- endmacro %}

{#- 2021-11-01 to 'November 2021'. -#}
{% macro month_in_words(day) -%}
    (
        case {{ month_of(day) }}
            {%- for name in [
                'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August',
                'September', 'October', 'November', 'December',
            ] %}
            when {{ loop.index }} then '{{ name }}'
            {%- endfor %}
        end
        || ' '
        || cast({{ year_of(day) }} as {{ dbt.type_string() }})
    )
{%- endmacro %}

{#- '9 of 26' -#}
{% macro share_of(numerator, denominator) -%}
    {{ with_commas(numerator) }} || ' of ' || {{ with_commas(denominator) }}
{%- endmacro %}

{#- A condition that ends the query with a sentence as its error; else true. -#}
{% macro stop_with(sentence) -%}
    {{ return(adapter.dispatch('stop_with', 'plumbline')(sentence)) }}
{%- endmacro %}

{#- An engine that cannot fail at will gives the sentence as a row. -#}
{% macro default__stop_with(sentence) -%}
    true
{%- endmacro %}

{% macro duckdb__stop_with(sentence) -%}
    error({{ sentence }}) is null
{%- endmacro %}

{% macro spark__stop_with(sentence) -%}
    raise_error({{ sentence }}) is null
{%- endmacro %}

{#- A name as part of a code: lower case, what is neither letter nor digit as one underscore. -#}
{% macro code_of(name) -%}
    replace(
        replace(replace(replace(replace(lower({{ name }}), ' - ', '_'), ', ', '_'), '-', '_'), ' ', '_'),
        '/', '_'
    )
{%- endmacro %}
