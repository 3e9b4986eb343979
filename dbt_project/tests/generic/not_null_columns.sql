{#- Columns that are never null, all in one scan: one row per column that is, with how often. -#}
{% test not_null_columns(model, columns) %}

with counted as (
    select
        {%- for column in columns %}
        sum(case when {{ column }} is null then 1 else 0 end) as null_{{ loop.index }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ model }}
)

{% for column in columns %}
select
    '{{ column }}' as column_name,
    null_{{ loop.index }} as null_count
from counted
where null_{{ loop.index }} > 0
{% if not loop.last %}union all{% endif %}
{% endfor %}

{% endtest %}
