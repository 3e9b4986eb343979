{#- Thresholds of tests that are made for many series in one run. -#}

{#-
    The share of false findings that is put up with among those named. One in ten, over all series of
    a run: usual in surveillance of many series, where a missed change costs more than a look at one
    that was none (Benjamini and Hochberg 1995 give the method and leave the rate to its user).
-#}
{% macro false_discovery_rate() -%}
    0.10
{%- endmacro %}
