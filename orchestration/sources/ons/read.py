"""Office for National Statistics files: lookups one to one, wide tables one record per cell.

Population by single year of age and the police force area tables P1, P6 and P8 are wide: their
columns are ages, offence groups or twelve-month periods. Each published cell becomes a record, and
``_row_number`` counts the cells in reading order (a row that cannot be read counts as one).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from orchestration.sources.headers import Match, Near, column_map, difference, fold, layouts, normal
from orchestration.sources.model import LoadRefused, Member, Note, Rejected, TextBatch
from orchestration.sources.tables import (
    BATCH,
    Chunk,
    Table,
    Where,
    month_number,
    plain,
    to_batch,
)

# ----------------------------------------------------------------------- population

AGES = (*(str(a) for a in range(90)), "90+")
_LTLA = re.compile(r"ltla ?(\d\d) ?(code|name)$")


def match_population(titles: Sequence[str], where: Where) -> Match | Near | None:
    """Titles of a population table: authority code and name, total, ages 0 to 89 and 90+.

    The authority columns carry the year of the boundaries (``ltla21_code``): any year is accepted.
    """
    table = "ons/population"
    known: dict[str, tuple[str, str]] = {}
    era = "wide"
    for title in titles:
        name = normal(title)
        found = _LTLA.fullmatch(name)
        if found:
            known[name] = (title, f"ltla_{found[2]}")
            era = f"ltla{found[1]}"
    own = {e: m for e, m in layouts(table, where.settings).items() if e not in column_map(table)[1]}
    for own_era, layout in own.items():
        for title, column in layout.items():
            if normal(title) in {normal(t) for t in titles}:
                known[normal(title)] = (title, column)
                era = own_era
    wanted = {"total population": "population", **{normal(a): "population" for a in AGES}}
    for title, column in known.items():
        wanted[title] = column[1]
    have = [normal(t) for t in titles]
    authority = {column for _, column in known.values()} >= {"ltla_code", "ltla_name"}
    if authority and len(have) == len(wanted) and set(have) == set(wanted):
        return Match(era, tuple((t, wanted[n]) for t, n in zip(titles, have, strict=True)))
    layout = ["ltla21_code", "ltla21_name", "total_population", *AGES]
    if authority:
        layout = [t for t, _ in known.values()] + layout[2:]
    hits = len(set(have) & {normal(t) for t in layout})
    return Near("wide", hits / len(layout) if hits >= 3 else 0.0, difference(titles, layout, era))


def claim_population(where: Where) -> tuple[str, str | None]:
    """Reference year from the file or sheet name; LoadRefused where it gives none."""
    for name in (where.sheet or "", where.name):
        found = re.search(r"mid[-_ ]?((?:19|20)\d\d)(?!\d)", name.lower())
        if found:
            return found[1], found[1]
    raise LoadRefused(
        "bad_file_name",
        f"the table does not say which year it is for, and neither does the name {where.name!r}: "
        "put the reference year into it, such as population_mid2020_ltla21.csv",
    )


def read_population(member: Member, chunks: Iterable[Chunk]) -> Iterator[TextBatch]:
    """One record per authority and age ('total', '0' to '89', '90+')."""
    code = next(i for i, (_, c) in enumerate(member.columns) if c == "ltla_code")
    name = next(i for i, (_, c) in enumerate(member.columns) if c == "ltla_name")
    ages = [
        (i, "total" if normal(title) == "total population" else fold(title))
        for i, (title, column) in enumerate(member.columns)
        if column == "population"
    ]

    def cells(row: Sequence[str | None]) -> Iterator[dict[str, str | None]]:
        for i, age in ages:
            yield {
                "ltla_code": row[code],
                "ltla_name": row[name],
                "reference_year": member.claim,
                "age": age,
                "population": row[i],
            }

    yield from _unpivot(member, chunks, cells)


def _unpivot(member: Member, chunks: Iterable[Chunk], cells) -> Iterator[TextBatch]:
    names, _ = column_map(member.table)
    number = 0
    for chunk in chunks:
        # Rejected rows are merged back by their place, so that numbers follow the file.
        rows = [(n, row, None) for n, row in zip(chunk.numbers, chunk.rows, strict=True)]
        rows += [(r.row_number, (), r) for r in chunk.rejected]
        rows.sort(key=lambda x: x[0])
        columns: dict[str, list[str | None]] = {n: [] for n in names}
        numbers: list[int] = []
        rejected: list[Rejected] = []
        for _, row, bad in rows:
            if bad is not None:
                number += 1
                words = f"row {bad.row_number} of the table: {bad.message}"
                rejected.append(Rejected(number, bad.kind, words, bad.text))
                continue
            for record in cells(row):
                number += 1
                numbers.append(number)
                for column, values in columns.items():
                    values.append(record.get(column))
            if len(numbers) >= BATCH:
                yield to_batch(member.table, columns, numbers, tuple(rejected))
                columns = {n: [] for n in names}
                numbers, rejected = [], []
        yield to_batch(member.table, columns, numbers, tuple(rejected))


# ----------------------------------------------------------------------- police force area tables

_NOTE = re.compile(r"\[notes? ([^\]]*)\]", re.IGNORECASE)
_PERIOD = re.compile(r"([A-Za-z]{3,9})\.? (\d{4}) to ([A-Za-z]{3,9})\.? (\d{4})")
_NUMBER = re.compile(r"-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?([eE][-+]?\d+)?")
_CODE = normal("Area Code"), normal("Area Codes")
_NAME = (normal("Area Name"),)

#: Offence groups by which table P1 is known.
P1_GROUPS = (
    "Total recorded crime (excluding fraud)",
    "Violence against the person",
    "Homicide",
    "Violence with injury",
    "Violence without injury",
    "Stalking and harassment",
    "Sexual offences",
    "Robbery",
    "Theft offences",
    "Burglary",
    "Vehicle offences",
    "Criminal damage and arson",
    "Drug offences",
    "Possession of weapons offences",
    "Public order offences",
)


def split_notes(text: str) -> tuple[str, list[str]]:
    """Text without its note markers, blanks folded, and the note numbers: 'Kent [note 8, 10]'."""
    notes: list[str] = []
    for found in _NOTE.findall(text):
        notes += [n.strip() for n in re.split(r"[,;]| and ", found) if n.strip()]
    return fold(_NOTE.sub(" ", text)), notes


def period_of(title: str) -> tuple[str, str] | None:
    """First and last month (YYYY-MM) of the period a title begins with, or None."""
    found = _PERIOD.search(fold(title))
    if not found:
        return None
    first, last = month_number(found[1]), month_number(found[3])
    if first is None or last is None:
        return None
    return f"{found[2]}-{first:02d}", f"{found[4]}-{last:02d}"


def measure_of(title: str) -> str:
    """offences, share_pct or change_pct, from a column title."""
    plain_title = normal(title)
    if "compared with" in plain_title or "change" in plain_title:
        return "change_pct"
    if plain_title.startswith("%") or "percentage" in plain_title or "per cent" in plain_title:
        return "share_pct"
    return "offences"


def area_level(code: str) -> str:
    """country, region, force or other, from the letters of an area code."""
    if code[:3] in ("K04", "K03", "K02", "E92", "W92"):
        return "country"
    if code[:3] == "E12":
        return "region"
    if code[:3] in ("E23", "W15"):
        return "force"
    return "other"


def status_of(text: str) -> tuple[str | None, str, list[str]]:
    """(number as text, status, note numbers) of a published cell."""
    plain_text, notes = split_notes(text)
    bare = re.sub(r"\[[a-z]\]$", "", plain_text).strip()
    if _NUMBER.fullmatch(bare):
        return bare.replace(",", ""), "given", notes
    if plain_text == "":
        return None, "blank", notes
    if normal(plain_text) == "[u]":
        return None, "unreliable", notes
    if re.fullmatch(r"\[[a-z]{1,3}\]|\.\.|[-–—:]|n/?a|z|x", normal(plain_text)):
        return None, "not_available", notes
    return None, "", notes  # no status: the contract quarantines the cell


def _match_pfa(table: str, which: str):
    def match(titles: Sequence[str], where: Where) -> Match | Near | None:
        bare = [split_notes(t)[0] for t in titles]
        have = [normal(t) for t in bare]
        own = {
            e: m for e, m in layouts(table, where.settings).items() if e not in column_map(table)[1]
        }
        codes = {
            *_CODE,
            *(normal(t) for m in own.values() for t, c in m.items() if c == "area_code"),
        }
        names = {
            *_NAME,
            *(normal(t) for m in own.values() for t, c in m.items() if c == "area_name"),
        }
        is_code = [h in codes for h in have]
        is_name = [h in names for h in have]
        rest = [t for t, c, n in zip(titles, is_code, is_name, strict=True) if not c and not n]
        periods = [t for t in rest if period_of(split_notes(t)[0])]
        hint = normal(" ".join([where.name, where.sheet or "", where.above]))
        options: tuple[tuple[str, str], ...] = ()
        notes: list[Note] = []
        if which == "p1":
            groups = {normal(g) for g in P1_GROUPS}
            hits = len(groups & set(have))
            fits = hits >= 8
            strange: list[str] = []
            wanted = ["Area Code", "Area Name", *P1_GROUPS]
            score = (hits + any(is_code) + any(is_name)) / len(wanted)
            missing = [g for g in P1_GROUPS if normal(g) not in have]
            if fits and missing:
                notes.append(
                    Note("missing_column", "usual columns are missing: " + ", ".join(missing))
                )
            period = _year_ending(where.above)
            options = (("period", period),) if period else ()
        else:
            knife = sum("involving a knife" in h for h in have)
            # The periods alone are those of several tables: knife shares, the name or the title
            # above tell them apart.
            mine = knife > 0 if which == "p6" else not knife and _says(hint, "p8", "firearm")
            if which == "p6" and not knife:
                mine = _says(hint, "p6", "knife") and bool(periods)
            fits = mine and len(periods) >= 2
            strange = [t for t in rest if t not in periods]
            wanted = ["Area Code", "Area Name", *periods]
            score = (len(periods) / max(len(rest), 1)) * mine
        if sum(is_code) == 1 and sum(is_name) == 1 and fits and not strange and rest:
            folded = [fold(t) for t in titles]
            twice = sorted({t for t in folded if folded.count(t) > 1})
            if not twice:
                pairs = tuple(
                    (t, "area_code" if c else "area_name" if n else "value")
                    for t, c, n in zip(titles, is_code, is_name, strict=True)
                )
                return Match("police_force_area_table", pairs, tuple(notes), options)
            words = "given twice: " + ", ".join(repr(t) for t in twice)
            return Near("police_force_area_table", score, words)
        if which == "p1":
            words = difference(bare, wanted, "police_force_area_table")
        else:
            lacking = [
                w for w, flags in (("Area Code", is_code), ("Area Name", is_name)) if not any(flags)
            ]
            parts = []
            if lacking:
                parts.append("missing: " + ", ".join(repr(t) for t in lacking))
            if strange:
                shown = ", ".join(repr(t) for t in strange[:10])
                parts.append("not known (no twelve-month period in the title): " + shown)
            if not periods:
                parts.append("no column is titled with a period such as 'Apr 2019 to Mar 2020'")
            words = "; ".join(parts) or "the titles are not those of the table"
        return Near("police_force_area_table", score if len(titles) >= 3 else 0.0, words)

    return match


def _says(hint: str, number: str, word: str) -> bool:
    return word in hint or re.search(rf"(?<![a-z0-9]){number}(?![0-9])", hint) is not None


def _year_ending(above: str) -> str | None:
    found = re.search(r"year ending ([A-Za-z]{3,9}) (\d{4})", above)
    month = month_number(found[1]) if found else None
    if not found or month is None:
        return None
    year = int(found[2])
    first = f"{year}-01" if month == 12 else f"{year - 1}-{month + 1:02d}"
    return f"{first}/{year}-{month:02d}"


def read_pfa(member: Member, chunks: Iterable[Chunk]) -> Iterator[TextBatch]:
    """One record per area and column of a police force area table."""
    code = next(i for i, (_, c) in enumerate(member.columns) if c == "area_code")
    name = next(i for i, (_, c) in enumerate(member.columns) if c == "area_name")
    whole = dict(member.options).get("period", "").split("/")
    columns = []
    for i, (title, column) in enumerate(member.columns):
        if column != "value":
            continue
        words, notes = split_notes(title)
        period = period_of(words) or (whole if len(whole) == 2 else (None, None))
        columns.append((i, words, notes, period, measure_of(words)))

    def cells(row: Sequence[str | None]) -> Iterator[dict[str, str | None]]:
        area, area_notes = split_notes(row[name] or "")
        area_code = fold(row[code] or "")
        area_code, code_notes = split_notes(area_code)
        for i, words, title_notes, (first, last), measure in columns:
            published = row[i] or ""
            number, status, cell_notes = status_of(published)
            notes = dict.fromkeys([*area_notes, *code_notes, *title_notes, *cell_notes])
            yield {
                "area_code": area_code,
                "area_name": area,
                "area_level": area_level(area_code),
                "notes": ", ".join(sorted(notes, key=_note_order)) or None,
                "column_title": words,
                "period_start_month": first,
                "period_end_month": last,
                "published_value": published,
                "value": number,
                "value_status": status,
                "measure": measure,
            }

    yield from _unpivot(member, chunks, cells)


def _note_order(note: str) -> tuple[int, str]:
    return (int(note), "") if note.isdigit() else (1_000, note)


TABLES = (
    Table("ons/lookup_lad_csp_pfa", (r"lookup[-_ ]lad19[-_ ]csp19[-_ ]pfa19",), shape=plain),
    Table("ons/lookup_lsoa_msoa", (r"lookup[-_ ]lsoa11[-_ ]msoa11",), shape=plain),
    Table("ons/lookup_ltla_region", (r"lookup[-_ ]ltla21[-_ ]region21",), shape=plain),
    Table(
        "ons/population",
        (r"population[-_ ].*mid[-_ ]?\d{4}", r"mid[-_ ]?\d{4}.*population", r"^population[-_ ]"),
        claim=claim_population,
        match=match_population,
        shape=read_population,
        one_to_one=False,
    ),
    Table("ons/imd", (r"imd[-_ ]?2019",), shape=plain),
    Table("ons/ethnicity", (r"census[-_ ]?2021[-_ ].*ethnic",), shape=plain),
    Table(
        "ons/p1_recorded_crime",
        (r"(?<![a-z0-9])p1[-_ ]", r"recorded[-_ ]crime[-_ ]by[-_ ]group"),
        match=_match_pfa("ons/p1_recorded_crime", "p1"),
        shape=read_pfa,
        one_to_one=False,
    ),
    Table(
        "ons/p6_knife_offences",
        (r"(?<![a-z0-9])p6[-_ ]", r"knife[-_ ]offences[-_ ]by"),
        match=_match_pfa("ons/p6_knife_offences", "p6"),
        shape=read_pfa,
        one_to_one=False,
    ),
    Table(
        "ons/p8_firearm_offences",
        (r"(?<![a-z0-9])p8[-_ ]", r"firearm[-_ ]offences[-_ ]by"),
        match=_match_pfa("ons/p8_firearm_offences", "p8"),
        shape=read_pfa,
        one_to_one=False,
    ),
)
