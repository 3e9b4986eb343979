"""The working database: its one writer, its tables, and the copy of the ledger others may read.

DuckDB lets one process write and then shuts every other process out, readers included. So all
writing goes through :func:`writer`, which holds an operating-system lock (freed by the kernel
however the process ends) and waits its turn. BI tools never open this file: they read releases.

What does not belong here: what is written (the loader, dbt) and what is published (publish).
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.settings import Settings
from orchestration.sqltext import ident, lit

if TYPE_CHECKING:
    import duckdb

Waiting = Callable[[str], None]

LEDGER_DDL = """
create schema if not exists raw;
create schema if not exists ledger;
create table if not exists ledger.configuration (key varchar primary key, value varchar);
create table if not exists ledger.recording_era (
    code varchar, name varchar, system varchar, first_day date, last_day date, evidence varchar
);
create table if not exists ledger.known_event (
    code varchar, name varchar, kind varchar, action varchar, first_day date, last_day date,
    measures varchar, evidence varchar
);
create table if not exists ledger.code_map (
    list_code varchar, source_code varchar, conformed_code varchar
);
create table if not exists ledger.run (
    run_id varchar primary key, started_at timestamp not null, finished_at timestamp,
    status varchar not null, trigger varchar, code_version varchar, rules_version varchar,
    message varchar
);
create table if not exists ledger.file (
    file_sha256 varchar not null, base_name varchar not null, file_name varchar not null,
    byte_count bigint not null, first_seen_at timestamp not null, raw_path varchar,
    rules_version varchar not null, primary key (file_sha256, base_name)
);
create table if not exists ledger.arrival (
    arrival_id varchar primary key, arrival_number bigint not null, run_id varchar not null,
    file_sha256 varchar not null, base_name varchar not null, file_name varchar not null,
    member_name varchar, sheet_name varchar, content_sha256 varchar not null,
    table_name varchar, claim varchar, found varchar not null, details varchar not null,
    status varchar not null,
    load_id varchar, arrived_at timestamp not null, sent_at timestamp
);
create table if not exists ledger.attempt (
    attempt_id varchar primary key, run_id varchar not null, attempted_at timestamp not null,
    file_name varchar not null, member_name varchar, content_sha256 varchar not null,
    byte_count bigint, source varchar, table_name varchar, outcome varchar not null,
    reason_code varchar, reason varchar, load_id varchar
);
create table if not exists ledger.load (
    load_id varchar primary key, run_id varchar not null, source varchar not null,
    table_name varchar not null, file_name varchar not null, member_name varchar,
    file_sha256 varchar not null, content_sha256 varchar not null, byte_count bigint,
    claim varchar, layout_era varchar, encoding varchar, outcome varchar not null,
    reason_code varchar, reason varchar, row_count_read bigint not null,
    row_count_entered bigint not null, row_count_quarantined bigint not null,
    period_min varchar, period_max varchar, contract_version varchar not null,
    rules_version varchar not null, gate_status varchar not null, data_docs varchar,
    entered_at timestamp not null, sent_at timestamp,
    check (row_count_read = row_count_entered + row_count_quarantined)
);
create table if not exists ledger.load_period (
    load_id varchar not null, source varchar not null, table_name varchar not null,
    slot varchar not null, row_count bigint not null, entered_at timestamp not null,
    superseded_at timestamp, superseded_by varchar,
    primary key (load_id, table_name, source, slot)
);
create table if not exists ledger.quarantine (
    load_id varchar not null, source varchar not null, table_name varchar not null,
    row_number integer, rule_code varchar not null, column_name varchar, value varchar,
    message varchar not null, who_fixes varchar not null, row_text varchar,
    quarantined_at timestamp not null
);
create table if not exists ledger.gate_result (
    load_id varchar not null, expectation_code varchar not null, measure varchar,
    severity varchar not null, status varchar not null, observed varchar, expected varchar,
    message varchar, who_fixes varchar, evaluated_at timestamp not null
);
create table if not exists ledger.build (
    fingerprint varchar not null, built_at timestamp not null, release_id varchar
);
-- Counts that releases have shown or withheld, so that no later one gives away what they withheld.
create table if not exists ledger.disclosure (
    series varchar not null, area_id varchar not null, first_month date not null,
    last_month date not null, parts varchar not null, count double not null,
    was_seen boolean not null, was_withheld boolean not null, first_release_id varchar not null
);
-- The alert book: what is known by check, area and month; what persons did; the alerts that follow
-- from both (written anew each time); what is news of them, and every attempt to deliver it.
create table if not exists ledger.alert_cell (
    check_code varchar not null, area_type varchar not null, area_code varchar not null,
    month date not null, version varchar not null, found varchar[] not null, ever varchar
);
create table if not exists ledger.alert_action (
    action_id varchar primary key, alert_id varchar not null, kind varchar not null,
    check_code varchar not null, area_type varchar not null, area_code varchar not null,
    direction varchar not null, first_month date not null, last_month date not null,
    acted_by varchar not null, acted_at timestamp not null, note varchar not null,
    known_event_code varchar
);
create table if not exists ledger.alert (
    alert_id varchar not null, ids varchar[] not null, check_code varchar not null,
    area_type varchar not null, area_code varchar not null, direction varchar not null,
    state varchar not null, severity varchar not null, who_acts varchar not null,
    opened_month date not null, last_seen_month date not null, month_count integer not null,
    months date[] not null, closed_as varchar, closed_month date, reopened_month date,
    sentence varchar not null, finding varchar not null, first_version varchar not null,
    last_version varchar not null, last_action varchar, last_action_by varchar,
    last_action_at timestamp, last_action_note varchar, known_event_code varchar
);
create table if not exists ledger.alert_news (
    news_id varchar primary key, number integer not null, alert_id varchar not null,
    kind varchar not null, severity varchar not null, who_acts varchar not null,
    through_month date not null, title varchar not null, body varchar not null,
    version varchar not null, noted_at timestamp not null
);
create table if not exists ledger.alert_delivery (
    attempt_id varchar primary key, message_id varchar not null, route_name varchar not null,
    url_variable varchar not null, target varchar not null, news_ids varchar[] not null,
    attempt_number integer not null, attempted_at timestamp not null, outcome varchar not null,
    detail varchar not null
);
-- Columns that came later: a warehouse made before them gets them here.
alter table ledger.alert add column if not exists check_name varchar;
alter table ledger.alert add column if not exists area_name varchar;
alter table ledger.alert add column if not exists cause varchar;
alter table ledger.alert_news add column if not exists cause varchar;
alter table ledger.arrival add column if not exists sent_at timestamp;
alter table ledger.load add column if not exists sent_at timestamp;
alter table ledger.known_event add column if not exists checks varchar;
"""


class WarehouseBusy(Exception):
    """Another process is writing and did not finish in the time allowed."""


class DiskFull(Exception):
    """There is no space left where Plumbline writes."""


def is_disk_full(error: BaseException) -> bool:
    """Whether an error means that the disk (or a quota) is full."""
    import errno

    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return says_disk_full(str(error))


def says_disk_full(text: str) -> bool:
    """Whether an error's words (the operating system's, DuckDB's, SQLite's) mean a full disk."""
    words = ("no space left", "disk quota", "out of disk", "disk is full")
    return any(w in text.lower() for w in words)


def _holder(lock_path: Path) -> str:
    try:
        return lock_path.read_text(encoding="utf-8").strip() or "unknown"
    except OSError:
        return "unknown"


def _holder_named(text: str) -> str:
    """Who holds a database file, as DuckDB's error says it."""
    found = re.search(r"PID (\d+)", text)
    return f"process {found.group(1)}" if found else "another process"


