"""Running the console program as a user does, and comparing what two homes ended up with.

What does not belong here: assertions about one feature (the tests themselves).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

#: Columns that say when or by which run something was done: they differ between equal end states.
OF_THE_RUN = frozenset(
    {
        "run_id",
        "entered_at",
        "superseded_at",
        "data_docs",
        "release_id",
        "rules_version",
        "contract_version",
    }
)


def environment(**extra: str) -> dict[str, str]:
    """The tests' environment without settings of whoever runs them."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PLUMBLINE", "DAGSTER"))}
    return {**clean, **extra}


def plumbline(
    *arguments: str, home: Path, timeout: float = 400
) -> subprocess.CompletedProcess[str]:
    """Run ``plumbline`` to its end."""
    return plumbline_with({}, *arguments, home=home, timeout=timeout)


def plumbline_with(
    variables: dict[str, str], *arguments: str, home: Path, timeout: float = 400
) -> subprocess.CompletedProcess[str]:
    """As :func:`plumbline`, with more environment variables."""
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments, "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(**variables),
        check=False,
    )


def ask(sql: str, home: Path) -> list[dict[str, Any]]:
    """Rows of a query on the published database."""
    done = plumbline("query", sql, "--json", home=home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def start(*arguments: str, home: Path) -> subprocess.Popen[bytes]:
    """Start ``plumbline`` in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", *arguments, "--home", str(home)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )


def kill_after(process: subprocess.Popen[bytes], seconds: float, *, group: bool = True) -> bool:
    """``kill -9`` the process (and its group) after a while; False where it had ended before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        time.sleep(0.02)
    try:
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:
        return False
    process.wait()
    return True


def load_everything(home: Path, landing: Path, run_id: str, *, config: Path | None = None) -> None:
    """Load all that waits, without Dagster and without models; for a process of its own."""
    from orchestration import load
    from orchestration.contracts import CONTRACTS
    from orchestration.settings import PROJECT, load_settings
    from orchestration.warehouse import writer

    settings = load_settings(home=home, landing=landing, config=config or PROJECT / "plumbline.yml")
    with writer(settings) as con:
        load.begin_run(con, settings, run_id, "test")
        load.discover(con, settings, run_id)
        for table in CONTRACTS:
            load.load_table(con, settings, table, run_id)
            assert load.reconcile(con, table) == []
        con.execute("checkpoint")


def _contents(con: duckdb.DuckDBPyConnection, relation: str, *, without: frozenset[str]) -> Any:
    """Row count and an order-free hash of a table's contents."""
    columns = [
        r[0]
        for r in con.execute(f"select column_name from (describe {relation})").fetchall()
        if r[0] not in without
    ]
    listed = ", ".join(f'"{c}"' for c in sorted(columns))
    return con.execute(
        f"select count(*), coalesce(sum(hash({listed})::hugeint), 0)::varchar from {relation}"
    ).fetchone()


def raw_state(home: Path) -> dict[str, Any]:
    """Contents of every raw table and of what the ledger says of loads, times and runs aside."""
    con = duckdb.connect(str(home / "warehouse" / "plumbline.duckdb"), read_only=True)
    try:
        tables = [
            r[0]
            for r in con.execute(
                "select table_name from duckdb_tables() where schema_name = 'raw'"
            ).fetchall()
        ]
        state = {t: _contents(con, f"raw.{t}", without=frozenset()) for t in tables}
        for name in ("load", "load_period", "gate_result"):
            state[f"ledger.{name}"] = _contents(
                con, f"ledger.{name}", without=OF_THE_RUN | {"evaluated_at"}
            )
        state["ledger.quarantine"] = _contents(
            con, "ledger.quarantine", without=frozenset({"quarantined_at"})
        )
        return state
    finally:
        con.close()


def published_state(home: Path) -> dict[str, Any]:
    """Contents of every published table, times and runs aside."""
    con = duckdb.connect(str(home / "releases" / "current" / "plumbline.duckdb"), read_only=True)
    try:
        return {
            t: _contents(con, f'"{t}"', without=OF_THE_RUN)
            for (t,) in con.execute("select table_name from duckdb_tables()").fetchall()
            if t != "release_info"
        }
    finally:
        con.close()


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under a folder, links followed."""
    import hashlib

    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }
