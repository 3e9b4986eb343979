-- Generated from the contracts in orchestration/contracts by `make contracts`: do not edit.
with current_rows as (
    {{ current_rows('hospital', 'hes_apc') }}
),

final as (
    select
        fyear as hes_year_code,
        epikey as episode_id,
        pseudo_hesid as person_hash,
        admidate as admission_date,
        epistart as episode_start_date,
        epiend as episode_end_date,
        epiorder as episode_order,
        epistat as episode_status_code,
        admimeth as admission_method_code,
        startage as start_age,
        sex as source_sex_code,
        ethnos as source_ethnicity_code,
        diag_4_01 as diagnosis_code_01,
        diag_4_02 as diagnosis_code_02,
        diag_4_03 as diagnosis_code_03,
        diag_4_04 as diagnosis_code_04,
        diag_4_05 as diagnosis_code_05,
        diag_4_06 as diagnosis_code_06,
        diag_4_07 as diagnosis_code_07,
        diag_4_08 as diagnosis_code_08,
        diag_4_09 as diagnosis_code_09,
        diag_4_10 as diagnosis_code_10,
        diag_4_11 as diagnosis_code_11,
        diag_4_12 as diagnosis_code_12,
        diag_4_13 as diagnosis_code_13,
        diag_4_14 as diagnosis_code_14,
        diag_4_15 as diagnosis_code_15,
        diag_4_16 as diagnosis_code_16,
        diag_4_17 as diagnosis_code_17,
        diag_4_18 as diagnosis_code_18,
        diag_4_19 as diagnosis_code_19,
        diag_4_20 as diagnosis_code_20,
        cause_4 as cause_code,
        lsoa11 as lsoa_code,
        at_residence as area_team_code,
        procode as provider_code,
        fae as is_finished_admission,
        fae_emergency as is_emergency_admission,
        fce as is_finished_episode,
        _load_id as load_id,
        _row_number as row_number,
        _period as period
    from current_rows
)

select * from final
