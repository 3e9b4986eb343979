-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('home_office', 'prc') }}
),

final as (
    select
        financial_year,
        financial_quarter,
        force_name,
        offence_description,
        offence_group,
        offence_subgroup,
        offence_code,
        number_of_offences as offence_count,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
