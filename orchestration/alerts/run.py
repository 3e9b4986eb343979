"""After a release: the book takes in what its recording checks found, and the news is told.

Belongs here: what is done in which order, under the right to write. Neither can make a run fail:
what goes wrong is a sentence in the result.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration import load
from orchestration.alerts import deliver, feeds, store
from orchestration.alerts.deliver import Attempt, Message
from orchestration.alerts.evaluation import CELL, EXPLAINED, MART, rows_sql
from orchestration.alerts.findings import (
    FOUND,
    NOT_ASSESSED,
    NOT_FOUND,
    Evaluation,
    FindingError,
    evaluation_from_rows,
)
from orchestration.alerts.news import News
from orchestration.alerts.rules import alert_rules
from orchestration.publish import release
from orchestration.rows import rows_of
from orchestration.settings import AlertRoute, Settings
from orchestration.warehouse import (
    WarehouseBusy,
    ledger_reader,
    snapshot_ledger,
    write_lock,
    writer,
)

if TYPE_CHECKING:
    import duckdb

#: Who acts on runs that failed, as routes name them.
ENGINEERS = "engineers"

#: Conditions of awards by month, and whether the money of an award is spent at the rate needed.
#: Each year of an award, and each period of a condition, is an alert of its own. What the rules of
#: the seed alert_rules add (severity, who acts, words) is joined by the caller.
_GRANTS = f"""
    select
        'grant_condition/' || rule_code || coalesce('/' || applies_to, '') || '/'
            || replace(condition_period, '/', '-') as check_code,
        'award' as area_type,
        award_id as area_code,
        award_id as area_name,
        position_month as month,
        case condition_status
            when 'at_risk' then '{FOUND}'
            when 'breached' then '{FOUND}'
            when 'met' then '{NOT_FOUND}'
            when 'not_assessed' then '{NOT_ASSESSED}'
            else condition_status
        end as status,
        condition_status as finding_type,
        'none' as direction,
        rule_name || ', ' || condition_period as part,
        status_text as sentence,
        value_pct as observed,
        threshold_pct as expected,
        [
            {{'name': 'GBP spent by then', 'value': cast(spent_amount as double)}},
            {{'name': 'GBP expected', 'value': cast(numerator_amount as double)}},
            {{'name': 'GBP it is held to', 'value': cast(denominator_amount as double)}}
        ] as contributions
    from mart_grant_conditions
    union all
    select
        'grant_pace/' || funding_type || '/' || replace(financial_year, '/', '-') as check_code,
        'award' as area_type,
        award_id as area_code,
        award_id as area_name,
        month,
        case pace_status
            when 'behind' then '{FOUND}'
            when 'ahead' then '{FOUND}'
            when 'on_pace' then '{NOT_FOUND}'
            when 'year_over' then '{NOT_FOUND}'
            when 'too_early' then '{NOT_ASSESSED}'
            when 'not_assessed' then '{NOT_ASSESSED}'
            else pace_status
        end as status,
        pace_status as finding_type,
        case pace_status when 'behind' then 'down' when 'ahead' then 'up' else 'none' end
            as direction,
        line_name || ', ' || financial_year as part,
        pace_text as sentence,
        cast(actual_year_to_date_amount as double) as observed,
        cast(total_amount * elapsed_month_count / 12 as double) as expected,
        (
            -- What each line is off an even rate: they add up to observed less expected.
            select list(
                {{
                    'name': lines.line_name,
                    'value': cast(lines.actual_year_to_date_amount
                        - lines.total_amount * lines.elapsed_month_count / 12 as double)
                }}
                order by lines.line_id
            )
            from mart_grant_position as lines
            where lines.line_level = 'line' and lines.award_id = totals.award_id
                and lines.financial_year = totals.financial_year and lines.month = totals.month
                and lines.funding_type = totals.funding_type
        ) as contributions
    from mart_grant_position as totals
    where line_level = 'funding' and award_id <> 'unknown'
"""
#: First arrivals of every slot, and when their files were sent.
_ARRIVALS = """
    select p.source, p.table_name, p.slot, p.entered_at, l.sent_at
    from ledger.load_period as p left join ledger.load as l on l.load_id = p.load_id
"""
_LOADS = """
    select source, table_name,
        regexp_extract(coalesce(nullif(member_name, ''), file_name), '[^/]*$') as base_name, claim,
        outcome = 'refused' as is_refused, reason_code, entered_at
    from ledger.load
