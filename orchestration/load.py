"""The load: from arrivals in the ledger to rows in the raw tables, or to a refusal in words.

One transaction takes a group of loads of one table from first byte to ledger row: rows are read
under their contract, bad rows move to quarantine, the gate judges every load, refused loads leave
nothing behind, accepted ones supersede what they replace. Rows that are in but not yet committed
are invisible to every reader, so the open transaction *is* the staging area; a crash at any
instant leaves what was there before.

Two ways of reading give the same rows: DuckDB's own parallel reader where a scan has shown the
file to be plain, and the exact reader of ``sources`` wherever anything is unusual, or whenever the
plain way meets the slightest trouble.

What does not belong here: which files there are (landing), what a row must look like (contracts),
what a load must look like (expectations), anything about models or releases.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import statistics
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from orchestration import landing, privacy
from orchestration.contracts import spec as contract_spec
from orchestration.contracts.tablespec import Rule, TableSpec, failed_sql, parse_sql, rules
from orchestration.landing import Arrival
from orchestration.progress import Progress, silent
from orchestration.settings import Settings
from orchestration.sources.model import LoadRefused, Member, Note, Refused, Unrecognised
from orchestration.sqltext import ident, lit
from orchestration.versions import code_version, contracts_version, rules_version
from orchestration.warehouse import DiskFull, is_disk_full, snapshot_ledger, writer

if TYPE_CHECKING:
    import duckdb

    from orchestration.gates.suites import Suite

log = logging.getLogger(__name__)

#: Files handed to one read: bounds what is unpacked on disk, and held in memory, at a time. Much
#: smaller reads would be slower: DuckDB writes rows out as it goes only in large inserts.
CHUNK_BYTES = 400_000_000
#: A file larger than this is read alone: several threads may share it, and its rows then need not
#: lie in the order of its lines.
LARGE_FILE = 8_000_000
#: Row failures kept per rule of a load that is refused whole (its bytes are kept in any case).
KEPT_FAILURES = 1_000

ENTERED = ("entered", "entered_with_warnings")


@dataclass
class LoadOutcome:
    """What became of one attempt to load."""

    file_name: str
    member_name: str | None
    source: str
    table_name: str
    outcome: str
    reason_code: str | None = None
    reason: str | None = None
    load_id: str | None = None
    content_sha256: str = ""
    byte_count: int | None = None
    row_count_read: int = 0
    row_count_entered: int = 0
    row_count_quarantined: int = 0
    gate_status: str = "not_assessed"
    slots: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.file_name}:{self.member_name}" if self.member_name else self.file_name


def now() -> dt.datetime:
    """The present in UTC without a zone, as the ledger keeps time."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def load_id_of(member: Member, reloaded_under: str = "") -> str:
    """Identity of a load: the table, what the file claims to be, and its content.

    The name of the file or archive is no part of it, so the same bytes under another name are a
    replay; the claim is, so that one month's bytes under another month's name are not. A load done
    again under new rules (``reloaded_under`` their version) is a load of its own.
    """
    key = "\0".join(
        (member.table, member.claim, member.member or "", member.content_sha256, reloaded_under)
    )
    return hashlib.sha256(key.encode()).hexdigest()[:20]


# ----------------------------------------------------------------------- runs


def begin_run(
    con: duckdb.DuckDBPyConnection, settings: Settings, run_id: str, trigger: str
) -> None:
    """Record that a run has begun, once; runs that never ended are marked as interrupted.

    Only one process writes at a time, so a run that is still open belongs to a process that died
    or to one that waits its turn in this same moment; the latter closes its own row when it ends.
    """
    if con.execute("select 1 from ledger.run where run_id = $1", [run_id]).fetchone():
        return
    con.execute(
        "update ledger.run set status = 'interrupted', finished_at = $1, "
        "message = 'ended without closing; whatever it had not entered was entered by a later run' "
        "where status = 'running' and run_id <> $2",
        [now(), run_id],
    )
    con.execute(
        "insert into ledger.run values ($1, $2, null, 'running', $3, $4, $5, null)",
        [run_id, now(), trigger, code_version(), rules_version(settings)],
    )
    _write_configuration(con, settings)


