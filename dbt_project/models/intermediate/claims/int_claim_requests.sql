-- noqa: disable=LT02
-- (lines that come from a loop have no indent of their own)
with claims as (
    select * from {{ ref('int_claim_register') }}
),

final as (
    select distinct
        figure_code,
        {{ split_part('figure_code', ':', 1) }} as figure_type
        {%- for number in range(2, 9) %},
        nullif({{ split_part('figure_code', ':', number) }}, '') as part_{{ number - 1 }}
        {%- endfor %}
    from claims
    where figure_code is not null
)

select * from final
