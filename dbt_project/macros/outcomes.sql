{#- What became of crimes, besides positive outcomes: the shares that mart_outcomes shows. -#}
{% macro outcome_shares() -%}
    {{ return([
        'finished',
        'charged',
        'community_resolution',
        'diversion',
        'victim_does_not_support',
    ]) }}
{%- endmacro %}
