-- noqa: disable=LT02
-- (the lines of the columns come from a loop, which has no indent of its own)
with settings as (
    select * from {{ source('ledger', 'configuration') }}
),

final as (
    select
        {%- for name in ['force_code', 'region_code', 'baseline_year', 'current_year'] %}
        coalesce(
            max(case when settings.key = '{{ name }}' then settings.value end),
            '{{ var(name) }}'
        ) as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from settings
)

select * from final
