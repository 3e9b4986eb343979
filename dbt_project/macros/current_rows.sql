{#-
    What of a raw table counts.

    raw tables keep every row that ever entered; ledger.load_period says which load a slot (a
    force and month, a financial year, ...) is read from. Var `as_of` (a timestamp) gives the rows
    that counted then.
-#}

{% macro is_current_period(alias) -%}
    {%- if var('as_of', none) is none -%}
        {{ alias }}.superseded_at is null
    {%- else -%}
        {%- set moment = "cast('" ~ (var('as_of') | string | replace("'", "''")) ~ "' as timestamp)" -%}
        (
            {{ alias }}.entered_at <= {{ moment }}
            and ({{ alias }}.superseded_at is null or {{ alias }}.superseded_at > {{ moment }})
        )
    {%- endif -%}
{%- endmacro %}

{#- Whether something that happened once (a refusal, say) had happened by the moment of `as_of`. -#}
{% macro had_happened(column) -%}
    {%- if var('as_of', none) is none -%}
        {{ column }} is not null
    {%- else -%}
        {{ column }} <= cast('{{ var('as_of') | string | replace("'", "''") }}' as timestamp)
    {%- endif -%}
{%- endmacro %}

{% macro current_rows(source_name, table_name) %}
    select raw_rows.*
    from {{ source(source_name, table_name) }} as raw_rows
    inner join {{ source('ledger', 'load_period') }} as load_periods
        on
            raw_rows._load_id = load_periods.load_id
            and raw_rows._period = load_periods.slot
    where
        load_periods.source = '{{ source_name }}'
        and load_periods.table_name = '{{ table_name }}'
        and {{ is_current_period('load_periods') }}
{%- endmacro %}
