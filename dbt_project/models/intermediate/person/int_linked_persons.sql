{{ config(materialized='table') }}

with links as (
    select * from {{ ref('int_offence_links') }}
),

persons as (
    select * from {{ ref('int_person_records') }}
),

counted as (
    select
        links.counted_record_id as offence_id,
        persons.*
    from persons
    inner join links on persons.record_id = links.counted_record_id
),

others as (
    select
        links.counted_record_id as offence_id,
        persons.*
    from persons
    inner join links on persons.record_id = links.other_record_id
),

-- The same reference in the same role is the same person.
counted_by_hash as (
    select
        offence_id,
        role_code,
        person_hash,
        person_seq,
        row_number() over (
            partition by offence_id, role_code, person_hash order by person_seq
        ) as nth
    from counted
    where person_hash is not null
),

others_by_hash as (
    select
        offence_id,
        role_code,
        person_hash,
        person_seq,
        row_number() over (
            partition by offence_id, role_code, person_hash order by person_seq
        ) as nth
    from others
    where person_hash is not null
),

same_hash as (
    select
        others_by_hash.offence_id,
        others_by_hash.person_seq as other_person_seq,
        counted_by_hash.person_seq as counted_person_seq
    from others_by_hash
    inner join counted_by_hash
        on
            others_by_hash.offence_id = counted_by_hash.offence_id
            and others_by_hash.role_code = counted_by_hash.role_code
            and others_by_hash.person_hash = counted_by_hash.person_hash
            and others_by_hash.nth = counted_by_hash.nth
),

-- Of those left over, the first of a role here is the first of that role there, and so on, unless
-- both have a reference: then they are two persons. Those without are tried against those with.
counted_left as (
    select
        counted.offence_id,
        counted.role_code,
        counted.person_hash,
        counted.person_seq,
        row_number() over (
            partition by counted.offence_id, counted.role_code
            order by case when counted.person_hash is null then 0 else 1 end, counted.person_seq
        ) as nth
    from counted
    left join same_hash
        on
            counted.offence_id = same_hash.offence_id
            and counted.person_seq = same_hash.counted_person_seq
    where same_hash.offence_id is null
),

others_left as (
    select
        others.offence_id,
        others.role_code,
        others.person_hash,
        others.person_seq,
        row_number() over (
            partition by others.offence_id, others.role_code
            order by case when others.person_hash is null then 1 else 0 end, others.person_seq
        ) as nth
    from others
    left join same_hash
        on
            others.offence_id = same_hash.offence_id
            and others.person_seq = same_hash.other_person_seq
    where same_hash.offence_id is null
),

same_place as (
    select
        others_left.offence_id,
        others_left.person_seq as other_person_seq,
        counted_left.person_seq as counted_person_seq
    from others_left
    inner join counted_left
        on
            others_left.offence_id = counted_left.offence_id
            and others_left.role_code = counted_left.role_code
            and others_left.nth = counted_left.nth
    where others_left.person_hash is null or counted_left.person_hash is null
),

matched as (
    select
        *,
        'person_reference' as match_reason
    from same_hash

    union all

    select
        *,
        'role' as match_reason
    from same_place
),

last_seqs as (
    select
        offence_id,
        max(person_seq) as last_person_seq
    from counted
    group by offence_id
),

-- Persons only the other record has come after those of the counted one.
numbered as (
    select
        others.*,
        matched.counted_person_seq,
        coalesce(matched.match_reason, 'none') as match_reason,
        coalesce(last_seqs.last_person_seq, 0)
        + row_number() over (
            partition by others.offence_id, matched.counted_person_seq is null
            order by others.person_seq
        ) as added_person_seq
    from others
    left join matched
        on
            others.offence_id = matched.offence_id
            and others.person_seq = matched.other_person_seq
    left join last_seqs on others.offence_id = last_seqs.offence_id
),

final as (
    select
        offence_id,
        cast(coalesce(counted_person_seq, added_person_seq) as integer) as person_seq,
        counted_person_seq is null as is_added,
        match_reason,
        record_id as other_record_id,
        person_seq as other_person_seq,
        recording_system,
        role_code,
        person_hash,
        age_at_offence,
        is_age_estimated,
        age_band_code,
        sex_code,
        ethnic_group_code,
        ethnicity_basis
    from numbered
)

select * from final
