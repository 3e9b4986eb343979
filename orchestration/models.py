"""The dbt project as the orchestration sees it: where it is, its manifest, what failed.

SQL belongs in ``dbt_project``; running it belongs to the Dagster asset that calls dbt.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from orchestration.settings import DBT_PROJECT, Settings
from orchestration.versions import models_version


class ModelsError(Exception):
    """The dbt project cannot be read; the message holds dbt's own words."""


def project_dir() -> Path:
    return DBT_PROJECT


def dbt_executable() -> str:
    """The dbt program of this very environment, whether or not it is on the path."""
    return str(Path(sys.executable).with_name("dbt"))


def environment(settings: Settings) -> dict[str, str]:
    """Environment variables dbt needs; also set for this process by :func:`prepare`."""
    return {
        "PLUMBLINE_WAREHOUSE": str(settings.warehouse_path),
        "PLUMBLINE_DBT_MEMORY": settings.warehouse.memory_limit,
        "DBT_TARGET_PATH": str(settings.dbt_dir / "target"),
        "DBT_LOG_PATH": str(settings.dbt_dir / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
    }


def prepare(settings: Settings) -> Path:
    """Path of a manifest that is in step with the project, parsing it where it is not.

    Raises ModelsError with dbt's words where the project does not parse.
    """
    os.environ.update(environment(settings))
    target = settings.dbt_dir / "target"
    manifest, stamp = target / "manifest.json", settings.dbt_dir / "manifest.version"
    version = models_version(settings)
    if manifest.exists() and stamp.exists() and stamp.read_text() == version:
        return manifest
    target.mkdir(parents=True, exist_ok=True)
    (settings.warehouse_path.parent).mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            dbt_executable(),
            "parse",
            "--project-dir",
            str(DBT_PROJECT),
            "--profiles-dir",
            str(DBT_PROJECT),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        words = (done.stdout + done.stderr).strip()[-3000:]
        raise ModelsError(f"the dbt project does not parse:\n{words}")
    stamp.write_text(version)
    return manifest


def node_count(manifest: Path) -> int:
    """How many models, seeds and tests one build runs, for a progress bar."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
    return sum(n["resource_type"] in ("model", "seed", "test") for n in nodes.values())


def failures(run_results: Path) -> list[str]:
    """What failed in the last dbt invocation, one line each: name and dbt's message."""
    if not run_results.exists():
        return []
    data: dict[str, Any] = json.loads(run_results.read_text(encoding="utf-8"))
    return [
        f"{r['unique_id'].split('.', 2)[-1]}: {' '.join((r.get('message') or '').split())}"
        for r in data["results"]
        if r["status"] in ("error", "fail", "runtime error")
    ]
