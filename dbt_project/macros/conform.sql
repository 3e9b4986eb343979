{#-
    A force's codes to the conformed ones (int_code_maps), and its log numbers to one spelling.
-#}

{#- A left join that gives the conformed code of one column as `alias`.conformed_code. -#}
{% macro join_code_map(alias, list_code, column) -%}
    left join code_maps as {{ alias }}
        on {{ alias }}.list_code = '{{ list_code }}' and {{ column }} = {{ alias }}.source_code
{%- endmacro %}

{#-
    The conformed code where there is one; a code that was given and stands in no map is 'unknown';
    nothing where nothing was given.
-#}
{% macro conformed(alias, column) -%}
    coalesce({{ alias }}.conformed_code, case when {{ column }} is not null then 'unknown' end)
{%- endmacro %}

{#-
    One spelling of a log number: systems differ in case, blanks and the leading zeros of its parts.
    Blanks between two figures part them as a hyphen does; any other blank means nothing.
-#}
{% macro log_number(text) -%}
    {{ return(adapter.dispatch('log_number', 'plumbline')(text)) }}
{%- endmacro %}

{% macro default__log_number(text) -%}
    nullif(
        regexp_replace(
            regexp_replace(
                regexp_replace(upper({{ text }}), '([0-9])\s+([0-9])', '\1-\2', 'g'),
                '\s+', '', 'g'
            ),
            '(^|[^0-9])0+([0-9])', '\1\2', 'g'
        ),
        ''
    )
{%- endmacro %}

{% macro spark__log_number(text) -%}
    nullif(
        regexp_replace(
            regexp_replace(
                regexp_replace(upper({{ text }}), '([0-9])\\s+([0-9])', '$1-$2'),
                '\\s+', ''
            ),
            '(^|[^0-9])0+([0-9])', '$1$2'
        ),
        ''
    )
{%- endmacro %}

{#-
    Rows of `rows` with one row for each key. A key repeats where a record moved from one slot to
    another between extracts and only one of them came anew: the row of the newest file is the
    record as it stands, whatever came in first. How new a file is, is what the loader says: when
    it was last changed, then its name, then its content. Needs a CTE `loads` (stg_ledger__loads).
    The window runs over repeated keys only; `rows` is read several times, so name a CTE that is
    not materialized.
-#}
{% macro latest_of_key(rows, keys) -%}
    select {{ rows }}.*
    from {{ rows }}
    left join (
        select {{ keys | join(', ') }}
        from {{ rows }}
        group by {{ keys | join(', ') }}
        having count(*) > 1
    ) as repeated
        on {% for key in keys %}{{ rows }}.{{ key }} = repeated.{{ key }}{{ " and " if not loop.last }}{% endfor %}

    where repeated.{{ keys[0] }} is null

    union all

    select {{ rows }}.*
    from {{ rows }}
    inner join (
        select {{ keys | join(', ') }}
        from {{ rows }}
        group by {{ keys | join(', ') }}
        having count(*) > 1
    ) as repeated
        on {% for key in keys %}{{ rows }}.{{ key }} = repeated.{{ key }}{{ " and " if not loop.last }}{% endfor %}

    left join loads on {{ rows }}.load_id = loads.load_id
    qualify
        row_number() over (
            partition by {% for key in keys %}{{ rows }}.{{ key }}{{ ", " if not loop.last }}{% endfor %}

            order by
                coalesce(loads.sent_at, loads.entered_at) desc nulls last,
                regexp_replace(loads.file_name, '^.*/', '') desc nulls last,
                loads.content_sha256 desc nulls last,
                {{ rows }}.period desc,
                {{ rows }}.load_id
        ) = 1
{%- endmacro %}

{#-
    Where a record is placed, as one word: by its LSOA, else by the beat's neighbourhood, else by
    the policing unit. Needs joins `lsoa_places` and `beat_places` of int_places.
-#}
{% macro location_basis(lsoa_code, npu_code='null') -%}
    case
        when lsoa_places.neighbourhood_code is not null then 'lsoa'
        when beat_places.neighbourhood_code is not null then 'beat'
        when {{ lsoa_code }} is not null then 'lsoa'
        when {{ npu_code }} is not null then 'npu'
        else 'unknown'
    end
{%- endmacro %}

{#- The parts of texts such as 'A;B': column `column_name` of CTE `rows`, and one row per `part`. -#}
{% macro list_parts(rows, column_name, separator) -%}
    {{ return(adapter.dispatch('list_parts', 'plumbline')(rows, column_name, separator)) }}
{%- endmacro %}

{% macro default__list_parts(rows, column_name, separator) -%}
    select
        {{ column_name }},
        trim(part) as part
    from (
        select
            {{ column_name }},
            unnest(string_to_array({{ column_name }}, '{{ separator }}')) as part
        from {{ rows }}
    ) as split_rows
    where trim(part) <> ''
{%- endmacro %}

{% macro spark__list_parts(rows, column_name, separator) -%}
    select
        {{ column_name }},
        trim(part) as part
    from (
        select
            {{ column_name }},
            explode(split({{ column_name }}, '{{ separator }}')) as part
        from {{ rows }}
    ) as split_rows
    where trim(part) <> ''
{%- endmacro %}
