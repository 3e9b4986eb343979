"""Says what a file is and reads it: the one door between files and the loader.

``identify`` never raises for what a file holds: each file ends up as members, refusals with words,
or unrecognised with a reason. ``read`` gives every record of a member, as text, or the rows that
could not be records. Importing this module is cheap on purpose (it is on the path of a run in
which nothing changed): Arrow and the workbook reader are imported where a file needs them.

Archives are not opened here: the loader unpacks them and asks for each file.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import importlib
import logging
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.sources import delimited, packed
from orchestration.sources.headers import Match, Near, fold, table_settings
from orchestration.sources.model import (
    Found,
    LoadRefused,
    Member,
    Note,
    Refused,
    TextBatch,
    Unrecognised,
)
from orchestration.sources.scan import file_sha256, head_of, head_records, scan, why_not_text
from orchestration.sources.tables import Table, Where, plain

if TYPE_CHECKING:
    from orchestration.sources.workbook import Sheet

OPEN_SOURCES = ("police_uk", "home_office", "nhs", "ons", "grants_360", "mappings")
#: Sources of a force's own extracts.
FORCE_SOURCES = (
    "legacy",
    "connect",
    "incidents",
    "geography",
    "audits",
    "grants",
    "hospital",
    "programme",
)
SOURCES = (*OPEN_SOURCES, *FORCE_SOURCES)

DELIMITED = (".csv",)
WORKBOOK = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
PARQUET = (".parquet", ".pq")
JSON = (".json",)

log = logging.getLogger(__name__)

#: Title rows are looked for above the header in this many records.
HEADER_WITHIN = 30
#: A header with at least this share of a layout's titles is taken for that layout, gone wrong.
NEAR = 0.5

_NOT_DATA = {
    ".md": "a text document",
    ".txt": "a text document",
    ".pdf": "a document",
    ".doc": "a document",
    ".docx": "a document",
    ".html": "a web page",
    ".yml": "a configuration file",
    ".yaml": "a configuration file",
}


@cache
def tables() -> dict[str, Table]:
    """Every table that has a reader, by name."""
    found: dict[str, Table] = {}
    for source in SOURCES:
        module = importlib.import_module(f"orchestration.sources.{source}.read")
        found.update({table.name: table for table in module.TABLES})
    return found


def _active(settings: object) -> list[Table]:
    return [
        t
        for t in tables().values()
        if table_settings(settings, t.name).get("enabled", True) is not False
    ]


def _named(name: str, settings: object) -> Table | None:
    """The table that claims a file name: a force's own patterns come before the published ones, and
    of several of its own the longest, which says the most (``INV*`` and ``INVOLVED*``).

    A packed file is claimed by the name of the file in it, or by its own.
    """
    inner = packed.inner_name(name) or name
    claims: list[tuple[int, Table]] = []
    for table in _active(settings):
        own = table_settings(settings, table.name).get("files") or ()
        for pattern in [own] if isinstance(own, str) else own:
            if any(fnmatch.fnmatch(n.lower(), str(pattern).lower()) for n in (inner, name)):
                claims.append((len(str(pattern)), table))
    if claims:
        return max(claims, key=lambda claim: claim[0])[1]
    for table in _active(settings):
        if table.named(inner):
            return table
    return None


def table_named(name: str, settings: object = None) -> str | None:
    """The table (``source/table``) that claims a file name; None where none does."""
    table = _named(name, settings)
    return table.name if table is not None else None


def identify(path: Path, name: str, settings: object = None) -> list[Found]:
    """What a file holds: one ``Member`` per load to be, ``Refused`` or ``Unrecognised``.

    ``path`` is where the file lies, ``name`` the base name it arrived under, ``settings`` the
    installation's settings (``.sources`` is used) or None. Raises OSError where the file cannot be
    read at all; whatever the bytes are, nothing else.
    """
    name = Path(name).name
    inner = packed.inner_name(name)
    suffix = Path(inner or name).suffix.lower()
    table = _named(name, settings)
    where = Where(name=inner or name, settings=settings, packed_name=name if inner else None)
    if table is None:
        off = [
            t.name
            for t in tables().values()
            if t not in _active(settings) and t.named(inner or name)
        ]
        if off:
            return [Unrecognised(None, f"{off[0]} is switched off in the configuration")]
    if path.stat().st_size == 0:
        if table is not None and suffix in DELIMITED + WORKBOOK + PARQUET + JSON:
            return [
                Refused(
                    table.name,
                    None,
                    "empty_file",
                    f"{name} is empty (0 bytes): send it again; it stands for {table.name}",
                    file_sha256(path),
                )
            ]
        return [Unrecognised(None, "the file is empty (0 bytes)")]
    try:
        if suffix in DELIMITED:
            return _identify_delimited(path, table, where)
        if suffix in PARQUET:
            return _identify_parquet(path, table, where)
        if suffix in WORKBOOK and inner is None:
            return _identify_workbook(path, name, table, settings)
        if suffix in JSON and inner is None:
            return _identify_json(path, name, table, settings)
    except LoadRefused as refused:
        if table is None:
            return [Unrecognised(None, refused.message)]
        return [Refused(table.name, None, refused.code, refused.message, file_sha256(path))]
    except Exception as problem:
        if isinstance(problem, OSError) and problem.errno is not None:
            raise
        # A file nobody foresaw must end in words, and be looked into.
        log.exception("identifying %s", name)
        words = f"{name} could not be examined ({type(problem).__name__}: {problem})"
        if table is None:
            return [Unrecognised(None, words)]
        return [Refused(table.name, None, "unreadable", words, file_sha256(path))]
    if inner is not None:
        words = (
            "of packed files only CSV and Parquet are read (.csv.gz, .parquet.gz): unpack it first"
        )
        return [Unrecognised(None, words)]
    if suffix == ".zip":
        return [Unrecognised(None, "an archive inside an archive is not opened")]
    what = _NOT_DATA.get(suffix)
    return [
        Unrecognised(
            None,
            f"{what}: no source reads it" if what else "no source reads files of this kind",
        )
    ]


# ----------------------------------------------------------------------- delimited text


def _identify_delimited(path: Path, table: Table | None, where: Where) -> list[Found]:
    name, settings = where.shown, where.settings
    is_packed = where.packed_name is not None
    head = head_of(path, is_packed=is_packed)
    binary = why_not_text(head)
    if binary is not None:
        if table is None:
            return [Unrecognised(None, f"named like a table of text, but it is {binary}")]
        return [
            Refused(
                table.name,
                None,
                "not_text",
                f"{name} should be comma-separated text but is {binary}: save it as CSV (UTF-8)",
                file_sha256(path),
            )
        ]
    scanned = scan(path, is_packed=is_packed)
    records = head_records(head, scanned.encoding, limit=HEADER_WITHIN)
    if not records:
        if table is None:
            return [Unrecognised(None, "the file holds nothing but line ends")]
        words = f"{name} holds nothing but line ends: it stands for {table.name}"
        return [Refused(table.name, None, "empty_file", words, scanned.sha256)]
    found = _find(records, table, where, settings)
    if isinstance(found, _Wrong):
        words = found.words
        for other, called in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
            if len(records[0]) == 1 and other in records[0][0]:
                words += f". The fields seem to be separated by {called}: save it with commas"
        return [
            Refused(
                found.table.name,
                None,
                found.code,
                f"{name} cannot be read as {found.table.name}: {words}",
                scanned.sha256,
            )
        ]
    if found is None:
        return [Unrecognised(None, "neither its name nor its columns are those of any table")]
    claimed, at, _, match = found
    if at:
        lines = max(scanned.line_count - at, 0)
        scanned = dataclasses.replace(scanned, header=tuple(records[at]), line_count=lines)
    notes = list(match.notes)
    if at:
        notes.append(Note("rows_above_header", f"{at} rows stand above the header"))
    if scanned.encoding != "utf-8":
        notes.append(
            Note("encoding", "the text is not UTF-8 and was read as Windows-1252 (Latin-1)")
        )
    if scanned.line_count == 0:
        notes.append(Note("no_rows", "the file has a header and no rows"))
    try:
        claim, period = claimed.claim(where)
    except LoadRefused as refused:
        return [Refused(claimed.name, None, refused.code, refused.message, scanned.sha256)]
    return [
        Member(
            table=claimed.name,
            member=None,
            claim=claim,
            claim_period=period,
            content_sha256=scanned.sha256,
            layout_era=match.era,
            scan=scanned,
            notes=tuple(notes),
            columns=match.columns,
            options=(
                ("skip", str(at)),
                *match.options,
                *_options(claimed, path, settings),
                *_packed(where),
            ),
        )
    ]


class _Wrong:
    """Titles taken for a table's that are not: the table, a code, words, how near (0 to 1)."""

    def __init__(self, table: Table, code: str, words: str, score: float) -> None:
        self.table, self.code, self.words, self.score = table, code, words, score


