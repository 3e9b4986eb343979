"""The Dagster instance of one PLUMBLINE_HOME: where it is kept, and runs that died.

Belongs here: writing ``PLUMBLINE_HOME/dagster/dagster.yaml`` from the templates at the root of the
project, the tags that say which process carries out a run, and finding runs whose process is gone.
Does not belong here: what the runs do, and the lock on the warehouse file.

Dagster itself is imported only where it is needed; it takes about two seconds.

``python -m orchestration.instance`` prepares the instance and prints its folder, for shell scripts:
``export DAGSTER_HOME=$(python -m orchestration.instance)``.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

if TYPE_CHECKING:
    from dagster import DagsterInstance

PROJECT_ROOT = Path(__file__).resolve().parents[1]

POSTGRES_URL_VARIABLE = "PLUMBLINE_DAGSTER_POSTGRES_URL"
"""Environment variable with the address of the PostgreSQL database; its presence chooses it."""

WAREHOUSE_POOL = "duckdb_warehouse"
"""The pool that every step opening the warehouse file belongs to; its limit is 1."""

PID_TAG = "plumbline/pid"
HOST_TAG = "plumbline/host"
BOOT_TAG = "plumbline/boot_id"
STARTED_TAG = "plumbline/pid_started"

Storage = Literal["sqlite", "postgres"]

_TEMPLATES: dict[str, str] = {"sqlite": "dagster.yaml", "postgres": "dagster.postgres.yaml"}


class InstanceError(Exception):
    """The Dagster instance cannot be prepared; the message says why and what to do."""


def prepare_instance(home: Path, storage: Storage | None = None) -> Path:
    """Write the instance configuration of ``home`` and return the folder for ``DAGSTER_HOME``.

    ``storage`` left out means PostgreSQL where ``PLUMBLINE_DAGSTER_POSTGRES_URL`` is set, and
    SQLite otherwise. The file is replaced only when its content changes, so a running ``dagster
    dev`` is not disturbed. Nothing in the environment is changed.

    Raises InstanceError where PostgreSQL is chosen but not configured or not installed, where the
    template is missing, and where the folder cannot be written.
    """
    chosen = storage or ("postgres" if os.environ.get(POSTGRES_URL_VARIABLE) else "sqlite")
    if chosen not in _TEMPLATES:
        raise InstanceError(f"Unknown Dagster storage {chosen!r}: choose sqlite or postgres.")
    if chosen == "postgres":
        _require_postgres()

    template = PROJECT_ROOT / _TEMPLATES[chosen]
    try:
        config: dict[str, Any] = yaml.safe_load(template.read_text(encoding="utf-8"))
    except OSError as error:
        raise InstanceError(f"The template {template} cannot be read: {error.strerror}.") from error

    dagster_home = home.resolve() / "dagster"
    if chosen == "sqlite":
        config["storage"]["sqlite"]["base_dir"] = str(dagster_home / "storage")
    config["local_artifact_storage"]["config"]["base_dir"] = str(dagster_home / "artifacts")
    config["compute_logs"]["config"]["base_dir"] = str(dagster_home / "logs")
    text = (
        f"# Written by plumbline from {template.name} of the project at every start; change it\n"
        "# there. Changes made here are lost.\n" + yaml.safe_dump(config, sort_keys=False)
    )

    target = dagster_home / "dagster.yaml"
    try:
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            dagster_home.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".dagster.yaml.{os.getpid()}")
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(target)
    except OSError as error:
        raise InstanceError(
            f"The Dagster settings cannot be written to {target}: {error.strerror}."
        ) from error
    return dagster_home


def _require_postgres() -> None:
    if not os.environ.get(POSTGRES_URL_VARIABLE):
        raise InstanceError(
            f"PostgreSQL storage was asked for, but {POSTGRES_URL_VARIABLE} is not set. Set it to "
            "postgresql://user:password@host:5432/database."
        )
    if importlib.util.find_spec("dagster_postgres") is None:
        raise InstanceError(
            "PostgreSQL storage needs the package dagster-postgres: run `make install-postgres`, "
            f"or unset {POSTGRES_URL_VARIABLE} to use SQLite."
        )


# ---------------------------------------------------------------------------------------- processes


@cache
def _boot_id() -> str:
    """What changes when this machine restarts; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _process_started(pid: int) -> str | None:
    """The start time of a process in clock ticks since boot, '' if unknown, None if it is gone.

    A zombie counts as gone: it does nothing any more and only waits for its parent.
    """
    try:
        # The second field, the program's name, may hold spaces and brackets: read after the last.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        try:  # no /proc (macOS): ask whether a signal could be sent
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except OSError:
            return ""
        return ""
    return None if fields[0] in ("Z", "X") else fields[19]


