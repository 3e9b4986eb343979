{#- Like for like, a series counts some of the records that it counts as recorded, or all of them. -#}
{% test like_for_like_is_part_of_recorded(model, keys, values) %}

select like_for_like.*
from {{ model }} as like_for_like
left join {{ model }} as recorded
    on
        recorded.basis = 'recorded'
        {%- for key in keys %}
        and like_for_like.{{ key }} = recorded.{{ key }}
        {%- endfor %}
where
    like_for_like.basis = 'like_for_like'
    and (
        recorded.basis is null
        {%- for value in values %}
        or like_for_like.{{ value }} > recorded.{{ value }}
        or (like_for_like.{{ value }} is null) <> (recorded.{{ value }} is null)
        {%- endfor %}
    )

{% endtest %}
