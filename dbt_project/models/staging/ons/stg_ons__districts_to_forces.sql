-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('ons', 'lookup_lad_csp_pfa') }}
),

final as (
    select
        lad_code,
        lad_name,
        csp_code,
        csp_name,
        pfa_code,
        pfa_name,
        fid as source_row_number,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