def process_tags(pid: int | None = None) -> dict[str, str]:
    """Run tags that identify a process (this one) beyond a reused process number or a restart.

    Put them on a run when it is made, or from inside it with ``instance.add_run_tags``, so that
    ``reap_dead_runs`` can tell whether it still lives.
    """
    number = os.getpid() if pid is None else pid
    return {
        PID_TAG: str(number),
        HOST_TAG: socket.gethostname(),
        BOOT_TAG: _boot_id(),
        STARTED_TAG: _process_started(number) or "",
    }


def process_is_alive(tags: dict[str, str]) -> bool | None:
    """Whether the process named by ``process_tags`` still runs; None where this cannot be known.

    It cannot be known for a run without the tags and for a run of another machine.
    """
    if not tags.get(PID_TAG, "").isdigit() or tags.get(HOST_TAG) != socket.gethostname():
        return None
    if tags.get(BOOT_TAG, "") != _boot_id():
        return False
    started = _process_started(int(tags[PID_TAG]))
    if started is None:
        return False
    expected = tags.get(STARTED_TAG, "")
    return not (expected and started and expected != started)


def reap_dead_runs(
    instance: DagsterInstance, *, other_hosts_after: timedelta = timedelta(hours=24)
) -> list[str]:
    """Mark runs whose process is gone as failed and give back the pool slots they held.

    Without this, a run that was killed would be shown as running for good and its slot would keep
    every later run waiting. A run of another machine, whose process cannot be seen from here, is
    reaped only when nothing was heard of it for ``other_hosts_after``. Runs without process tags
    are left alone, as are runs that wait in the queue. Slots of runs that have ended or were
    deleted are given back too.

    Returns the ids of the runs marked as failed, oldest first. Safe to call at any time and from
    several processes at once.
    """
    from dagster import DagsterRunStatus, RunsFilter
    from dagster._core.storage.dagster_run import FINISHED_STATUSES
    from dagster._time import get_current_datetime

    storage = instance.event_log_storage
    records = instance.get_run_records(
        filters=RunsFilter(
            statuses=[
                DagsterRunStatus.NOT_STARTED,
                DagsterRunStatus.STARTING,
                DagsterRunStatus.STARTED,
                DagsterRunStatus.CANCELING,
            ]
        ),
        ascending=True,
    )
    now = get_current_datetime()
    reaped: list[str] = []
    for record in records:
        run = record.dagster_run
        tags = dict(run.tags)
        if PID_TAG not in tags:
            continue
        alive = process_is_alive(tags)
        place = f"process {tags[PID_TAG]} on {tags.get(HOST_TAG, 'an unknown machine')}"
        if alive is False:
            message = (
                f"The {place}, which carried out this run, is gone: it was killed or the machine "
                "restarted. What the run had entered is complete; start the run again to go on."
            )
        elif alive is None and now - record.update_timestamp > other_hosts_after:
            hours = other_hosts_after.total_seconds() / 3600
            message = (
                f"Nothing was heard of this run ({place}) for more than {hours:g} hours, and its "
                "process cannot be seen from this machine. It is taken for dead."
            )
        else:
            continue
        # It may have ended while we looked.
        current = instance.get_run_by_id(run.run_id)
        if current is None or current.is_finished:
            continue
        instance.report_run_failed(run, message)
        reaped.append(run.run_id)

    if storage.supports_global_concurrency_limits:
        for run_id in storage.get_concurrency_run_ids():
            run = instance.get_run_by_id(run_id)
            if run is None or (
                run.status in FINISHED_STATUSES and not process_is_alive(dict(run.tags))
            ):
                storage.free_concurrency_slots_for_run(run_id)
    return reaped


def main() -> int:
    """Prepare the instance of ``PLUMBLINE_HOME`` (default ``./data``) and print its folder."""
    try:
        print(prepare_instance(Path(os.environ.get("PLUMBLINE_HOME") or PROJECT_ROOT / "data")))
    except InstanceError as error:
        print(f"plumbline: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