def _find(
    records: list[list[str]], named: Table | None, where: Where, settings: object
) -> tuple[Table, int, int, Match] | _Wrong | None:
    """The header among the first records: (table, record, first column, match), or what is wrong.

    A file claimed by name is only compared with that table first; if its columns are another
    table's, the words say so.
    """
    if named is not None and named.shape is None:
        return _Wrong(named, "wrong_format", "it is read from the workbook as published", 1.0)
    candidates = [named] if named is not None else [t for t in _active(settings) if t.shape]
    nearest: tuple[float, Table, Near] | None = None
    for at, record in enumerate(records):
        first, titles = _span(record)
        if at and len(titles) < 3:
            continue
        above = " ".join(" ".join(r) for r in records[:at])
        here = dataclasses.replace(where, above=above)
        for table in candidates:
            compared = table.compare(titles, here)
            if isinstance(compared, Near) and titles != record:
                whole = table.compare(record, here)  # a title may really be empty
                if isinstance(whole, Match):
                    first, compared = 0, whole
            if isinstance(compared, Match):
                return table, at, first, compared
            if isinstance(compared, Near) and (nearest is None or compared.score > nearest[0]):
                nearest = (compared.score, table, compared)
    if named is not None:
        others = [t for t in _active(settings) if t is not named and t.shape]
        for table in others:
            if isinstance(table.compare(_span(records[0])[1], where), Match):
                words = f"its columns are those of {table.name}; correct the name or the file"
                return _Wrong(named, "wrong_header", words, 1.0)
        if nearest is not None:
            return _Wrong(named, "wrong_header", nearest[2].words, nearest[0])
        return _Wrong(named, "wrong_header", "its columns are not those of the table", 0.0)
    if nearest is not None and nearest[0] >= NEAR:
        return _Wrong(nearest[1], "wrong_header", nearest[2].words, nearest[0])
    return None


