-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('incidents', 'logs') }}
),

final as (
    select
        log_number,
        opened_at,
        closed_at,
        opening_code as source_opening_code,
        closing_codes as source_closing_codes,
        initial_report_text_category as source_report_category_code,
        lsoa as lsoa_code,
        linked_crime_ref,
        ncrs_due_at,
        lqt_reviewed_at,
        lqt_result as source_lqt_result_code,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
