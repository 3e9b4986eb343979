{#-
    Nothing is lost and nothing counted twice: the rows of the models in `plus` are, together, as
    many as the records of those in `equal`.

    `plus`: names of models, or {model, where}. `equal`: {model, key} with the columns that make a
    record (a record that several current loads give counts once), and, where only records of a
    parent are meant, `among`: the model whose first key column it must have.
-#}
{% test records_in_total(model, plus, equal) %}

with counted as (
    select
        (
            {%- for part in plus %}
            {%- set name = part.model if part is mapping else part %}
            (select count(*) from {{ ref(name) }}{% if part is mapping %} where {{ part.where }}{% endif %})
            {{- " +" if not loop.last }}
            {%- endfor %}
        ) as row_count,
        (
            {%- for part in equal %}
            (
                select count(*) from (
                    select distinct {% for key in part.key %}records.{{ key }}{{ ", " if not loop.last }}{% endfor %}

                    from {{ ref(part.model) }} as records
                    {%- if part.among is defined %}
                    inner join {{ ref(part.among) }} as parents
                        on records.{{ part.key[0] }} = parents.{{ part.key[0] }}
                    {%- endif %}
                ) as distinct_records
            )
            {{- " +" if not loop.last }}
            {%- endfor %}
        ) as record_count
)

select *
from counted
where row_count <> record_count

{% endtest %}