def _span(record: list[str]) -> tuple[int, list[str]]:
    """First filled column of a record and its titles from there to the last filled one."""
    filled = [i for i, title in enumerate(record) if title]
    if not filled:
        return 0, []
    return filled[0], record[filled[0] : filled[-1] + 1]


def _options(table: Table, path: Path, settings: object) -> tuple[tuple[str, str], ...]:
    return table.options(path, settings) if table.options is not None else ()


def _packed(where: Where) -> tuple[tuple[str, str], ...]:
    return (("compression", "gzip"),) if where.packed_name is not None else ()


def is_packed(member: Member) -> bool:
    """Whether the file of a member is packed with gzip."""
    return dict(member.options).get("compression") == "gzip"


# ----------------------------------------------------------------------- workbooks and Parquet


def _identify_workbook(path: Path, name: str, table: Table | None, settings: object) -> list[Found]:
    """Every sheet that holds a table is a load of its own; the others are listed in a note."""
    from orchestration.sources.workbook import sheets

    book = sheets(path)
    found: list[Found] = []
    others: list[str] = []
    nearest: _Wrong | None = None
    for sheet in book:
        where = Where(name=name, sheet=sheet.name, settings=settings)
        result = _find_in_sheet(sheet, table, where, settings)
        if isinstance(result, _Wrong):
            if result.score < NEAR:
                others.append(sheet.name)
                if nearest is None or result.score > nearest.score:
                    nearest = result
                continue
            words = f"sheet {sheet.name!r} of {name} cannot be read as {result.table.name}: "
            found.append(
                Refused(
                    result.table.name,
                    sheet.name,
                    result.code,
                    words + result.words,
                    sheet.sha256,
                )
            )
            continue
        if result is None:
            others.append(sheet.name)
            continue
        claimed, at, first, match = result
        notes = list(match.notes)
        if len(sheet.rows) <= at + 1:
            notes.append(Note("no_rows", "the sheet has a header and no rows"))
        try:
            claim, period = claimed.claim(where)
        except LoadRefused as refused:
            found.append(
                Refused(claimed.name, sheet.name, refused.code, refused.message, sheet.sha256)
            )
            continue
        found.append(
            Member(
                table=claimed.name,
                member=sheet.name,
                claim=claim,
                claim_period=period,
                content_sha256=sheet.sha256,
                layout_era=match.era,
                notes=tuple(notes),
                columns=match.columns,
                options=(
                    ("header", str(at)),
                    ("first", str(first)),
                    *match.options,
                    *_options(claimed, path, settings),
                ),
            )
        )
    listed = ", ".join(repr(n) for n in others)
    if not found:
        if table is None:
            return [Unrecognised(None, f"no sheet holds a table that is known (sheets: {listed})")]
        words = f"{name} stands for {table.name}, but none of its sheets holds that table"
        if nearest is not None and nearest.words:
            words += f"; {nearest.words}"
        return [
            Refused(
                table.name, None, "wrong_header", f"{words}. Sheets: {listed}", file_sha256(path)
            )
        ]
    if others:
        note = Note("other_sheets", f"sheets without a table, not read: {listed}")
        for i, member in enumerate(found):
            if isinstance(member, Member):
                found[i] = dataclasses.replace(member, notes=(*member.notes, note))
                break
    return found


