"""What a source hands to the loader: plain values, no behaviour, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Note:
    """Something a reader of the ledger should know about a load that is not a failure."""

    code: str
    message: str


@dataclass(frozen=True)
class Scan:
    """What one pass over the bytes of a delimited text file shows.

    ``encoding`` is ``utf-8`` (plain ASCII included) or ``cp1252`` where the bytes are not UTF-8;
    ``line_count`` counts data lines after the header (a last line without newline counts, empty
    lines do not), exact as a row count wherever ``has_quotes`` is false. ``comma_count`` counts
    the commas of the whole file, -1 where they were not counted.
    """

    byte_count: int
    sha256: str
    encoding: str
    has_bom: bool
    newline: str  # '\n', '\r\n', '\r' or 'mixed'
    has_quotes: bool
    has_nul: bool
    has_blank_lines: bool
    line_count: int
    header: tuple[str, ...]
    comma_count: int = -1


@dataclass(frozen=True)
class Member:
    """One load to be: a delimited file, or one sheet of a workbook, that a table claims."""

    table: str  # 'police_uk/street'
    member: str | None  # sheet name inside a workbook, else None
    claim: str  # what the file name says it is: 'merseyside/2018-04'; '' where it says nothing
    claim_period: str | None  # the month (YYYY-MM) or year the name claims, where it does
    content_sha256: str  # of the bytes, or of the cells of a sheet
    layout_era: str
    scan: Scan | None = None  # delimited text only
    notes: tuple[Note, ...] = field(default=())
    #: (title in the file, contract column) in the order of the file, where one feeds the other
    columns: tuple[tuple[str, str], ...] = field(default=())
    #: what else the reader needs to know, such as the path of a schema; plain text both
    options: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True)
class Refused:
    """A file that a table claims (by name or by most of its header) but that cannot be read."""

    table: str | None
    member: str | None
    code: str
    message: str
    content_sha256: str


@dataclass(frozen=True)
class Unrecognised:
    """A file that no source claims."""

    member: str | None
    reason: str


Found = Member | Refused | Unrecognised


@dataclass(frozen=True)
class Rejected:
    """A row that never became a record: its number, a rule kind (``contracts.tablespec.RULES``),
    why, and its text."""

    row_number: int
    kind: str
    message: str
    text: str


@dataclass(frozen=True)
class TextBatch:
    """Rows as text: an Arrow table whose columns are the contract's, all string, in any order,
    plus ``_row_number`` (int32, 1-based over data rows of the file or sheet)."""

    rows: pa.Table
    rejected: tuple[Rejected, ...] = field(default=())
    notes: tuple[Note, ...] = field(default=())


class LoadRefused(Exception):
    """The load cannot enter: a stable code and words for the person who sent the file."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
