{{ config(materialized='table') }}

with staged_legacy as not materialized (
    select * from {{ ref('stg_legacy__persons') }}
),

staged_connect as not materialized (
    select * from {{ ref('stg_connect__involvements') }}
),

legacy_crimes as (
    select * from {{ ref('int_legacy_crimes') }}
),

investigations as (
    select * from {{ ref('int_connect_investigations') }}
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

legacy_persons as (
    {{ latest_of_key('staged_legacy', ['crime_number', 'person_seq']) }}
),

involvements as (
    {{ latest_of_key('staged_connect', ['investigation_id', 'involvement_seq']) }}
),

-- Persons whose crime is not there (in quarantine, or not yet supplied) are left out.
legacy_coded as (
    select
        legacy_crimes.record_id,
        'legacy' as recording_system,
        persons.person_seq,
        {{ conformed('role_map', 'persons.source_role_code') }} as role_code,
        persons.person_hash,
        persons.age_at_offence,
        age_bands.age_band_code,
        {{ conformed('sex_map', 'persons.source_sex_code') }} as sex_code,
        {{ conformed('self_map', 'persons.source_self_ethnicity_code') }} as self_ethnic_group_code,
        {{ conformed('officer_map', 'persons.source_officer_ethnicity_code') }}
            as officer_ethnic_group_code,
        persons.load_id
    from legacy_persons as persons
    inner join legacy_crimes on persons.crime_number = legacy_crimes.crime_number
    left join age_bands
        on persons.age_at_offence between age_bands.age_from and age_bands.age_to
    {{ join_code_map('role_map', 'legacy.role', 'persons.source_role_code') }}
    {{ join_code_map('sex_map', 'legacy.sex', 'persons.source_sex_code') }}
    {{ join_code_map('self_map', 'legacy.ethnicity_self', 'persons.source_self_ethnicity_code') }}
    {{ join_code_map(
        'officer_map', 'legacy.ethnicity_officer', 'persons.source_officer_ethnicity_code'
    ) }}
),

connect_coded as (
    select
        investigations.record_id,
        involvements.involvement_seq as person_seq,
        {{ conformed('role_map', 'involvements.source_role_code') }} as role_code,
        involvements.person_hash,
        nullif(band_map.conformed_code, 'unknown') as given_band_code,
        -- In the year of the offence a person turns this age; before the birthday it is one less.
        {{ year_of('coalesce(investigations.occurred_from_at, investigations.reported_at)') }}
        - involvements.birth_year as age_turned,
        {{ month_of('coalesce(investigations.occurred_from_at, investigations.reported_at)') }}
            as offence_month,
        {{ conformed('sex_map', 'involvements.source_sex_code') }} as sex_code,
        {{ conformed('ethnicity_map', 'involvements.source_ethnicity_code') }}
            as self_ethnic_group_code,
        involvements.load_id
    from involvements
    inner join investigations on involvements.investigation_id = investigations.investigation_id
    {{ join_code_map('role_map', 'connect.role', 'involvements.source_role_code') }}
    {{ join_code_map('band_map', 'connect.age_band', 'involvements.source_age_band_code') }}
    {{ join_code_map('sex_map', 'connect.sex', 'involvements.source_sex_code') }}
    {{ join_code_map('ethnicity_map', 'connect.ethnicity', 'involvements.source_ethnicity_code') }}
),

-- From July on more birthdays of the year are past than not. The band is exact: of the two ages
-- the one that lies in it is right, and where neither does there is no saying.
connect_aged as (
    select
        connect_coded.*,
        case
            when
                connect_coded.offence_month >= 7
                and connect_coded.age_turned
                between coalesce(given_bands.age_from, 0) and coalesce(given_bands.age_to, 999)
                then connect_coded.age_turned
            when
                connect_coded.age_turned - 1
                between coalesce(given_bands.age_from, 0) and coalesce(given_bands.age_to, 999)
                then connect_coded.age_turned - 1
            when
                connect_coded.age_turned
                between coalesce(given_bands.age_from, 0) and coalesce(given_bands.age_to, 999)
                then connect_coded.age_turned
        end as age_at_offence
    from connect_coded
    left join age_bands as given_bands
        on connect_coded.given_band_code = given_bands.age_band_code
),

connect_banded as (
    select
        connect_aged.record_id,
        'connect' as recording_system,
        connect_aged.person_seq,
        connect_aged.role_code,
        connect_aged.person_hash,
        connect_aged.age_at_offence,
        coalesce(connect_aged.given_band_code, age_bands.age_band_code) as age_band_code,
        connect_aged.sex_code,
        connect_aged.self_ethnic_group_code,
        cast(null as {{ dbt.type_string() }}) as officer_ethnic_group_code,
        connect_aged.load_id
    from connect_aged
    left join age_bands
        on connect_aged.age_at_offence between age_bands.age_from and age_bands.age_to
),

persons as (
    select * from legacy_coded
    union all
    select * from connect_banded
),

final as (
    select
        record_id,
        recording_system,
        cast(person_seq as integer) as person_seq,
        role_code,
        person_hash,
        cast(age_at_offence as integer) as age_at_offence,
        recording_system = 'connect' and age_at_offence is not null as is_age_estimated,
        coalesce(age_band_code, 'unknown') as age_band_code,
        coalesce(sex_code, 'unknown') as sex_code,
        coalesce(
            nullif(self_ethnic_group_code, 'unknown'),
            nullif(officer_ethnic_group_code, 'unknown'),
            'unknown'
        ) as ethnic_group_code,
        case
            when nullif(self_ethnic_group_code, 'unknown') is not null then 'self'
            when nullif(officer_ethnic_group_code, 'unknown') is not null then 'officer'
            else 'unknown'
        end as ethnicity_basis,
        load_id
    from persons
)

select * from final
