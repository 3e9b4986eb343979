{#-
    A ratio and its limits are those of model `to` with the same keys, to one in a billion: one
    change has one interval wherever it is shown. `keys` and `ratios`: column of this model: column
    or expression over `to`; `where_condition`: rows of this model; `to_condition`: rows of `to`
    that have a ratio. Rows of this model without a counterpart are let through only where
    `is_partial`, and not if none has one.
-#}
{% test ratios_agree(
    model, to, keys, ratios, where_condition='1 = 1', to_condition='1 = 1', is_partial=false
) %}

with rows_here as (
    select *
    from {{ model }}
    where {{ where_condition }}
),

others as (
    select
        {%- for key, other in keys.items() %}
        {{ other }} as {{ key }},
        {%- endfor %}
        {%- for own, other in ratios.items() %}
        {{ other }} as other_{{ own }},
        {%- endfor %}
        {{ to_condition }} as has_ratio
    from {{ to }}
),

paired as (
    select
        rows_here.*,
        {%- for own in ratios %}
        others.other_{{ own }},
        {%- endfor %}
        others.has_ratio
    from rows_here
    left join others
        on
            {%- for key in keys %}
            {{ "and " if not loop.first }}rows_here.{{ key }} = others.{{ key }}
            {%- endfor %}
)

select *
from paired
where
    {%- if is_partial %}
    (has_ratio is null and not exists (select 1 from paired as p where p.has_ratio is not null))
    {%- else %}
    has_ratio is null
    {%- endif %}
    or (
        has_ratio
        and (
            {%- for own in ratios %}
            {{ "or " if not loop.first }}({{ own }} is null) <> (other_{{ own }} is null)
            or abs({{ own }} - other_{{ own }}) > 1e-9 * other_{{ own }}
            {%- endfor %}
        )
    )

{% endtest %}
