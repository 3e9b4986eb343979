"""Rows of the register of claims, and of the warehouse's figures, as objects.

Belongs here: reading rows (dictionaries, as any engine gives them) into typed values, and refusing
a register that contradicts itself. Does not belong here: files, databases, and judging.

Numbers are fractions: a published 14.6 is 146/10 exactly, so whether a rounding fits never hangs on
a binary digit.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

CLAIM_TYPES = frozenset(
    {
        "count",
        "change_pct",
        "share_pct",
        "rate",
        "rank",
        "ratio",
        "range",
        "money",
        "date",
        "definition",
        "trend",
    }
)
COMPARISONS = frozenset({"equal", "over"})
RELATIONS = frozenset(
    {"adds_to", "adds_across", "part_of", "base_of", "budget", "pace", "change_from"}
)
VERDICTS = (
    "reproduces",
    "arithmetic_wrong",
    "does_not_reproduce",
    "not_derivable",
    "unit_wrong",
    "not_comparable",
)


class RegisterError(ValueError):
    """The register cannot be used as it is; the message names the claim and what is wrong."""


@dataclass(frozen=True)
class Period:
    """First and last day of a period; ``first`` is None where only its end is stated."""

    first: dt.date | None
    last: dt.date

    @property
    def month_count(self) -> int | None:
        """Calendar months it touches; None where its beginning is not stated."""
        if self.first is None:
            return None
        return 12 * (self.last.year - self.first.year) + self.last.month - self.first.month + 1


@dataclass(frozen=True)
class Claim:
    """One number of a paper. Fields are those of the seed ``published_claims``.

    ``published_value`` is in ``unit``, with a minus for a fall; ``decimals`` are the places it was
    printed with (-2: to the hundred). ``relations``: kind and claim it stands in that relation to.
    """

    claim_id: str
    paragraph: str
    claim_type: str
    unit: str
    metric_code: str
    comparison: str = "equal"
    published_value: Fraction | None = None
    published_to_value: Fraction | None = None
    published_text: str | None = None
    decimals: int = 0
    current_value: Fraction | None = None
    baseline_value: Fraction | None = None
    numerator: Fraction | None = None
    denominator: Fraction | None = None
    count_rounding: int | None = None
    count_source: str | None = None
    period_current: str | None = None
    period_baseline: str | None = None
    as_of_date: dt.date | None = None
    needs_follow_up: bool = False
    conflict_group: str | None = None
    denominator_groups: tuple[str, ...] = ()
    relations: tuple[tuple[str, str], ...] = ()
    figure_code: str | None = None
    missing_text: str | None = None

    def related(self, kind: str) -> list[str]:
        """Claims it stands in one kind of relation to."""
        return [other for k, other in self.relations if k == kind]

    @property
    def is_change_of_counts(self) -> bool:
        """Whether it is a change in percent and both counts are printed."""
        return (
            self.claim_type == "change_pct"
            and self.current_value is not None
            and self.baseline_value is not None
        )


@dataclass(frozen=True)
class Figure:
    """A figure of the warehouse: row of the model ``int_claim_figures``.

    ``value`` in the unit of the claim (percent for changes and shares), ``value_to`` the upper end
    of a range; ``numerator`` and ``denominator`` are the counts or amounts behind it, for a change
    the current and the baseline count; ``*_then``: the same as they were known at the claim's date.
    ``source_type``: ``records`` of the force, ``published`` tables, or the ``configuration``.
    """

    figure_code: str
    figure_type: str
    mart_name: str
    value: Fraction | None = None
    value_to: Fraction | None = None
    value_lower: float | None = None
    value_upper: float | None = None
    numerator: Fraction | None = None
    denominator: Fraction | None = None
    numerator_then: Fraction | None = None
    denominator_then: Fraction | None = None
    text_value: str | None = None
    note_text: str | None = None
    interval_type: str | None = None
    is_suppressed: bool = False
    source_type: str = "records"

    @property
    def is_known(self) -> bool:
        """Whether there is anything to compare with."""
        return not self.is_suppressed and (self.value is not None or self.text_value is not None)


_YEAR = re.compile(r"(\d{4})")
_FINANCIAL_YEAR = re.compile(r"(\d{4})/(\d{2})")
_MONTH = re.compile(r"(\d{4})-(\d{2})")


def parse_period(text: str | None) -> Period | None:
    """The period that a text names; None where it names none.

    Understood: ``2019/20`` (April to March), ``2021-11``, ``2021-04 to 2021-11``, ``2019`` (a
    calendar year), and ``to 2021-09``, of which only the end is stated.
    """
    text = (text or "").strip()
    if found := _YEAR.fullmatch(text):
        year = int(found[1])
        return Period(dt.date(year, 1, 1), dt.date(year, 12, 31))
    if found := _FINANCIAL_YEAR.fullmatch(text):
        year = int(found[1])
        if (year + 1) % 100 != int(found[2]):
            return None
        return Period(dt.date(year, 4, 1), dt.date(year + 1, 3, 31))
    start, separator, end = text.partition("to ")
    if not separator:
        start = end = text
    last = _month(end.strip())
    first = _month(start.strip()) if start.strip() else None
    if last is None or (start.strip() and first is None) or (first and first > last):
        return None
    following = dt.date(last.year + last.month // 12, last.month % 12 + 1, 1)
    return Period(first, following - dt.timedelta(days=1))


def _month(text: str) -> dt.date | None:
    found = _MONTH.fullmatch(text)
    if not found or not 1 <= int(found[2]) <= 12:
        return None
    return dt.date(int(found[1]), int(found[2]), 1)


def claims_from_rows(rows: Iterable[Mapping[str, Any]]) -> list[Claim]:
    """Claims from rows of the seed ``published_claims``; other columns are passed over.

    Raises RegisterError for a type, comparison or relation that is not known, two claims of one
    identifier, a relation to a claim that is not in the register, or a claim that neither names a
    figure nor says what is missing.
    """
    claims = [_claim(row) for row in rows]
    known = {claim.claim_id for claim in claims}
    if len(known) < len(claims):
        names = [claim.claim_id for claim in claims]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise RegisterError(f"more than one claim is called {', '.join(twice)}")
    for claim in claims:
        for _, other in claim.relations:
            if other not in known:
                raise RegisterError(f"{claim.claim_id}: there is no claim {other} to relate to")
    return claims


def _claim(row: Mapping[str, Any]) -> Claim:
    name = str(row["claim_id"])
    relations = tuple(_relation(name, part) for part in str(row.get("relations") or "").split())
    claim = Claim(
        claim_id=name,
        paragraph=str(row["paragraph"]),
        claim_type=str(row["claim_type"]),
        unit=str(row.get("unit") or ""),
        metric_code=str(row["metric_code"]),
        comparison=str(row.get("comparison") or "equal"),
        decimals=int(row.get("decimals") or 0),
        count_rounding=None if row.get("count_rounding") is None else int(row["count_rounding"]),
        as_of_date=row.get("as_of_date"),
        needs_follow_up=bool(row.get("needs_follow_up")),
        denominator_groups=tuple(str(row.get("denominator_groups") or "").split()),
        relations=relations,
        **{n: _number(row.get(n)) for n in _NUMBERS},
        **{n: row.get(n) or None for n in _TEXTS},
    )
    if claim.claim_type not in CLAIM_TYPES:
        raise RegisterError(f"{name}: claim_type {claim.claim_type!r} is not known")
    if claim.comparison not in COMPARISONS:
        raise RegisterError(f"{name}: comparison {claim.comparison!r} is not known")
    if claim.figure_code is None and claim.missing_text is None:
        raise RegisterError(f"{name} names no figure and does not say what is missing")
    return claim


_NUMBERS = (
    "published_value",
    "published_to_value",
    "current_value",
    "baseline_value",
    "numerator",
    "denominator",
)
_TEXTS = (
    "published_text",
    "count_source",
    "period_current",
    "period_baseline",
    "conflict_group",
    "figure_code",
    "missing_text",
)


def _relation(name: str, text: str) -> tuple[str, str]:
    kind, _, other = text.partition(":")
    if kind not in RELATIONS or not other:
        raise RegisterError(f"{name}: the relation {text!r} is not known")
    return kind, other


def figures_from_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, Figure]:
    """Figures by their code, from rows of the model ``int_claim_figures``."""
    names = (
        "value",
        "value_to",
        "numerator",
        "denominator",
        "numerator_then",
        "denominator_then",
    )
    return {
        row["figure_code"]: Figure(
            figure_code=row["figure_code"],
            figure_type=row["figure_type"],
            mart_name=row["mart_name"],
            value_lower=row.get("value_lower"),
            value_upper=row.get("value_upper"),
            text_value=row.get("text_value"),
            note_text=row.get("note_text"),
            interval_type=row.get("interval_type"),
            is_suppressed=bool(row.get("is_suppressed")),
            source_type=row.get("source_type") or "records",
            **{n: _number(row.get(n)) for n in names},
        )
        for row in rows
    }


def _number(value: Any) -> Fraction | None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    # By its shortest text: a decimal that went through a double comes back as it was written.
    return Fraction(value if isinstance(value, Decimal | int) else repr(float(value)))
