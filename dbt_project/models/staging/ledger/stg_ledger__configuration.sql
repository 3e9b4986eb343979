-- noqa: disable=LT02
-- (the lines of the columns come from a loop, which has no indent of its own)
with settings as (
    select * from {{ source('ledger', 'configuration') }}
),

final as (
    select
        {%- for name in [
            'force_code', 'force_name', 'region_code', 'baseline_year', 'current_year'
        ] %}
        coalesce(
            max(case when settings.key = '{{ name }}' then settings.value end),
            '{{ var(name) }}'
        ) as {{ name }},
        {%- endfor %}
        -- A key without a value is configured too: whole years are compared.
        case
            when sum(case when settings.key = 'current_last_month' then 1 else 0 end) > 0
                then max(case when settings.key = 'current_last_month' then settings.value end)
            else '{{ var("current_last_month") }}'
        end as current_last_month,
        cast(
            coalesce(
                max(case when settings.key = 'alert_gap_months' then settings.value end),
                '{{ var("alert_gap_months") }}'
            ) as integer
        ) as alert_gap_months
    from settings
)

select * from final
