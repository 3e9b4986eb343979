{#-
    The value of every row (that meets `where_condition`) is that of the one row of model `to` with
    the same keys. `keys` and `value`: column of this model: column or expression over `to`.
-#}
{% test values_agree(model, to, keys, value, where_condition=none) %}

with others as (
    select
        {%- for key, other in keys.items() %}
        {{ other }} as {{ key }},
        {%- endfor %}
        {%- for other in value.values() %}
        {{ other }} as other_value
        {%- endfor %}
    from {{ to }}
)

select rows.*
from {{ model }} as rows
left join others
    on
        {%- for key in keys %}
        {{ "and " if not loop.first }}rows.{{ key }} = others.{{ key }}
        {%- endfor %}
where
    {%- for own in value %}
    rows.{{ own }} is distinct from others.other_value
    {%- endfor %}
    {% if where_condition %}and ({{ where_condition }}){% endif %}

{% endtest %}
