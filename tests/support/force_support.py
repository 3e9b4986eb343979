"""Small extracts of a force's own tables, made from the contracts, in every format.

Values are plausible and pass their contract; every optional column is empty somewhere. What a table
must satisfy as a whole is not looked after: for that the simulator is the one to ask.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from landing_support import csv_bytes

from orchestration.contracts import spec
from orchestration.contracts.tablespec import Column

#: Table -> the name of one of its files without suffix, and the period it claims.
FILES: dict[str, tuple[str, str]] = {
    "legacy/crimes": ("legacy_crimes_2019-04", "2019-04"),
    "legacy/persons": ("legacy_persons_2019-04", "2019-04"),
    "connect/investigations": ("connect_investigations_2021-05", "2021-05"),
    "connect/classification_history": ("connect_classification_history_2021-05", "2021-05"),
    "connect/involvements": ("connect_involvements_2021-05", "2021-05"),
    "incidents/logs": ("incident_logs_2019-04", "2019-04"),
    "geography/beats": ("geography_beats", ""),
    "audits/cdi_audit": ("cdi_audit_2019-04", "2019-04"),
    "audits/s47_audit": ("s47_audit_2021-03", "2021-03"),
    "grants/budget_lines": ("grants_budget_lines_2021-22", "2021/22"),
    "grants/ledger": ("grants_ledger_2021-22", "2021/22"),
    "grants/conditions": ("grants_conditions_2021-22", "2021/22"),
    "hospital/hes_apc": ("hes_apc_2019-20", "2019/20"),
    "hospital/ecds": ("ecds_2019-04", "2019-04"),
    "programme/training": ("programme_training_2021-22", "2021/22"),
    "programme/county_lines": ("programme_county_lines_2021-22", "2021/22"),
    "programme/cohort_tiers": ("programme_cohort_tiers_2021-22", "2021/22"),
    "programme/diversions": ("programme_diversions_2021-22", "2021/22"),
}
FORMATS = ("csv", "csv.gz", "parquet", "parquet.gz")

#: Hours after the beginning of a row's day, so that what must follow follows.
_ORDER = {
    "occurred_from_at": 0,
    "offence_start": 0,
    "injured_at": 0,
    "opened_at": 0,
    "occurred_to_at": 1,
    "offence_end": 1,
    "arrived_at": 2,
    "reported_at": 3,
    "recorded_at": 4,
    "created_at": 4,
    "ncrs_due_at": 24,
}
_ARROW = {
    "integer": pa.int64(),
    "decimal": pa.decimal128(14, 2),
    "date": pa.date32(),
    "timestamp": pa.timestamp("s"),
    "boolean": pa.bool_(),
}


def months(period: str) -> list[str]:
    """The months of a period: itself, or those of a financial year from April."""
    if "/" not in period:
        return [period or "2019-04"]
    first = int(period[:4])
    return [f"{first + (m > 12)}-{(m - 1) % 12 + 1:02d}" for m in range(4, 16)]


def _text(column: Column, i: int, period: str) -> str:
    patterned = {
        "fyear": period[2:4] + period[5:],
        "financial_year": period,
        "period": months(period)[i % 12] if "/" in period else period,
        "month": months(period)[i % len(months(period))],
        "audit_month": period,
        "district_code": "E08000025",
        "admimeth": ("21", "2A", "11")[i % 3],
        "epikey": f"5137001257{i:02d}",
    }
    if column.name in patterned:
        return patterned[column.name]
    if "lsoa" in column.name:
        return f"E010{8881 + i % 900:05d}"
    if column.name.startswith(("diag", "cause")):
        return ("S219", "X99X", "I10X", "-")[i % 4]
    if column.isin is not None:
        codes = column.isin
        if column.separator is not None and i % 3 == 0:
            return f"{codes[i % len(codes)]}{column.separator} {codes[(i + 1) % len(codes)]}"
        return codes[i % len(codes)]
    return f"{column.name.upper()[:6]} {i}" if column.kind == "text" else f"{column.name[0]}{i}"


def _value(column: Column, i: int, period: str) -> Any:
    if column.nullable and i % 5 == 4:
        return None
    month = months(period)[0]
    day = dt.datetime.strptime(f"{month}-{1 + i % 27:02d}", "%Y-%m-%d")
    if column.kind == "timestamp":
        return day + dt.timedelta(hours=_ORDER.get(column.name, 12), minutes=7, seconds=i)
    if column.kind == "date":
        return day.date()
    if column.kind == "boolean":
        return i % 3 == 0
    if column.kind == "decimal":
        return Decimal(100 * i + 7) / 4
    if column.kind == "integer":
        if column.name == "dob_year":
            return 1980 + i
        first = int(column.ge or 0) + (column.name == "crimes_recorded_count")
        return first + i % 4
    return _text(column, i, period)


def typed(table: str, rows: int = 11) -> pa.Table:
    """Rows of a table as a system exports them: every column under its title, with its type."""
    declared = spec(table)
    _, period = FILES[table]
    columns = {}
    for column in declared.columns:
        values = [_value(column, i, period) for i in range(rows)]
        columns[column.title] = pa.array(values, _ARROW.get(column.kind, pa.string()))
    return pa.table(columns)


def as_text(value: Any) -> str:
    """A value as an export to CSV writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Y" if value else "N"
    return str(value)


def to_bytes(data: pa.Table, file_format: str) -> bytes:
    """A table in one of ``FORMATS``."""
    kind, _, packed = file_format.partition(".")
    if kind == "csv":
        rows = [[as_text(v) for v in row.values()] for row in data.to_pylist()]
        content = csv_bytes(data.column_names, rows)
    else:
        sink = io.BytesIO()
        pq.write_table(data, sink)
        content = sink.getvalue()
    return gzip.compress(content, mtime=0) if packed else content


def extract(table: str, file_format: str = "csv", rows: int = 11) -> tuple[str, bytes]:
    """Name and bytes of a file of a table."""
    return f"{FILES[table][0]}.{file_format}", to_bytes(typed(table, rows), file_format)
