with persons as (
    select * from {{ ref('int_person_records') }}
),

links as (
    select * from {{ ref('int_offence_links') }}
),

linked_persons as (
    select * from {{ ref('int_linked_persons') }}
),

age_bands as (
    select * from {{ ref('age_bands') }}
),

-- Persons of the record that counts; what it does not know of them the other one may.
counted as (
    select
        persons.record_id as offence_id,
        persons.person_seq,
        persons.role_code,
        coalesce(persons.person_hash, matched.person_hash) as person_hash,
        case
            when persons.age_band_code = 'unknown' then matched.age_at_offence
            else persons.age_at_offence
        end as age_at_offence,
        case
            when persons.age_band_code = 'unknown' then coalesce(matched.is_age_estimated, false)
            else persons.is_age_estimated
        end as is_age_estimated,
        coalesce(
            nullif(persons.age_band_code, 'unknown'), matched.age_band_code, 'unknown'
        ) as age_band_code,
        coalesce(nullif(persons.sex_code, 'unknown'), matched.sex_code, 'unknown') as sex_code,
        coalesce(
            nullif(persons.ethnic_group_code, 'unknown'), matched.ethnic_group_code, 'unknown'
        ) as ethnic_group_code,
        case
            when persons.ethnicity_basis = 'unknown'
                then coalesce(matched.ethnicity_basis, 'unknown')
            else persons.ethnicity_basis
        end as ethnicity_basis,
        persons.recording_system
    from persons
    left join links on persons.record_id = links.other_record_id
    left join linked_persons as matched
        on
            persons.record_id = matched.offence_id
            and persons.person_seq = matched.person_seq
            and not matched.is_added
    where links.other_record_id is null
),

added as (
    select
        offence_id,
        person_seq,
        role_code,
        person_hash,
        age_at_offence,
        is_age_estimated,
        age_band_code,
        sex_code,
        ethnic_group_code,
        ethnicity_basis,
        recording_system
    from linked_persons
    where is_added
),

involved as (
    select * from counted
    union all
    select * from added
),

final as (
    select
        involved.offence_id,
        involved.person_seq,
        involved.role_code,
        involved.person_hash,
        involved.age_at_offence,
        involved.is_age_estimated,
        involved.age_band_code,
        age_bands.is_under_25,
        involved.sex_code,
        involved.ethnic_group_code,
        involved.ethnicity_basis,
        involved.recording_system
    from involved
    left join age_bands on involved.age_band_code = age_bands.age_band_code
)

select * from final
