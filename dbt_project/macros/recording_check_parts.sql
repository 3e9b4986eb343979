{#- Counts of the checks by month, unit and part, from records that have both: one table of cells, from which each
    dimension is summed; and the same as rows of int_recording_check_parts, of the force and of its units. checks:
    (code, numerator, denominator), as offence_checks(); dimensions: columns of the relation by name. -#}

{% macro recording_check_part_ctes(name, relation, month, checks, dimensions) %}
{{ name }}_cells as (
    select
        coalesce(npu_code, 'unknown') as npu_code,
        {{ month }} as month,
        {%- for dimension, column in dimensions %}
        coalesce({{ column }}, 'unknown') as {{ dimension }}_part,
        {%- endfor %}
        {%- for code, numerator, denominator in checks %}
        {{ count_where(numerator) }} as {{ code }}_numerator,
        {{ count_where(denominator) if denominator else 'cast(null as bigint)' }}
            as {{ code }}_denominator
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ relation }}
    group by
        coalesce(npu_code, 'unknown'),
        {{ month }}
        {%- for dimension, column in dimensions %},
        coalesce({{ column }}, 'unknown')
        {%- endfor %}
),
{% for dimension in dimensions | map(attribute=0) | list + ['npu'] %}
{{ name }}_{{ dimension }} as (
    select
        npu_code,
        month,
        {{ 'npu_code' if dimension == 'npu' else dimension ~ '_part' }} as part_code,
        {%- for code, _, _ in checks %}
        sum({{ code }}_numerator) as {{ code }}_numerator,
        sum({{ code }}_denominator) as {{ code }}_denominator
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ name }}_cells
    group by npu_code, month{{ '' if dimension == 'npu' else ', ' ~ dimension ~ '_part' }}
),
{% endfor %}
{%- endmacro %}

{% macro recording_check_part_rows(name, checks, dimensions) %}
{%- for dimension in dimensions | map(attribute=0) | list + ['npu'] %}
{%- for code, _, _ in checks %}
    select
        alerts.check_code,
        alerts.breakdown_code,
        alerts.area_id,
        counts.month,
        '{{ dimension }}' as dimension_code,
        counts.part_code,
        sum(counts.{{ code }}_numerator) as numerator_count,
        sum(counts.{{ code }}_denominator) as denominator_count
    from {{ name }}_{{ dimension }} as counts
    inner join alerts
        on
            alerts.check_code = '{{ code }}'
            {%- if dimension == 'npu' %}
            and alerts.area_type = 'force'
            {%- else %}
            and (alerts.area_type = 'force' or alerts.area_code = counts.npu_code)
            {%- endif %}
    group by
        alerts.check_code, alerts.breakdown_code, alerts.area_id, counts.month, counts.part_code

    union all
{% endfor %}
{%- endfor %}
{%- endmacro %}
