{#- An amount that adds up to the same at every level of the rows of one group. -#}
{% test levels_agree(model, amount, level, group_by) %}

with level_sums as (
    select
        {{ group_by | join(', ') }},
        {{ level }} as level_name,
        sum({{ amount }}) as level_amount
    from {{ model }}
    group by {{ group_by | join(', ') }}, {{ level }}
)

select
    {{ group_by | join(', ') }},
    min(level_amount) as least_amount,
    max(level_amount) as greatest_amount
from level_sums
group by {{ group_by | join(', ') }}
having min(level_amount) <> max(level_amount)

{% endtest %}