def _write_configuration(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """What the models read of the settings, as tables of the ledger."""
    values = {
        "force_code": settings.force.code,
        "force_name": settings.force.name,
        "region_code": settings.force.region_code,
        "baseline_year": settings.periods.baseline,
        "current_year": settings.periods.current,
        "current_last_month": settings.periods.last_month,
        "alert_gap_months": str(settings.alerts.gap_months),
    }
    con.execute("delete from ledger.configuration where key like 'linkage.%'")
    values |= {f"linkage.{code}": f"{value:.15g}" for code, value in settings.linkage.items()}
    for key, value in values.items():
        con.execute("insert or replace into ledger.configuration values ($1, $2)", [key, value])
    lists: dict[str, list[list[Any]]] = {
        "recording_era": [
            [e.code, e.name, e.system, e.first_day, e.last_day, e.evidence]
            for e in settings.recording_eras
        ],
        "known_event": [
            [
                *(e.code, e.name, e.kind, e.action, e.first_day, e.last_day, e.measures),
                *(e.evidence, e.checks),
            ]
            for e in settings.known_events
        ],
        "code_map": [
            [code_list, own, conformed]
            for code_list, codes in settings.code_maps.items()
            for own, conformed in codes.items()
        ],
    }
    for table, rows in lists.items():
        con.execute(f"delete from ledger.{table}")
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            con.executemany(f"insert into ledger.{table} values ({marks})", rows)


def end_run(
    con: duckdb.DuckDBPyConnection, run_id: str, status: str, message: str | None = None
) -> None:
    """Close a run's row."""
    con.execute(
        "update ledger.run set status = $2, finished_at = $3, message = $4 where run_id = $1",
        [run_id, status, now(), message],
    )


def _attempt(con: duckdb.DuckDBPyConnection, run_id: str, *outcomes: LoadOutcome) -> None:
    """Record attempts, in the order given."""
    import pyarrow as pa

    if not outcomes:
        return
    at = now()
    text, number = pa.string(), pa.int64()
    rows = pa.table(
        {
            "attempt_id": [uuid.uuid4().hex for _ in outcomes],
            "attempted_at": [at + dt.timedelta(microseconds=n) for n in range(len(outcomes))],
            "file_name": [o.file_name for o in outcomes],
            "member_name": pa.array([o.member_name for o in outcomes], text),
            "content_sha256": [o.content_sha256 for o in outcomes],
            "byte_count": pa.array([o.byte_count for o in outcomes], number),
            "source": pa.array([o.source or None for o in outcomes], text),
            "table_name": pa.array([o.table_name or None for o in outcomes], text),
            "outcome": [o.outcome for o in outcomes],
            "reason_code": pa.array([o.reason_code for o in outcomes], text),
            "reason": pa.array([o.reason for o in outcomes], text),
            "load_id": pa.array([o.load_id for o in outcomes], text),
        }
    )
    con.register("_attempts", rows)
    con.execute(
        "insert into ledger.attempt by name select *, $1 as run_id from _attempts", [run_id]
    )
    con.unregister("_attempts")


# ----------------------------------------------------------------------- discovery


@dataclass
class Discovery:
    """What a look at the landing found."""

    file_count: int = 0
    new_file_count: int = 0
    replayed: list[LoadOutcome] = field(default_factory=list)
    refused: list[LoadOutcome] = field(default_factory=list)
    unrecognised: list[LoadOutcome] = field(default_factory=list)
    pending: dict[str, int] = field(default_factory=dict)


def known_files(con: duckdb.DuckDBPyConnection, version: str) -> set[tuple[str, str]]:
    """(SHA-256, base name) of files that were looked at under the present rules.

    The name belongs to it because a name can claim a period: the same bytes under the right name
    are not what they were under the wrong one.
    """
    return set(
        con.execute(
            "select file_sha256, base_name from ledger.file where rules_version = $1", [version]
        ).fetchall()
    )


def discover(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    run_id: str,
    progress: Progress = silent,
    files: list[landing.LandedFile] | None = None,
) -> Discovery:
    """Look at the landing and write what is new into the ledger as arrivals.

    A file known by its bytes is a replay (recorded as an attempt, nothing else). One that cannot
    be read, or that changes or goes away meanwhile, is refused for this time only and keeps no
    other file back. Raises LandingError; a full disk surfaces as DiskFull.
    """
    files = landing.list_landing(settings.landing_dir) if files is None else files
    version = rules_version(settings)
    known = known_files(con, version)
    result = Discovery(file_count=len(files))
    simulated = privacy.simulated_digests(settings.landing_dir)
    if any(file.sha256 in simulated for file in files):
        con.execute(
            "insert or replace into ledger.configuration values ($1, 'true')",
            [privacy.SIMULATED_FILES],
        )
    seen: set[tuple[str, str]] = set()
    landing.sweep(settings)
    try:
        for file in files:
            if file.problem is not None:
                result.refused.append(
                    _refuse_this_time(con, run_id, file, "unreadable_file", file.problem)
                )
                continue
            if file.identity in known or file.identity in seen:
                result.replayed.append(_replay(con, run_id, file))
                continue
            seen.add(file.identity)
            result.new_file_count += 1
            try:
                _arrive(con, settings, run_id, file, version, result, progress, simulated)
            except (landing.LandingError, OSError) as error:
                if isinstance(error, OSError) and error.filename != str(file.path):
                    raise
                # Members may have been unpacked from bytes other than those that were hashed.
                landing.forget_members(settings)
                words = (
                    f"it could not be read again ({error.strerror}): it was taken away or closed "
                    "while it was being read"
                    if isinstance(error, OSError)
                    else "it changed while it was being read"
                )
                result.refused.append(
                    _refuse_this_time(
                        con,
                        run_id,
                        file,
                        "changed_while_read",
                        f"{words}; let the copy into the landing finish and run again",
                    )
                )
    except Exception as error:
        if is_disk_full(error):
            raise DiskFull(disk_full_text(settings)) from error
        raise
    result.pending = dict(
        con.execute(
            "select table_name, count(*) from ledger.arrival where status = 'pending' group by all"
        ).fetchall()
    )
    return result


def _refuse_this_time(
    con: duckdb.DuckDBPyConnection, run_id: str, file: landing.LandedFile, code: str, words: str
) -> LoadOutcome:
    """Record that a file could not be looked at; the next run looks at it again."""
    outcome = LoadOutcome(
        file.name, None, "", "", "refused", code, words, None, file.sha256, file.byte_count
    )
    _attempt(con, run_id, outcome)
    return outcome


def disk_full_text(settings: Settings) -> str:
    return (
        f"there is no space left on the disk that holds {settings.home}; what had entered before "
        "stays, nothing is half entered, and the published release is untouched: free some space "
        "and run again"
    )


def _replay(con: duckdb.DuckDBPyConnection, run_id: str, file: landing.LandedFile) -> LoadOutcome:
    # What is said of a replayed file is what became of its arrivals under this very name.
    rows = con.execute(
        """
        select
            case when a.found = 'Unrecognised' then 'unrecognised' else l.outcome end, l.reason
        from ledger.arrival as a
        left join ledger.load as l on l.load_id = a.load_id
        where a.file_sha256 = $1 and a.base_name = $2
        qualify a.run_id = last_value(a.run_id) over (
            order by a.arrival_number
            rows between unbounded preceding and unbounded following
        )
        order by a.arrival_number
        """,
        [file.sha256, file.base_name],
    ).fetchall()
    refused = [r[1] for r in rows if r[0] == "refused"]
    if refused:
        reason = f"seen before; still refused: {refused[0]}"
        code = "still_refused"
    elif rows and all(r[0] == "unrecognised" for r in rows):
        reason, code = "seen before; no source claims it", "still_unrecognised"
    else:
        reason, code = "the same bytes were seen before; nothing to do", "same_bytes"
    outcome = LoadOutcome(
        file.name, None, "", "", "replay", code, reason, None, file.sha256, file.byte_count
    )
    _attempt(con, run_id, outcome)
    _date_back(con, file)
    return outcome


def _date_back(con: duckdb.DuckDBPyConnection, file: landing.LandedFile) -> None:
    """The same bytes with an earlier time: they are as old as that, in whatever order they came.

    What then is the newest version of a period is what that period is read from.
    """
    loads = con.execute(
        """
        update ledger.load set sent_at = $1
        where file_sha256 = $2 and sent_at > $1 returning load_id
        """,
        [file.sent_at, file.sha256],
    ).fetchall()
    con.execute(
        "update ledger.arrival set sent_at = $1 where file_sha256 = $2 and sent_at > $1",
        [file.sent_at, file.sha256],
    )
    if not loads:
        return
    versions = con.execute(
        """
        select p.source, p.table_name, p.slot, p.load_id, p.superseded_at is null,
            coalesce(l.sent_at, l.entered_at), l.file_name, l.content_sha256
        from ledger.load_period as p
        inner join ledger.load as l on l.load_id = p.load_id
        where (p.source, p.table_name, p.slot) in (
            select (source, table_name, slot) from ledger.load_period
            where list_contains($1, load_id)
        )
        """,
        [[r[0] for r in loads]],
    ).fetchall()
    by_slot: dict[tuple[str, str, str], list[tuple]] = defaultdict(list)
    for source, table, slot, load_id, is_current, sent_at, name, digest in versions:
        by_slot[source, table, slot].append(
            ((sent_at, _base_name(name), digest), load_id, is_current)
        )
    at = now()
    for (source, table, slot), known in by_slot.items():
        newest = max(known)[1]
        if any(is_current and load_id == newest for _, load_id, is_current in known):
            continue
        where = "source = $2 and table_name = $3 and slot = $4"
        con.execute(
            f"update ledger.load_period set superseded_at = $1, superseded_by = $5 where {where} "
            "and superseded_at is null",
            [at, source, table, slot, newest],
        )
        # It is read from now on, not from when it came.
        con.execute(
            "update ledger.load_period set superseded_at = null, superseded_by = null, "
            f"entered_at = $1 where {where} and load_id = $5",
            [at, source, table, slot, newest],
        )


def _arrive(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    run_id: str,
    file: landing.LandedFile,
    version: str,
    result: Discovery,
    progress: Progress,
    simulated: frozenset[str],
) -> None:
    found = landing.find_in_file(settings, file, progress)
    landing.check_unchanged(file)
    raw = None
    members = [f for _, f in found if isinstance(f, Member)]
    is_personal = any(landing.is_personal(getattr(f, "table", None)) for _, f in found)
    if any(landing.is_personal(m.table) for m in members):
        is_artificial = file.sha256 in simulated or all(
            name is None and _is_artificial(f, file.path)
            for name, f in found
            if isinstance(f, Member)
        )
        privacy.key_for(con, settings, file_name=file.name, is_artificial=is_artificial)
    # What nobody recognised in an archive of a force's extracts may be about persons too.
    is_personal = is_personal or (
        len(members) < len(found) and any(_is_of_a_force(m.table) for m in members)
    )
    if members and (not is_personal or settings.privacy.raw_retention):
        raw = landing.keep_raw_copy(settings, file, is_personal=is_personal)
    con.execute("begin")
    try:
        number = con.execute(
            "select coalesce(max(arrival_number), 0) from ledger.arrival"
        ).fetchone()[0]  # type: ignore[index]
        rows = []
        for member_name, item in found:
            number += 1
            sheet = item.member if not isinstance(item, Unrecognised) else None
            table = getattr(item, "table", None)
            digest = getattr(item, "content_sha256", file.sha256)
            kind, details = landing.pack_found(item)
            shown = member_name or (sheet if sheet != member_name else None)
            outcome = LoadOutcome(
                file.name,
                shown,
                *(table.split("/", 1) if table else ("", "")),
                outcome="pending",
                content_sha256=digest,
                byte_count=file.byte_count,
            )
            if isinstance(item, Refused):
                outcome.outcome, outcome.reason_code, outcome.reason = (
                    "refused",
                    item.code,
                    item.message,
                )
                outcome.load_id = hashlib.sha256(
                    f"refused\0{table or ''}\0{shown or file.name}\0{digest}".encode()
                ).hexdigest()[:20]
                _write_refused_at_the_door(con, settings, run_id, file, outcome, version)
                result.refused.append(outcome)
            elif isinstance(item, Unrecognised):
                outcome.outcome, outcome.reason_code, outcome.reason = (
                    "unrecognised",
                    "unrecognised",
                    item.reason,
                )
                result.unrecognised.append(outcome)
            if outcome.outcome != "pending":
                _attempt(con, run_id, outcome)
            rows.append(
                (
                    uuid.uuid4().hex,
                    number,
                    run_id,
                    file.sha256,
                    file.base_name,
                    file.name,
                    member_name,
                    sheet,
                    digest,
                    table,
                    getattr(item, "claim", None),
                    kind,
                    details,
                    "pending" if outcome.outcome == "pending" else "settled",
                    outcome.load_id,
                    now(),
                    file.sent_at,
                )
            )
        # Whatever of the same file waited under older rules is replaced by what it is now.
        con.execute(
            "update ledger.arrival set status = 'settled' "
            "where file_sha256 = $1 and base_name = $2 and status = 'pending'",
            [file.sha256, file.base_name],
        )
        con.executemany(
            "insert into ledger.arrival values (" + ", ".join("?" * 17) + ")",
            rows,
        )
        con.execute(
            "insert or replace into ledger.file values ($1, $2, $3, $4, $5, $6, $7)",
            [
                file.sha256,
                file.base_name,
                file.name,
                file.byte_count,
                now(),
                raw.relative_to(settings.home).as_posix() if raw else None,
                version,
            ],
        )
        con.execute("commit")
    except BaseException:
        with suppress(Exception):
            con.execute("rollback")
        raise


def _is_of_a_force(table: str) -> bool:
    from orchestration.sources.registry import FORCE_SOURCES

    return table.partition("/")[0] in FORCE_SOURCES


#: Tables whose artificial files can be told: every reference of such a file begins with the mark.
#: NHS England's artificial Hospital Episode Statistics begin every PSEUDO_HESID with TEST.
ARTIFICIAL_MARK = {"hospital/hes_apc": ("pseudo_hesid", "TEST")}


def _is_artificial(member: Member, path: Path) -> bool:
    """Whether every person of a file is marked as artificial by its publisher."""
    from orchestration.sources import registry

    if not landing.is_personal(member.table):
        return True
    if member.table not in ARTIFICIAL_MARK:
        return False
    column, mark = ARTIFICIAL_MARK[member.table]
    count = 0
    try:
        for batch in registry.read(member, path):
            references = [r for r in batch.rows.column(column).to_pylist() if r]
            if not all(r.startswith(mark) for r in references):
                return False
            count += len(references)
    except LoadRefused:
        return False
    return count > 0


def _write_refused_at_the_door(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    run_id: str,
    file: landing.LandedFile,
    o: LoadOutcome,
    version: str,
) -> None:
    con.execute(
        "insert or replace into ledger.load values "
        "($1,$2,$3,$4,$5,$6,$7,$8,$9,null,null,null,'refused',$10,$11,0,0,0,null,null,$12,$13,"
        "'not_assessed',null,$14,$15)",
        [
            o.load_id,
            run_id,
            o.source or "unknown",
            o.table_name or "unknown",
            o.file_name,
            o.member_name,
            file.sha256,
            o.content_sha256,
            file.byte_count,
            o.reason_code,
            o.reason,
            contracts_version(),
            version,
            now(),
            file.sent_at,
        ],
    )


# ----------------------------------------------------------------------- loading


@dataclass
class _Load:
    """One load while it is under way."""

    arrival: Arrival
    member: Member
    load_id: str
    row_count_read: int = 0
    row_count_inserted: int = 0
    quarantined_rows: int = 0
    encoding: str | None = None
    notes: list[Note] = field(default_factory=list)
    refused: LoadRefused | None = None
    #: whether this content was loaded before, under other rules
    is_again: bool = False
    gate_status: str = "not_assessed"
    docs: str | None = None

    @property
    def byte_count(self) -> int | None:
        return self.member.scan.byte_count if self.member.scan else None


def load_table(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    table: str,
    run_id: str,
    *,
    progress: Progress = silent,
    periods: set[str] | None = None,
    reload: bool = False,
    today: dt.date | None = None,
) -> list[LoadOutcome]:
    """Load what waits for ``table`` (``source/table``), in order of arrival.

    ``periods`` restricts to arrivals whose file name claims one of these months (``YYYY-MM``).
    ``reload`` also takes the loads that are current, from their raw copies: each that entered
    under other rules than the present ones is loaded again and, if it passes, supersedes itself.
    Returns one outcome per arrival; every one is in the ledger when this returns. A load that is
    refused is an outcome, not an error. Raises DiskFull where there is no space left.
    """
    spec = contract_spec(table)
    waiting = list(landing.pending(con, table))
    if reload:
        waiting = [*landing.current_loads(con, spec.source, spec.table), *waiting]
    arrivals = [
        a
        for a in waiting
        if isinstance(a.found, Member) and (periods is None or a.found.claim_period in periods)
    ]
    if not arrivals:
        return []
    if spec.person_references:
        privacy.use_key(con, privacy.key_in_force(con, settings))
    outcomes: list[LoadOutcome] = []
    with progress.bar(f"loading {table}", len(arrivals)) as bar:
        for group in _groups(arrivals, settings.warehouse.transaction_bytes):
            try:
                outcomes += _load_group(
                    con, settings, spec, group, run_id, bar, reload, today or dt.date.today()
                )
            except Exception as error:
                with suppress(Exception):
                    con.execute("rollback")
                if is_disk_full(error):
                    raise DiskFull(disk_full_text(settings)) from error
                raise
    return outcomes


def _groups(arrivals: Sequence[Arrival], limit: int) -> Iterator[list[Arrival]]:
    """Arrivals in parts that are loaded together: of about ``limit`` bytes, and of one claim each
    only once, so that a second version of a month is judged against the first."""
    group: list[Arrival] = []
    claims: set[str] = set()
    size = 0
    for a in arrivals:
        assert isinstance(a.found, Member)
        bytes_ = a.found.scan.byte_count if a.found.scan else 0
        claim = f"{a.found.claim}\0{a.found.member}" if a.found.claim else ""
        if group and (size + bytes_ > limit or claim in claims):
            yield group
            group, size = [], 0
            claims.clear()
        group.append(a)
        size += bytes_
        if claim:
            claims.add(claim)
    if group:
        yield group


def _load_group(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: TableSpec,
    arrivals: list[Arrival],
    run_id: str,
    bar: Any,
    reload: bool,
    today: dt.date,
) -> list[LoadOutcome]:
    version = rules_version(settings)
    outcomes: list[LoadOutcome] = []
    loads: list[_Load] = []
    settled: list[tuple[str, str]] = []
    known = _known_loads(con, spec)
    con.execute("begin")
    for arrival in arrivals:
        assert isinstance(arrival.found, Member)
        load = _Load(arrival, arrival.found, load_id_of(arrival.found))
        load.notes += list(arrival.found.notes)
        key = (load.member.content_sha256, load.member.claim)
        before = known.get(key)
        if before is not None and before.may_be_looked_at_again(version, reload):
            if before.has_entered:
                load.load_id = load_id_of(arrival.found, version)
            load.is_again = True
            before = None
        elif before is not None:
            load.load_id = before.load_id
        settled.append((arrival.arrival_id, load.load_id))
        if before is not None:
            outcomes.append(_outcome_of_replay(con, spec, load, before.outcome))
            bar.advance()
            continue
        known[key] = _Known(load.load_id, "entered", version, 0, True)
        loads.append(load)

    _forget_refusals(con, loads)
    _stage(con, settings, spec, loads, bar, today)
    found_duplicates = _find_duplicates(con, spec, [x for x in loads if x.refused is None])
    _gate(con, settings, spec, [x for x in loads if x.refused is None], run_id, found_duplicates)
    _settle(con, settings, spec, loads, run_id, version, outcomes)
    _attempt(con, run_id, *outcomes)
    con.executemany(
        "update ledger.arrival set status = 'settled', load_id = ? where arrival_id = ?",
        [(load_id, arrival_id) for arrival_id, load_id in settled],
    )
    con.execute("commit")
    for arrival in arrivals:
        landing.forget_unpacked(settings, arrival)
    return outcomes


@dataclass(frozen=True)
class _Known:
    """What became of some content the last time it was loaded."""

    load_id: str
    outcome: str
    rules_version: str
    quarantined: int
    has_entered: bool
    reason_code: str | None = None

    def may_be_looked_at_again(self, version: str, reload: bool) -> bool:
        """Under other rules, what was refused or left rows in quarantine deserves another look (a
        code may have been added to its list); what entered whole gets it on request. What could
        not be read because it was gone is read once it is back."""
        if self.reason_code == landing.NOT_KEPT:
            return True
        if self.rules_version == version:
            return False
        return reload or self.outcome == "refused" or self.quarantined > 0


def _known_loads(con: duckdb.DuckDBPyConnection, spec: TableSpec) -> dict[tuple[str, str], _Known]:
    """The latest load of every content and claim, and whether any load of it ever entered."""
    rows = con.execute(
        """
        select content_sha256, coalesce(claim, ''), load_id, outcome, rules_version,
            row_count_quarantined,
            bool_or(outcome <> 'refused') over (partition by content_sha256, claim), reason_code
        from ledger.load
        where source = $1 and table_name = $2
        order by entered_at
        """,
        [spec.source, spec.table],
    ).fetchall()
    return {(r[0], r[1]): _Known(*r[2:]) for r in rows}


def _forget_refusals(con: duckdb.DuckDBPyConnection, loads: list[_Load]) -> None:
    """Remove what an earlier look left about loads that are looked at again under their old id:
    rows and answers of the old rules (the attempt itself stays in the ledger)."""
    again = [x for x in loads if x.is_again]
    if again:
        for table in ("quarantine", "gate_result"):
            con.execute(f"delete from ledger.{table} where load_id in {_id_list(again)}")


def _outcome_of_replay(
    con: duckdb.DuckDBPyConnection, spec: TableSpec, load: _Load, before: str
) -> LoadOutcome:
    o = _outcome(spec, load, "replay")
    if before == "refused":
        row = con.execute(
            "select reason from ledger.load where load_id = $1", [load.load_id]
        ).fetchone()
        o.reason_code = "still_refused"
        o.reason = f"seen before; still refused: {row[0] if row else ''}"
    else:
        o.reason_code = "same_bytes"
        o.reason = "the same bytes were entered before; nothing to do"
    return o


def _outcome(spec: TableSpec, load: _Load, outcome: str) -> LoadOutcome:
    a = load.arrival
    return LoadOutcome(
        file_name=a.file_name,
        member_name=a.member_name or load.member.member,
        source=spec.source,
        table_name=spec.table,
        outcome=outcome,
        load_id=load.load_id,
        content_sha256=load.member.content_sha256,
        byte_count=load.byte_count,
        row_count_read=load.row_count_read,
        gate_status=load.gate_status,
    )


# ---- reading


def _stage(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: TableSpec,
    loads: list[_Load],
    bar: Any,
    today: dt.date,
) -> None:
    """Read every load into the raw table of the open transaction; bad rows go to quarantine."""
    from orchestration.sources import registry

    plain: dict[tuple, list[_Load]] = defaultdict(list)
    exact: list[_Load] = []
    for load in loads:
        columns = registry.fast_columns(load.member, settings)
        if columns is None:
            exact.append(load)
        else:
            newline = load.member.scan.newline if load.member.scan else "\n"
            compression = dict(load.member.options).get("compression", "none")
            plain[(tuple(columns), newline, compression)].append(load)

    chunks: list[tuple[tuple, list[_Load]]] = []
    for key, group in plain.items():
        for chunk in _chunks(group):
            chunks.append((key, chunk))
    # The next chunk is unpacked while DuckDB reads this one.
    with ThreadPoolExecutor(1) as ahead:
        waiting = ahead.submit(_materialise_all, settings, chunks[0][1]) if chunks else None
        for n, (key, chunk) in enumerate(chunks):
            assert waiting is not None
            paths = waiting.result()
            if n + 1 < len(chunks):
                waiting = ahead.submit(_materialise_all, settings, chunks[n + 1][1])
            ready = [x for x in chunk if x.refused is None]
            layout = key
            # Nearly every file is flawless, and is read and checked in one go. One that loses a
            # row on the way is read again with the bad rows in, to say what is wrong with them;
            # one that is not even well-formed goes to the exact reader.
            # Rows that repeat a key are told apart by their number: such files go one by one.
            flawed = []
            for together in [[x] for x in ready] if spec.key else [ready]:
                flawed += _read_plain(
                    con, settings, spec, layout, together, paths, today, only_good=True
                )
            malformed = []
            # A bad row about a person may hold a reference where none should be: it is never put
            # into the table, not even to be taken out again.
            if spec.person_references:
                malformed, flawed = flawed, []
            for load in flawed:
                malformed += _read_plain(
                    con, settings, spec, layout, [load], paths, today, only_good=False
                )
            _check_plain(con, spec, [x for x in flawed if x not in malformed], today)
            for load in malformed:
                _read_exact(con, settings, spec, load, paths[load.load_id], today)
            bar.advance(len(chunk))
    for load in exact:
        paths = _materialise_all(settings, [load])
        if load.refused is None and not _read_parquet(con, spec, load, paths[load.load_id], today):
            _read_exact(con, settings, spec, load, paths[load.load_id], today)
        bar.advance()


def _chunks(loads: list[_Load]) -> Iterator[list[_Load]]:
    """Loads in parts of about equal size, of about ``CHUNK_BYTES`` at most; large files alone."""
    small = [x for x in loads if (x.byte_count or 0) <= LARGE_FILE]
    yield from ([x] for x in loads if (x.byte_count or 0) > LARGE_FILE)
    total = sum(x.byte_count or 0 for x in small)
    target = total / max(1, -(-total // CHUNK_BYTES))
    chunk: list[_Load] = []
    size = 0
    for load in small:
        chunk.append(load)
        size += load.byte_count or 0
        if size >= target:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _materialise_all(settings: Settings, loads: list[_Load]) -> dict[str, Path]:
    """Bytes of each load on disk, by load id; a load whose bytes cannot be had is refused."""
    paths: dict[str, Path] = {}
    for load in loads:
        try:
            paths[load.load_id], _ = landing.materialise(settings, load.arrival)
        except landing.BadArchive as error:
            load.refused = LoadRefused(error.code, str(error))
    return paths


def _read_plain(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: TableSpec,
    layout: tuple[Sequence[tuple[str, str]], str, str],
    loads: list[_Load],
    paths: dict[str, Path],
    today: dt.date,
    *,
    only_good: bool,
) -> list[_Load]:
    """Read plain files with DuckDB's parallel reader. Returns the loads that met any trouble.

    ``layout`` is the columns (title, contract column), the line end and the compression. A load
    is in trouble when DuckDB rejected one of its rows, or the number of rows is not the number of
    lines the scan counted: with ``only_good`` also because a row breaks the contract. Its rows are
    taken out.

    Row numbers are written where one load is read alone. Where several are, each file is read by
    one thread and its rows lie together in the table, in the order of the file: the nth row of the
    load is the nth line, and writing the number would cost as much as all the rest. A load whose
    rows do not lie together counts as in trouble and is read again alone.
    """
    if not loads:
        return []
    columns, newline, compression = layout
    # DuckDB must be told the layout and may not guess: guessing is slower, and can be wrong.
    types = {
        title: spec.column(name).sql_type if name and not spec.column(name).is_text else "varchar"
        for title, name in columns
    }
    declared = "{" + ", ".join(f"{lit(t)}: {lit(y)}" for t, y in types.items()) + "}"
    given = {name: title for title, name in columns}
    values = []
    for col in spec.columns:
        if col.name not in given:
            values.append(f"null::{col.sql_type} as {ident(col.name)}")
            continue
        text = ident(given[col.name])
        value = parse_sql(col, text) if col.kind in ("code", "month") else text
        if col.is_person_reference:
            value = privacy.pseudonym_sql(text)
        values.append(f"{value} as {ident(col.name)}")
    keep = ""
    if only_good:
        keep = "where not " + failed_sql(rules(spec, text=None, parsed="{}", today=today))
    for table in ("reject_errors", "reject_scans"):
        con.execute(f"drop table if exists temp.{table}")
    with tempfile.TemporaryDirectory(dir=settings.work_dir, prefix="plain-") as folder:
        # A link's name carries what a row must be told of its file.
        links = {}
        for load in loads:
            link = Path(folder) / f"{load.load_id}~{quote(load.member.claim, safe='')}"
            link.symlink_to(paths[load.load_id])
            links[str(link)] = load
        files = "[" + ", ".join(lit(path) for path in links) + "]"
        told = "parse_filename(filename)"
        slot = spec.slot_sql.replace("{claim}", f"url_decode(split_part({told}, '~', 2))")
        number = "row_number() over ()" if len(loads) == 1 else "null"
        con.execute(
            f"""
            insert into raw.{spec.raw_name} by name
            with parsed as (
                select {", ".join(values)}, split_part({told}, '~', 1) as _load_id,
                    cast({number} as integer) as _row_number, filename
                from read_csv({files}, columns = {declared}, header = true, auto_detect = false,
                    delim = ',', quote = '"', escape = '"', new_line = {_newline(newline)},
                    compression = {lit(compression)},
                    filename = true, store_rejects = true, max_line_size = 2097152)
            )
            select * exclude (filename), {slot} as _period from parsed {keep}
            """
        )
        rejected = {
            links[r[0]].load_id
            for r in con.execute(
                "select distinct s.file_path from temp.reject_errors e join temp.reject_scans s "
                "on s.scan_id = e.scan_id and s.file_id = e.file_id"
            ).fetchall()
        }
    counted = {
        load_id: (count, span)
        for load_id, count, span in con.execute(
            "select _load_id, count(*), max(rowid) - min(rowid) + 1 "
            f"from raw.{spec.raw_name} where _load_id in {_id_list(loads)} group by 1"
        ).fetchall()
    }
    troubled = []
    for load in loads:
        assert load.member.scan is not None
        count, span = counted.get(load.load_id, (0, 0))
        # The last rows of a file have been seen to land among those of another: where the rows of a
        # file do not lie together, their places say nothing of their numbers.
        is_scattered = len(loads) > 1 and span != count
        lines = load.member.scan.line_count
        if count != lines or is_scattered or load.load_id in rejected:
            troubled.append(load)
            continue
        load.row_count_read = load.row_count_inserted = count
    if troubled:
        _remove_rows(con, spec, troubled)
    return troubled


def _newline(style: str) -> str:
    return {"\n": "'\\n'", "\r\n": "'\\r\\n'", "\r": "'\\r'"}[style]


def _failures_sql(spec: TableSpec, found: list[Rule]) -> str:
    """SQL of a list of what is wrong with a row, one entry per broken rule."""
    shown = privacy.shown_sql if spec.person_references else str
    entries = ", ".join(
        f"case when coalesce({r.condition}, false) then {{'code': {lit(r.code)}, "
        f"'col': {lit(r.column)}, 'value': {shown(r.value)}, 'message': {lit(r.message)}, "
        f"'who': {lit(r.who_fixes)}}} end"
        for r in found
    )
    return f"unnest([{entries}])"


def _row_text(spec: TableSpec, row: str) -> str:
    """SQL: what is kept of a whole bad row (SQL JSON); nothing of a row about a person."""
    return lit(privacy.WITHHELD) if spec.person_references else f"cast({row} as varchar)"


def _check_plain(
    con: duckdb.DuckDBPyConnection, spec: TableSpec, loads: list[_Load], today: dt.date
) -> None:
    """Move rows that break the contract from the raw table to quarantine."""
    if not loads:
        return
    found = rules(spec, text=None, parsed="{}", today=today)
    ids = _id_list(loads)
    failed = dict(
        con.execute(
            f"select _load_id, count(*) from raw.{spec.raw_name} "
            f"where _load_id in {ids} and {failed_sql(found)} group by 1"
        ).fetchall()
    )
    if not failed:
        return
    bad = [x for x in loads if x.load_id in failed]
    names = ", ".join(f"{lit(c.name)}, {ident(c.name)}" for c in spec.columns)
    con.execute(
        f"""
        insert into ledger.quarantine
        with broken as (
            select _load_id, _row_number, cast(json_object({names}) as varchar) as row_text,
                {_failures_sql(spec, found)} as f
            from raw.{spec.raw_name}
            where _load_id in {_id_list(bad)} and {failed_sql(found)}
        )
        select _load_id, {lit(spec.source)}, {lit(spec.table)}, _row_number, f.code, f.col,
            f.value, f.message, f.who, row_text, $1
        from broken where f is not null
        """,
        [now()],
    )
    con.execute(
        f"delete from raw.{spec.raw_name} where _load_id in {_id_list(bad)} and {failed_sql(found)}"
    )
    for load in bad:
        load.quarantined_rows += failed[load.load_id]
        load.row_count_inserted -= failed[load.load_id]


def _read_exact(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: TableSpec,
    load: _Load,
    path: Path,
    today: dt.date,
) -> None:
    """Read one load row by row with the source's own reader; a load it cannot read is refused."""
    from orchestration.sources import registry

    load.row_count_read = load.row_count_inserted = load.quarantined_rows = 0
    try:
        for batch in registry.read(load.member, path):
            load.notes += [n for n in batch.notes if n not in load.notes]
            _enter_batch(con, spec, load, batch, today)
    except LoadRefused as refusal:
        load.refused = refusal
    except Exception as error:  # a file nobody foresaw must be refused in words, and looked into
        if is_disk_full(error) or type(error).__module__.startswith(("duckdb", "_duckdb")):
            raise
        log.exception("reading %s", load.arrival.file_name)
        load.refused = LoadRefused(
            "unreadable",
            f"the file could not be read ({type(error).__name__}: {error}); check that it is the "
            "published file, unedited, and report it if it is",
        )
    scan = load.member.scan
    if (
        load.refused is None
        and scan is not None
        and registry.line_per_record(load.member)
        and not (scan.has_quotes or scan.has_blank_lines or scan.has_nul)
        and scan.line_count != load.row_count_read
    ):
        load.refused = LoadRefused(
            "rows_do_not_reconcile",
            f"the file has {scan.line_count:,} lines after the header but {load.row_count_read:,} "
            "rows were read; nothing was entered",
        )
    if load.refused is not None:
        _remove_rows(con, spec, [load])


def _typed_sql(
    spec: TableSpec, texts: dict[str, str], source: str, number: str, today: dt.date
) -> str:
    """SQL of rows as text and typed, and whether each breaks the contract.

    ``texts`` gives SQL for the text of each column that ``source`` has. References to persons are
    replaced here, before anything is kept. Text and parsed values of a column share its name, so
    they are kept in two structs, ``t`` and ``p``.
    """
    given = {
        name: privacy.pseudonym_sql(text) if spec.column(name).is_person_reference else text
        for name, text in texts.items()
    }
    text = ", ".join(
        f"{ident(c.name)} := {given.get(c.name, 'null::varchar')}" for c in spec.columns
    )
    parsed = ", ".join(
        f"{ident(c.name)} := {parse_sql(c, f't.{ident(c.name)}')}" for c in spec.columns
    )
    found = rules(spec, text="t.{}", parsed="p.{}", today=today)
    return f"""
        with texts as (
            select cast({number} as integer) as _row_number, struct_pack({text}) as t {source}
        ),
        typed as (select *, struct_pack({parsed}) as p from texts)
        select *, {failed_sql(found)} as _failed from typed
    """


def _enter_typed(
    con: duckdb.DuckDBPyConnection, spec: TableSpec, load: _Load, typed: str, today: dt.date
) -> int:
    """Enter rows of a typed relation (``from ...``); returns how many went to quarantine."""
    found = rules(spec, text="t.{}", parsed="p.{}", today=today)
    con.execute(
        f"""
        insert into ledger.quarantine
        with broken as (
            select _row_number, {_row_text(spec, "to_json(t)")} as row_text,
                {_failures_sql(spec, found)} as f
            {typed} where _failed
        )
        select {lit(load.load_id)}, {lit(spec.source)}, {lit(spec.table)}, _row_number, f.code,
            f.col, f.value, f.message, f.who, row_text, $1
        from broken where f is not null
        """,
        [now()],
    )
    columns = ", ".join(f"p.{ident(c.name)} as {ident(c.name)}" for c in spec.columns)
    slot = spec.slot_sql.replace("{claim}", lit(load.member.claim))
    bad = con.execute(f"select count(*) {typed} where _failed").fetchone()[0]  # type: ignore[index]
    con.execute(
        f"""
        insert into raw.{spec.raw_name} by name
        with good as (select {columns}, _row_number {typed} where not _failed)
        select *, {lit(load.load_id)} as _load_id, {slot} as _period from good
        """
    )
    return bad


def _read_parquet(
    con: duckdb.DuckDBPyConnection, spec: TableSpec, load: _Load, path: Path, today: dt.date
) -> bool:
    """Read one plain Parquet file with DuckDB's own reader; False where the exact one must.

    A value that has its column's type is taken as it is, any other is read as the text of any other
    file would be. Rows that break the contract are read once more, to say what is wrong with them.
    """
    import duckdb as duckdb_module

    from orchestration.sources import registry

    if not registry.is_plain_parquet(load.member):
        return False
    source = f"from read_parquet({lit(str(path))}, file_row_number = true)"
    try:
        # Elsewhere, because damage found inside the transaction would end it.
        with con.cursor() as aside:
            looked = aside.execute(f"select count(*), bit_xor(hash(columns(*))) {source}")
            count = looked.fetchone()[0]  # type: ignore[index]
            described = aside.execute(f"describe select * {source}").fetchall()
            types = {row[0]: row[1] for row in described}
    except duckdb_module.Error:
        return False
    titles = {name: title for title, name in load.member.columns if name}
    texts = {name: _parquet_text(spec, name, title, types[title]) for name, title in titles.items()}
    values, unreadable = [], ["false"]
    for col in spec.columns:
        if col.name not in titles:
            values.append(f"null::{col.sql_type} as {ident(col.name)}")
            continue
        text = texts[col.name]
        if not col.is_text and types[titles[col.name]] in _SAME_TYPE[col.sql_type]:
            value = f"cast({ident(titles[col.name])} as {col.sql_type})"
        elif col.is_person_reference:
            value = privacy.pseudonym_sql(text)
        else:
            value = parse_sql(col, text)
            if not col.is_text:
                unreadable.append(f"(nullif(trim({text}), '') is not null and {value} is null)")
        values.append(f"{value} as {ident(col.name)}")
    broken = failed_sql(rules(spec, text=None, parsed="{}", today=today))
    con.execute(
        "create or replace temp view _parsed as with parsed as (select "
        f"{', '.join(values)}, cast(file_row_number + 1 as integer) as _row_number, "
        f"{' or '.join(unreadable)} as _unreadable {source}) "
        f"select *, _unreadable or {broken} as _failed from parsed"
    )
    slot = spec.slot_sql.replace("{claim}", lit(load.member.claim))
    entered = con.execute(
        f"""
        insert into raw.{spec.raw_name} by name
        select * exclude (_unreadable, _failed), {lit(load.load_id)} as _load_id, {slot} as _period
        from _parsed where not _failed
        """
    ).fetchone()[0]  # type: ignore[index]
    load.row_count_read = count
    load.row_count_inserted = entered
    if entered < count:
        con.execute(
            "create or replace temp table _broken as select _row_number from _parsed where _failed"
        )
        some = f"{source} where file_row_number + 1 in (select _row_number from _broken)"
        con.execute(
            "create or replace temp view _typed as "
            + _typed_sql(spec, texts, some, "file_row_number + 1", today)
        )
        load.quarantined_rows = _enter_typed(con, spec, load, "from _typed", today)
    return True


def _parquet_text(spec: TableSpec, name: str, title: str, kind: str) -> str:
    """SQL of a Parquet value as text. A moment that knows its zone is written as the clock showed
    it, here or in UTC as the contract wants: what the session's zone is must not matter."""
    value = ident(title)
    if kind == "TIMESTAMP WITH TIME ZONE":
        zone = "UTC" if spec.column(name).unit == "UTC" else LOCAL_ZONE
        value = f"timezone({lit(zone)}, {value})"
    return f"cast({value} as varchar)"


#: Whose clock the contracts mean by local time.
LOCAL_ZONE = "Europe/London"
#: Types of Parquet values that need no reading, by the type a contract wants. A single-precision
#: 19.95 is another number in double precision: such values are read as the text that shows them.
_SAME_TYPE: dict[str, tuple[str, ...]] = {
    "bigint": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
    "double": ("DOUBLE",),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS"),
    "boolean": ("BOOLEAN",),
}


def _enter_batch(
    con: duckdb.DuckDBPyConnection, spec: TableSpec, load: _Load, batch: Any, today: dt.date
) -> None:
    rows = batch.rows
    texts = {c.name: ident(c.name) for c in spec.columns if c.name in set(rows.column_names)}
    con.register("_incoming", rows)
    try:
        con.execute(
            "create or replace temp table _staged as "
            + _typed_sql(spec, texts, "from _incoming", "_row_number", today)
        )
    finally:
        con.unregister("_incoming")
    bad = _enter_typed(con, spec, load, "from _staged", today)
    if batch.rejected:
        con.executemany(
            "insert into ledger.quarantine values (?, ?, ?, ?, ?, null, ?, ?, ?, ?, ?)",
            [
                (
                    load.load_id,
                    spec.source,
                    spec.table,
                    r.row_number,
                    f"{spec.source}.{spec.table}.row.{r.kind}",
                    privacy.WITHHELD if spec.person_references else r.text[:200],
                    r.message,
                    "the supplier of the file",
                    privacy.WITHHELD if spec.person_references else r.text,
                    now(),
                )
                for r in batch.rejected
            ],
        )
    load.row_count_read += rows.num_rows + len(batch.rejected)
    load.row_count_inserted += rows.num_rows - bad
    load.quarantined_rows += bad + len(batch.rejected)


def _id_list(loads: Iterable[_Load]) -> str:
    return "(" + ", ".join(lit(x.load_id) for x in loads) + ")"


def _remove_rows(con: duckdb.DuckDBPyConnection, spec: TableSpec, loads: list[_Load]) -> None:
    con.execute(f"delete from raw.{spec.raw_name} where _load_id in {_id_list(loads)}")
    con.execute(f"delete from ledger.quarantine where load_id in {_id_list(loads)}")


# ---- keys


def _find_duplicates(con: duckdb.DuckDBPyConnection, spec: TableSpec, loads: list[_Load]) -> bool:
    """Find rows that repeat a key within their load, into temp table ``_duplicates``.

    An equal row later in the file is a repetition; rows that give one key different values
    contradict each other, and none of them can be believed. They are counted here and moved after
    the gate has seen the whole load, because a file that arrived doubled is the gate's to refuse.
    """
    if not spec.key or not loads:
        return False
    key = ", ".join(ident(k) for k in spec.key)
    rest = [ident(c.name) for c in spec.columns if not c.key]
    # Not DuckDB's own hash, which tells some texts of 16 characters apart badly ('20180402-0021054'
    # and '20180405-0021051'): rows that contradict each other would look alike.
    content = f"md5(to_json(row({', '.join(rest)})))" if rest else "0"
    ids = _id_list(loads)
    # Nearly every load repeats no key: say so in one cheap pass before looking at whole rows.
    repeated = con.execute(
        f"""
        create or replace temp table _repeated as
        select _load_id, hash({key}) as key_hash from raw.{spec.raw_name}
        where _load_id in {ids} group by all having count(*) > 1
        """
    ).fetchone()
    if repeated is None or not repeated[0]:
        return False
    con.execute(
        f"""
        create or replace temp table _duplicates as
        with keyed as (
            select _load_id, _row_number, {content} as content,
                count(*) over same_key as rows_of_key,
                min({content}) over same_key as least, max({content}) over same_key as greatest,
                row_number() over (partition by _load_id, {key} order by _row_number) as nth
            from raw.{spec.raw_name}
            where (_load_id, hash({key})) in (select (_load_id, key_hash) from _repeated)
            window same_key as (partition by _load_id, {key})
        )
        select _load_id, _row_number,
            case when least = greatest then 'repeated_row' else 'conflicting_key' end as kind
        from keyed
        where rows_of_key > 1 and (least <> greatest or nth > 1)
        """
    )
    counts = dict(con.execute("select _load_id, count(*) from _duplicates group by 1").fetchall())
    for load in loads:
        n = counts.get(load.load_id, 0)
        load.quarantined_rows += n
        load.row_count_inserted -= n
    return bool(counts)


def _move_duplicates(con: duckdb.DuckDBPyConnection, spec: TableSpec) -> None:
    names = ", ".join(f"{lit(c.name)}, r.{ident(c.name)}" for c in spec.columns)
    shown = " || ' / ' || ".join(f"coalesce(cast(r.{ident(k)} as varchar), '')" for k in spec.key)
    label = ", ".join(spec.column(k).title for k in spec.key)
    con.execute(
        f"""
        insert into ledger.quarantine
        select r._load_id, {lit(spec.source)}, {lit(spec.table)}, r._row_number,
            {lit(f"{spec.source}.{spec.table}.row.")} || d.kind, {lit(", ".join(spec.key))},
            {shown},
            case d.kind
                when 'repeated_row' then {lit(f"the row repeats an earlier one ({label})")}
                else {lit(f"rows of this file give different values for the same {label}")}
            end,
            {lit(spec.columns[0].who_fixes)}, {_row_text(spec, f"json_object({names})")}, $1
        from raw.{spec.raw_name} as r
        inner join _duplicates as d
            on d._load_id = r._load_id and d._row_number = r._row_number
        """,
        [now()],
    )
    con.execute(
        f"""
        delete from raw.{spec.raw_name} as r using _duplicates as d
        where d._load_id = r._load_id and d._row_number = r._row_number
        """
    )


# ---- gate


def _gate(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: TableSpec,
    loads: list[_Load],
    run_id: str,
    has_duplicates: bool,
) -> None:
    """Judge every load of the group in one Great Expectations validation.

    The measures of all loads come from one scan of the staged rows; a load with a critical
    failure, or one that could not be assessed because the gate itself failed, is refused.
    """
    if not loads:
        if has_duplicates:
            _move_duplicates(con, spec)
        return
    import duckdb as duckdb_module

    from orchestration.gates import gate, measures, suites

    suite = suites.suite_for(spec)
    context = _loader_measures(con, spec, loads, suite)
    con.register("_context", context)
    columns = [c.name for c in spec.columns]
    relation = f"(select * from raw.{spec.raw_name} where _load_id in {_id_list(loads)})"
    try:
        profile = con.execute(
            measures.profile_sql(suite, relation, columns=columns, loader="_context", label=True)
        ).arrow()
        if hasattr(profile, "read_all"):
            profile = profile.read_all()
    finally:
        con.unregister("_context")
    with tempfile.TemporaryDirectory(dir=settings.work_dir, prefix="gate-") as folder:
        profile_db = Path(folder) / "profile.duckdb"
        side = duckdb_module.connect(str(profile_db))
        side.register("profile", profile)
        side.execute("create table load_profile as select * from profile")
        side.close()
        report = gate.run_gate(
            profile_db, suite, f"{spec.source}-{spec.table}-{run_id[:8]}", settings.docs_dir
        )
    at = now()
    fields = (
        "load_id",
        "expectation_code",
        "measure",
        "severity",
        "status",
        "observed",
        "expected",
        "message",
        "who_fixes",
    )
    import pyarrow as pa

    results = pa.table(
        {f: pa.array([getattr(r, f) for r in report.results], pa.string()) for f in fields}
    )
    con.register("_results", results)
    con.execute("insert into ledger.gate_result select *, $1 from _results", [at])
    con.unregister("_results")
    failures: dict[str, list[Any]] = defaultdict(list)
    for r in report.results:
        if r.status == "fail" or r.raised:
            failures[r.load_id].append(r)
    for load in loads:
        load.gate_status = report.verdict(load.load_id)
        if report.docs_path is not None:
            load.docs = report.docs_path.relative_to(settings.home).as_posix()
        broken = failures[load.load_id]
        critical = [r for r in broken if r.severity == "critical"]
        if load.gate_status in ("fail", "not_assessed"):
            words = "; ".join(r.message for r in critical) or "the gate could not assess this load"
            code = critical[0].expectation_code if critical else "gate.not_assessed"
            load.refused = LoadRefused(code, words)
        else:
            load.notes += [Note(r.expectation_code, r.message) for r in broken]
    if has_duplicates:
        _move_duplicates(con, spec)


def _loader_measures(
    con: duckdb.DuckDBPyConnection, spec: TableSpec, loads: list[_Load], suite: Suite
) -> Any:
    """What only the loader knows of each load, as an Arrow table keyed by ``load_id``."""
    import pyarrow as pa

    from orchestration.gates import measures

    series = spec.series_sql.replace("{claim}", "claim")
    rows = con.execute(
        f"select load_id, {series}, row_count_entered from ledger.load where source = $1 "
        "and table_name = $2 and outcome <> 'refused'",
        [spec.source, spec.table],
    ).fetchall()
    history: dict[str, list[int]] = defaultdict(list)
    series_of = {load_id: key for load_id, key, _ in rows}
    for _, key, count in rows:
        history[key].append(count)
    keys: dict[str, str] = {}
    for load in loads:
        keys[load.load_id] = con.execute(
            f"select {series} from (select {lit(load.member.claim)} as claim)"
        ).fetchone()[0]  # type: ignore[index]
        history[keys[load.load_id]].append(load.row_count_inserted)
    holders = _holders(con, spec)
    previous: dict[str, int] = defaultdict(int)
    by_id = {load.load_id: load for load in loads}
    for load_id, slot in con.execute(
        f"select distinct _load_id, _period from raw.{spec.raw_name} "
        f"where _load_id in {_id_list(loads)}"
    ).fetchall():
        holder = holders.get(slot)
        if holder is not None and holder.version <= _version(by_id[load_id]):
            previous[load_id] += holder.row_count

    def typical(load: _Load) -> float | None:
        others = list(history[keys[load.load_id]])
        others.remove(load.row_count_inserted)
        return _median(others, spec)

    compared: dict[str, dict[str, dict[str, float]]] = {
        name: defaultdict(dict) for name in suite.compared_measures
    }
    if compared:
        found = con.execute(measures.compared_sql(suite, f"raw.{spec.raw_name}"))
        for load_id, *values in found.fetchall():
            key = keys.get(load_id, series_of.get(load_id))
            for name, value in zip(compared, values, strict=True):
                if key is not None and value is not None:
                    compared[name][key][load_id] = value

    def usual(name: str, load: _Load) -> float | None:
        of_series = compared[name][keys[load.load_id]]
        return _median([v for i, v in of_series.items() if i != load.load_id], spec)

    return pa.table(
        {
            "load_id": [x.load_id for x in loads],
            "load_label": [
                x.arrival.base_name + (f" ({x.member.member})" if x.member.member else "")
                for x in loads
            ],
            "row_count_read": pa.array([x.row_count_read for x in loads], pa.int64()),
            "row_count_entered": pa.array([x.row_count_inserted for x in loads], pa.int64()),
            "row_count_quarantined": pa.array([x.quarantined_rows for x in loads], pa.int64()),
            "quarantined_pct": pa.array(
                [
                    100.0 * x.quarantined_rows / x.row_count_read if x.row_count_read else None
                    for x in loads
                ],
                pa.float64(),
            ),
            "row_count_previous": pa.array(
                [int(previous[x.load_id]) if x.load_id in previous else None for x in loads],
                pa.int64(),
            ),
            "row_count_typical": pa.array([typical(x) for x in loads], pa.float64()),
            "claim_period": pa.array([x.member.claim_period for x in loads], pa.string()),
            "claim": pa.array([x.member.claim or None for x in loads], pa.string()),
            "is_replacing": pa.array([x.load_id in previous for x in loads], pa.bool_()),
            **{name: pa.array([usual(name, x) for x in loads], pa.float64()) for name in compared},
        }
    )


def _median(others: Sequence[float], spec: TableSpec) -> float | None:
    """Median of what other loads of a series have; None with fewer than six, or without series."""
    if len(others) < 6 or spec.series_sql == "''":
        return None
    return float(statistics.median(others))


# ---- entering


def _settle(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: TableSpec,
    loads: list[_Load],
    run_id: str,
    version: str,
    outcomes: list[LoadOutcome],
) -> None:
    """Take refused loads out, let accepted ones supersede what they replace, write the ledger."""
    refused = [x for x in loads if x.refused is not None]
    if refused:
        con.execute(f"delete from raw.{spec.raw_name} where _load_id in {_id_list(refused)}")
        con.execute(
            f"""
            delete from ledger.quarantine where rowid in (
                select rowid from ledger.quarantine where load_id in {_id_list(refused)}
                qualify row_number() over (
                    partition by load_id, rule_code order by row_number
                ) > {KEPT_FAILURES}
            )
            """
        )
    at = now()
    periods: dict[str, list[tuple[str, int]]] = defaultdict(list)
    accepted = [x for x in loads if x.refused is None]
    if accepted:
        for load_id, slot, count in con.execute(
            f"select _load_id, _period, count(*) from raw.{spec.raw_name} "
            f"where _load_id in {_id_list(accepted)} group by 1, 2 order by 1, 2"
        ).fetchall():
            periods[load_id].append((slot, count))
    ledger_rows: list[tuple] = []
    period_rows: list[_PeriodRow] = []
    holders = _holders(con, spec) if accepted else {}
    for load in loads:
        slots = periods[load.load_id]
        if load.refused is None and not slots and spec.slot_sql == "{claim}" and load.member.claim:
            # A file with a header and no rows says "none", which is not the same as no file.
            slots.append((load.member.claim, 0))
        newer: dict[str, str] = {}
        mine = _version(load)
        for slot, count in slots if load.refused is None else ():
            holder = holders.get(slot)
            if holder is not None and holder.version > mine:
                newer[slot] = holder.load_id
            else:
                holders[slot] = _Holder(load.load_id, mine, count)
        if newer:
            load.notes.append(
                Note("newer_load_stands", "what a newer file said since then stays as it is")
            )
        o = _outcome(spec, load, "entered")
        if load.refused is not None:
            if load.refused.code == landing.NOT_KEPT:
                # It must be looked at again as soon as it is back.
                con.execute(
                    "delete from ledger.file where file_sha256 = $1", [load.arrival.file_sha256]
                )
            o.outcome = "refused"
            o.reason_code, o.reason = load.refused.code, load.refused.message
            o.row_count_entered, o.row_count_quarantined = 0, load.row_count_read
            con.execute(
                "insert into ledger.quarantine values "
                "($1, $2, $3, null, $4, null, null, $5, 'the supplier of the file', null, $6)",
                [
                    load.load_id,
                    spec.source,
                    spec.table,
                    f"{spec.source}.{spec.table}.load.refused",
                    f"the whole load was refused: {load.refused.message}",
                    at,
                ],
            )
        else:
            o.row_count_entered = load.row_count_inserted
            o.row_count_quarantined = load.quarantined_rows
            if load.notes or load.quarantined_rows:
                o.outcome = "entered_with_warnings"
                words = [n.message for n in load.notes]
                if load.quarantined_rows:
                    n = load.quarantined_rows
                    words.append(f"{n:,} {'row' if n == 1 else 'rows'} went to quarantine")
                o.reason_code = load.notes[0].code if load.notes else "rows_quarantined"
                o.reason = "; ".join(dict.fromkeys(words))
        o.slots = [s for s, _ in slots]
        ledger_rows.append(
            (
                load.load_id,
                run_id,
                spec.source,
                spec.table,
                load.arrival.file_name,
                o.member_name,
                load.arrival.file_sha256,
                load.member.content_sha256,
                load.byte_count,
                load.member.claim or None,
                load.member.layout_era,
                load.member.scan.encoding if load.member.scan else None,
                o.outcome,
                o.reason_code,
                o.reason,
                o.row_count_read,
                o.row_count_entered,
                o.row_count_quarantined,
                min(o.slots, default=None),
                max(o.slots, default=None),
                contracts_version(),
                version,
                load.gate_status,
                load.docs,
                at,
                load.arrival.sent_at,
            )
        )
        for slot, count in slots:
            period_rows.append(_PeriodRow(load.load_id, slot, count, newer.get(slot)))
        outcomes.append(o)
    _write_ledger(con, spec, ledger_rows, period_rows, at)


@dataclass
class _PeriodRow:
    """That a load speaks for a slot; ``superseded_by`` a newer load where one already does."""

    load_id: str
    slot: str
    row_count: int
    superseded_by: str | None


def _write_ledger(
    con: duckdb.DuckDBPyConnection,
    spec: TableSpec,
    ledger_rows: list[tuple],
    period_rows: list[_PeriodRow],
    at: dt.datetime,
) -> None:
    """Write loads and the slots they speak for, in a few statements however many; empties both.

    A slot's current load gives way to the first of these loads that speaks for it, that one to the
    next, and so on.
    """
    import pyarrow as pa

    if ledger_rows:
        columns = list(zip(*ledger_rows, strict=True))
        con.register(
            "_rows",
            pa.table([pa.array(c) for c in columns], [f"c{n}" for n in range(len(columns))]),
        )
        con.execute("insert or replace into ledger.load select * from _rows")
        con.unregister("_rows")
    first: dict[str, str] = {}
    last: dict[str, _PeriodRow] = {}
    for row in period_rows:
        if row.superseded_by is not None:
            continue
        if row.slot in last:
            last[row.slot].superseded_by = row.load_id
        first.setdefault(row.slot, row.load_id)
        last[row.slot] = row
    if first:
        con.register("_first", pa.table({"slot": list(first), "load_id": list(first.values())}))
        con.execute(
            """
            update ledger.load_period as p set superseded_at = $1, superseded_by = f.load_id
            from _first as f
            where p.slot = f.slot and p.source = $2 and p.table_name = $3
                and p.superseded_at is null
            """,
            [at, spec.source, spec.table],
        )
        con.unregister("_first")
    if period_rows:
        con.register(
            "_periods",
            pa.table(
                {
                    "load_id": [r.load_id for r in period_rows],
                    "slot": [r.slot for r in period_rows],
                    "row_count": [r.row_count for r in period_rows],
                    "superseded_by": pa.array([r.superseded_by for r in period_rows], pa.string()),
                }
            ),
        )
        con.execute(
            """
            insert into ledger.load_period
            select load_id, $2, $3, slot, row_count, $1,
                case when superseded_by is not null then $1 end, superseded_by
            from _periods
            """,
            [at, spec.source, spec.table],
        )
        con.unregister("_periods")
    ledger_rows.clear()
    period_rows.clear()


@dataclass(frozen=True)
class _Holder:
    """The load that a slot is read from, and how new it is."""

    load_id: str
    version: tuple[dt.datetime, str, str]
    row_count: int


def _version(load: _Load) -> tuple[dt.datetime, str, str]:
    """How new a load is: when its file was last changed, then its name. Of two loads that speak for
    one slot the newer stands, in whatever order they came; a load that is looked at again under new
    rules is not news and may not undo its correction."""
    a = load.arrival
    return (a.sent_at or now(), _base_name(a.file_name), load.member.content_sha256)


def _base_name(file_name: str) -> str:
    return file_name.rsplit("/", 1)[-1]


def _holders(con: duckdb.DuckDBPyConnection, spec: TableSpec) -> dict[str, _Holder]:
    """The current load of every slot of a table."""
    return {
        slot: _Holder(load_id, (sent_at, _base_name(name), digest), count)
        for slot, load_id, sent_at, name, digest, count in con.execute(
            """
            select p.slot, p.load_id, coalesce(l.sent_at, l.entered_at),
                l.file_name, l.content_sha256, p.row_count
            from ledger.load_period as p
            inner join ledger.load as l on l.load_id = p.load_id
            where p.source = $1 and p.table_name = $2 and p.superseded_at is null
            """,
            [spec.source, spec.table],
        ).fetchall()
    }


# ----------------------------------------------------------------------- state


class ConfigurationNeeded(Exception):
    """What is loaded cannot be made sense of without something in plumbline.yml; says what."""


def check_eras(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Raise ConfigurationNeeded where crimes of two systems are in and nobody says which recorded
    when: a crime that is in both would count twice, and nothing would warn of the change."""
    systems = {
        system
        for system, table in (("legacy", "legacy__crimes"), ("connect", "connect__investigations"))
        if con.execute(f"select 1 from raw.{table} limit 1").fetchone()
    }
    missing = systems - {era.system for era in settings.recording_eras}
    if len(systems) > 1 and missing:
        raise ConfigurationNeeded(
            f"crimes of two recording systems are loaded ({', '.join(sorted(systems))}) and no "
            f"era of {' and '.join(sorted(missing))} is configured: say under recording_eras in "
            f"{settings.config_path or 'plumbline.yml'} from which day to which each was the one "
            "that recorded crime; nothing was published"
        )


def fingerprint(con: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    """Hash of everything a release is made from: the current loads, the models, the settings.

    Equal fingerprints mean that a new release would hold the same data as the old one.
    """
    from orchestration.versions import models_version

    hasher = hashlib.sha256()
    for row in con.execute(
        "select source, table_name, slot, load_id from ledger.load_period "
        "where superseded_at is null order by all"
    ).fetchall():
        hasher.update(json.dumps(row).encode())
    hasher.update(models_version(settings).encode())
    hasher.update(contracts_version().encode())
    return hasher.hexdigest()[:16]


def entered_without_passing(con: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """Loads that are in a raw table although their gate did not pass them; there are none."""
    spec = contract_spec(table)
    return [
        f"{name} (load {load_id}): gate {status}"
        for load_id, name, status in con.execute(
            f"""
            select h._load_id, coalesce(l.file_name, 'unknown to the ledger'), l.gate_status
            from (select distinct _load_id from raw.{spec.raw_name}) as h
            left join ledger.load as l on l.load_id = h._load_id
            where coalesce(l.gate_status, '') not in ('pass', 'warning')
            order by 1
            """
        ).fetchall()
    ]


def table_totals(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    """Current rows and loads of a raw table, and rows of current loads that wait in quarantine."""
    spec = contract_spec(table)
    row = con.execute(
        """
        with current_slots as (
            select * from ledger.load_period
            where source = $1 and table_name = $2 and superseded_at is null
        )
        select (select coalesce(sum(row_count), 0) from current_slots),
            (select count(distinct load_id) from current_slots),
            (select coalesce(sum(row_count_quarantined), 0) from ledger.load
             where load_id in (select load_id from current_slots))
        """,
        [spec.source, spec.table],
    ).fetchone()
    assert row is not None
    return {
        "row_count": int(row[0]),
        "load_count": int(row[1]),
        "quarantined_count": int(row[2]),
    }


def reconcile(con: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """What does not add up in a raw table, in words; empty where all does.

    For every load that entered: its rows in the table equal the rows the ledger says entered, the
    rows in quarantine equal the rows it says were quarantined; and no row belongs to a load that
    the ledger does not know as entered.
    """
    spec = contract_spec(table)
    rows = con.execute(
        f"""
        with held as (
            select _load_id as load_id, count(*) as n from raw.{spec.raw_name} group by 1
        ),
        refused_rows as (
            select load_id, count(distinct row_number) as n from ledger.quarantine
            where source = {lit(spec.source)} and table_name = {lit(spec.table)} group by 1
        ),
        loads as (
            select * from ledger.load
            where source = {lit(spec.source)} and table_name = {lit(spec.table)}
        )
        select coalesce(l.load_id, h.load_id), l.outcome, l.row_count_entered,
            l.row_count_quarantined, coalesce(h.n, 0), coalesce(q.n, 0), l.file_name
        from loads as l
        full join held as h on h.load_id = l.load_id
        left join refused_rows as q on q.load_id = l.load_id
        """
    ).fetchall()
    problems = []
    for load_id, outcome, entered, quarantined, held, waiting, file_name in rows:
        if outcome not in ENTERED:
            if held:
                problems.append(f"{held:,} rows belong to load {load_id}, which did not enter")
            continue
        if held != entered:
            problems.append(
                f"{file_name} (load {load_id}): {entered:,} rows entered, {held:,} are there"
            )
        if waiting != quarantined:
            problems.append(
                f"{file_name} (load {load_id}): {quarantined:,} rows quarantined, "
                f"{waiting:,} are in quarantine"
            )
    return problems


__all__ = [
    "Discovery",
    "LoadOutcome",
    "begin_run",
    "discover",
    "end_run",
    "fingerprint",
    "load_table",
    "reconcile",
    "snapshot_ledger",
    "writer",
]
