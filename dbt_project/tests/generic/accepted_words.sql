{#- Every non-null value of the column is one of the words. -#}
{% test accepted_words(model, column_name, words) %}

select distinct {{ column_name }}
from {{ model }}
where
    {{ column_name }} is not null
    and {{ column_name }} not in ('{{ words | join("', '") }}')

{% endtest %}
