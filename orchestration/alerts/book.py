"""The alert book as a pure function of what was ever evaluated and what persons did.

What is known is kept by cell (check, area, month) as :class:`Known`, and two states of knowledge
are joined cell by cell: of the latest findings those of the highest version stand, of "first found"
the lowest. Joining is associative, commutative and idempotent, so neither the order of evaluations
nor doing one again can change the book; month by month gives what one evaluation of all gives.

From this :func:`fold` derives the alerts. An *episode* is a run of months in which one check finds
one direction in one area, interrupted by at most ``gap_months`` assessed months without the
finding. Months not assessed neither continue nor end it. An alert is an episode:

* Its identity is a hash of check, area, direction and the month in which the episode started when
  it was first found. Late data that moves the start leaves the identity as it was, and where two
  episodes turn out to be one, the one known first gives its name and the other leads to it.
* It *ends* when more than ``gap_months`` assessed months follow without the finding.
* It is *withdrawn* when revised data no longer show it in any month.
* Checks of facts (``exact``) bridge nothing: one assessed month without the finding ends them.
* What a person says (acknowledge, explain, resolve, reopen) stays with it. A resolved alert opens
  again where it is found in a month after those it was resolved for; an explained one does not.

No I/O, no clock.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from orchestration.alerts.findings import SEVERITIES, Cell, Evaluation, Finding

State = Literal["open", "acknowledged", "explained", "resolved"]
STATES: tuple[str, ...] = get_args(State)
ActionKind = Literal["acknowledge", "explain", "resolve", "reopen"]
Closed = Literal["ended", "withdrawn", "resolved"]

#: The state that each action leads to.
LEADS_TO: dict[str, State] = {
    "acknowledge": "acknowledged",
    "explain": "explained",
    "resolve": "resolved",
    "reopen": "open",
}

Series = tuple[str, str, str]
"""check_code, area_type, area_code."""


# ------------------------------------------------------------------------- what is known of a cell


@dataclass(frozen=True, slots=True)
class Ever:
    """That a direction was found in a cell at all: by which version first, and how last."""

    first_version: str
    last_version: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Known:
    """Of one cell: the latest findings with their version, and all that was ever found."""

    version: str
    found: tuple[Finding, ...] = ()
    ever: tuple[tuple[str, Ever], ...] = ()


Knowledge = Mapping[Cell, Known]


def _by_content(version: str, findings: Iterable[Finding]) -> tuple[str, list[str]]:
    # Two results of one version are an accident; text decides, so that order does not.
    return version, [f.to_json() for f in findings]


def _join_ever(one: Ever, other: Ever) -> Ever:
    last = max(one, other, key=lambda e: _by_content(e.last_version, [e.finding]))
    first = min(one.first_version, other.first_version)
    return Ever(first, last.last_version, last.finding)


def join_known(one: Known, other: Known) -> Known:
    """What two states of knowledge of one cell know together."""
    if one == other:
        return one
    if one.version != other.version:
        latest = one if one.version > other.version else other
    else:
        latest = max(one, other, key=lambda k: _by_content(k.version, k.found))
    if not one.ever and not other.ever:
        return latest
    ever = dict(one.ever)
    for direction, had in other.ever:
        ever[direction] = _join_ever(ever[direction], had) if direction in ever else had
    return Known(latest.version, latest.found, tuple(sorted(ever.items(), key=lambda e: e[0])))


def learn(known: Knowledge, evaluation: Evaluation) -> dict[Cell, Known]:
    """What is known after an evaluation; ``known`` stays as it was."""
    version = evaluation.version
    found: dict[Cell, list[Finding]] = {}
    for f in evaluation.findings:
        found.setdefault(f.cell, []).append(f)
    after = dict(known)
    for cell in evaluation.assessed:
        some = tuple(sorted(found.get(cell, ()), key=lambda f: f.direction))
        new = Known(version, some, tuple((f.direction, Ever(version, version, f)) for f in some))
        before = after.get(cell)
        after[cell] = new if before is None else join_known(before, new)
    return after


# ------------------------------------------------------------------------------------ what was done


@dataclass(frozen=True, slots=True)
class Action:
    """What a person did with an alert. ``first_month`` and ``last_month``: the months the alert had
    then. Actions count in the order of ``at`` (UTC, without a zone), then ``action_id``."""

    action_id: str
    alert_id: str
    kind: ActionKind
    check_code: str
    area_type: str
    area_code: str
    direction: str
    first_month: dt.date
    last_month: dt.date
    by: str
    at: dt.datetime
    note: str = ""
    known_event_code: str | None = None

    @property
    def key(self) -> tuple[Series, str]:
        return (self.check_code, self.area_type, self.area_code), self.direction


# ------------------------------------------------------------------------------------------- alerts


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of the book.

    ``months``: those in which it is found now; ``ids``: its identity and those that lead to it;
    ``finding``: the evidence of the last month (of a withdrawn one, the last it ever had).
    ``severity`` is that of ``finding``. ``closed_as`` is None while it goes on; ``closed_month`` is
    the assessed month that ended it. ``last_action`` is what a person said last.
    ``reopened_month``: the first month found after those it had been resolved for.
    """

    alert_id: str
    ids: tuple[str, ...]
    check_code: str
    area_type: str
    area_code: str
    direction: str
    state: State
    opened_month: dt.date
    last_seen_month: dt.date
    months: tuple[dt.date, ...]
    finding: Finding
    first_version: str
    last_version: str
    closed_as: Closed | None = None
    closed_month: dt.date | None = None
    reopened_month: dt.date | None = None
    last_action: Action | None = None
    opened_finding: Finding | None = None

    @property
    def cause(self) -> str:
        """What alerts with one cause have in common, in words: the area (the force of a part of
        one), and the known event with which it opened (or that a person named), or else the month
        in which it opened."""
        opened = self.opened_finding or self.finding
        said = self.last_action.known_event_code if self.last_action else None
        event = said or opened.known_event_code
        area = opened.part_of or opened.area_name or f"{self.area_type} {self.area_code}"
        return f"{area}, {event.replace('_', ' ') if event else f'{self.opened_month:%B %Y}'}"

    @property
    def severity(self) -> str:
        return self.finding.severity

    @property
    def is_closed(self) -> bool:
        return self.closed_as is not None

    @property
    def key(self) -> tuple[Series, str]:
        return (self.check_code, self.area_type, self.area_code), self.direction


