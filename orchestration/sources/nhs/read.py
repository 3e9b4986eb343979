"""The NHS tabulation of hospital episodes for assault by sharp object, exactly as published.

A workbook with one sheet per breakdown. A sheet has a header of two or three rows (region, where
there is one sex, then FAEs and FCEs side by side), a block of rows per financial year with the
year on its first row only, month and category likewise, a total row after each block, and remarks
below. Every cell of that table becomes a record; which year a total belongs to is decided by the
block it closes, not by its label (one published label is wrong).

What a published cell allows, from the publisher's note on disclosure control:

* ``*`` is a count of 1 to 7 (in the England column too: a national total of 1 to 7 is hidden);
* a sub-national zero is zero; every other sub-national count is rounded to the nearest 5, so a
  published n stands for n - 2 to n + 2. For 10 that is 8 to 12, which agrees with 7 being the
  largest hidden count;
* a number in the England column is exact;
* an empty cell is kept apart: later years leave out what earlier years write as zero or '*', so
  it stands for 0 to 7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orchestration.sources.headers import Match, Near, column_map, fold, normal
from orchestration.sources.model import LoadRefused, Member, Note, TextBatch
from orchestration.sources.tables import Table, Where, month_number, to_batch
from orchestration.sources.workbook import Sheet, cell_name, stray_cells

TABLE = "nhs/hes_sharp_object"
#: The header is looked for in this many rows.
HEADER_WITHIN = 40
_EPISODES = {"faes": "FAE", "fces": "FCE", "fae": "FAE", "fce": "FCE"}
_YEAR = re.compile(r"((?:19|20)\d\d)[-/ ]((?:19|20)?\d\d)")
_TOTAL = re.compile(r"((?:19|20)\d\d)[-/ ]((?:19|20)?\d\d) total")
_BREAKDOWNS = {"age": "age_group", "ethnic": "ethnicity"}


@dataclass(frozen=True)
class _Column:
    at: int
    area: str
    category: str | None
    episode: str


@dataclass(frozen=True)
class _Header:
    """Where a sheet's table begins and what its columns are (rows and columns 0-based)."""

    row: int
    year: int
    month: int
    category: int | None
    breakdown: str
    columns: tuple[_Column, ...]


def _word(text: str) -> str:
    """Cell for comparing: levelled, without the number of a footnote at its end ('FAEs1')."""
    return re.sub(r"(?<=[a-z])[\d,]+$", "", normal(text))


def _header_row(sheet: Sheet) -> tuple[int, list[str]] | None:
    """The row with the most FAE and FCE titles among the first ones, if it has any pair."""
    best: tuple[int, int] | None = None
    for i, row in enumerate(sheet.rows[:HEADER_WITHIN]):
        count = sum(_word(cell) in _EPISODES for cell in row)
        if count >= 2 and (best is None or count > best[0]):
            best = (count, i)
    if best is None:
        return None
    return best[1], [_word(cell) for cell in sheet.rows[best[1]]]


def _find_header(sheet: Sheet) -> _Header | str | None:
    """The header by content, wherever it stands; words where it is broken; None where none is."""
    found = _header_row(sheet)
    if found is None:
        return None
    at, words = found
    values = [i for i, word in enumerate(words) if word in _EPISODES]
    labels = [(i, w) for i, w in enumerate(words[: values[0]]) if w]
    by_word = {w: i for i, w in labels}
    where = f"row {at + 1}"
    missing = [t for t in ("Year", "Month") if t.lower() not in by_word]
    if missing:
        return f"the header in {where} has no column {' and '.join(repr(m) for m in missing)}"
    others = [(i, w) for i, w in labels if w not in ("year", "month")]
    strange = [w for w in words[values[0] : values[-1] + 1] if w not in _EPISODES]
    if strange:
        cell = next(i for i in range(values[0], values[-1] + 1) if words[i] not in _EPISODES)
        title = fold(sheet.rows[at][cell])
        what = f"{title!r}" if title else "nothing"
        return f"{cell_name(at, cell)} says {what} where FAEs or FCEs is due"
    breakdown, category = "total", None
    if len(others) > 1:
        return f"the header in {where} has columns that are not known: " + ", ".join(
            repr(w) for _, w in others
        )
    if others:
        category, title = others[0]
        breakdown = next((b for part, b in _BREAKDOWNS.items() if part in title), "")
        if not breakdown:
            return f"the header in {where} has a column that is not known: {title!r}"
    levels = _levels(sheet, at, values)
    if not levels:
        return f"no row above the header in {where} names the areas"
    if len(levels) > 2:
        return f"{len(levels)} header rows above {where} where one or two are due"
    sexes = levels[1] if len(levels) == 2 else None
    if sexes is not None:
        if {normal(s) for s in sexes.values()} - {
            "female",
            "male",
            "unknown",
            "not known",
            "other",
        }:
            odd = sorted(set(sexes.values()))
            return "the second header row is not sexes: " + ", ".join(repr(s) for s in odd[:6])
        breakdown = "sex" if breakdown == "total" else breakdown
    columns = []
    for i in values:
        if not levels[0].get(i):
            return f"no area is named above {cell_name(at, i)}"
        columns.append(_Column(i, levels[0][i], sexes[i] if sexes else None, _EPISODES[words[i]]))
    groups: dict[tuple[str, str | None], list[str]] = {}
    for c in columns:
        groups.setdefault((c.area, c.category), []).append(c.episode)
    for (area, sex), episodes in groups.items():
        if sorted(episodes) != ["FAE", "FCE"]:
            name = f"{area} ({sex})" if sex else area
            return (
                f"{name!r} has the columns {', '.join(episodes)} where one FAE and one FCE is due"
            )
    return _Header(at, by_word["year"], by_word["month"], category, breakdown, tuple(columns))


