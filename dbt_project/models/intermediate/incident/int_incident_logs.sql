{{ config(materialized='table') }}

with staged as not materialized (
    select
        logs.*,
        {{ log_number('logs.log_number') }} as conformed_log_number
    from {{ ref('stg_incidents__logs') }} as logs
),

loads as (
    select * from {{ ref('stg_ledger__loads') }}
),

code_maps as (
    select * from {{ ref('int_code_maps') }}
),

closing_codes as (
    select * from {{ ref('int_closing_codes') }}
),

lsoa_places as (
    select * from {{ ref('int_places') }}
    where place_type = 'lsoa'
),

logs as (
    {{ latest_of_key('staged', ['conformed_log_number']) }}
),

final as (
    select
        logs.conformed_log_number as log_number,
        logs.log_number as source_log_number,
        logs.opened_at,
        logs.closed_at,
        {{ conformed('opening_map', 'logs.source_opening_code') }} as opening_code,
        closing_codes.closing_outcome_code,
        coalesce(closing_codes.has_no_trace, false) as has_no_trace,
        {{ conformed('category_map', 'logs.source_report_category_code') }}
            as report_category_code,
        logs.lsoa_code,
        lsoa_places.neighbourhood_code,
        lsoa_places.npu_code,
        lsoa_places.district_code,
        lsoa_places.is_impact_area,
        logs.linked_crime_ref,
        -- Twenty-four hours from the report (National Crime Recording Standard).
        coalesce(logs.ncrs_due_at, {{ dbt.dateadd('hour', 24, 'logs.opened_at') }})
            as ncrs_due_at,
        logs.lqt_reviewed_at,
        {{ conformed('result_map', 'logs.source_lqt_result_code') }} as lqt_result_code,
        logs.load_id
    from logs
    left join closing_codes on logs.source_closing_codes = closing_codes.source_closing_codes
    left join lsoa_places on logs.lsoa_code = lsoa_places.place_code
    {{ join_code_map('opening_map', 'incidents.opening', 'logs.source_opening_code') }}
    {{ join_code_map(
        'category_map', 'incidents.report_category', 'logs.source_report_category_code'
    ) }}
    {{ join_code_map('result_map', 'incidents.lqt_result', 'logs.source_lqt_result_code') }}
)

select * from final
