{#- Counts of the checks by month, area and part of one dimension, from records that have both: one row for
    each check. checks: (code, numerator, denominator), as offence_checks(); dimensions: (code, expression);
    areas: (type, expression of its code). -#}

{% macro recording_check_part_ctes(name, relation, month, checks, dimensions, areas) %}
{%- for area_type, area_code in areas %}
{%- for dimension, part in dimensions if dimension != area_type %}
{{ name }}_{{ area_type }}_{{ dimension }} as (
    select
        {{ area_code }} as area_id,
        {{ month }} as month,
        coalesce(cast({{ part }} as {{ dbt.type_string() }}), 'unknown') as part_code,
        {%- for code, numerator, denominator in checks %}
        {{ count_where(numerator) }} as {{ code }}_numerator,
        {{ count_where(denominator) if denominator else 'cast(null as bigint)' }}
            as {{ code }}_denominator
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ relation }}
    where {{ area_code }} is not null
    group by 1, 2, 3
),
{% endfor %}
{%- endfor %}
{%- endmacro %}

{% macro recording_check_part_rows(name, checks, dimensions, areas) %}
{%- for area_type, _ in areas %}
{%- for dimension, _ in dimensions if dimension != area_type %}
{%- for code, _, _ in checks %}
    select
        '{{ code }}' as check_code,
        'all' as breakdown_code,
        area_id,
        month,
        '{{ dimension }}' as dimension_code,
        part_code,
        {{ code }}_numerator as numerator_count,
        {{ code }}_denominator as denominator_count
    from {{ name }}_{{ area_type }}_{{ dimension }}
    where {{ code }}_numerator > 0 or {{ code }}_denominator > 0

    union all
{% endfor %}
{%- endfor %}
{%- endfor %}
{%- endmacro %}
