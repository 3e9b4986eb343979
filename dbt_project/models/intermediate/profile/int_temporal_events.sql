with profile_indicators as (
    select * from {{ ref('profile_indicators') }}
    where profile_code = 'temporal'
),

subjects as (
    select * from {{ ref('int_profile_subjects') }}
),

offences as (
    select * from {{ ref('int_profile_offences') }}
),

final as (
    select
        offences.subject_code,
        offences.period_type,
        offences.occurred_from_at,
        offences.occurred_to_at
    from offences
    inner join subjects on offences.subject_code = subjects.subject_code
    inner join profile_indicators
        on
            subjects.indicator_code = profile_indicators.indicator_code
            and subjects.needs_persons = profile_indicators.needs_persons
)

select * from final
