"""Sheets of a workbook (XLSX, XLS, XLSB, ODS) as grids of text, as a CSV export would write them.

What a sheet means belongs to the sources.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.sources.model import LoadRefused, Note
from orchestration.sources.tables import BATCH, Chunk


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name, its cells as text (row 1, column A first), a hash over the cells."""

    name: str
    rows: list[list[str]]
    sha256: str


def text_of(value: object) -> str:
    """A cell as text: whole numbers without '.0', dates in ISO form, True and False as words."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        whole_day = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return value.date().isoformat() if whole_day else value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def cell_name(row: int, column: int) -> str:
    """Spreadsheet name of a cell given 0-based row and column: (0, 27) is 'AB1'."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def grid_sha256(rows: list[list[str]]) -> str:
    """Hash over cells and their places: equal for an unchanged sheet in a new workbook."""
    digest = hashlib.sha256()
    for row in rows:
        end = len(row)
        while end and not row[end - 1]:
            end -= 1
        digest.update("\x1f".join(row[:end]).encode("utf-8", "surrogatepass"))
        digest.update(b"\x1e")
    return digest.hexdigest()


@contextlib.contextmanager
def _no_panic() -> Iterator[None]:
    """The parser's own crashes on damaged files, which are not ``Exception``s, as ValueError."""
    try:
        yield
    except Exception:
        raise
    except BaseException as problem:
        if type(problem).__name__ != "PanicException":
            raise
        raise ValueError("it is damaged") from None


def sheets(path: Path, only: str | None = None) -> list[Sheet]:
    """Sheets of a workbook in their order, hidden ones too; ``only`` gives that one.

    The whole workbook is held in memory. Raises ``LoadRefused`` (``unreadable_workbook``) where it
    cannot be opened: damaged, protected by a password, or not a workbook.
    """
    import python_calamine as calamine

    try:
        # Opened by content, not by the name the file happens to have on disk.
        with path.open("rb") as handle, _no_panic():
            book = calamine.load_workbook(handle)
            names = [n for n in book.sheet_names if only is None or n == only]
            found = []
            for name in names:
                try:
                    cells = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                except calamine.WorksheetNotFound:
                    cells = []  # a chart sheet has no cells
                rows = [[text_of(value) for value in row] for row in cells]
                while rows and not any(rows[-1]):
                    rows.pop()
                found.append(Sheet(name, rows, grid_sha256(rows)))
    except (calamine.CalamineError, OSError, ValueError) as problem:
        if isinstance(problem, OSError) and not isinstance(problem, calamine.CalamineError):
            raise
        words = str(problem).strip() or type(problem).__name__
        if "password" in words.lower() or isinstance(problem, calamine.PasswordError):
            words = "it is protected by a password; send it without one"
        else:
            with path.open("rb") as handle:
                if handle.read(4) == b"\xd0\xcf\x11\xe0":
                    words += " (it may be protected by a password)"
        raise LoadRefused(
            "unreadable_workbook", f"the workbook cannot be opened: {words}"
        ) from None
    return found


def chunks(
    sheet: Sheet, header: int, first: int, width: int
) -> tuple[Iterator[Chunk], tuple[Note, ...]]:
    """Rows below a header (0-based row and first column) as chunks, and notes on what is left out.

    Empty rows are passed over and not counted. Rows at the very end that hold one cell only are
    remarks below the table; cells beside it are not table cells: both are named in notes.
    """
    rows = [row[first : first + width] for row in sheet.rows[header + 1 :]]
    beside = [
        cell_name(header + 1 + i, column)
        for i, row in enumerate(sheet.rows[header + 1 :])
        for column, cell in enumerate(row)
        if cell and not first <= column < first + width
    ]
    remarks = []
    while rows and sum(1 for cell in rows[-1] if cell) <= 1 and width > 2:
        remarks.insert(0, " ".join(cell for cell in rows.pop() if cell))
    remarks = [r for r in remarks if r]
    notes = []
    if remarks:
        notes.append(Note("table_remarks", "remarks below the table: " + " | ".join(remarks)))
    if beside:
        notes.append(stray_cells(beside))
    filled = [row + [""] * (width - len(row)) for row in rows if any(row)]

    def parts() -> Iterator[Chunk]:
        for start in range(0, max(len(filled), 1), BATCH):
            part = filled[start : start + BATCH]
            yield Chunk(part, list(range(start + 1, start + 1 + len(part))))

    return parts(), tuple(notes)


def stray_cells(names: list[str]) -> Note:
    """The note on cells that stand outside the table."""
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return Note("stray_cells", f"cells outside the table, not read: {shown}")
