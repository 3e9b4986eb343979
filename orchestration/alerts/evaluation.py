"""The rows of ``mart_recording_practice`` as an evaluation for the alert book.

Asked of the mart while a release is built (``int_alert_book``) and of a release when it is there
(``run``), so that both make the same alerts of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestration.alerts.findings import FOUND, NOT_ASSESSED, NOT_FOUND
from orchestration.sqltext import lit

#: The mart with every recording check of every area and month, and the one that explains alerts.
MART = "mart_recording_practice"
EXPLAINED = "mart_recording_anomalies"

#: What the book keeps of a row that found nothing.
CELL = "check_code, area_type, area_code, month, status"


def rows_sql(
    practice: str = MART,
    *,
    force_code: str = "$1",
    is_finding: str = "$2",
    with_explanation: bool = False,
) -> str:
    """The query of findings, or of all other rows.

    ``practice``: what the mart is called; ``force_code``, ``is_finding``: SQL of the code of the
    force whose warehouse this is, and of whether findings are asked for.

    A part of a check (breakdown) is a check of its own. WATCH is unusual by itself, though not
    among so many tests: no finding. Severity is what the seed recording_checks says; what other
    forces record is a note. ``with_explanation``: the last month of each alert has the reason, the
    date and the parts that ``mart_recording_anomalies`` gives.
    """
    sentence = """practice.question || ' ' || practice.area_name || ', ' || practice.check_name
            || case
                when practice.breakdown_code = 'all' then ''
                else ' (' || practice.breakdown_code || ')'
            end
            || ': ' || lower(left(practice.result_text, 1)) || substr(practice.result_text, 2)"""
    counts = """list_filter(
            [
                {
                    'name': practice.numerator_name,
                    'value': cast(practice.numerator_count as double)
                },
                {
                    'name': practice.denominator_name,
                    'value': cast(practice.denominator_count as double)
                }
            ],
            lambda part: part.name is not null and part.name <> '1' and part.value is not null
        )"""
    explained = "null"
    if with_explanation:
        # Parts below the force stay in the mart.
        parts = """list_filter(
                from_json(
                    explained.contributions,
                    '[{"dimension": "VARCHAR", "part": "VARCHAR", "contribution": "DOUBLE"}]'
                ),
                lambda part: part.dimension <> 'npu'
            )"""
        counts = f"""case
            when coalesce(explained.contributions, '[]') = '[]' then {counts}
            else list_transform(
                {parts}[1:12],
                lambda part: {{
                    'name': part.dimension || ' ' || part.part, 'value': part.contribution
                }}
            )
        end"""
        explained = "explained.explanation_text"
    joined = (
        f"""left join {EXPLAINED} as explained
        on
            practice.check_code = explained.check_code
            and practice.breakdown_code = explained.breakdown_code
            and practice.area_id = explained.area_id
            and practice.month = explained.last_seen_month
            and coalesce(practice.direction_type, 'none') = explained.direction_type
            and practice.check_status = 'ALERT'"""
        if with_explanation
        else ""
    )
    since = "practice.alert_since_month"
    event = "practice.known_event_code"
    score = "null"
    if with_explanation:
        since = f"coalesce(explained.since_month, {since})"
        # An event that only coincides is no cause.
        event = f"""case
            when explained.check_code is null then {event}
            when explained.known_event_relation = 'covers' then explained.known_event_code
        end"""
        score = "explained.score"
    return f"""
    select
        case practice.breakdown_code
            when 'all' then practice.check_code
            else practice.check_code || '/' || practice.breakdown_code
        end as check_code,
        practice.area_type,
        practice.area_code,
        practice.month,
        case practice.check_status
            when 'ALERT' then '{FOUND}'
            when 'PASS' then '{NOT_FOUND}'
            when 'WATCH' then '{NOT_FOUND}'
            when 'NOT ASSESSED' then '{NOT_ASSESSED}'
            else practice.check_status
        end as status,
        coalesce(practice.direction_type, 'none') as direction,
        case
            when practice.area_type = 'force' and practice.area_id <> 'force/' || {force_code}
                then 'note'
            else practice.severity
        end as severity,
        practice.who_acts,
        {sentence} || coalesce(' ' || {explained}, '') as sentence,
        practice.check_name,
        practice.area_name,
        -- Areas below the force are of this one.
        case when practice.area_type <> 'force' then (
            select any_value(whole.area_name) from {practice} as whole
            where whole.area_id = 'force/' || {force_code}
        ) end as part_of,
        coalesce(practice.observed_value, practice.value) as observed,
        practice.expected_value as expected,
        practice.limit_lower as lower,
        practice.limit_upper as upper,
        {score} as score,
        practice.p_value as p,
        practice.q_value as q,
        practice.history_period_count as n,
        {since} as since_month,
        {counts} as contributions,
        {event} as known_event_code
    from {practice} as practice
    {joined}
    where (practice.check_status = 'ALERT') = ({is_finding})
"""


def cells_sql(practice: str, force_code: str, series: Iterable[tuple[str, str, str]]) -> str:
    """The query of rows without a finding, of these series (check, area type, area code) only."""
    names = ", ".join(f"({', '.join(lit(part) for part in one)})" for one in sorted(series))
    rows = rows_sql(practice, force_code=force_code, is_finding="false")
    return (
        f"select {CELL} from ({rows}) "
        f"where (check_code, area_type, area_code) in (values {names or '(null, null, null)'})"
    )
