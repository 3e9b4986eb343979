-- noqa: disable=LT02
-- (the joins of the weights come from a loop, which has no indent of its own)
{%- set fields = ['log', 'offence', 'lsoa', 'occurred', 'reported', 'persons', 'victims'] %}
{{ config(materialized='table') }}

with candidates as (
    select * from {{ ref('int_link_candidates') }}
),

candidate_records as (
    select legacy_record_id as record_id
    from candidates
    union distinct
    select connect_record_id as record_id
    from candidates
),

persons as (
    select persons.*
    from {{ ref('int_person_records') }} as persons
    inner join candidate_records on persons.record_id = candidate_records.record_id
),

cutover as (
    select * from {{ ref('int_cutover') }}
),

weights as (
    select * from {{ ref('linkage_weights') }}
),

-- One profile of the victims: comparable where sex and age of every one of them are known.
victims as (
    select
        record_id,
        case
            when
                sum(case when sex_code = 'unknown' or age_band_code = 'unknown' then 1 else 0 end)
                = 0
                then
                    string_agg(
                        sex_code || ' ' || age_band_code, ', ' order by sex_code, age_band_code
                    )
        end as victim_profile
    from persons
    where role_code = 'victim'
    group by record_id
),

referenced as (
    select distinct
        record_id,
        person_hash
    from persons
    where person_hash is not null
),

reference_counts as (
    select
        record_id,
        count(*) as person_hash_count
    from referenced
    group by record_id
),

records as (
    select
        link_records.*,
        victims.victim_profile,
        coalesce(reference_counts.person_hash_count, 0) as person_hash_count
    from {{ ref('int_link_records') }} as link_records
    inner join candidate_records on link_records.record_id = candidate_records.record_id
    left join victims on link_records.record_id = victims.record_id
    left join reference_counts on link_records.record_id = reference_counts.record_id
),

paired as (
    select
        candidates.legacy_record_id,
        candidates.connect_record_id,
        candidates.block_code,
        legacy_records.log_number as legacy_log_number,
        connect_records.log_number as connect_log_number,
        legacy_records.offence_code as legacy_offence_code,
        legacy_records.offence_subgroup as legacy_offence_subgroup,
        legacy_records.offence_group as legacy_offence_group,
        connect_records.offence_code as connect_offence_code,
        connect_records.offence_subgroup as connect_offence_subgroup,
        connect_records.offence_group as connect_offence_group,
        connect_records.first_offence_code as connect_first_offence_code,
        connect_records.first_offence_subgroup as connect_first_offence_subgroup,
        connect_records.first_offence_group as connect_first_offence_group,
        legacy_records.lsoa_code as legacy_lsoa_code,
        connect_records.lsoa_code as connect_lsoa_code,
        legacy_records.victim_profile as legacy_victim_profile,
        connect_records.victim_profile as connect_victim_profile,
        least(legacy_records.person_hash_count, connect_records.person_hash_count)
            as comparable_person_count,
        legacy_records.occurred_from_at as legacy_occurred_at,
        connect_records.occurred_from_at as connect_occurred_at,
        legacy_records.reported_at as legacy_reported_at,
        connect_records.reported_at as connect_reported_at
    from candidates
    inner join records as legacy_records
        on candidates.legacy_record_id = legacy_records.record_id
    inner join records as connect_records
        on candidates.connect_record_id = connect_records.record_id
),

timed as (
    select
        *,
        {{ minutes_apart('legacy_occurred_at', 'connect_occurred_at') }} as occurred_minutes,
        {{ minutes_apart('legacy_reported_at', 'connect_reported_at') }} as reported_minutes
    from paired
),

shared as (
    select
        timed.legacy_record_id,
        timed.connect_record_id,
        count(*) as shared_person_count
    from timed
    inner join referenced as legacy_persons
        on timed.legacy_record_id = legacy_persons.record_id
    inner join referenced as connect_persons
        on
            timed.connect_record_id = connect_persons.record_id
            and legacy_persons.person_hash = connect_persons.person_hash
    where timed.comparable_person_count > 0
    group by 1, 2
),

compared as (
    select
        timed.legacy_record_id,
        timed.connect_record_id,
        timed.block_code,
        case
            when timed.legacy_log_number = timed.connect_log_number then 'same'
            when
                timed.legacy_log_number is not null and timed.connect_log_number is not null
                then 'different'
            else 'unknown'
        end as log_agreement,
        case
            when
                timed.legacy_offence_code
                in (timed.connect_offence_code, timed.connect_first_offence_code)
                then 'same_code'
            when
                timed.legacy_offence_subgroup
                in (timed.connect_offence_subgroup, timed.connect_first_offence_subgroup)
                then 'same_subgroup'
            when
                timed.legacy_offence_group
                in (timed.connect_offence_group, timed.connect_first_offence_group)
                then 'same_group'
            else 'different'
        end as offence_agreement,
        case
            when timed.legacy_lsoa_code = timed.connect_lsoa_code then 'same'
            when
                timed.legacy_lsoa_code is not null and timed.connect_lsoa_code is not null
                then 'different'
            else 'unknown'
        end as lsoa_agreement,
        {{ time_agreement('timed.occurred_minutes') }} as occurred_agreement,
        {{ time_agreement('timed.reported_minutes') }} as reported_agreement,
        case
            when timed.comparable_person_count = 0 then 'unknown'
            when shared.shared_person_count is null then 'none_shared'
            when shared.shared_person_count >= timed.comparable_person_count
                then 'all_shared'
            else 'some_shared'
        end as persons_agreement,
        -- The profile says something only where the persons themselves cannot be compared.
        case
            when timed.comparable_person_count > 0 then 'unknown'
            when timed.legacy_victim_profile = timed.connect_victim_profile then 'same'
            when
                timed.legacy_victim_profile is not null
                and timed.connect_victim_profile is not null
                then 'different'
            else 'unknown'
        end as victims_agreement,
        timed.reported_minutes
    from timed
    cross join cutover
    left join shared
        on
            timed.legacy_record_id = shared.legacy_record_id
            and timed.connect_record_id = shared.connect_record_id
),

final as (
    select
        compared.legacy_record_id,
        compared.connect_record_id,
        compared.block_code,
        {%- for field in fields %}
        compared.{{ field }}_agreement,
        {%- endfor %}
        compared.reported_minutes,
        block_weights.weight as block_score,
        {%- for field in fields %}
        coalesce({{ field }}_weights.weight, 0){{ " +" if not loop.last }}
        {%- endfor %}
            as attribute_score,
        block_weights.weight
        {%- for field in fields %}
        + coalesce({{ field }}_weights.weight, 0)
        {%- endfor %}
            as link_score
    from compared
    inner join weights as block_weights
        on
            compared.block_code = block_weights.block_code
            and block_weights.field = 'block'
    {%- for field in fields %}
    left join weights as {{ field }}_weights
        on
            compared.block_code = {{ field }}_weights.block_code
            and {{ field }}_weights.field = '{{ field }}'
            and compared.{{ field }}_agreement = {{ field }}_weights.agreement_level
    {%- endfor %}
)

select * from final
