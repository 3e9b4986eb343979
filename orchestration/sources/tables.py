"""What the registry knows of a table, and the two shapes every reader is made of.

A reader turns ``Chunk``s (rows of text as they stand in a file or sheet, with the rows that could
not be read) into ``TextBatch``es (the contract's columns). Formats live in ``delimited`` and
``workbook``; what a source makes of its rows lives in that source's package.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.sources.headers import Match, Near, column_map, layouts, match_layout
from orchestration.sources.model import LoadRefused, Member, Note, Rejected, TextBatch

if TYPE_CHECKING:
    from orchestration.sources.workbook import Sheet

#: Rows handed on at a time.
BATCH = 100_000

_MONTHS = {
    m: i
    for i, m in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}


@dataclass(frozen=True)
class Chunk:
    """Rows of text below the header, their 1-based numbers, and the rows that are not rows."""

    rows: list[Sequence[str | None]]
    numbers: list[int]
    rejected: tuple[Rejected, ...] = field(default=())


@dataclass(frozen=True)
class Where:
    """Where titles were found: file name, sheet, the text above them, the settings in force.

    ``name`` is the name of the file once unpacked, ``packed_name`` the one it arrived under where
    it arrived packed.
    """

    name: str
    sheet: str | None = None
    above: str = ""
    settings: object = None
    packed_name: str | None = None

    @property
    def shown(self) -> str:
        """The name the file arrived under, for words about it."""
        return self.packed_name or self.name


def _same_layout(table: str) -> Callable[[Sequence[str], Where], Match | Near | None]:
    def match(titles: Sequence[str], where: Where) -> Match | Near | None:
        return match_layout(titles, layouts(table, where.settings))

    return match


def no_claim(where: Where) -> tuple[str, str | None]:
    """Claim of a file whose name says nothing that matters."""
    return "", None


@dataclass(frozen=True)
class Table:
    """One raw table: how its files are named and titled, what a name claims, how rows are read.

    ``match`` compares titles with the table's layouts. ``claim`` gives (claim, period) or raises
    ``LoadRefused`` where the name does not say what it must. ``shape`` turns rows into contract
    columns. ``one_to_one`` tables have a record per row and a title per column, so DuckDB may read
    a clean file directly. ``is_monthly`` tables have a file for each month. ``options`` gives the
    reader what it needs to know about the place the file came from. ``grid`` and ``read_grid``
    recognise and read a whole sheet, for tables whose sheets are not one header above rows.
    """

    name: str
    patterns: tuple[str, ...]
    claim: Callable[[Where], tuple[str, str | None]] = no_claim
    match: Callable[[Sequence[str], Where], Match | Near | None] | None = None
    shape: Callable[[Member, Iterable[Chunk]], Iterator[TextBatch]] | None = None
    one_to_one: bool = True
    is_monthly: bool = False
    options: Callable[[Path, object], tuple[tuple[str, str], ...]] | None = None
    grid: Callable[[Sheet, Where], Match | Near | None] | None = None
    read_grid: Callable[[Member, Sheet], Iterator[TextBatch]] | None = None

    def compare(self, titles: Sequence[str], where: Where) -> Match | Near | None:
        """Compare titles with this table's layouts."""
        return (self.match or _same_layout(self.name))(titles, where)

    def named(self, name: str) -> bool:
        """Whether a file name (any case) is one that this table claims."""
        return any(re.search(p, name.lower()) for p in self.patterns)


def to_batch(
    table: str,
    columns: dict[str, Sequence[str | None]],
    numbers: Sequence[int],
    rejected: tuple[Rejected, ...] = (),
    notes: tuple[Note, ...] = (),
) -> TextBatch:
    """A ``TextBatch`` with every column of the table, absent ones null, and ``_row_number``."""
    import pyarrow as pa

    names, _ = column_map(table)
    arrays = {}
    for name in names:
        values = columns.get(name)
        if values is None:
            arrays[name] = pa.nulls(len(numbers), pa.string())
        else:
            arrays[name] = pa.array(values, pa.string())
    arrays["_row_number"] = pa.array(numbers, pa.int32())
    return TextBatch(pa.table(arrays), rejected, notes)


def plain(member: Member, chunks: Iterable[Chunk]) -> Iterator[TextBatch]:
    """Shape of a table with one record per row: each title feeds its column, nothing else."""
    columns = [column for _, column in member.columns]
    for chunk in chunks:
        values = list(zip(*chunk.rows, strict=True)) if chunk.rows else [()] * len(columns)
        yield to_batch(
            member.table,
            dict(zip(columns, values, strict=True)),
            chunk.numbers,
            chunk.rejected,
        )


def financial_year(text: str) -> str | None:
    """``YYYY/YY`` where text holds one financial year ('prc-pfa-2018-19', '2018/19'), else None."""
    found = set()
    pattern = r"(?<!\d)((?:19|20)\d\d)[-_/ \u2013]{1,2}((?:19|20)?\d\d)(?!\d)"
    for first, second in re.findall(pattern, text):
        if (int(first) + 1) % 100 == int(second[-2:]):
            found.add(f"{first}/{second[-2:]}")
    return found.pop() if len(found) == 1 else None


def month_number(text: str) -> int | None:
    """1 to 12 for a month's name or abbreviation, else None."""
    return _MONTHS.get(text.strip().rstrip(".").lower()[:3]) if text.strip()[:1].isalpha() else None


_MONTH_NAMES = tuple(calendar.month_name)[1:]


def month_in_name(found: str, table: str, shown: str) -> str:
    """Two digits for what the group ``month`` of a configured pattern found: a number, or a month's
    name or abbreviation. Raises LoadRefused, naming the option, where it is neither.
    """
    text = found.strip().rstrip(".").lower()
    if text.isascii() and text.isdigit():
        return f"{int(text):02d}"
    for number, name in enumerate(_MONTH_NAMES, 1):
        if len(text) >= 3 and name.lower().startswith(text):
            return f"{number:02d}"
    source, _, name = table.partition("/")
    raise LoadRefused(
        "bad_configuration",
        f"the pattern sources.{source}.{name}.options.name of plumbline.yml finds the month "
        f"{found!r} in {shown!r}: its group 'month' must find a number (06) or a month's name "
        "(June, Jun)",
    )


def year_claim(where: Where) -> tuple[str, str | None]:
    """Claim of a file or sheet named after one financial year; nothing where it is not."""
    year = financial_year(where.sheet or "") or financial_year(where.name)
    return (year, year) if year else ("", None)