def _levels(sheet: Sheet, at: int, values: list[int]) -> list[dict[int, str]]:
    """Header rows directly above, top first: column -> title, merged titles carried rightwards."""
    levels: list[dict[int, str]] = []
    for i in range(at - 1, -1, -1):
        row = sheet.rows[i]
        titles = {c: fold(row[c]) for c in values if c < len(row) and fold(row[c])}
        first = min(titles, default=None)
        # A title or remark is one long cell; area and sex names are several, from the first value
        # column on.
        if len(titles) < 2 and not (first == values[0] and len(values) <= 4):
            break
        if titles and max(len(t) for t in titles.values()) > 120:
            break
        carried, current = {}, ""
        for c in values:
            current = titles.get(c, current)
            carried[c] = current
        levels.insert(0, carried)
    return levels


def grid(sheet: Sheet, where: Where) -> Match | Near | None:
    """Whether a sheet holds the tabulation: by what its cells say, wherever they stand."""
    header = _find_header(sheet)
    if header is None:
        return None
    if isinstance(header, str):
        return Near("tabulation", 1.0, header)
    columns = [(sheet.rows[header.row][header.year], "financial_year")]
    columns.append((sheet.rows[header.row][header.month], "month"))
    return Match(
        "tabulation",
        tuple((fold(t), c) for t, c in columns),
        options=(("breakdown", header.breakdown),),
    )


def claim(where: Where) -> tuple[str, str | None]:
    """A sheet claims its own name: what it breaks down by stands in its cells."""
    return fold(where.sheet or ""), None


def interval(text: str, *, national: bool) -> tuple[str | None, str | None, str | None, str]:
    """(count, least, greatest, disclosure) of a published cell; see the module's docstring.

    Text that is neither a number, ``*`` nor empty gives no bounds and no disclosure: the contract
    then quarantines the cell.
    """
    plain = text.strip()
    if plain == "":
        return None, "0", "7", "blank"
    if plain in ("*", "\u2217"):
        return None, "1", "7", "suppressed"
    number = plain.replace(",", "")
    if not re.fullmatch(r"\d+", number):
        return None, None, None, ""
    count = int(number)
    if national or count == 0:
        return number, number, number, "exact"
    # Not a multiple of 5: not rounded after all; taken at its word.
    if count % 5:
        return number, number, number, "exact"
    return number, str(max(count - 2, 1)), str(count + 2), "rounded"