@contextmanager
def write_lock(
    settings: Settings, *, waiting: Waiting | None = None, wait_seconds: float | None = None
) -> Iterator[None]:
    """Hold the one right to write. Reentrant within a process.

    Raises WarehouseBusy when another process still holds it after ``wait_seconds`` (default from
    the settings).
    """
    key = str(settings.warehouse_path)
    if _depth.get(key, 0):
        _depth[key] += 1
        try:
            yield
        finally:
            _depth[key] -= 1
        return
    lock_path = settings.warehouse_path.with_name("writer.lock")
    lock_path.parent.mkdir(parents=True, exist_ok=True)
    limit = settings.warehouse.lock_wait_seconds if wait_seconds is None else wait_seconds
    fd = os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + limit
        told = False
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= deadline:
                    raise WarehouseBusy(
                        f"process {_holder(lock_path)} is writing to {settings.home} and did not "
                        f"finish within {limit:g} seconds; run again when it has"
                    ) from None
                if not told and waiting is not None:
                    waiting(f"process {_holder(lock_path)} is writing; waiting for it to finish")
                    told = True
                time.sleep(0.2)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        _depth[key] = 1
        try:
            yield
        finally:
            _depth[key] = 0
    finally:
        os.close(fd)


_depth: dict[str, int] = {}