"""


@dataclass
class Told:
    """What a run did about alerts. ``problems`` are sentences for a person."""

    release_id: str | None = None
    #: alerts that go on, by severity
    open_counts: dict[str, int] = field(default_factory=dict)
    news_count: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


# --------------------------------------------------------------------------------------- evaluation


def read_evaluation(path: Path, force_code: str) -> Evaluation | None:
    """What the recording checks of a release found; None where it has no such mart.

    ``force_code``: the force whose warehouse this is. Raises FindingError where the mart breaks the
    contract of the book.
    """
    import duckdb

    with duckdb.connect(str(path / release.DATABASE), read_only=True) as con:
        there = {
            name
            for (name,) in con.execute(
                "select table_name from information_schema.tables where table_name in ($1, $2)",
                [MART, EXPLAINED],
            ).fetchall()
        }
        if MART not in there:
            return None
        rows = rows_of(con.execute(f"select {CELL} from ({rows_sql()})", [force_code, False]))
        # A release of an older program has no explanations.
        findings = rows_sql(with_explanation=EXPLAINED in there)
        rows += rows_of(con.execute(findings, [force_code, True]))
        rows += _grants(con)
    return evaluation_from_rows(path.name, rows)


def _grants(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Rows of the grants of a release, in the words of their rules; none where it has none."""
    there = con.execute(
        "select count(*) from information_schema.tables "
        "where table_name in ('mart_grant_conditions', 'mart_grant_position')"
    ).fetchone()
    if there != (2,):
        return []
    rows = rows_of(con.execute(_GRANTS))
    rules = alert_rules()
    for row in rows:
        if row["status"] == FOUND:
            rule = rules[row["check_code"].partition("/")[0], row["finding_type"]]
            row |= {
                "severity": rule.severity,
                "who_acts": rule.who_acts,
                "check_name": rule.check_name,
                "over_text": rule.over_text,
                "sentence": f"{rule.question} {row['area_name']}, {row['part']}: {row['sentence']}",
                "contributions": [p for p in row["contributions"] or () if p["value"] is not None],
            }
    return rows


def feed_states(con: duckdb.DuckDBPyConnection, now: dt.datetime) -> tuple[feeds.FeedState, ...]:
    """How late each feed of the ledger is at a moment."""
    arrivals = [feeds.Arrival(*row) for row in con.execute(_ARRIVALS).fetchall()]
    ended = con.execute(
        "select system, max(last_day) from ledger.recording_era group by system "
        "having count(*) = count(last_day)"
    ).fetchall()
    return feeds.feed_states(arrivals, now, alert_rules()["feed_late", "late"], dict(ended))


def read_loads(con: duckdb.DuckDBPyConnection, now: dt.datetime) -> tuple[Evaluation, ...]:
    """What the ledger says of loads at a moment: feeds that are late, loads that were refused."""
    # Sorts in time with the ids of releases, which are the versions of their evaluations.
    rules, version = alert_rules(), release.version_at(now, "ledger")
    loads = [feeds.LoadResult(*row) for row in con.execute(_LOADS).fetchall()]
    return (
        feeds.evaluate_feeds(version, feed_states(con, now), now, rules["feed_late", "late"]),
        feeds.evaluate_refusals(version, loads, rules["load_refused", "refused"]),
    )


def update_book(
    settings: Settings, *, now: dt.datetime | None = None, is_of_release: bool = True
) -> tuple[store.Folded, str | None]:
    """Take into the book what the ledger says of loads at a moment, and what the current release
    found: the book, and the release (None where there is none with recording checks).

    ``is_of_release`` False leaves the release aside. Raises FindingError, WarehouseBusy,
    duckdb.Error.
    """
    now = now or load.now()
    path = release.current(settings.releases_dir) if is_of_release else None
    found = read_evaluation(path, settings.force.code) if path is not None else None
    with writer(settings) as con:
        evaluations = [*read_loads(con, now), *([found] if found else [])]
        folded = store.save(con, *evaluations, gap_months=settings.alerts.gap_months, at=load.now())
        snapshot_ledger(con, settings)
    return folded, path.name if found and path is not None else None


def watch_feeds(
    settings: Settings, now: dt.datetime | None = None, *, wait_seconds: float = 30
) -> Told:
    """Look at the loads as they stand at a moment, where no run does, and tell what is news.

    Nothing is written where the book would stay as it is. ``wait_seconds``: for another process
    that is writing. Never raises.
    """
    told = Told()
    now = now or load.now()
    try:
        if settings.warehouse_path.exists() and _has_news_of_loads(settings, now):
            with write_lock(settings, wait_seconds=wait_seconds):
                folded, _ = update_book(settings, now=now, is_of_release=False)
            told.news_count = len(folded.news)
    except (FindingError, WarehouseBusy) as error:
        told.problems.append(f"the feeds were not looked at: {error}")
    except Exception as error:
        told.problems.append(f"the feeds were not looked at ({type(error).__name__}: {error})")
    _tell(settings, told, wait_seconds=wait_seconds)
    return told


def _has_news_of_loads(settings: Settings, now: dt.datetime) -> bool:
    """Whether the loads of the last copy of the ledger would change what is open."""
    with ledger_reader(settings) as con:
        if con is None or not _has_book(con):
            return False
        found = {f.cell for e in read_loads(con, now) for f in e.findings}
        known = con.execute(
            "select check_code, area_type, area_code, unnest(months) from ledger.alert "
            "where split_part(check_code, '/', 1) in ('feed_late', 'load_refused') "
            "and closed_as is null"
        ).fetchall()
    return found != set(known)


