"""The alert book in the ledger: reading what is known, writing what follows from it.

Every function takes a connection to the working database that has the ledger's tables, held by
whoever has the right to write (``warehouse.writer``); each change is one transaction. What an
alert is belongs to ``book``, what is news to ``news``.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestration.alerts.book import (
    Action,
    ActionKind,
    Alert,
    Ever,
    Knowledge,
    Known,
    find,
    fold,
    learn,
)
from orchestration.alerts.deliver import Attempt
from orchestration.alerts.findings import Cell, Evaluation, Finding
from orchestration.alerts.news import News, news_of
from orchestration.alerts.rules import exact_checks
from orchestration.alerts.send import DELIVERED

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Folded:
    """The book after an evaluation, and what is news of it."""

    alerts: tuple[Alert, ...]
    news: tuple[News, ...]


@contextmanager
def _transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    con.execute("begin")
    try:
        yield
    except BaseException:
        con.execute("rollback")
        raise
    con.execute("commit")


# ------------------------------------------------------------------------------------------ reading


def read_known(con: duckdb.DuckDBPyConnection) -> dict[Cell, Known]:
    known: dict[Cell, Known] = {}
    for check, area_type, area, month, version, found, ever in con.execute(
        "select check_code, area_type, area_code, month, version, found, ever "
        "from ledger.alert_cell"
    ).fetchall():
        known[check, area_type, area, month] = Known(
            version,
            tuple(Finding.from_json(f) for f in found),
            tuple(
                (direction, Ever(first, last, Finding.from_json(text)))
                for direction, first, last, text in json.loads(ever or "[]")
            ),
        )
    return known


def read_actions(con: duckdb.DuckDBPyConnection) -> list[Action]:
    return [
        Action(*row)
        for row in con.execute(
            "select action_id, alert_id, kind, check_code, area_type, area_code, direction, "
            "first_month, last_month, acted_by, acted_at, note, known_event_code "
            "from ledger.alert_action order by acted_at, action_id"
        ).fetchall()
    ]


_NEWS = "news_id, number, alert_id, kind, severity, who_acts, through_month, title, body, cause"


def read_news(con: duckdb.DuckDBPyConnection, since: dt.datetime | None = None) -> list[News]:
    """All that was ever news, or what was noted since a moment."""
    return [
        News(*row)
        for row in con.execute(
            f"select * replace (coalesce(cause, '') as cause) from (select {_NEWS} "
            "from ledger.alert_news where $1 is null or noted_at >= $1 "
            "order by noted_at, news_id)",
            [since],
        ).fetchall()
    ]


def read_delivered(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """Route and news of every delivery that got through."""
    return set(
        con.execute(
            "select distinct route_name, unnest(news_ids) from ledger.alert_delivery "
            "where outcome = $1",
            [DELIVERED],
        ).fetchall()
    )


# ------------------------------------------------------------------------------------------ writing


def save(
    con: duckdb.DuckDBPyConnection, *evaluations: Evaluation, gap_months: int, at: dt.datetime
) -> Folded:
    """Take in evaluations: what is known, the alerts and the news, all or nothing.

    Doing it again changes nothing. ``at``: now, in UTC without a zone.
    """
    known: Knowledge = read_known(con)
    for evaluation in evaluations:
        known = learn(known, evaluation)
    alerts = fold(known, read_actions(con), gap_months=gap_months, exact=exact_checks())
    news = news_of(alerts, read_news(con))
    with _transaction(con):
        _write_known(con, known)
        _write_alerts(con, alerts)
        note(con, news, version=max(e.version for e in evaluations), at=at)
    return Folded(alerts, news)


def note(
    con: duckdb.DuckDBPyConnection, news: Iterable[News], *, version: str, at: dt.datetime
) -> None:
    """Note what is to be told. What was noted before stays as it was."""
    for n in news:
        con.execute(
            f"insert into ledger.alert_news ({_NEWS}, version, noted_at) "
            "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing",
            [
                *(n.news_id, n.number, n.alert_id, n.kind, n.severity, n.who_acts),
                *(n.through_month, n.title, n.body, n.cause, version, at),
            ],
        )


def act(
    con: duckdb.DuckDBPyConnection,
    wanted: str,
    kind: ActionKind,
    *,
    by: str,
    at: dt.datetime,
    gap_months: int,
    note: str = "",
    known_event_code: str | None = None,
) -> Alert:
    """Note what a person did with an alert, and return it as it is then.

    ``wanted`` is the beginning of an alert's identity. Raises LookupError, in words.
    """
    known, actions = read_known(con), read_actions(con)
    exact = exact_checks()
    alert = find(fold(known, actions, gap_months=gap_months, exact=exact), wanted)
    action = Action(
        action_id=uuid.uuid4().hex,
        alert_id=alert.alert_id,
        kind=kind,
        check_code=alert.check_code,
        area_type=alert.area_type,
        area_code=alert.area_code,
        direction=alert.direction,
        first_month=alert.opened_month,
        last_month=alert.last_seen_month,
        by=by,
        at=at,
        note=note,
        known_event_code=known_event_code,
    )
    alerts = fold(known, [*actions, action], gap_months=gap_months, exact=exact)
    with _transaction(con):
        con.execute(
            "insert into ledger.alert_action by name select $1 as action_id, $2 as alert_id, "
            "$3 as kind, $4 as check_code, $5 as area_type, $6 as area_code, $7 as direction, "
            "$8 as first_month, $9 as last_month, $10 as acted_by, $11 as acted_at, $12 as note, "
            "$13 as known_event_code",
            [
                *(action.action_id, action.alert_id, action.kind, action.check_code),
                *(action.area_type, action.area_code, action.direction, action.first_month),
                *(action.last_month, action.by, action.at, action.note, action.known_event_code),
            ],
        )
        _write_alerts(con, alerts)
    return find(alerts, alert.alert_id)


def record_attempt(con: duckdb.DuckDBPyConnection, attempt: Attempt) -> None:
    """Note one attempt to deliver."""
    con.execute(
        "insert into ledger.alert_delivery by name select $1 as attempt_id, $2 as message_id, "
        "$3 as route_name, $4 as url_variable, $5 as target, $6::varchar[] as news_ids, "
        "$7 as attempt_number, $8 as attempted_at, $9 as outcome, $10 as detail",
        [
            *(attempt.attempt_id, attempt.message_id, attempt.route_name, attempt.url_variable),
            *(attempt.target, list(attempt.news_ids), attempt.attempt_number),
            *(attempt.attempted_at, attempt.outcome, attempt.detail),
        ],
    )


def _replace(con: duckdb.DuckDBPyConnection, table: str, rows: dict[str, list[Any]]) -> None:
    """Write the rows of a table of the ledger anew, from columns."""
    import pyarrow as pa

    types = dict(
        con.execute(
            "select column_name, data_type from duckdb_columns() "
            "where schema_name = 'ledger' and table_name = $1 "
            "and database_name = current_database()",
            [table],
        ).fetchall()
    )
    arrow = {
        "DATE": pa.date32(),
        "DATE[]": pa.list_(pa.date32()),
        "INTEGER": pa.int32(),
        "TIMESTAMP": pa.timestamp("us"),
        "VARCHAR": pa.string(),
        "VARCHAR[]": pa.list_(pa.string()),
    }
    written = pa.table({n: pa.array(v, arrow[types[n]]) for n, v in rows.items()})
    con.execute(f"delete from ledger.{table}")
    con.register("alert_rows", written)
    try:
        con.execute(f"insert into ledger.{table} by name from alert_rows")
    finally:
        con.unregister("alert_rows")


def _write_known(con: duckdb.DuckDBPyConnection, known: Knowledge) -> None:
    cells = list(known.items())
    _replace(
        con,
        "alert_cell",
        {
            "check_code": [c[0] for c, _ in cells],
            "area_type": [c[1] for c, _ in cells],
            "area_code": [c[2] for c, _ in cells],
            "month": [c[3] for c, _ in cells],
            "version": [k.version for _, k in cells],
            "found": [[f.to_json() for f in k.found] for _, k in cells],
            "ever": [
                json.dumps(
                    [(d, e.first_version, e.last_version, e.finding.to_json()) for d, e in k.ever]
                )
                if k.ever
                else None
                for _, k in cells
            ],
        },
    )


def _write_alerts(con: duckdb.DuckDBPyConnection, alerts: Iterable[Alert]) -> None:
    rows = [_alert_row(a) for a in alerts]
    names = list(_alert_columns())
    _replace(con, "alert", {n: [r[n] for r in rows] for n in names})


def _alert_columns() -> tuple[str, ...]:
    return (
        *("alert_id", "ids", "check_code", "area_type", "area_code", "direction", "state"),
        *("severity", "who_acts", "opened_month", "last_seen_month", "month_count", "months"),
        *("closed_as", "closed_month", "reopened_month", "sentence", "finding", "first_version"),
        *("last_version", "last_action", "last_action_by", "last_action_at", "last_action_note"),
        *("known_event_code", "check_name", "area_name", "cause"),
    )


def _alert_row(alert: Alert) -> dict[str, Any]:
    action = alert.last_action
    said = action.known_event_code if action else None
    row = {
        "ids": list(alert.ids),
        "severity": alert.severity,
        "who_acts": alert.finding.who_acts,
        "month_count": len(alert.months),
        "months": list(alert.months),
        "sentence": alert.finding.sentence,
        "finding": alert.finding.to_json(),
        "last_action": action.kind if action else None,
        "last_action_by": action.by if action else None,
        "last_action_at": action.at if action else None,
        "last_action_note": action.note if action else None,
        "known_event_code": said or alert.finding.known_event_code,
        "check_name": alert.finding.check_name or alert.check_code,
        "area_name": alert.finding.area_name or f"{alert.area_type} {alert.area_code}",
    }
    return row | {n: getattr(alert, n) for n in _alert_columns() if n not in row}
