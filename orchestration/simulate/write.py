"""Extracts as files: CSV or Parquet, plain or gzip, the same bytes for the same data.

Nothing here knows what an extract is about, and nothing here draws.
"""

from __future__ import annotations

import gzip
import hashlib
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from orchestration.simulate.extract import Extract

FORMATS = ("csv", "csv.gz", "parquet", "parquet.gz")


def to_csv(table: pa.Table) -> bytes:
    """Comma-separated UTF-8 with LF line ends; texts are quoted only where one of them must be.

    Moments are written ``YYYY-MM-DD HH:MM:SS``, booleans ``Y`` and ``N``, nothing as nothing.
    """
    columns = []
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_boolean(column.type):
            column = pc.if_else(column, "Y", "N")
        columns.append(column)
    title = (",".join(table.column_names) + "\n").encode()
    text = pa.table(columns, names=table.column_names)
    # Arrow quotes every text or none, and every title; one quotation mark anywhere costs readers
    # their fast path.
    try:
        return title + _rows(text, "none")
    except pa.ArrowInvalid:
        return title + _rows(text, "needed")


def _rows(table: pa.Table, quoting: str) -> bytes:
    out = io.BytesIO()
    options = pc_csv.WriteOptions(include_header=False, quoting_style=quoting)
    pc_csv.write_csv(table, out, options)
    return out.getvalue()


def to_parquet(table: pa.Table) -> bytes:
    """Parquet, compressed with Zstandard."""
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", row_group_size=250_000)
    return out.getvalue()


def to_bytes(table: pa.Table, file_format: str) -> bytes:
    """A table in one of ``FORMATS``. Raises ValueError for any other."""
    if file_format not in FORMATS:
        raise ValueError(f"{file_format!r} is not one of {', '.join(FORMATS)}")
    kind, _, packed = file_format.partition(".")
    data = to_csv(table) if kind == "csv" else to_parquet(table)
    # No time of day in the header: equal data must give equal bytes.
    return gzip.compress(data, compresslevel=1, mtime=0) if packed else data


def write(extract: Extract, folder: Path, file_format: str) -> tuple[Path, str]:
    """Write an extract; returns its path and the SHA-256 of its bytes."""
    data = to_bytes(extract.data, file_format)
    path = folder / f"{extract.stem}.{file_format}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path, hashlib.sha256(data).hexdigest()
