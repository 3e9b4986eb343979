-- noqa: disable=LT02
-- (the lines of the diagnoses come from a loop, which has no indent of its own)
with staged as not materialized (
    select * from {{ ref('stg_hospital__admitted_episodes') }}
),

loads as (
    select * from {{ ref('stg_ledger__loads') }}
),

code_maps as (
    select * from {{ ref('int_code_maps') }}
),

age_bands as (
    select * from {{ ref('age_bands') }}
),

assault_causes as (
    select * from {{ ref('assault_causes') }}
),

lsoa_places as (
    select * from {{ ref('int_places') }}
    where place_type = 'lsoa'
),

episodes as (
    {{ latest_of_key('staged', ['episode_id']) }}
),

-- External causes are the codes V01 to Y98; they may stand in any place, and the first one is what
-- published figures count. Where the diagnoses hold none, the extract's own field says which.
caused as (
    select
        episodes.*,
        coalesce(
            {%- for number in range(1, 21) %}
            {%- set column = 'episodes.diagnosis_code_' ~ '%02d' % number %}
            case when {{ column }} >= 'V01' and {{ column }} < 'Y99' then {{ column }} end,
            {%- endfor %}
            episodes.cause_code
        ) as first_external_cause_code,
        -- The dictionary's dates for 'none' and 'not a date', and its ages for babies.
        case
            when episodes.admission_date > cast('1801-01-01' as date) then episodes.admission_date
        end as known_admission_date,
        case
            when episodes.start_age between 7001 and 7007 then 0
            when episodes.start_age between 0 and 120 then episodes.start_age
        end as age_at_admission
    from episodes
),

final as (
    select
        caused.episode_id,
        caused.person_hash,
        caused.known_admission_date as admission_date,
        cast({{ dbt.date_trunc('month', 'caused.known_admission_date') }} as date)
            as admission_month,
        cast(caused.episode_order as integer) as episode_order,
        caused.admission_method_code,
        -- Of a stay in hospital the first episode, finished, of an emergency.
        caused.is_finished_admission
        and caused.is_emergency_admission
        and coalesce(caused.episode_order, 1) = 1 as is_countable_admission,
        caused.first_external_cause_code,
        assault_causes.cause_group as assault_cause_group,
        assault_causes.cause_code is not null as is_assault,
        coalesce(assault_causes.cause_group = 'sharp_object', false) as is_assault_sharp_object,
        cast(caused.age_at_admission as integer) as age_at_admission,
        coalesce(age_bands.age_band_code, 'unknown') as age_band_code,
        age_bands.is_under_25,
        coalesce(sex_map.conformed_code, 'unknown') as sex_code,
        coalesce(ethnicity_map.conformed_code, 'unknown') as ethnic_group_code,
        caused.lsoa_code,
        lsoa_places.neighbourhood_code,
        lsoa_places.npu_code,
        lsoa_places.district_code,
        lsoa_places.is_impact_area,
        case
            when caused.lsoa_code is not null then coalesce(lsoa_places.is_in_force, false)
        end as is_force_resident,
        caused.provider_code,
        caused.load_id
    from caused
    left join assault_causes
        on substr(caused.first_external_cause_code, 1, 3) = assault_causes.cause_code
    left join age_bands
        on caused.age_at_admission between age_bands.age_from and age_bands.age_to
    left join lsoa_places on caused.lsoa_code = lsoa_places.place_code
    {{ join_code_map('sex_map', 'hospital.sex', 'caused.source_sex_code') }}
    {{ join_code_map('ethnicity_map', 'hospital.ethnos', 'caused.source_ethnicity_code') }}
)

select * from final
