"""How a force's own extracts are named, and what a name claims: a month, a financial year, nothing.

The canonical name is the table's stem with the month or year, such as ``legacy_crimes_2019-04``
or ``grants_ledger_2021-22``. A force with other names says so in ``plumbline.yml``: ``files`` under
the table, and where its names spell the period in a way of their own, a regular expression ``name``
with the groups ``year`` and ``month`` under ``options``. What a row means is for the contracts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from orchestration.sources.headers import Match, Near, table_settings
from orchestration.sources.model import LoadRefused
from orchestration.sources.tables import (
    Table,
    Where,
    financial_year,
    month_in_name,
    no_claim,
    plain,
)

#: A month in a name: 2019-04, 2019_04, 201904; not the beginning of a day.
_MONTH = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_. ]?(\d\d)(?!\d)(?![-_. ]\d\d(?!\d))")

Matcher = Callable[[Sequence[str], Where], Match | Near | None]


def _table(
    name: str,
    stems: Sequence[str],
    claim: Callable[[Where], tuple[str, str | None]],
    match: Matcher | None = None,
    is_monthly: bool = False,
) -> Table:
    ways = "|".join(re.escape(stem).replace("_", "[-_ ]") for stem in stems)
    return Table(
        name=name,
        patterns=(rf"^(?:{ways})(?![a-z0-9])",),
        claim=claim,
        match=match,
        shape=plain,
        is_monthly=is_monthly,
    )


def monthly(name: str, stem: str, *, must: bool = False) -> Table:
    """A table with a file for each month. ``must``: its rows do not say of which month they are."""

    def claim(where: Where) -> tuple[str, str | None]:
        found = _own(name, where) or set(_MONTH.findall(where.name))
        for year, month in found:
            if not 1 <= int(month) <= 12:
                raise LoadRefused(
                    "bad_file_name",
                    f"the name {where.shown!r} gives month {month} of {year}, which does not "
                    f"exist: {_advice(name, f'{stem}_2021-03.csv')}",
                )
        if len(found) != 1:
            return _unsaid(name, where, must, "month", f"{stem}_2021-03.csv", len(found))
        period = "-".join(found.pop())
        return period, period

    return _table(name, (stem,), claim, is_monthly=True)


def yearly(
    name: str,
    stem: str,
    *,
    must: bool = False,
    others: Sequence[str] = (),
    match: Matcher | None = None,
    year_of: Callable[[str], str | None] = financial_year,
) -> Table:
    """A table with a file for each financial year. ``others``: further stems of published names."""

    def claim(where: Where) -> tuple[str, str | None]:
        own = {f"{year}/{(int(year) + 1) % 100:02d}" for year, _ in _own(name, where, month=False)}
        said = own or {year for year in (year_of(where.name),) if year}
        if len(said) != 1:
            return _unsaid(name, where, must, "financial year", f"{stem}_2021-22.csv", len(said))
        (year,) = said
        return year, year

    return _table(name, (stem, *others), claim, match)


def undated(name: str, stem: str) -> Table:
    """A table whose files stand for no period."""
    return _table(name, (stem,), no_claim)


def _own(name: str, where: Where, month: bool = True) -> set[tuple[str, str]]:
    """Year and month as the force's own regular expression finds them; empty where it has none."""
    own = table_settings(where.settings, name).get("name")
    if not own:
        return set()
    for written in (where.name, where.shown):
        try:
            found = re.search(str(own), written, re.IGNORECASE)
        except re.error as problem:
            raise LoadRefused(
                "bad_configuration",
                f"the pattern 'name' of {name} in plumbline.yml is not a regular expression: "
                f"{problem}",
            ) from None
        parts = found.groupdict() if found else {}
        if parts.get("year") and (parts.get("month") or not month):
            if not re.fullmatch(r"(?:19|20)\d\d", parts["year"]):
                raise LoadRefused(
                    "bad_configuration",
                    f"the pattern 'name' of {name} in plumbline.yml finds the year "
                    f"{parts['year']!r} in {where.shown!r}: it must find all four digits",
                )
            found_month = parts.get("month") if month else None
            return {
                (
                    parts["year"],
                    month_in_name(found_month, name, where.shown) if found_month else "",
                )
            }
    return set()


def _unsaid(
    name: str, where: Where, must: bool, what: str, example: str, count: int
) -> tuple[str, str | None]:
    if not must:
        return "", None
    words = f"names more than one {what}" if count > 1 else f"does not say which {what} it is"
    raise LoadRefused(
        "bad_file_name",
        f"the columns are those of {name}, but the name {where.shown!r} {words}, and its rows do "
        f"not say it either: {_advice(name, example)}",
    )


def _advice(name: str, example: str) -> str:
    source, _, table = name.partition("/")
    return (
        f"write it as in {example}, or say how your names spell it in plumbline.yml "
        f"(sources.{source}.{table}.options.name)"
    )
