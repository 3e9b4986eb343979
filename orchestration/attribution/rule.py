"""Recording, crime, or cannot tell: the rule, and the reason in words.

Pure: evidence in, decision out. *Recording* means that what is recorded changed by more than what
happened: supply, system, practice, or what people report. What is not shown is not said: where no
branch holds, the answer is that it cannot be told.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, get_args

from orchestration.attribution import independent as ind

Attribution = Literal["recording", "crime", "cannot_tell"]
ATTRIBUTIONS: tuple[str, ...] = get_args(Attribution)
#: What a check is about: whether files came; whether fields are filled in; how reports become
#: records; what records say of crimes; which crimes; how many.
Subject = Literal["supply", "field", "process", "content", "mix", "volume", "unknown"]
SUBJECTS: tuple[str, ...] = get_args(Subject)

#: Kinds of known events, by what they are about.
OF_RECORDING = ("recording_system", "recording_practice", "counting_rule", "reporting")
OF_CRIME = ("crime",)

#: Part of a change of a ratio that has to lie within offence codes, areas and the like, rather
#: than in their mix.
LEAST_WITHIN = 0.8
#: Part of what is above expected that has to have come by origins which a rule names as practice.
LEAST_BY_PRACTICE = 0.5
#: Part of what was expected that has to lie in offence codes, areas and origins that moved alike.
LEAST_SPREAD = 0.9

#: How an event stands to an alert.
COVERS, POSSIBLE, COINCIDES = "covers", "possible", "coincides"


@dataclass(frozen=True, slots=True)
class Event:
    """Something known to have happened. ``first_month``, ``last_month``: months in which a change
    it made can begin; ``is_about_check``: whether it is declared to concern the check;
    ``is_dated``: whether its day is known well enough to date a change by; ``is_named``: whether it
    names the check, rather than all of them."""

    code: str
    name: str
    kind: str
    first_month: dt.date
    last_month: dt.date
    is_about_check: bool = True
    is_dated: bool = True
    is_named: bool = False
    evidence: str = ""


def relation(
    event: Event, since_first: dt.date, since_last: dt.date, *, is_dated: bool = True
) -> str | None:
    """How an event stands to a departure that began between two months; None: another time.

    It covers the departure where it concerns the check and a change it made can have begun in that
    time; it is possible where its own day is not known or no single change is (``is_dated``); it
    coincides where it is not declared to concern the check: the same months, and nothing more.
    """
    if event.last_month < since_first or event.first_month > since_last:
        return None
    if not event.is_about_check:
        return COINCIDES
    return COVERS if event.is_dated and is_dated else POSSIBLE


@dataclass(frozen=True, slots=True)
class Series:
    """An independent series and what it shows (``independent``). ``bears_on_check``: whether crime
    of the check's kind would show in it."""

    code: str
    name: str
    verdict: str
    ratio: float = float("nan")
    lower: float = float("nan")
    upper: float = float("nan")
    detectable: float = float("nan")
    bears_on_check: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one alert. ``direction``: 1 up, -1 down, 0 neither. ``events``: those with a
    relation, by it. ``within_share``: part of a ratio's change within offence codes;
    ``by_practice``: part of what is above expected that came by origins a rule names; ``spread``:
    least part, over codes and areas, that moved alike; None where not known. ``is_lockdown``:
    whether the departure began in a lockdown, or on the way out of one, or is of its months."""

    subject: str
    direction: int
    events: tuple[tuple[str, Event], ...] = ()
    independents: tuple[Series, ...] = ()
    within_share: float | None = None
    by_practice: float | None = None
    spread: float | None = None
    is_lockdown: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The word, the branch of the rule that gave it, and the reason in words."""

    attribution: Attribution
    reason_code: str
    reason: str
    event: Event | None = None
    relation: str | None = None


def _names(series: list[Series]) -> str:
    names = [s.name for s in series]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _listed(events: list[Event]) -> str:
    return " or ".join(e.name for e in events)


