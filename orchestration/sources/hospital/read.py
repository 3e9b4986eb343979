"""How hospital records are named and titled. Rows are read one to one.

Hospital Episode Statistics have more than two hundred columns and every extract its own choice of
them, so the titles of a file are searched for those that are needed, and the others passed over.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence

from orchestration.sources.force import monthly, yearly
from orchestration.sources.headers import Match, Near, column_map, difference, layouts, normal
from orchestration.sources.model import Note
from orchestration.sources.tables import Where, financial_year

HES = "hospital/hes_apc"
#: The data dictionary's way to write a financial year: 0102 for 2001/02.
_YEAR = re.compile(r"(?<!\d)(\d\d)(\d\d)(?!\d)")


def hes_year(name: str) -> str | None:
    """``YYYY/YY`` where a file name holds one financial year, as anybody or as HES writes it."""
    found = financial_year(name)
    if found:
        return found
    years = {(a, b) for a, b in _YEAR.findall(name) if (int(a) + 1) % 100 == int(b)}
    if len(years) != 1:
        return None
    ((first, second),) = years
    return f"{'19' if int(first) >= 89 else '20'}{first}/{second}"


def match_hes(titles: Sequence[str], where: Where) -> Match | Near | None:
    """Titles of an extract of HES: every title of a layout, in any case, and any others beside.

    A title that a layout does not need and another one knows feeds its column too, so that a short
    extract may bring what it has. Columns without a title are null.
    """
    known = layouts(HES, where.settings)
    have = [normal(t) for t in titles]
    twice = {t for t, count in Counter(have).items() if count > 1}
    found: tuple[int, str, dict[str, str]] | None = None
    nearest: tuple[float, str] | None = None
    published = column_map(HES)[1]
    for era, layout in known.items():
        wanted = {normal(title): column for title, column in layout.items()}
        if not wanted:
            continue
        hits = len(set(have) & set(wanted))
        if hits == len(wanted) and not twice & set(wanted):
            # A force's own layout is the right one, however many titles the published ones find.
            rank = len(wanted) + (1_000 if era not in published else 0)
            if found is None or rank > found[0]:
                found = (rank, era, wanted)
        elif nearest is None or hits / len(wanted) > nearest[0]:
            nearest = (hits / len(wanted) if hits >= 3 else 0.0, era)
    if found is None:
        return (
            Near(nearest[1], nearest[0], _wrong(titles, known[nearest[1]], nearest[1]))
            if (nearest)
            else None
        )
    _, era, feeds = found
    fed = set(feeds.values())
    for layout in published.values():
        for title, column in layout.items():
            if normal(title) in have and normal(title) not in twice and column not in fed:
                feeds[normal(title)] = column
                fed.add(column)
    pairs = tuple((t, feeds.get(h, "")) for t, h in zip(titles, have, strict=True))
    notes = []
    others = [t for t, column in pairs if not column]
    if others:
        notes.append(Note("columns_passed_over", f"{_list(others)} not needed and not read"))
    full = next(iter(published.values()))
    absent = [title for title, column in full.items() if column not in fed]
    if absent:
        notes.append(Note("columns_left_out", f"{_list(absent)} not in the file"))
    return Match(era, pairs, tuple(notes))


def _list(titles: Sequence[str]) -> str:
    """``3 columns (A, B, C) are``, the first few of them."""
    shown = ", ".join(titles[:5]) + (" …" if len(titles) > 5 else "")
    return f"1 column ({shown}) is" if len(titles) == 1 else f"{len(titles)} columns ({shown}) are"


def _wrong(titles: Sequence[str], layout: dict[str, str], era: str) -> str:
    """Words for what is missing. Of the titles beside it only those are named that may be meant."""
    wanted = {normal(t) for t in layout}
    missing = wanted - {normal(t) for t in titles}
    near = [
        t
        for t in titles
        if normal(t) in wanted or difflib.get_close_matches(normal(t), missing, 1, 0.9)
    ]
    return difference(near, layout, era)


TABLES = (
    yearly(HES, "hes_apc", others=("artificial_hes_apc",), match=match_hes, year_of=hes_year),
    monthly("hospital/ecds", "ecds"),
)
