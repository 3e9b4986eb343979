{#- An expression over each row is true (null passes: say `is not null` where it must not). -#}
{% test expression_is_true(model, expression, where_condition=none) %}

select *
from {{ model }}
where
    not ({{ expression }})
    {% if where_condition %}and ({{ where_condition }}){% endif %}

{% endtest %}