# ------------------------------------------------------------------------------------------ telling


def pending(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[Message]:
    """Messages that are still to be sent, from the ledger."""
    since = load.now() - dt.timedelta(days=settings.alerts.give_up_days)
    return deliver.plan(
        store.read_news(con, since),
        store.read_delivered(con),
        settings.alerts.routes,
        settings.alerts.digest_above,
    )


def send_pending(
    settings: Settings, *, wait_seconds: float = 30
) -> tuple[list[Attempt], dict[str, str]]:
    """Send what is still to be sent: the attempts, and routes that were not reached with why.

    Holds the right to write meanwhile, at most for the budget of the settings: of two processes
    that send, the second finds nothing left. Raises WarehouseBusy where another one has it.
    """
    if not settings.alerts.routes or not settings.warehouse_path.exists():
        return [], {}
    with write_lock(settings, wait_seconds=wait_seconds):
        with writer(settings) as con:
            messages = pending(con, settings)
        return _send(settings, messages)


def has_pending(settings: Settings) -> bool:
    """Whether something is still to be sent, as far as the last copy of the ledger knows."""
    if not settings.alerts.routes:
        return False
    with ledger_reader(settings) as con:
        return con is not None and _has_book(con) and bool(pending(con, settings))


def _has_book(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether a copy of the ledger has the tables of the book: one of an older program has not."""
    found = con.execute(
        "select count(*) from duckdb_tables() where schema_name = 'ledger' "
        "and table_name in ('alert', 'alert_news', 'alert_delivery')"
    ).fetchone()
    return found is not None and found[0] == 3


def _send(settings: Settings, messages: list[Message]) -> tuple[list[Attempt], dict[str, str]]:
    """Send and record; the caller holds the right to write."""

    def record(attempt: Attempt) -> None:
        with writer(settings) as con:
            store.record_attempt(con, attempt)

    made = deliver.deliver(messages, settings.alerts, record)
    if made:
        with writer(settings) as con:
            snapshot_ledger(con, settings)
    return made, deliver.undelivered(messages, made)


def after_release(settings: Settings) -> Told:
    """Take in what the current release found and tell the news. Never raises."""
    told = Told()
    try:
        folded, told.release_id = update_book(settings)
        told.open_counts = dict(
            Counter(a.severity for a in folded.alerts if a.state == "open" and not a.is_closed)
        )
        told.news_count = len(folded.news)
    except (FindingError, WarehouseBusy) as error:
        told.problems.append(f"the alert book was not updated: {error}")
    except Exception as error:
        told.problems.append(f"the alert book was not updated ({type(error).__name__}: {error})")
    _tell(settings, told)
    return told


def _tell(settings: Settings, told: Told, *, wait_seconds: float = 30) -> None:
    """Send what is waiting, and note in ``told`` what was tried and what went wrong."""
    try:
        told.attempts, missed = send_pending(settings, wait_seconds=wait_seconds)
        told.problems += [
            f"alerts did not reach the route {name}: {why}; they will be tried again"
            for name, why in missed.items()
        ]
    except Exception as error:
        # Only the kind of error: its words may hold an address.
        told.problems.append(f"alerts were not sent ({type(error).__name__})")


def tell_run_failed(settings: Settings, run_id: str, job_name: str) -> list[str]:
    """Tell the routes for engineers that a run failed, once however often it is asked.

    Where and why it failed is in the ledger and in Dagster: the words of an error may hold what is
    in the data, so they are not sent. Never raises; what goes wrong is returned in sentences.
    """
    try:
        news = News(
            news_id=f"run-{run_id}",
            number=0,
            alert_id=f"run-{run_id}",
            kind="run_failed",
            severity="critical",
            who_acts=ENGINEERS,
            through_month=load.now().date().replace(day=1),
            title=f"Run failed: {job_name}",
            body=f"Run {run_id} of {job_name} failed and published nothing. Why: plumbline "
            "status, or the page of the run in Dagster.",
        )
        with writer(settings) as con:
            store.note(con, [news], version=run_id, at=load.now())
            snapshot_ledger(con, settings)
        _, missed = send_pending(settings)
        return [f"the route {name} was not reached: {why}" for name, why in missed.items()]
    except Exception as error:
        return [f"nobody was told ({type(error).__name__})"]


def try_routes(settings: Settings, routes: list[AlertRoute]) -> list[Attempt]:
    """Send one test message to each route, once, and record it. Raises WarehouseBusy."""
    messages = [
        deliver.message(
            r.name,
            [f"test-{load.now():%Y%m%dT%H%M%S%f}"],
            r.severity,
            "Plumbline: test of an alert route",
            f"The route {r.name} works. It is told of alerts from severity {r.severity} on"
            + (f" that {', '.join(r.owners)} act on." if r.owners else ", whoever acts."),
        )
        for r in routes
    ]
    once = settings.model_copy(
        update={"alerts": settings.alerts.model_copy(update={"attempts": 1, "routes": routes})}
    )
    with write_lock(settings, wait_seconds=30):
        return _send(once, messages)[0]
