{#-
    Dates, months and financial years (1 April to 31 March), in SQL that several engines accept.
    Only what differs between engines is dispatched; the rest is plain macros.
-#}

{% macro first_of_month(month_text) -%}
    {#- 'YYYY-MM' to the first day of that month -#}
    cast({{ month_text }} || '-01' as date)
{%- endmacro %}

{% macro year_of(day) -%}
    cast(extract(year from {{ day }}) as integer)
{%- endmacro %}

{% macro month_of(day) -%}
    cast(extract(month from {{ day }}) as integer)
{%- endmacro %}

{% macro financial_year_number(day) -%}
    {#- the calendar year in which the financial year of a day begins -#}
    ({{ year_of(day) }} - case when {{ month_of(day) }} < 4 then 1 else 0 end)
{%- endmacro %}

{% macro financial_year_label(year_number) -%}
    {#- 2019 to '2019/20' -#}
    (
        cast({{ year_number }} as {{ dbt.type_string() }})
        || '/'
        || lpad(cast(mod({{ year_number }} + 1, 100) as {{ dbt.type_string() }}), 2, '0')
    )
{%- endmacro %}

{% macro financial_year(day) -%}
    {{ financial_year_label(financial_year_number(day)) }}
{%- endmacro %}

{% macro financial_quarter(day) -%}
    {#- April to June is 1 -#}
    case
        when {{ month_of(day) }} between 4 and 6 then 1
        when {{ month_of(day) }} between 7 and 9 then 2
        when {{ month_of(day) }} between 10 and 12 then 3
        else 4
    end
{%- endmacro %}

{% macro financial_year_start(label) -%}
    {#- '2019/20' to 2019-04-01 -#}
    cast(substr({{ label }}, 1, 4) || '-04-01' as date)
{%- endmacro %}

{% macro financial_quarter_start(label, quarter) -%}
    case {{ quarter }}
        when 1 then {{ financial_year_start(label) }}
        when 2 then cast(substr({{ label }}, 1, 4) || '-07-01' as date)
        when 3 then cast(substr({{ label }}, 1, 4) || '-10-01' as date)
        else
            cast(
                cast(cast(substr({{ label }}, 1, 4) as integer) + 1 as {{ dbt.type_string() }})
                || '-01-01' as date
            )
    end
{%- endmacro %}

{% macro add_months(day, number) -%}
    cast({{ dbt.dateadd('month', number, day) }} as date)
{%- endmacro %}

{% macro add_days(day, number) -%}
    cast({{ dbt.dateadd('day', number, day) }} as date)
{%- endmacro %}

{#- The last day of the period of `number` months that begins on `day`. -#}
{% macro period_end(day, number) -%}
    {{ add_days(add_months(day, number), -1) }}
{%- endmacro %}

{#- A select of one column: every day from first to last, both included. -#}
{% macro day_spine(first, last, column_name) -%}
    {{ return(adapter.dispatch('day_spine', 'plumbline')(first, last, column_name)) }}
{%- endmacro %}

{% macro default__day_spine(first, last, column_name) -%}
    select cast(day_value as date) as {{ column_name }}
    from generate_series({{ first }}, {{ last }}, interval '1 day') as days (day_value)
{%- endmacro %}

{% macro duckdb__day_spine(first, last, column_name) -%}
    select cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date)
        as {{ column_name }}
{%- endmacro %}

{% macro spark__day_spine(first, last, column_name) -%}
    select explode(sequence({{ first }}, {{ last }}, interval 1 day)) as {{ column_name }}
{%- endmacro %}

{#- Monday is 1, Sunday 7. -#}
{% macro iso_weekday(day) -%}
    {{ return(adapter.dispatch('iso_weekday', 'plumbline')(day)) }}
{%- endmacro %}

{% macro default__iso_weekday(day) -%}
    cast(extract(isodow from {{ day }}) as integer)
{%- endmacro %}

{% macro spark__iso_weekday(day) -%}
    (weekday({{ day }}) + 1)
{%- endmacro %}
