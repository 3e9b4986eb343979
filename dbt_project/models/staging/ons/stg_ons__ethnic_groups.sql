-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('ons', 'ethnicity') }}
),

final as (
    select
        ltla_code as lad_code,
        ltla_name as lad_name,
        ethnic_group as ethnic_group_measure_name,
        value as measure_value,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
