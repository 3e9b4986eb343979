"""Parquet files as rows of text, as a CSV export would write them.

What a column means belongs to the sources.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestration.sources.model import LoadRefused
from orchestration.sources.tables import BATCH, Chunk
from orchestration.sources.workbook import text_of


def _open(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, ValueError, OSError) as problem:
        # Arrow reports damage as an OSError too, one without the number of a system error.
        if getattr(problem, "errno", None) is not None:
            raise
        raise LoadRefused("unreadable", f"the Parquet file cannot be opened: {problem}") from None


def titles(path: Path) -> tuple[tuple[str, ...], int]:
    """Column names and the number of rows. Raises ``LoadRefused`` where it cannot be opened."""
    with _open(path) as opened:
        return tuple(opened.schema_arrow.names), opened.metadata.num_rows


def chunks(path: Path) -> Iterator[Chunk]:
    """Rows in order, at most ``BATCH`` at a time; at least one chunk. Nulls stay null."""
    import pyarrow as pa

    done = 0
    with _open(path) as opened:
        try:
            for batch in opened.iter_batches(batch_size=BATCH):
                columns = [_text(column) for column in batch.columns]
                rows = list(zip(*columns, strict=True))
                yield Chunk(rows, list(range(done + 1, done + 1 + len(rows))))
                done += len(rows)
        except (pa.ArrowException, ValueError, OSError) as problem:
            if getattr(problem, "errno", None) is not None:
                raise
            raise LoadRefused("unreadable", f"the Parquet file is damaged: {problem}") from None
    if done == 0:
        yield Chunk([], [])


def _text(column: Any) -> list[str | None]:
    values = column.to_pylist()
    if values and isinstance(values[0], str):
        return values
    known: dict[object, str] = {}
    found: list[str | None] = []
    for value in values:
        if value is None:
            found.append(None)
            continue
        try:
            key = (type(value), value)
            text = known.get(key)
            if text is None:
                text = known[key] = text_of(value)
        except TypeError:  # a nested value
            text = str(value)
        found.append(text)
    return found
