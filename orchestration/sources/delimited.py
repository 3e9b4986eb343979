"""Exact reader of delimited text: every record becomes a row or a rejected row, none is lost.

Slower than DuckDB's reader and used where that one may not be (quotes, other encodings, NUL bytes,
blank lines, mixed line ends, ragged rows). What a row means belongs to the sources.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from orchestration.sources import packed
from orchestration.sources.model import LoadRefused, Rejected, Scan
from orchestration.sources.tables import BATCH, Chunk

#: A quoted field over more lines than this is taken for a quotation mark that was never closed.
MAX_FIELD_LINES = 50
_FIELD_LIMIT = 16 << 20
#: Text of a rejected row is kept up to this many characters.
ROW_TEXT = 4_000


class _Lines:
    """Lines of a file, remembering those of the record being read."""

    def __init__(self, handle: io.TextIOBase) -> None:
        self._lines = iter(handle)
        self.record: list[str] = []
        self.at_line = 0  # number of the line before the record

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.record.append(line)
        if len(self.record) > 20 * MAX_FIELD_LINES:
            raise unterminated(self.at_line + 1)
        return line

    def clear(self) -> None:
        self.at_line += len(self.record)
        self.record.clear()


def unterminated(line: int) -> LoadRefused:
    """The refusal of a file in which a quoted field does not end."""
    return LoadRefused(
        "unterminated_quote",
        f"a quotation mark opened in the record that begins on line {line} is not closed: the rows "
        "after it would be read as one field. Close or remove it and send the file again",
    )


def chunks(
    path: Path,
    scan: Scan,
    skip: int = 0,
    width: int | None = None,
    *,
    is_packed: bool = False,
) -> Iterator[Chunk]:
    """Rows of a file below its header, at most ``BATCH`` at a time; at least one chunk.

    ``skip`` records (title rows) stand above the header; ``width`` is the number of columns, by
    default that of the scanned header. Empty lines are passed over and not counted; every other
    record gets the next number and ends up in ``rows`` or in ``rejected``. Raises ``LoadRefused``
    (``unterminated_quote``) where a quoted field does not end, or where a file packed with gzip is
    not whole, and OSError.
    """
    try:
        yield from _chunks(path, scan, skip, width, is_packed)
    except packed.DAMAGE as problem:
        raise packed.damaged(problem) from None


def _chunks(
    path: Path, scan: Scan, skip: int, width: int | None, is_packed: bool
) -> Iterator[Chunk]:
    csv.field_size_limit(_FIELD_LIMIT)
    width = len(scan.header) if width is None else width
    encoding = "utf-8-sig" if scan.encoding == "utf-8" else scan.encoding
    # cp1252 leaves five bytes undefined: they are kept apart and their rows rejected.
    errors = "strict" if scan.encoding == "utf-8" else "surrogateescape"
    suspect = scan.has_nul or scan.encoding != "utf-8"
    rows: list[list[str]] = []
    numbers: list[int] = []
    rejected: list[Rejected] = []
    number = 0
    given = False
    with (
        packed.opened(path, is_packed=is_packed) as raw,
        io.TextIOWrapper(raw, encoding=encoding, errors=errors, newline="") as handle,
    ):
        lines = _Lines(handle)
        reader = csv.reader(lines)
        above = skip + 1
        while True:
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as problem:
                if len(lines.record) > 1 or "field limit" in str(problem):
                    raise unterminated(lines.at_line + 1) from None
                raise LoadRefused(
                    "unreadable", f"line {lines.at_line + 1} cannot be read: {problem}"
                ) from None
            if len(lines.record) > MAX_FIELD_LINES and any(
                f.count("\n") > MAX_FIELD_LINES for f in row
            ):
                raise unterminated(lines.at_line + 1)
            last = lines.record
            if row:
                if above:
                    above -= 1
                else:
                    number += 1
                    problem = _problem(row, width, suspect)
                    if problem is None:
                        rows.append(row)
                        numbers.append(number)
                    else:
                        text = "".join(last).rstrip("\r\n").replace("\0", "\ufffd")
                        rejected.append(Rejected(number, *problem, _clean(text)[:ROW_TEXT]))
            tail = "".join(last) if '"' in last[-1] or len(last) > 1 else ""
            if tail and tail.count('"') % 2 and _is_open(tail):
                # The csv reader gives an open record back only when nothing is left to read.
                raise unterminated(lines.at_line + 1)
            lines.clear()
            if len(rows) + len(rejected) >= BATCH:
                yield Chunk(rows, numbers, tuple(rejected))
                given = True
                rows, numbers, rejected = [], [], []
    if rows or rejected or not given:
        yield Chunk(rows, numbers, tuple(rejected))


def _problem(row: list[str], width: int, suspect: bool) -> tuple[str, str] | None:
    if len(row) != width:
        kind = "too_many_fields" if len(row) > width else "too_few_fields"
        return kind, f"the row has {len(row)} fields, the header has {width}"
    if suspect:
        for value in row:
            if "\0" in value:
                return "not_text", "the row holds a NUL byte"
            if not value.isascii() and any("\udc80" <= c <= "\udcff" for c in value):
                return "not_text", "the row holds bytes that are neither UTF-8 nor Windows-1252"
    return None


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _is_open(text: str) -> bool:
    """Whether the record's text ends inside a quoted field."""
    try:
        for _ in csv.reader(io.StringIO(text, newline=""), strict=True):
            pass
    except csv.Error as problem:
        return "unexpected end of data" in str(problem)
    return False
