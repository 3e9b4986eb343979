with practice as (
    select * from {{ ref('mart_recording_practice') }}
    where check_status = 'ALERT'
),

checks as (
    select * from {{ ref('recording_checks') }}
),

subjects as (
    select * from {{ ref('recording_check_subjects') }}
),

settings as (
    select * from {{ ref('stg_ledger__configuration') }}
),

final as (
    select
        practice.check_code,
        practice.breakdown_code,
        practice.area_id,
        practice.month,
        practice.source_type,
        -- Whose events these are: below the force, those of the force.
        case
            when practice.area_type = 'force'
                then {{ split_part('practice.area_id', '/', 2) }}
            else settings.force_code
        end as force_code,
        practice.detector_type,
        practice.numerator_count,
        practice.denominator_count,
        practice.observed_value,
        practice.expected_value,
        practice.p_value,
        practice.q_value,
        practice.direction_type,
        practice.is_persistent,
        practice.alert_since_month,
        practice.baseline_first_month,
        -- Units are held to the force as forces are to each other.
        checks.is_held_to_peers or practice.area_type <> 'force' as is_held_to_peers,
        checks.watch_p_value,
        checks.alert_q_value,
        checks.alert_from,
        subjects.subject_type,
        subjects.independent_codes
    from practice
    cross join settings
    left join checks on practice.check_code = checks.check_code
    left join subjects on practice.check_code = subjects.check_code
)

select * from final
