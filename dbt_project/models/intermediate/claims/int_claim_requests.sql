with claims as (
    select * from {{ ref('published_claims') }}
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
