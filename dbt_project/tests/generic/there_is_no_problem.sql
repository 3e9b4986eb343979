{#-
    A model has no row; each of its rows is a problem, `problem` its sentence. The test fails in
    those sentences, which is what a run then says, rather than with the number of rows. `place`:
    where they are to be put right.
-#}
{% test there_is_no_problem(model, problem, place) %}

with problems as (
    select '{{ place }}: ' || {{ dbt.listagg(problem, "'; '", "order by " ~ problem) }} as sentence
    from {{ model }}
)

select sentence
from problems
where sentence is not null and {{ stop_with('sentence') }}

{% endtest %}
