-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('ons', 'imd') }}
),

final as (
    select
        lsoa_code,
        lsoa_name,
        lad_code,
        lad_name,
        imd_rank,
        fid as source_row_number,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