def read_grid(member: Member, sheet: Sheet) -> Iterator[TextBatch]:
    """One record per cell of the sheet's table, in reading order. Raises ``LoadRefused``."""
    header = _find_header(sheet)
    if not isinstance(header, _Header):
        raise LoadRefused("wrong_header", header or "the sheet does not hold the tabulation")
    names, _ = column_map(TABLE)
    columns: dict[str, list[str | None]] = {n: [] for n in names}
    numbers: list[int] = []
    notes: list[Note] = []
    remarks: list[str] = []
    beside: list[str] = []
    unrounded: list[str] = []
    year: int | None = None
    month: int | None = None
    label = category = ""
    months: dict[str, list[int]] = {}
    seen: set[tuple[str, int | None, str]] = set()
    repeated: list[str] = []
    table_columns = {header.year, header.month, header.category, *(c.at for c in header.columns)}
    for at in range(header.row + 1, len(sheet.rows)):
        row = sheet.rows[at]
        beside += [
            cell_name(at, i)
            for i, cell in enumerate(row)
            if cell.strip() and i not in table_columns
        ]

        def cell(i: int | None, row: list[str] = row) -> str:
            return row[i] if i is not None and i < len(row) else ""

        year_text = normal(cell(header.year))
        month_text = normal(cell(header.month))
        filled = any(cell(c.at).strip() for c in header.columns)
        named = any(cell(i).strip() for i in (header.month, header.category))
        year_text = "" if year_text == "-" else year_text
        total = _TOTAL.fullmatch(year_text) or (year_text == "" and _TOTAL.fullmatch(month_text))
        begins = _YEAR.fullmatch(year_text)
        place = cell_name(at, header.year)
        if not filled and not begins and not total and not named:
            if year_text:
                remarks.append(fold(cell(header.year)))
            continue
        if total:
            if year is None:
                raise LoadRefused("unreadable_row", f"{place} is a total before any year has begun")
            label_year = int(total[1])
            label = cell(header.year) if year_text else cell(header.month)
            if label_year != year:
                notes.append(
                    Note(
                        "label_disagrees",
                        f"{place} is labelled {fold(label)!r} but closes the block of "
                        f"{_financial(year)}: it was entered for {_financial(year)}",
                    )
                )
            month, category = None, ""
            given = normal(cell(header.category))
            if header.category is not None and given not in ("", "-"):
                category = cell(header.category)
        else:
            if begins:
                if int(begins[2][-2:]) != (int(begins[1]) + 1) % 100:
                    raise LoadRefused(
                        "unreadable_row",
                        f"{place} says {fold(cell(header.year))!r}, which is not a financial year",
                    )
                year = int(begins[1])
                month = None
            elif year_text:
                raise LoadRefused(
                    "unreadable_row",
                    f"{place} says {fold(cell(header.year))!r} where a financial year, its "
                    "total or nothing is due",
                )
            if month_text not in ("", "-"):
                month = month_number(month_text)
                label = cell(header.month)
                if month is None:
                    raise LoadRefused(
                        "unreadable_row",
                        f"{cell_name(at, header.month)} says {fold(label)!r}, which is not a month",
                    )
            if year is None or month is None:
                raise LoadRefused(
                    "unreadable_row",
                    f"row {at + 1} has values but no {'year' if year is None else 'month'}",
                )
            if header.category is None and month_text in ("", "-"):
                raise LoadRefused("unreadable_row", f"row {at + 1} has values but no month")
            category = cell(header.category)
            if header.category is not None and normal(category) in ("", "-"):
                raise LoadRefused(
                    "unreadable_row",
                    f"{cell_name(at, header.category)} is empty where a category is due",
                )
            of_year = months.setdefault(_financial(year), [])
            if month not in of_year:
                of_year.append(month)
        financial = _financial(year)
        calendar = None
        if not total and month is not None:
            calendar = f"{year if month >= 4 else year + 1}-{month:02d}"
        key = (financial, None if total else month, normal(category))
        if key in seen:
            repeated.append(f"row {at + 1}")
        seen.add(key)
        for c in header.columns:
            published = cell(c.at)
            national = normal(c.area) == "england"
            count, least, greatest, disclosure = interval(published, national=national)
            if disclosure == "exact" and not national and count != "0":
                unrounded.append(cell_name(at, c.at))
            record = {
                "sheet_name": sheet.name,
                "source_cell": cell_name(at, c.at),
                "breakdown": header.breakdown,
                "category": c.category or (fold(category) if category else None),
                "area_name": c.area,
                "financial_year": financial,
                "month": calendar,
                "period_label": label,
                "episode_type": c.episode,
                "published_value": published,
                "episode_count": count,
                "episode_count_lower": least,
                "episode_count_upper": greatest,
                "disclosure": disclosure,
            }
            for name, values in columns.items():
                values.append(record[name])
            numbers.append(len(numbers) + 1)
    for financial, given in months.items():
        usual = [4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3]
        if given != usual:
            words = f"the block of {financial} has {len(given)} months"
            if len(given) == 12:
                words = f"the months of {financial} do not run from April to March"
            notes.append(Note("incomplete_year", words))
    if repeated:
        notes.append(
            Note("repeated_period", "the same period and category stands twice: " + _some(repeated))
        )
    if unrounded:
        notes.append(
            Note(
                "not_rounded",
                "sub-national counts that are not multiples of 5, taken as exact: "
                + _some(unrounded),
            )
        )
    if beside:
        notes.append(stray_cells(beside))
    remarks = [r for r in remarks if not r.lower().startswith("source:")]
    if remarks:
        notes.append(Note("table_remarks", "remarks below the table: " + " | ".join(remarks)))
    if not numbers:
        notes.append(Note("no_rows", "the sheet has a header and no rows"))
    yield to_batch(TABLE, columns, numbers, (), tuple(notes))


def _financial(year: int) -> str:
    return f"{year}/{(year + 1) % 100:02d}"


def _some(items: list[str]) -> str:
    return ", ".join(items[:10]) + (f" and {len(items) - 10} more" if len(items) > 10 else "")


TABLES = (
    Table(
        name=TABLE,
        patterns=(r"assault[-_ ](by[-_ ])?sharp[-_ ]object", r"sharp[-_ ]object[-_ ].*region"),
        claim=claim,
        one_to_one=False,
        grid=grid,
        read_grid=read_grid,
    ),
)
