-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('ons', 'population') }}
),

final as (
    select
        ltla_code as lad_code,
        ltla_name as lad_name,
        reference_year,
        age as age_code,
        population as population_count,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
