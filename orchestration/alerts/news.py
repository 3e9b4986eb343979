"""What of the book was not told yet, and in which words.

News is that an alert opened, opened again, became more severe, ended, or was withdrawn: each once.
An alert that had ended before it was first noticed is history and no news; nor is an end told of
what was never told to be open, nor anything of what a person has acknowledged, explained or
resolved, but for its end. Pure.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestration.alerts.book import Alert, rank

#: ``run_failed`` is of a run and of no alert: it is told by the same routes.
Kind = Literal["opened", "reopened", "worsened", "ended", "withdrawn", "run_failed"]
#: Areas whose figures may be sent, as ``publish.disclosure`` has it for releases.
SHOWN_AREA_TYPES = frozenset({"force", "region", "country"})
#: What alerts are of that has no persons in it.
NO_AREA_TYPES = frozenset({"award", "feed"})
_OPENING = ("opened", "reopened", "worsened")
_WORDS: dict[str, str] = {
    "opened": "New",
    "reopened": "Again",
    "worsened": "More severe",
    "ended": "Ended",
    "withdrawn": "Withdrawn",
}
_AFTERWARDS = {
    "ended": "It is no longer found.",
    "withdrawn": "Revised data no longer show it.",
}


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell, of one alert. ``number`` is higher than that of anything
    told of it before."""

    news_id: str
    number: int
    alert_id: str
    kind: Kind
    severity: str
    who_acts: str
    through_month: dt.date
    title: str
    body: str
    #: what news with one cause have in common (``Alert.cause``); empty: told by itself
    cause: str = ""


def news_of(alerts: Iterable[Alert], told: Iterable[News]) -> tuple[News, ...]:
    """What is to be told now, the most severe first. With that told, nothing is left to tell."""
    before: dict[str, list[News]] = {}
    for item in told:
        before.setdefault(item.alert_id, []).append(item)
    found = []
    for alert in alerts:
        prior = sorted(
            (n for i in alert.ids for n in before.get(i, ())), key=lambda n: (n.number, n.news_id)
        )
        kind = _kind(alert, prior)
        if kind is not None:
            found.append(_news(alert, kind, prior[-1].number + 1 if prior else 0))
    return tuple(sorted(found, key=lambda n: (-rank(n.severity), n.title, n.news_id)))


def _kind(alert: Alert, prior: Sequence[News]) -> Kind | None:
    wants_telling = alert.state == "open" and not alert.is_closed
    if not prior:
        return "opened" if wants_telling else None
    if prior[-1].kind not in _OPENING:
        return "reopened" if wants_telling else None
    if alert.closed_as in ("ended", "withdrawn"):
        return alert.closed_as if alert.state != "explained" else None
    if not wants_telling:
        return None
    if alert.reopened_month is not None and prior[-1].through_month < alert.reopened_month:
        return "reopened"
    # Since it last opened: an earlier, worse time of the same alert is over.
    since = max(i for i, n in enumerate(prior) if n.kind in ("opened", "reopened"))
    worst = max(rank(n.severity) for n in prior[since:])
    return "worsened" if rank(alert.severity) > worst else None


def _news(alert: Alert, kind: Kind, number: int) -> News:
    text = f"{alert.alert_id}\x1f{kind}\x1f{number}"
    area = alert.finding.area_name or f"{alert.area_type} {alert.area_code}"
    place = f"{_check(alert)}, {area}"
    return News(
        news_id=hashlib.sha256(text.encode()).hexdigest()[:16],
        number=number,
        alert_id=alert.alert_id,
        kind=kind,
        severity=alert.severity,
        who_acts=alert.finding.who_acts,
        through_month=alert.last_seen_month,
        title=f"{_WORDS[kind]} ({alert.severity}): {place}, {_span(alert)}",
        body="\n".join(_body(alert, kind)),
        cause=alert.cause,
    )


def _check(alert: Alert) -> str:
    """The name of the check for people, with the part of it that this is of."""
    name = alert.finding.check_name
    if name is None:
        return alert.check_code
    part = alert.check_code.partition("/")[2]
    return f"{name} ({part})" if part else name


def _span(alert: Alert) -> str:
    first, last = (f"{m:%B %Y}" for m in (alert.opened_month, alert.last_seen_month))
    return first if first == last else f"{first} to {last}"


def _body(alert: Alert, kind: Kind) -> Iterable[str]:
    finding = alert.finding
    if kind in _AFTERWARDS:
        yield finding.over_text or _AFTERWARDS[kind]
    act = f"Who acts: {finding.who_acts}. plumbline alerts show {alert.alert_id}"
    if alert.area_type not in SHOWN_AREA_TYPES | NO_AREA_TYPES:
        # Small counts are withheld from releases; what leaves the house by mail holds none either.
        yield "The figures are in the warehouse: below the level of the force none are sent."
        yield act
        return
    yield finding.sentence
    parts = [
        f"{label} {_figure(value)}"
        for label, value in (
            ("observed", finding.observed),
            ("expected", finding.expected),
            ("lower limit", finding.lower),
            ("upper limit", finding.upper),
            ("score", finding.score),
            ("p", finding.p),
            ("q", finding.q),
            ("n", finding.n),
        )
        if value is not None
    ]
    if parts:
        yield f"{finding.month:%B %Y}: " + ", ".join(parts) + "."
    if finding.contributions:
        yield "; ".join(f"{n}: {_figure(v)}" for n, v in finding.contributions) + "."
    if finding.known_event_code:
        yield f"Coincides with the known event {finding.known_event_code}."
    yield act


def _figure(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