def _find_in_sheet(
    sheet: Sheet, named: Table | None, where: Where, settings: object
) -> tuple[Table, int, int, Match] | _Wrong | None:
    grids = [t for t in _active(settings) if t.grid and (named is None or t is named)]
    for table in grids:
        result = table.grid(sheet, where)
        if isinstance(result, Match):
            return table, 0, 0, result
        if isinstance(result, Near):
            return _Wrong(table, "wrong_header", result.words, result.score)
    if named is not None and named.grid:
        return None
    records = [[fold(cell) for cell in row] for row in sheet.rows[:HEADER_WITHIN]]
    return _find(records, named, where, settings) if records else None


def _identify_parquet(path: Path, table: Table | None, where: Where) -> list[Found]:
    from orchestration.sources import columnar

    name, settings = where.shown, where.settings
    with packed.plain(path, must_be_packed=where.packed_name is not None) as unpacked:
        titles, rows = columnar.titles(unpacked)
    found = _find([list(titles)], table, where, settings)
    if found is None:
        return [Unrecognised(None, "neither its name nor its columns are those of any table")]
    digest = file_sha256(path)
    if isinstance(found, _Wrong):
        words = f"{name} cannot be read as {found.table.name}: {found.words}"
        return [Refused(found.table.name, None, found.code, words, digest)]
    claimed, _, _, match = found
    try:
        claim, period = claimed.claim(where)
    except LoadRefused as refused:
        return [Refused(claimed.name, None, refused.code, refused.message, digest)]
    notes = list(match.notes)
    if rows == 0:
        notes.append(Note("no_rows", "the file has columns and no rows"))
    return [
        Member(
            table=claimed.name,
            member=None,
            claim=claim,
            claim_period=period,
            content_sha256=digest,
            layout_era=match.era,
            notes=tuple(notes),
            columns=match.columns,
            options=(
                ("format", "parquet"),
                *match.options,
                *_options(claimed, path, settings),
                *_packed(where),
            ),
        )
    ]


