{{ config(materialized='table') }}

with logs as (
    select * from {{ ref('stg_incidents__logs') }}
),

code_maps as (
    select * from {{ ref('int_code_maps') }}
),

closing_outcomes as (
    select * from {{ ref('closing_outcomes') }}
),

lists as (
    select distinct source_closing_codes
    from logs
    where source_closing_codes is not null
),

parts as (
    {{ list_parts('lists', 'source_closing_codes', ';') }}
),

conformed as (
    select
        parts.source_closing_codes,
        coalesce(closing_map.conformed_code, 'unknown') as closing_code
    from parts
    {{ join_code_map('closing_map', 'incidents.closing', 'parts.part') }}
),

ranked as (
    select
        conformed.source_closing_codes,
        conformed.closing_code,
        row_number() over (
            partition by conformed.source_closing_codes
            order by closing_outcomes.sort_order nulls last, conformed.closing_code
        ) as nth,
        max(case when conformed.closing_code = 'no_trace' then 1 else 0 end)
            over (partition by conformed.source_closing_codes)
        = 1 as has_no_trace
    from conformed
    left join closing_outcomes on conformed.closing_code = closing_outcomes.closing_code
),

final as (
    select
        source_closing_codes,
        closing_code as closing_outcome_code,
        has_no_trace
    from ranked
    where nth = 1
)

select * from final
