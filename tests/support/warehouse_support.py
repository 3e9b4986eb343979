"""A small warehouse: raw rows entered the way the loader does, and dbt run on it."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration import warehouse
from orchestration.contracts import spec
from orchestration.settings import DBT_PROJECT

ENTERED = dt.datetime(2026, 1, 1, 12)


@dataclass
class Built:
    """A warehouse after ``dbt build``, with dbt's words and exit code."""

    path: Path
    output: str
    code: int

    def rows(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.path), read_only=True) as con:
            return con.execute(sql).fetchall()


def empty_warehouse(path: Path) -> duckdb.DuckDBPyConnection:
    """A connection to a new working database with every ledger and raw table, all empty."""
    con = duckdb.connect(str(path))
    warehouse.ensure_tables(con)
    return con


def enter(
    con: duckdb.DuckDBPyConnection,
    table: str,
    load_id: str,
    rows: Sequence[dict[str, Any]],
    slots: Sequence[str] = (),
) -> None:
    """Enter rows (contract columns and ``_period``) as one load that is current.

    ``slots``: slots the load fills besides those of its rows, with no row at all.
    """
    about = spec(table)
    for number, row in enumerate(rows, 1):
        named = {**row, "_load_id": load_id, "_row_number": number}
        con.execute(
            f"insert into raw.{about.raw_name} ({', '.join(named)}) "
            f"values ({', '.join('?' * len(named))})",
            list(named.values()),
        )
    counts = dict.fromkeys(slots, 0)
    for row in rows:
        counts[row["_period"]] = counts.get(row["_period"], 0) + 1
    for slot, count in counts.items():
        con.execute(
            "insert into ledger.load_period by name select ? as load_id, ? as source, "
            "? as table_name, ? as slot, ? as row_count, ? as entered_at",
            [load_id, about.source, about.table, slot, count, ENTERED],
        )


def dbt(path: Path, target: Path, *arguments: str) -> Built:
    """Run dbt of this environment in a process of its own, so that no connection lingers."""
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("dbt")),
            *arguments,
            "--project-dir",
            str(DBT_PROJECT),
            "--profiles-dir",
            str(DBT_PROJECT),
        ],
        env={
            **os.environ,
            "PLUMBLINE_WAREHOUSE": str(path),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(target.with_name("logs")),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "PYTHONPATH": str(DBT_PROJECT.parent),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Built(path, done.stdout + done.stderr, done.returncode)
