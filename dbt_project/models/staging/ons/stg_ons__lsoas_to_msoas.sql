-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('ons', 'lookup_lsoa_msoa') }}
),

final as (
    select
        lsoa_code,
        lsoa_name,
        msoa_code,
        msoa_name,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
