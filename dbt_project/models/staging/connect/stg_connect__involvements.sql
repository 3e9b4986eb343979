-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('connect', 'involvements') }}
),

final as (
    select
        investigation_id,
        involvement_seq,
        role as source_role_code,
        dob_year as birth_year,
        age_band as source_age_band_code,
        sex as source_sex_code,
        ethnicity as source_ethnicity_code,
        person_ref as person_hash,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
