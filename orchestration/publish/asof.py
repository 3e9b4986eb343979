"""What was known at a date: the marts built again from the loads that were current then.

History is kept for good in the ledger (when each load entered, when it was superseded), so the past
can be rebuilt even after its release was pruned. Only that belongs here. The result is a release
folder of its own, outside ``releases``; nothing that is published changes.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import duckdb

from orchestration import models
from orchestration.progress import Progress, silent
from orchestration.publish import disclosure, release
from orchestration.settings import Settings
from orchestration.versions import code_version
from orchestration.warehouse import ensure_tables, write_lock


class RebuildError(Exception):
    """The past could not be rebuilt; the message says why."""


def parse_moment(text: str) -> dt.datetime:
    """A date (meaning the end of that day) or a date and time, UTC unless it says otherwise.

    Returns UTC without a zone, as the ledger keeps time. Raises ValueError in words.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a date or time; write 2026-11-22 or 2026-11-22T14:30"
        ) from None
    if len(text) <= 10:
        moment += dt.timedelta(days=1, microseconds=-1)
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    return moment


def rebuild_as_of(
    settings: Settings, moment: dt.datetime, out: Path, progress: Progress = silent
) -> release.ReleaseInfo:
    """Build the marts from the loads that were current at ``moment`` (UTC) into folder ``out``.

    The models, code lists and settings are today's; only the loads are those of then. ``out`` must
    not hold releases yet; afterwards ``out/current`` leads to the database. Raises RebuildError,
    PublishError, WarehouseBusy.
    """
    if (out / release.CURRENT).exists():
        raise RebuildError(f"{out} already holds a release; name another folder")
    if not settings.warehouse_path.exists():
        raise RebuildError(f"there is nothing under {settings.home} yet: run `plumbline run` first")
    settings.work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.work_dir, prefix="as-of-") as folder:
        copy = settings.model_copy(update={"home": Path(folder)})
        copy.warehouse_path.parent.mkdir(parents=True)
        with write_lock(settings, waiting=progress.line):
            for part in (settings.warehouse_path, Path(f"{settings.warehouse_path}.wal")):
                if part.exists():
                    shutil.copyfile(part, copy.warehouse_path.with_name(part.name))
        progress.line(f"building the marts as of {moment.isoformat()} (UTC)")
        done = subprocess.run(
            [
                models.dbt_executable(),
                "build",
                "--project-dir",
                str(models.project_dir()),
                "--profiles-dir",
                str(models.project_dir()),
                "--exclude-resource-type",
                "unit_test",
                "--vars",
                json.dumps({"as_of": moment.isoformat(sep=" ")}),
            ],
            env={**os.environ, **models.environment(copy)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            problems = models.failures(copy.dbt_dir / "target" / "run_results.json")
            raise RebuildError(
                f"the marts as of {moment} could not be built: "
                + ("; ".join(problems) or (done.stdout + done.stderr)[-2000:])
            )
        with duckdb.connect(str(copy.warehouse_path)) as con:
            ensure_tables(con)
            try:
                planned = disclosure.plan(con, copy)
            except disclosure.DisclosureError as error:
                raise RebuildError(str(error)) from error
        return release.build_release(
            copy.warehouse_path,
            out,
            protections=planned.marts,
            release_id=f"as-of-{moment.strftime('%Y%m%dT%H%M%S')}Z",
            provenance={"as_of": moment.isoformat(), "code_version": code_version()},
            keep_last=2,
            memory_limit=settings.warehouse.memory_limit,
        )
