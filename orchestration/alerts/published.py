"""The alerts of a release, as the book has them with what the release finds.

Belongs here: folding the ledger's book and one evaluation into rows of a mart. The release has no
name yet while it is built; its evaluation is later than all that the ledger knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestration.alerts.book import Action, Alert, Knowledge, Series, fold, learn
from orchestration.alerts.findings import evaluation_from_rows

#: Sorts after the names of all releases.
NOT_YET_NAMED = "~"

#: Columns of a row and their Arrow types.
SCHEMA = (
    ("alert_id", "string"),
    ("check_code", "string"),
    ("breakdown_code", "string"),
    ("area_type", "string"),
    ("area_code", "string"),
    ("direction_type", "string"),
    ("state_code", "string"),
    ("severity", "string"),
    ("who_acts", "string"),
    ("first_seen_month", "date32"),
    ("last_seen_month", "date32"),
    ("found_month_count", "int64"),
    ("closed_as", "string"),
    ("closed_month", "date32"),
    ("is_in_evaluation", "bool_"),
    ("observed_value", "float64"),
    ("expected_value", "float64"),
    ("limit_lower", "float64"),
    ("limit_upper", "float64"),
    ("p_value", "float64"),
    ("q_value", "float64"),
    ("history_period_count", "int64"),
    ("sentence", "string"),
    ("person_event_code", "string"),
)


def eventful_series(known: Knowledge, findings: Iterable[Mapping[str, Any]]) -> set[Series]:
    """Series with a finding, now or ever: no other can have an alert."""
    found = {(r["check_code"], r["area_type"], r["area_code"]) for r in findings}
    return found | {cell[:3] for cell, state in known.items() if state.ever}


def alerts_after(
    known: Knowledge,
    actions: Iterable[Action],
    rows: Iterable[Mapping[str, Any]],
    *,
    gap_months: int,
) -> list[dict[str, Any]]:
    """Rows of ``SCHEMA``: every alert after the evaluation that ``rows`` are.

    ``rows``: as ``evaluation.rows_sql`` gives them, of ``eventful_series`` at least.
    """
    evaluation = evaluation_from_rows(NOT_YET_NAMED, rows)
    alerts = fold(learn(known, evaluation), actions, gap_months=gap_months)
    found = {(f.cell, f.direction) for f in evaluation.findings}
    return [_row(a, found) for a in alerts]


def _row(alert: Alert, found: set[Any]) -> dict[str, Any]:
    check, _, breakdown = alert.check_code.partition("/")
    finding, action = alert.finding, alert.last_action
    return {
        "alert_id": alert.alert_id,
        "check_code": check,
        "breakdown_code": breakdown or "all",
        "area_type": alert.area_type,
        "area_code": alert.area_code,
        "direction_type": alert.direction,
        "state_code": alert.state,
        "severity": alert.severity,
        "who_acts": finding.who_acts,
        "first_seen_month": alert.opened_month,
        "last_seen_month": alert.last_seen_month,
        "found_month_count": len(alert.months),
        "closed_as": alert.closed_as,
        "closed_month": alert.closed_month,
        "is_in_evaluation": (finding.cell, finding.direction) in found,
        "observed_value": finding.observed,
        "expected_value": finding.expected,
        "limit_lower": finding.lower,
        "limit_upper": finding.upper,
        "p_value": finding.p,
        "q_value": finding.q,
        "history_period_count": finding.n,
        "sentence": finding.sentence,
        "person_event_code": action.known_event_code if action else None,
    }
