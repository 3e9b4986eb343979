with alerts as (
    select * from {{ ref('int_alert_book') }}
),

attributions as (
    select * from {{ ref('int_recording_attributions') }}
),

practice as (
    select * from {{ ref('mart_recording_practice') }}
),

checks as (
    select * from {{ ref('recording_checks') }}
),

known_events as (
    select * from {{ ref('int_attribution_events') }}
),

areas as (
    select distinct
        area_type,
        area_code,
        area_id,
        area_name
    from practice
),

placed as (
    select
        alerts.*,
        areas.area_id,
        areas.area_name
    from alerts
    left join areas
        on
            alerts.area_type = areas.area_type
            and alerts.area_code = areas.area_code
),

-- The evidence is that of the month it was last found in; of one that is withdrawn there is none.
explained as (
    select
        placed.*,
        practice.numerator_count,
        practice.denominator_count,
        practice.value,
        practice.value_lower,
        practice.value_upper,
        practice.detector_name,
        attributions.score,
        attributions.since_month,
        attributions.since_from_month,
        attributions.since_to_month,
        attributions.since_method,
        attributions.later_changes,
        attributions.attribution_code,
        attributions.reason_code,
        attributions.attribution_text,
        attributions.baseline_period_count,
        attributions.difference,
        attributions.contribution_method,
        attributions.contributions,
        attributions.within_share,
        attributions.known_event_code,
        attributions.known_event_relation,
        attributions.related_events,
        attributions.independents
    from placed
    left join attributions
        on
            placed.check_code = attributions.check_code
            and placed.breakdown_code = attributions.breakdown_code
            and placed.area_id = attributions.area_id
            and placed.last_seen_month = attributions.month
            and placed.is_in_evaluation
    left join practice
        on
            attributions.check_code = practice.check_code
            and attributions.breakdown_code = practice.breakdown_code
            and attributions.area_id = practice.area_id
            and attributions.month = practice.month
),

event_evidence as (
    select
        event_code,
        min(evidence) as evidence
    from known_events
    group by event_code
),

final as (
    select
        explained.alert_id,
        explained.check_code,
        checks.check_name,
        checks.question,
        checks.source_type,
        explained.breakdown_code,
        explained.area_id,
        explained.area_type,
        explained.area_code,
        explained.area_name,
        explained.direction_type,
        explained.severity,
        explained.who_acts,
        explained.state_code,
        explained.closed_as,
        explained.first_seen_month,
        explained.last_seen_month,
        explained.closed_month,
        explained.found_month_count,
        checks.period_type,
        checks.detector_type,
        explained.detector_name,
        checks.numerator as numerator_name,
        checks.denominator as denominator_name,
        explained.numerator_count,
        explained.denominator_count,
        explained.value,
        explained.value_lower,
        explained.value_upper,
        explained.observed_value,
        explained.expected_value,
        explained.limit_lower,
        explained.limit_upper,
        explained.score,
        explained.p_value,
        explained.q_value,
        explained.history_period_count,
        explained.since_month,
        explained.since_from_month,
        explained.since_to_month,
        explained.since_method,
        explained.later_changes,
        coalesce(explained.attribution_code, 'cannot_tell') as attribution_code,
        coalesce(explained.reason_code, 'withdrawn') as reason_code,
        coalesce(
            explained.attribution_text,
            'Cannot tell: the data as they are now do not show it any more.'
        ) as explanation_text,
        explained.contributions,
        explained.difference,
        explained.contribution_method,
        explained.baseline_period_count,
        explained.within_share,
        explained.known_event_code,
        explained.known_event_relation,
        event_evidence.evidence as known_event_evidence,
        explained.related_events,
        explained.independents,
        checks.evidence as check_evidence,
        explained.person_event_code,
        false as is_suppressed
    from explained
    left join checks on explained.check_code = checks.check_code
    left join event_evidence on explained.known_event_code = event_evidence.event_code
)

select * from final
