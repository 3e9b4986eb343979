{#- Every non-null value of the column is a value of `field` of model `to`. -#}
{% test values_exist_in(model, column_name, to, field) %}

with children as (
    select distinct {{ column_name }} as child_value
    from {{ model }}
    where {{ column_name }} is not null
),

parents as (
    select distinct {{ field }} as parent_value
    from {{ to }}
)

select children.child_value
from children
left join parents on children.child_value = parents.parent_value
where parents.parent_value is null

{% endtest %}
