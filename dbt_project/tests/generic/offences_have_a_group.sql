{#-
    Every offence has an offence group; returns the codes that dim_offence does not know at the day
    of recording (nor, for a code that a crime was reclassified to, at that day), with how many
    offences have each.
-#}
{% test offences_have_a_group(model) %}

select
    offence_code,
    min(recorded_date) as first_recorded_date,
    max(recorded_date) as last_recorded_date,
    count(*) as offence_count
from {{ model }}
where offence_group is null
group by offence_code

{% endtest %}
