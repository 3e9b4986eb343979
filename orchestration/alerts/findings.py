"""What the alert book takes in: the findings of one evaluation, and which cells were assessed.

A *cell* is one check of one area in one month. A cell is assessed or it is not; an assessed one
has a finding or none. Only an assessed cell without a finding says that all is well: a cell that
was not assessed says nothing, and leaves what is known of it as it was.

Pure: no I/O. Arrow is imported by the function that reads a table.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

Direction = Literal["up", "down", "none"]
Severity = Literal["note", "warning", "critical"]
DIRECTIONS: tuple[str, ...] = get_args(Direction)
#: From the least to the most severe.
SEVERITIES: tuple[str, ...] = get_args(Severity)

#: Status of a row of an evaluation.
FOUND, NOT_FOUND, NOT_ASSESSED = "finding", "no_finding", "not_assessed"
STATUSES = (FOUND, NOT_FOUND, NOT_ASSESSED)

Cell = tuple[str, str, str, dt.date]
"""check_code, area_type, area_code, first day of the month."""


class FindingError(ValueError):
    """A finding or an evaluation that breaks the contract; the message says which and how."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check found something about one area and month.

    ``month`` and ``since_month`` are first days of months; ``direction`` is up (more than
    expected), down, or none where the check knows no direction. ``observed``, ``expected``,
    ``lower`` and ``upper`` are in the unit of the check; ``score`` in that of its detector, above 1
    where it alarms; ``p`` and ``q`` lie in 0 to 1 (q: false discovery rate of the evaluation);
    ``n`` counts the periods that the judgement rests on. ``contributions``: the counts that the
    finding is made of, by name. ``known_event_code``: a known event it coincides with.
    ``check_name`` and ``area_name`` are for people; ``over_text``: what to say when it is over;
    ``part_of``: the area (a name) that this one is part of.
    Raises FindingError.
    """

    check_code: str
    area_type: str
    area_code: str
    month: dt.date
    direction: Direction
    severity: Severity
    who_acts: str
    sentence: str
    observed: float | None = None
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    score: float | None = None
    p: float | None = None
    q: float | None = None
    n: int | None = None
    since_month: dt.date | None = None
    contributions: tuple[tuple[str, float], ...] = ()
    known_event_code: str | None = None
    check_name: str | None = None
    area_name: str | None = None
    over_text: str | None = None
    part_of: str | None = None

    def __post_init__(self) -> None:
        where = f"{self.check_code} of {self.area_type} {self.area_code}, {self.month}"
        for name in ("check_code", "area_type", "area_code", "who_acts", "sentence"):
            if not getattr(self, name):
                raise FindingError(f"{where}: {name} is empty")
        if self.direction not in DIRECTIONS:
            raise FindingError(f"{where}: direction {self.direction!r} is none of {DIRECTIONS}")
        if self.severity not in SEVERITIES:
            raise FindingError(f"{where}: severity {self.severity!r} is none of {SEVERITIES}")
        for name in ("month", "since_month"):
            value = getattr(self, name)
            if value is not None and value.day != 1:
                raise FindingError(f"{where}: {name} {value} is not the first day of a month")
        if self.since_month is not None and self.since_month > self.month:
            raise FindingError(f"{where}: since_month {self.since_month} lies after it")
        for name in ("p", "q"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise FindingError(f"{where}: {name} {value} does not lie in 0 to 1")

    @property
    def cell(self) -> Cell:
        return (self.check_code, self.area_type, self.area_code, self.month)

    def to_json(self) -> str:
        """The finding as JSON, keys sorted: equal findings give equal text."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        return json.dumps(
            {k: v for k, v in data.items() if v is not None and v != ()},
            sort_keys=True,
            default=lambda day: day.isoformat(),
            ensure_ascii=False,
        )

    @staticmethod
    def from_json(text: str) -> Finding:
        return from_mapping(json.loads(text))


def _month(value: Any) -> Any:
    if isinstance(value, str):
        return dt.date.fromisoformat(value)
    return value.date() if isinstance(value, dt.datetime) else value


def _number(value: Any) -> float | None:
    # NaN is what a frame says for nothing.
    return None if value is None or value != value else float(value)


def from_mapping(row: Mapping[str, Any]) -> Finding:
    """A finding from a row (of a frame, a table, JSON); other keys are left aside.

    ``contributions`` may be pairs, a mapping, or a list of ``{"name":…, "value":…}``.
    """
    given = row.get("contributions") or ()
    if isinstance(given, str):
        given = json.loads(given)
    pairs = given.items() if isinstance(given, Mapping) else given
    contributions = tuple(
        (str(p["name"]), float(p["value"])) if isinstance(p, Mapping) else (str(p[0]), float(p[1]))
        for p in pairs
    )
    count = _number(row.get("n"))
    return Finding(
        **{name: str(row[name] or "") for name in ("check_code", "area_type", "area_code")},
        month=_month(row["month"]),
        direction=row.get("direction") or "none",
        severity=row["severity"],
        who_acts=str(row["who_acts"] or ""),
        sentence=str(row["sentence"] or ""),
        **{
            name: _number(row.get(name))
            for name in ("observed", "expected", "lower", "upper", "score", "p", "q")
        },
        n=None if count is None else int(count),
        since_month=_month(row.get("since_month")),
        contributions=contributions,
        **{
            name: row.get(name) or None
            for name in ("known_event_code", "check_name", "area_name", "over_text", "part_of")
        },
    )


@dataclass(frozen=True)
class Evaluation:
    """The findings of one evaluation, and every cell that it assessed.

    ``version`` says when it was made and sorts in time as text (the id of a release does). Of one
    cell, the evaluation with the highest version stands. Raises FindingError where a finding's
    cell is not among those assessed, or a cell has two findings of one direction.
    """

    version: str
    findings: tuple[Finding, ...] = ()
    assessed: frozenset[Cell] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if not self.version:
            raise FindingError("an evaluation needs a version")
        seen: set[tuple[Cell, str]] = set()
        for f in self.findings:
            if f.cell not in self.assessed:
                raise FindingError(f"{f.cell} has a finding and was not assessed")
            if (f.cell, f.direction) in seen:
                raise FindingError(f"{f.cell} has two findings of direction {f.direction!r}")
            seen.add((f.cell, f.direction))


def evaluation_from_rows(version: str, rows: Iterable[Mapping[str, Any]]) -> Evaluation:
    """An evaluation from rows of check by area by month with a ``status`` (of ``STATUSES``).

    Rows that were not assessed say nothing. Raises FindingError on another status.
    """
    findings: list[Finding] = []
    assessed: set[Cell] = set()
    for row in rows:
        status = row["status"]
        if status not in STATUSES:
            raise FindingError(f"status {status!r} is none of {STATUSES}")
        if status == NOT_ASSESSED:
            continue
        assessed.add((row["check_code"], row["area_type"], row["area_code"], _month(row["month"])))
        if status == FOUND:
            findings.append(from_mapping(row))
    return Evaluation(version, tuple(findings), frozenset(assessed))
