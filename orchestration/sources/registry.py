"""Says what a file is and reads it: the one door between files and the loader.

``identify`` never raises for what a file holds: each file ends up as members, refusals with words,
or unrecognised with a reason. ``read`` gives every record of a member, as text, or the rows that
could not be records. Importing this module is cheap on purpose (it is on the path of a run in
which nothing changed): Arrow and the workbook reader are imported where a file needs them.

Archives are not opened here: the loader unpacks them and asks for each file.
"""

from __future__ import annotations

import fnmatch
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from orchestration.sources import delimited
from orchestration.sources.headers import Match, Near, normal, table_settings
from orchestration.sources.model import (
    Found,
    LoadRefused,
    Member,
    Note,
    Refused,
    Scan,
    TextBatch,
    Unrecognised,
)
from orchestration.sources.scan import file_sha256, head_of, head_records, scan, why_not_text
from orchestration.sources.tables import Table, Where

SOURCES = ("police_uk", "home_office", "nhs", "ons", "grants_360", "mappings")

DELIMITED = (".csv",)
WORKBOOK = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
PARQUET = (".parquet", ".pq")
JSON = (".json",)

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
    """The table that claims a file name: a force's own patterns come before the published ones."""
    for table in _active(settings):
        own = table_settings(settings, table.name).get("files") or ()
        own = [own] if isinstance(own, str) else own
        if any(fnmatch.fnmatch(name.lower(), str(p).lower()) for p in own):
            return table
    for table in _active(settings):
        if table.named(name):
            return table
    return None


def identify(path: Path, name: str, settings: object = None) -> list[Found]:
    """What a file holds: one ``Member`` per load to be, ``Refused`` or ``Unrecognised``.

    ``path`` is where the file lies, ``name`` the base name it arrived under, ``settings`` the
    installation's settings (``.sources`` is used) or None. Raises OSError where the file cannot be
    read at all; whatever the bytes are, nothing else.
    """
    name = Path(name).name
    suffix = Path(name).suffix.lower()
    table = _named(name, settings)
    if table is None:
        off = [t.name for t in tables().values() if t not in _active(settings) and t.named(name)]
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
            return _identify_delimited(path, name, table, settings)
        if suffix in WORKBOOK:
            from orchestration.sources import workbook

            return _identify_grids(path, name, table, settings, workbook.sheets)
        if suffix in PARQUET:
            from orchestration.sources import parquet

            return parquet.identify(path, name, table, _active(settings), settings)
        if suffix in JSON:
            return _identify_json(path, name, table, settings)
    except LoadRefused as refused:
        if table is None:
            return [Unrecognised(None, refused.message)]
        return [Refused(table.name, None, refused.code, refused.message, file_sha256(path))]
    if suffix == ".gz":
        return [Unrecognised(None, "compressed files are not read: unpack it first")]
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


def _identify_delimited(
    path: Path, name: str, table: Table | None, settings: object
) -> list[Found]:
    head = head_of(path)
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
    scanned = scan(path)
    records = head_records(head, scanned.encoding, limit=HEADER_WITHIN)
    if not records:
        if table is None:
            return [Unrecognised(None, "the file holds nothing but line ends")]
        words = f"{name} holds nothing but line ends: it stands for {table.name}"
        return [Refused(table.name, None, "empty_file", words, scanned.sha256)]
    where = Where(name=name, settings=settings)
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
        scanned = Scan(
            **{
                **{f: getattr(scanned, f) for f in Scan.__dataclass_fields__},
                "header": tuple(records[at]),
                "line_count": max(scanned.line_count - at, 0),
            }
        )
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
            options=(("skip", str(at)),) + _options(claimed, path, settings),
        )
    ]


class _Wrong:
    """Titles that are taken for a table's and are not: the table, a code, words."""

    def __init__(self, table: Table, code: str, words: str) -> None:
        self.table, self.code, self.words = table, code, words


def _find(
    records: list[list[str]], named: Table | None, where: Where, settings: object
) -> tuple[Table, int, int, Match] | _Wrong | None:
    """The header among the first records: (table, record, first column, match), or what is wrong.

    A file claimed by name is only compared with that table first; if its columns are another
    table's, the words say so.
    """
    candidates = [named] if named is not None else [t for t in _active(settings) if not t.own]
    if named is None:
        candidates += [t for t in _active(settings) if t.own and t.match is not None]
    nearest: tuple[float, Table, Near] | None = None
    for at, record in enumerate(records):
        first, titles = _span(record)
        if at and len(titles) < 3:
            continue
        above = " ".join(" ".join(r) for r in records[:at])
        here = Where(where.name, where.sheet, above, where.settings)
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
        others = [t for t in _active(settings) if t is not named and not t.own]
        for table in others:
            if isinstance(table.compare(_span(records[0])[1], where), Match):
                return _Wrong(
                    named,
                    "wrong_header",
                    f"its columns are those of {table.name}; correct the name or the file",
                )
        if nearest is not None:
            return _Wrong(named, "wrong_header", nearest[2].words)
        return _Wrong(named, "wrong_header", "its columns are not those of the table")
    if nearest is not None and nearest[0] >= NEAR:
        return _Wrong(nearest[1], "wrong_header", nearest[2].words)
    return None


def _span(record: list[str]) -> tuple[int, list[str]]:
    """First filled column of a record and its titles from there to the last filled one."""
    filled = [i for i, title in enumerate(record) if title]
    if not filled:
        return 0, []
    return filled[0], record[filled[0] : filled[-1] + 1]


def _options(table: Table, path: Path, settings: object) -> tuple[tuple[str, str], ...]:
    if table.own:
        module = importlib.import_module(f"orchestration.sources.{table.name.split('/')[0]}.read")
        return tuple(module.options(path, settings))
    return ()


# ----------------------------------------------------------------------- reading


def read(member: Member, path: Path) -> Iterator[TextBatch]:
    """Every record of a member as text, at most 100,000 rows a batch; at least one batch.

    ``path`` is the file the member was identified in (or a copy of it). Rows and rejected rows
    together are all records of the file or sheet. Raises ``LoadRefused`` where the load cannot
    enter at all.
    """
    table = tables()[member.table]
    options = dict(member.options)
    if member.scan is not None:
        rows = delimited.chunks(path, member.scan, skip=int(options.get("skip", "0")))
        yield from table.shape(member, rows)
        return


def fast_columns(member: Member, settings: object = None) -> list[tuple[str, str]] | None:
    """(title, contract column) in file order where DuckDB may read the file directly, else None.

    That is where a record is a line and every column of the file feeds one column: UTF-8, no
    quotes, NUL bytes or empty lines, one kind of line end, no rows above the header. A row with a
    field too many or too few still stops DuckDB: then the exact reader is the one to use. Contract
    columns the layout does not have are not listed (they are null).
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
    )
    return list(member.columns) if clean else None
