"""``kill -9`` at any moment, then run again: the end is that of a run nobody disturbed."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from whole_runs import (
    environment,
    kill_after,
    plumbline,
    published_state,
    raw_state,
    start,
)

from orchestration.sources.sample_landing import write_sample_landing

pytestmark = pytest.mark.slow

#: Loads everything that waits, without Dagster and without models.
LOAD_ONLY = """
import sys
from pathlib import Path
from orchestration import load
from orchestration.contracts import CONTRACTS
from orchestration.settings import load_settings
from orchestration.warehouse import writer

settings = load_settings(home=Path(sys.argv[1]), landing=Path(sys.argv[2]))
run_id = sys.argv[3]
with writer(settings) as con:
    load.begin_run(con, settings, run_id, "test")
    load.discover(con, settings, run_id)
    for table in CONTRACTS:
        load.load_table(con, settings, table, run_id)
        assert load.reconcile(con, table) == []
    con.execute("checkpoint")
"""


@pytest.fixture(scope="module")
def landing(tmp_path_factory) -> Path:
    """Small, but with every kind of file: a zip, loose files, a workbook, and a bad one."""
    folder = tmp_path_factory.mktemp("landing")
    whole = tmp_path_factory.mktemp("whole")
    write_sample_landing(whole)
    for name in ("home_office", "nhs", "ons", "grants", "police_uk"):
        shutil.copytree(whole / name, folder / name)
    (folder / "2022-05-west-midlands-street.csv").write_text("not,the,right,header\n1,2,3,4\n")
    return folder


def _load_only(home: Path, landing: Path, run: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", LOAD_ONLY, str(home), str(landing), f"run-{run}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )


def test_loading_killed_at_many_moments(landing, tmp_path):
    undisturbed = tmp_path / "undisturbed"
    started = time.monotonic()
    assert _load_only(undisturbed, landing, 0).wait(timeout=300) == 0
    lasts = time.monotonic() - started
    expected = raw_state(undisturbed)

    draw = random.Random(20211122)
    home = tmp_path / "killed"
    killed = 0
    for run in range(14):
        # Later moments are likelier: importing what is needed takes the first third.
        hit = kill_after(_load_only(home, landing, run), lasts * draw.uniform(0.25, 1.0))
        killed += hit
        # From scratch where it came to its end, and now and then, so that all of it is hit.
        if not hit or draw.random() < 0.3:
            shutil.rmtree(home, ignore_errors=True)
    assert killed >= 3
    assert _load_only(home, landing, 99).wait(timeout=300) == 0
    assert raw_state(home) == expected


def test_whole_runs_killed_at_many_moments(landing, tmp_path):
    undisturbed, home = tmp_path / "undisturbed", tmp_path / "killed"
    started = time.monotonic()
    done = plumbline("run", "--landing", str(landing), home=undisturbed)
    lasts = time.monotonic() - started
    assert done.returncode == 2, done.stdout + done.stderr  # the bad file

    draw = random.Random(7)
    killed = 0
    for number in range(6):
        process = start("run", "--landing", str(landing), home=home)
        # The last time only the program itself is killed and the dbt it may have started lives
        # on: the next run has to wait for it.
        only_parent = number == 5
        hit = kill_after(process, lasts * draw.uniform(0.15, 0.95), group=not only_parent)
        killed += hit
        if not hit:
            shutil.rmtree(home)  # it came to its end: from scratch again
    assert killed >= 2
    done = plumbline("run", "--landing", str(landing), home=home)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert raw_state(home) == raw_state(undisturbed)
    assert published_state(home) == published_state(undisturbed)
    assert not list((home / "releases").glob(".building-*"))