def decide(evidence: Evidence) -> Decision:
    """The rule, in its order; the first branch that holds decides."""
    e = evidence
    bearing = [s for s in e.independents if s.bears_on_check]
    alike = ind.MOVED_UP if e.direction > 0 else ind.MOVED_DOWN
    moved = [s for s in bearing if e.direction != 0 and s.verdict == alike]
    still = [s for s in bearing if s.verdict == ind.DID_NOT_MOVE]
    blind = [s for s in bearing if s.verdict == ind.COULD_NOT_SHOW]
    of = {
        kind: [event for how, event in e.events if how == kind]
        for kind in (COVERS, POSSIBLE, COINCIDES)
    }
    recording = [event for event in of[COVERS] if event.kind in OF_RECORDING]
    crime = [event for event in of[COVERS] if event.kind in OF_CRIME]
    could_be_crime = e.subject in ("content", "mix", "volume", "unknown")
    shown = (of[COVERS] + of[POSSIBLE] + of[COINCIDES])[:1]
    first = shown[0] if shown else None
    how = next((h for h, event in e.events if event is first), None)

    def says(attribution: Attribution, code: str, reason: str) -> Decision:
        return Decision(attribution, code, reason, first, how)

    if e.subject == "supply":
        return says(
            "recording",
            "supply",
            "this is about the supply of the data, which says nothing of crime",
        )
    if recording and crime:
        return says(
            "cannot_tell",
            "events_of_both",
            f"{_listed(recording)} changed recording and {_listed(crime)} changed crime at the "
            "same time",
        )
    if recording:
        if could_be_crime and moved and not still:
            return says(
                "cannot_tell",
                "known_event_and_independents",
                f"{_listed(recording)} concerns this check and falls in that time, but "
                f"{_names(moved)}, which it does not touch, moved the same way",
            )
        kinds = {event.kind for event in recording}
        what = (
            "a known change of what is reported"
            if kinds == {"reporting"}
            else "a known change of recording that concerns this check"
        )
        return says("recording", "known_event", f"{what} falls in that time: {_listed(recording)}")
    if crime:
        return says(
            "crime",
            "known_event",
            f"a known event that changed crime falls in that time: {_listed(crime)}",
        )
    if e.subject in ("mix", "volume") and e.is_lockdown:
        return says(
            "cannot_tell",
            "lockdown",
            "it began in a lockdown or on the way out of one, which changed crime and its mix",
        )
    if e.subject in ("field", "process"):
        if e.within_share is not None and e.within_share >= LEAST_WITHIN:
            return says(
                "recording",
                "within_codes",
                "it is how records come about or are filled in that changed, within the same "
                "offences: another mix of crimes does not make it",
            )
        if e.within_share is None and still and not moved:
            return says(
                "recording",
                "independents_stable",
                "it is how records come about or are filled in that changed, and "
                f"{_names(still)} did not move",
            )
    if e.subject == "content" and still and not moved:
        return says(
            "recording",
            "independents_stable",
            f"{_names(still)} would have shown such a change of crime and did not move",
        )
    if (
        e.subject == "volume"
        and e.direction > 0
        and e.by_practice is not None
        and e.by_practice >= LEAST_BY_PRACTICE
        and not moved
    ):
        return says(
            "recording",
            "practice_origins",
            "most of what is above expected came by origins that a named practice makes",
        )
    if e.subject in ("content", "volume"):
        wide = e.spread is not None and e.spread >= LEAST_SPREAD
        if moved and not still and wide:
            return says(
                "crime",
                "independents_moved",
                f"{_names(moved)} moved the same way, and so did the counts in nearly all offence "
                "codes, areas and origins",
            )
        if moved and still:
            return says(
                "cannot_tell",
                "independents_disagree",
                f"{_names(moved)} moved the same way, {_names(still)} did not move",
            )
        if moved:
            return says(
                "cannot_tell",
                "independents_moved_only",
                f"{_names(moved)} moved the same way, but the change is not in all offence codes, "
                "areas and origins",
            )
    if of[POSSIBLE]:
        return says(
            "cannot_tell",
            "not_dated",
            f"{_listed(of[POSSIBLE])} concerns this check and may have begun with it, but the day "
            "of the one or the other is not known well enough",
        )
    if blind and not still:
        return says(
            "cannot_tell",
            "independents_too_small",
            f"no known event explains it, and {_names(blind)} could not have shown such a change",
        )
    if of[COINCIDES]:
        return says(
            "cannot_tell",
            "coincidence",
            f"{_listed(of[COINCIDES])} falls in that time, but is not known to concern this check",
        )
    return says(
        "cannot_tell", "no_evidence", "nothing that is known explains it or rules anything out"
    )
