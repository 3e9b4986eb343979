-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('legacy', 'persons') }}
),

final as (
    select
        crime_number,
        person_seq,
        role as source_role_code,
        age_at_offence,
        sex as source_sex_code,
        ethnicity_self as source_self_ethnicity_code,
        ethnicity_officer as source_officer_ethnicity_code,
        person_ref as person_hash,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
