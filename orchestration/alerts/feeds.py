"""Feeds that are late by their own history, and loads that were refused whole. Pure: no I/O, no
clock; the moment comes in, in UTC without a zone, as the ledger keeps time.

A *feed* is one table of one source. Its lag is counted in days from the end of a period to the day
on which that period arrived, of the newest period of a day only: what else came that day was late
or was fetched later, and says nothing of when the feed usually comes. A day whose newest period
was not newer than all before, and the first day, are no arrivals either: they are backfills.

The days are those of the ledger where it has enough of them, and those of the files (when their
sender last changed them) until then: a history that is loaded at once has no days of its own.

The rule: a period is late when more days have passed since its end than the highest usual lag and
a margin. Usual are the latest 24 lags, without those (one in eight at most) more than ten scaled
median absolute deviations over the median. The margin is how far the highest lies over the median,
times the threshold of the seed, and three days at least. The seed says what that was measured to
do.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from orchestration.alerts.findings import Cell, Evaluation, Finding
from orchestration.alerts.rules import Rule
from orchestration.months import first_of_month, month_number

LATEST_LAGS = 24
LEAST_MARGIN_DAYS = 3
#: One in so many lags may be left aside, beyond so many scaled median absolute deviations.
UNUSUAL_ONE_IN = 8
UNUSUAL_DEVIATIONS = 10
_MAD_TO_SD = 1.4826

_SLOT = re.compile(
    r"(?:^|/)(?:(?P<month>\d{4}-\d{2})"
    r"|(?P<year>\d{4})/(?P<next>\d{2})(?: Q(?P<quarter>[1-4]))?"
    r"|(?P<calendar>\d{4}))$"
)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """``month_count`` months from the first day of one."""

    first: dt.date
    month_count: int

    @property
    def next(self) -> Period:
        return Period(first_of_month(month_number(self.first) + self.month_count), self.month_count)

    @property
    def last_day(self) -> dt.date:
        return self.next.first - dt.timedelta(days=1)


def period_of(slot: str) -> Period | None:
    """The period that a slot of the ledger names; None where it names none.

    Months (2021-04), financial years and their quarters (2021/22, 2021/22 Q1), calendar years
    (2021), each also after a part before a slash (a force, a kind).
    """
    found = _SLOT.search(slot)
    if found is None:
        return None
    try:
        if found["month"]:
            return Period(dt.date.fromisoformat(f"{found['month']}-01"), 1)
        if found["calendar"]:
            return Period(dt.date(int(found["calendar"]), 1, 1), 12)
        year = int(found["year"])
        if (year + 1) % 100 != int(found["next"]):
            return None
        if found["quarter"]:
            april = month_number(dt.date(year, 4, 1))
            return Period(first_of_month(april + 3 * (int(found["quarter"]) - 1)), 3)
        return Period(dt.date(year, 4, 1), 12)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Arrival:
    """That a load brought a period (slot of the ledger) of a feed, and when: taken in, and sent as
    far as the file tells."""

    source: str
    table_name: str
    slot: str
    entered_at: dt.datetime
    sent_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class FeedState:
    """One feed at one moment. ``status``: late, on_time or not_assessed, with ``reason``.

    ``newest``: the newest period that came; ``due``: the next one, and ``due_by`` the last day on
    which it is not late. ``lags``: days of the arrivals it is judged by, oldest first.
    ``overdue``: periods that are late, oldest first.
    """

    source: str
    table_name: str
    status: str
    reason: str | None
    newest: Period | None
    due: Period | None
    due_by: dt.date | None
    lags: tuple[int, ...]
    limit_days: int | None
    overdue: tuple[Period, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.source}/{self.table_name}"


def limit_of(lags: Sequence[int], threshold: float) -> int:
    """Days after the end of a period from which on it is late. Raises ValueError without lags."""
    if not lags:
        raise ValueError("no lags, no limit")
    latest = sorted(lags[-LATEST_LAGS:])
    middle = median(latest)
    deviation = max(1.0, _MAD_TO_SD * median(abs(lag - middle) for lag in latest))
    may_go = len(latest) // UNUSUAL_ONE_IN
    while may_go and latest[-1] > middle + UNUSUAL_DEVIATIONS * deviation:
        latest.pop()
        may_go -= 1
    margin = max(float(LEAST_MARGIN_DAYS), threshold * (latest[-1] - middle))
    return int(latest[-1] + margin)


def lags_of(came: Iterable[tuple[Period, dt.date]]) -> tuple[int, ...]:
    """Days from the end of a period to its arrival, of each day's newest period, oldest first.

    ``came``: periods and the days on which they were first there.
    """
    newest_of_day: dict[dt.date, Period] = {}
    for period, day in came:
        before = newest_of_day.get(day)
        if before is None or period.last_day > before.last_day:
            newest_of_day[day] = period
    lags: list[int] = []
    newest: Period | None = None
    for day in sorted(newest_of_day):
        period = newest_of_day[day]
        if newest is not None and period.last_day <= newest.last_day:
            continue
        # What is there before its period is over is supplied in parts: its last part counts.
        if newest is not None and day > period.last_day:
            lags.append((day - period.last_day).days)
        newest = period
    return tuple(lags)


def feed_states(
    arrivals: Iterable[Arrival],
    now: dt.datetime,
    rule: Rule,
    ended: Mapping[str, dt.date] | None = None,
) -> tuple[FeedState, ...]:
    """Every feed that has periods, by name. ``ended``: the last day of a source that is no more."""
    by_feed: dict[tuple[str, str], list[tuple[Period, Arrival]]] = {}
    for arrival in arrivals:
        period = period_of(arrival.slot)
        if period is not None:
            by_feed.setdefault((arrival.source, arrival.table_name), []).append((period, arrival))
    last_days = ended or {}
    return tuple(
        _state(feed, came, now.date(), rule, last_days.get(feed[0]))
        for feed, came in sorted(by_feed.items())
    )


def _state(
    feed: tuple[str, str],
    came: list[tuple[Period, Arrival]],
    today: dt.date,
    rule: Rule,
    last_day: dt.date | None,
) -> FeedState:
    entered: dict[Period, dt.date] = {}
    sent: dict[Period, dt.date] = {}
    for period, arrival in came:
        day = arrival.entered_at.date()
        entered[period] = min(entered.get(period, day), day)
        # A file that says to be older than what it holds, or younger than its load, has no day.
        was = arrival.sent_at.date() if arrival.sent_at else None
        if was is not None and period.last_day < was <= day:
            sent[period] = min(sent.get(period, was), was)
    newest = max(entered, key=lambda p: (p.last_day, -p.month_count))
    due = newest.next
    needed = rule.least_count or 1
    lags = lags_of(entered.items())
    if len(lags) < needed:
        lags = max(lags, lags_of(sent.items()), key=len)
    reason = None
    if last_day is not None and due.first > last_day:
        reason = "ended: the system it comes from is no longer the one that records"
    elif len(lags) < needed:
        reason = f"too early: {len(lags)} of {needed} arrivals"
    if reason is not None:
        return FeedState(*feed, "not_assessed", reason, newest, due, None, lags, None)
    limit = limit_of(lags, rule.threshold or 0.0)
    overdue = []
    period = due
    while (today - period.last_day).days > limit and not (last_day and period.first > last_day):
        overdue.append(period)
        period = period.next
    due_by = due.last_day + dt.timedelta(days=limit)
    status = "late" if overdue else "on_time"
    return FeedState(*feed, status, None, newest, due, due_by, lags, limit, tuple(overdue))


def evaluate_feeds(
    version: str, states: Iterable[FeedState], now: dt.datetime, rule: Rule
) -> Evaluation:
    """Findings of the feeds that are late.

    The cell is the first month of the period that is missing. Of a feed that is on time the next
    period is assessed without a finding, which ends what went before; what was late stays so.
    """
    findings: list[Finding] = []
    assessed: set[Cell] = set()
    for state in states:
        if state.status == "on_time" and state.due is not None:
            assessed.add((rule.check_code, "feed", state.name, state.due.first))
        for period in state.overdue:
            waited = (now.date() - period.last_day).days
            usual = sorted(state.lags[-LATEST_LAGS:])
            finding = Finding(
                check_code=rule.check_code,
                area_type="feed",
                area_code=state.name,
                month=period.first,
                direction="none",
                severity=rule.severity,  # type: ignore[arg-type]
                who_acts=rule.who_acts,
                sentence=f"{rule.question} {state.name}: what ends on {_day(period.last_day)} is "
                f"not there {waited} days later. The latest {len(usual)} arrivals came {usual[0]} "
                f"to {usual[-1]} days after the end of their period.",
                observed=float(waited),
                expected=float(median(usual)),
                upper=float(state.limit_days or 0),
                n=len(usual),
                check_name=rule.check_name,
                area_name=state.name,
                over_text=rule.over_text,
            )
            findings.append(finding)
            assessed.add(finding.cell)
    return Evaluation(version, tuple(findings), frozenset(assessed))


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"


# ------------------------------------------------------------------------------------------ refused


@dataclass(frozen=True, slots=True)
class LoadResult:
    """One load as the ledger has it. ``source`` and ``table_name`` are empty where it is not known
    of which feed it is; ``base_name`` is the name of the file, ``claim`` the period it claims."""

    source: str
    table_name: str
    base_name: str
    claim: str | None
    is_refused: bool
    reason_code: str | None
    entered_at: dt.datetime

    @property
    def feed(self) -> str:
        return f"{self.source}/{self.table_name}" if self.source else "unknown"


def evaluate_refusals(version: str, loads: Iterable[LoadResult], rule: Rule) -> Evaluation:
    """Findings of the feeds with loads that were refused whole and not replaced since, by the month
    of the refusal.

    Replaced is a load by one that was taken in later, of the same feed and claim or of a file of
    the same name. A month whose loads are all in is assessed without a finding, unless an earlier
    refusal still waits.
    """
    by_time = sorted(loads, key=lambda load: load.entered_at)
    taken_in: dict[tuple[str, ...], dt.datetime] = {}
    for load in by_time:
        if not load.is_refused:
            for key in _keys(load):
                taken_in[key] = load.entered_at
    open_: dict[tuple[str, dt.date], list[LoadResult]] = {}
    months: dict[str, set[dt.date]] = {}
    for load in by_time:
        month = load.entered_at.date().replace(day=1)
        months.setdefault(load.feed, set()).add(month)
        replaced = [taken_in[key] for key in _keys(load) if key in taken_in]
        if load.is_refused and not any(at > load.entered_at for at in replaced):
            open_.setdefault((load.feed, month), []).append(load)
    findings: list[Finding] = []
    assessed: set[Cell] = set()
    for feed, those in sorted(months.items()):
        waits = False
        for month in sorted(those):
            refused = open_.get((feed, month))
            if refused:
                waits = True
                findings.append(_refusal(feed, month, refused, rule))
            if refused or not waits:
                assessed.add((rule.check_code, "feed", feed, month))
    return Evaluation(version, tuple(findings), frozenset(assessed))


def _keys(load: LoadResult) -> list[tuple[str, ...]]:
    keys: list[tuple[str, ...]] = [("file", load.base_name)]
    if load.claim and load.source:
        keys.append(("claim", load.source, load.table_name, load.claim))
    return keys


def _refusal(feed: str, month: dt.date, refused: Sequence[LoadResult], rule: Rule) -> Finding:
    count = len(refused)
    reasons = Counter(load.reason_code or "not said" for load in refused)
    what = "load was" if count == 1 else "loads were"
    return Finding(
        check_code=rule.check_code,
        area_type="feed",
        area_code=feed,
        month=month,
        direction="none",
        severity=rule.severity,  # type: ignore[arg-type]
        who_acts=rule.who_acts,
        sentence=f"{rule.question} {feed}: {count} {what} refused whole and not replaced since. "
        "Which, and why: plumbline loads --outcome refused.",
        observed=float(count),
        expected=0.0,
        n=count,
        contributions=tuple((code, float(n)) for code, n in sorted(reasons.items())),
        check_name=rule.check_name,
        area_name=feed,
        over_text=rule.over_text,
    )