def _identify_json(path: Path, name: str, table: Table | None, settings: object) -> list[Found]:
    from orchestration.privacy import SIMULATION_MANIFEST
    from orchestration.sources.grants_360 import read as grants

    if name == SIMULATION_MANIFEST:
        return [Unrecognised(None, "the simulator's list of the files it wrote")]
    awards = tables()["grants_360/awards"]
    if table is not None and table is not awards:
        raise LoadRefused("wrong_format", f"{table.name} is not read from JSON")
    if awards not in _active(settings) or (table is None and not grants.looks_like_awards(path)):
        if "schema" in name.lower():
            return [
                Unrecognised(None, "a schema: records are checked against it, it is not loaded")
            ]
        return [Unrecognised(None, "JSON that no source reads")]
    digest = file_sha256(path)
    count = grants.count_awards(path)
    notes = () if count else (Note("no_rows", "the package holds no grants"),)
    return [
        Member(
            table=awards.name,
            member=None,
            claim="",
            claim_period=None,
            content_sha256=digest,
            layout_era="json",
            notes=notes,
            options=(("format", "json"), *_options(awards, path, settings)),
        )
    ]


# ----------------------------------------------------------------------- reading


def read(member: Member, path: Path) -> Iterator[TextBatch]:
    """Every record of a member as text, at most 100,000 rows a batch; at least one batch.

    ``path`` is the file the member was identified in (or a copy of it). Rows and rejected rows
    together are all records of the file or sheet. Raises ``LoadRefused`` where the load cannot
    enter at all.
    """
    table = tables()[member.table]
    options = dict(member.options)
    if options.get("format") == "json":
        from orchestration.sources.grants_360 import read as grants

        yield from grants.read_json(member, path)
    elif options.get("format") == "parquet":
        from orchestration.sources import columnar

        with packed.plain(path) as unpacked:
            yield from table.shape(member, columnar.chunks(unpacked))
    elif member.scan is not None:
        rows = delimited.chunks(
            path, member.scan, skip=int(options.get("skip", "0")), is_packed=is_packed(member)
        )
        yield from table.shape(member, rows)
    else:
        from orchestration.sources import workbook

        found = workbook.sheets(path, only=member.member)
        if not found:
            raise LoadRefused("sheet_missing", f"there is no sheet {member.member!r}")
        if table.read_grid is not None:
            yield from table.read_grid(member, found[0])
        else:
            rows, notes = workbook.chunks(
                found[0], int(options["header"]), int(options["first"]), len(member.columns)
            )
            for batch in table.shape(member, rows):
                yield dataclasses.replace(batch, notes=(*batch.notes, *notes)) if notes else batch
                notes = ()


def fast_columns(member: Member, settings: object = None) -> list[tuple[str, str]] | None:
    """(title, contract column) in file order where DuckDB may read the file directly, else None.

    That is where a record is a line and every column of the file feeds one column or none (then
    the contract column is empty): UTF-8, no quotes, NUL bytes or empty lines, one kind of line end,
    no rows above the header, and as many commas as its lines need: DuckDB takes empty fields too
    many at the end of a row for none. A row with a field too few still stops DuckDB: then the exact
    reader is the one to use. Contract columns the layout does not have are not listed (they are
    null).
    """
    scanned = member.scan
    if scanned is None or not tables()[member.table].one_to_one:
        return None
    clean = (
        scanned.encoding == "utf-8"
        and not scanned.has_quotes
        and not scanned.has_nul
        and not scanned.has_blank_lines
        and scanned.newline in ("\n", "\r\n")
        and dict(member.options).get("skip", "0") == "0"
        and scanned.comma_count == (scanned.line_count + 1) * (len(scanned.header) - 1)
    )
    if not clean:
        return None
    # DuckDB goes by place: titles that are passed over may be alike, or like others.
    return [(t if c else f"passed over {n}", c) for n, (t, c) in enumerate(member.columns)]


def is_plain_parquet(member: Member) -> bool:
    """Whether a member is Parquet (once unpacked) whose every column feeds one column or none."""
    return dict(member.options).get("format") == "parquet" and tables()[member.table].shape is plain


def line_per_record(member: Member) -> bool:
    """Whether a delimited member has one record per line, so that ``scan.line_count`` must be the
    number of rows (where there are no quotes). Wide tables give one record per cell."""
    return tables()[member.table].one_to_one