def alert_id(series: Series, direction: str, month: dt.date) -> str:
    """Identity of the episode of a series and direction that started in ``month``: 12 hex digits.

    48 bits: among a hundred thousand alerts two share one with a probability of 2 in 100,000.
    """
    text = "\x1f".join((*series, direction, month.isoformat()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _runs(months: list[dt.date], calm: list[dt.date], gap_months: int) -> list[list[dt.date]]:
    """Months (sorted) in runs with at most ``gap_months`` of ``calm`` (sorted) between two."""
    from bisect import bisect_left

    runs: list[list[dt.date]] = []
    for month in months:
        if runs and bisect_left(calm, month) - bisect_left(calm, runs[-1][-1]) <= gap_months:
            runs[-1].append(month)
        else:
            runs.append([month])
    return runs


def fold(
    known: Knowledge,
    actions: Iterable[Action] = (),
    *,
    gap_months: int = 1,
    exact: Container[str] = (),
) -> tuple[Alert, ...]:
    """Every alert, by check, area, direction and month.

    ``gap_months``: how many assessed months without the finding an episode bridges. ``exact``:
    checks (what stands before a slash in their code) of which it bridges none. Raises ValueError
    where ``gap_months`` is negative.
    """
    if gap_months < 0:
        raise ValueError("gap_months may not be negative")
    by_series: dict[Series, dict[dt.date, Known]] = {}
    eventful: set[Series] = set()
    for (check, area_type, area, month), state in known.items():
        by_series.setdefault((check, area_type, area), {})[month] = state
        if state.ever:
            eventful.add((check, area_type, area))
    done: dict[tuple[Series, str], dict[str, Action]] = {}
    for action in actions:
        done.setdefault(action.key, {})[action.action_id] = action
    alerts: list[Alert] = []
    for series in sorted(eventful):
        cells = by_series[series]
        gap = 0 if series[0].partition("/")[0] in exact else gap_months
        for direction in sorted({d for state in cells.values() for d, _ in state.ever}):
            said = sorted(
                done.get((series, direction), {}).values(), key=lambda a: (a.at, a.action_id)
            )
            alerts += _alerts_of(series, direction, cells, said, gap)
    return tuple(alerts)


def _alerts_of(
    series: Series,
    direction: str,
    cells: Mapping[dt.date, Known],
    said: list[Action],
    gap_months: int,
) -> list[Alert]:
    ever = {m: e for m, s in cells.items() for d, e in s.ever if d == direction}
    live = {m: f for m, s in cells.items() for f in s.found if f.direction == direction}
    never = sorted(set(cells) - set(ever))
    calm = sorted(set(cells) - set(live))
    alerts = []
    for whole in _runs(sorted(ever), never, gap_months):
        parts = _runs([m for m in whole if m in live], calm, gap_months)
        if not parts:
            alerts.append(_alert(series, direction, whole, [], ever, live, calm, said, gap_months))
        for number, part in enumerate(parts):
            # Months that were withdrawn go with the part before them, so that each keeps its name.
            starts = part[0] if number else whole[0]
            ends = parts[number + 1][0] if number + 1 < len(parts) else dt.date.max
            had = [m for m in whole if starts <= m < ends]
            alerts.append(_alert(series, direction, had, part, ever, live, calm, said, gap_months))
    return alerts


def _alert(
    series: Series,
    direction: str,
    had: list[dt.date],
    months: list[dt.date],
    ever: Mapping[dt.date, Ever],
    live: Mapping[dt.date, Finding],
    calm: list[dt.date],
    said: list[Action],
    gap_months: int,
) -> Alert:
    """The alert of ``months`` (found now) among those it ever ``had``."""
    anchor = min(had, key=lambda m: (ever[m].first_version, m))
    name = alert_id(series, direction, anchor)
    ids = (name, *(i for m in had if (i := alert_id(series, direction, m)) != name))
    shown = months or had
    finding = live[shown[-1]] if months else ever[shown[-1]].finding
    after = [m for m in calm if m > shown[-1]]
    closed: Closed | None = None
    closed_month = None
    if not months:
        closed = "withdrawn"
    elif len(after) > gap_months:
        closed, closed_month = "ended", after[gap_months]

    state: State = "open"
    reopened = last = None
    resolved_through: dt.date | None = None
    for action in said:
        if action.alert_id in ids or (
            action.first_month <= shown[0] and shown[-1] <= action.last_month
        ):
            last, state = action, LEADS_TO[action.kind]
            resolved_through = action.last_month if action.kind == "resolve" else None
    if resolved_through is not None:
        later = [m for m in months if m > resolved_through]
        if later:
            state, reopened = "open", later[0]
        elif closed != "withdrawn":
            closed = "resolved"
    if closed in ("ended", "withdrawn") and state in ("open", "acknowledged"):
        state = "resolved"
    return Alert(
        alert_id=name,
        ids=ids,
        check_code=series[0],
        area_type=series[1],
        area_code=series[2],
        direction=direction,
        state=state,
        opened_month=shown[0],
        last_seen_month=shown[-1],
        months=tuple(months),
        finding=finding,
        first_version=min(ever[m].first_version for m in had),
        last_version=max(ever[m].last_version for m in had),
        closed_as=closed,
        closed_month=closed_month,
        reopened_month=reopened,
        last_action=last,
        opened_finding=live[shown[0]] if months else ever[shown[0]].finding,
    )


def find(alerts: Iterable[Alert], wanted: str) -> Alert:
    """The alert whose identity (or one that leads to it) begins with ``wanted``.

    Raises LookupError, in words, where there is none or more than one.
    """
    alerts = list(alerts)
    exact = [a for a in alerts if a.alert_id == wanted] or [a for a in alerts if wanted in a.ids]
    found = exact or [a for a in alerts if any(i.startswith(wanted) for i in a.ids)]
    if not wanted or not found:
        raise LookupError(f"there is no alert {wanted!r}: plumbline alerts list shows all")
    if len(found) > 1:
        names = ", ".join(a.alert_id for a in found[:5])
        raise LookupError(f"{len(found)} alerts begin with {wanted!r} ({names}): write more of it")
    return found[0]


def rank(severity: str) -> int:
    """Place of a severity, the least severe being 0."""
    return SEVERITIES.index(severity)
