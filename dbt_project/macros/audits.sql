{#- The sums over sampled logs or reviews that int_audit_figures adds up over months. -#}
{% macro audit_sums() -%}
    {{ return([
        'sample_count',
        'unit_count',
        'numerator_count',
        'denominator_count',
        'hit_square_sum',
        'product_sum',
        'trial_square_sum',
    ]) }}
{%- endmacro %}