def _open(settings: Settings, *, waiting: Waiting | None) -> duckdb.DuckDBPyConnection:
    import duckdb

    path = settings.warehouse_path
    path.parent.mkdir(parents=True, exist_ok=True)
    settings.work_dir.mkdir(parents=True, exist_ok=True)
    config = {
        "memory_limit": settings.warehouse.memory_limit,
        "temp_directory": str(settings.work_dir / "spill"),
    }
    if settings.warehouse.threads:
        config["threads"] = str(settings.warehouse.threads)
    deadline = time.monotonic() + settings.warehouse.lock_wait_seconds
    told = False
    while True:
        try:
            return duckdb.connect(str(path), config=config)
        except duckdb.IOException as error:
            # A process this one does not coordinate with (a dbt process whose parent was killed,
            # a database client someone left open) holds the file: it is waited for as well.
            text = str(error)
            if "lock" not in text.lower():
                raise
            who = _holder_named(text)
            if time.monotonic() >= deadline:
                raise WarehouseBusy(
                    f"{who} has {path} open, so it cannot be written to; close it and run again "
                    "(BI tools read releases/current, not this file)"
                ) from None
            if not told and waiting is not None:
                waiting(f"{who} has the working database open; waiting for it to close")
                told = True
            time.sleep(0.3)


@contextmanager
def writer(
    settings: Settings, *, waiting: Waiting | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the working database with every table there, held for as short as possible.

    Raises WarehouseBusy.
    """
    with write_lock(settings, waiting=waiting):
        con = _open(settings, waiting=waiting)
        try:
            con.execute("set timezone = 'UTC'")
            ensure_tables(con)
            yield con
        finally:
            con.close()


def ensure_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Create whatever ledger and raw tables are missing, and the columns a newer contract adds."""
    have = {
        (r[0], r[1])
        for r in con.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where schema_name in ('raw', 'ledger')"
        ).fetchall()
    }
    con.execute(LEDGER_DDL)
    from orchestration.contracts import CONTRACTS

    wanted = {("raw", name.replace("/", "__")) for name in CONTRACTS}
    stamp = _contract_stamp()
    row = con.execute("select value from ledger.configuration where key = 'contracts'").fetchone()
    if wanted <= have and row is not None and row[0] == stamp:
        return
    from orchestration.contracts import all_specs

    for spec in all_specs():
        columns = [f"{ident(c.name)} {c.sql_type}" for c in spec.columns]
        columns += ["_load_id varchar", "_row_number integer", "_period varchar"]
        con.execute(f"create table if not exists raw.{spec.raw_name} ({', '.join(columns)})")
        for c in spec.columns:
            con.execute(
                f"alter table raw.{spec.raw_name} "
                f"add column if not exists {ident(c.name)} {c.sql_type}"
            )
    con.execute(f"insert or replace into ledger.configuration values ('contracts', {lit(stamp)})")


def _contract_stamp() -> str:
    from orchestration.versions import contracts_version

    return contracts_version()


def snapshot_ledger(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Copy the ledger beside the working database, whole and at once, for readers."""
    target = settings.ledger_snapshot
    building = target.with_name(f".{target.name}.{os.getpid()}")
    building.unlink(missing_ok=True)
    con.execute(f"attach {lit(str(building))} as snapshot (storage_version 'v1.0.0')")
    try:
        con.execute("create schema snapshot.ledger")
        for (table,) in con.execute(
            "select table_name from duckdb_tables() where schema_name = 'ledger' "
            "and database_name <> 'snapshot' and table_name not in ('arrival', 'alert_cell')"
        ).fetchall():
            name = ident(table)
            con.execute(f"create table snapshot.ledger.{name} as from ledger.{name}")
    finally:
        con.execute("detach snapshot")
    building.replace(target)


@contextmanager
def ledger_reader(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """A read-only connection to the last copy of the ledger; None before the first run."""
    import duckdb

    if not settings.ledger_snapshot.exists():
        yield None
        return
    con = duckdb.connect(str(settings.ledger_snapshot), read_only=True)
    try:
        con.execute("set timezone = 'UTC'")
        yield con
    finally:
        con.close()


@contextmanager
def warehouse_reader(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """A read-only connection to the working database itself; None before the first run.

    For those who may see single records. Raises WarehouseBusy while another process writes.
    """
    import duckdb

    path = settings.warehouse_path
    if not path.exists():
        yield None
        return
    try:
        con = duckdb.connect(str(path), read_only=True)
    except duckdb.IOException as error:
        if "lock" not in str(error).lower():
            raise
        raise WarehouseBusy(
            f"{_holder_named(str(error))} is writing to {path}, and nobody can read it meanwhile: "
            "try again when it has finished"
        ) from None
    try:
        con.execute("set timezone = 'UTC'")
        yield con
    finally:
        con.close()
