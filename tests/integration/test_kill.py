"""``kill -9`` at any moment, then run again: the end is that of a run nobody disturbed."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from whole_runs import (
    kill_after,
    load_everything,
    plumbline,
    published_state,
    raw_state,
    start,
)

from orchestration.sources.sample_landing import write_sample_landing

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def landing(tmp_path_factory) -> Path:
    """Small, but with every way of being read: a zip, loose files, a wide table, a bad file."""
    folder = tmp_path_factory.mktemp("landing")
    whole = tmp_path_factory.mktemp("whole")
    write_sample_landing(whole)
    shutil.copytree(whole / "police_uk", folder / "police_uk")
    for name in (
        "home_office/prc-pfa-2019-20-generated.csv",
        "home_office/prc-pfa-2021-22-generated.csv",
        "ons/p6_knife_offences_by_pfa_generated.csv",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(whole / name, folder / name)
    quoted = (folder / "police_uk" / "2022-03-west-midlands-street.csv").read_text()
    (folder / "2022-04-west-midlands-street.csv").write_text(
        quoted.replace("2022-03", "2022-04").replace("On or near", '"On, or near"', 1)
        + "too,few,fields\n"
    )
    (folder / "2022-05-west-midlands-street.csv").write_text("not,the,right,header\n1,2,3,4\n")
    return folder


@pytest.fixture(scope="module")
def context() -> multiprocessing.context.BaseContext:
    """Processes that have imported everything already, so that kills fall into the work itself."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["whole_runs", "orchestration.gates.gate", "pyarrow"])
    return found


def _loading(context, home: Path, landing: Path, run: int) -> BaseProcess:
    process = context.Process(target=load_everything, args=(home, landing, f"run-{run}"))
    process.start()
    return process


def _to_the_end(process: BaseProcess) -> int | None:
    process.join(timeout=300)
    return process.exitcode


def test_loading_killed_at_many_moments(context, landing, tmp_path):
    assert _to_the_end(_loading(context, tmp_path / "warm", landing, 0)) == 0
    undisturbed = tmp_path / "undisturbed"
    started = time.monotonic()
    assert _to_the_end(_loading(context, undisturbed, landing, 0)) == 0
    lasts = time.monotonic() - started
    expected = raw_state(undisturbed)
    assert expected["police_uk__street"][0] > 5_000

    draw = random.Random(20211122)
    home = tmp_path / "killed"
    killed = 0
    for run in range(8):
        process = _loading(context, home, landing, run)
        process.join(timeout=lasts * draw.uniform(0.0, 0.8))
        hit = process.is_alive()
        killed += hit
        process.kill()
        process.join()
        # From scratch where it came to its end, and now and then, so that all of it is hit.
        if not hit or draw.random() < 0.35:
            shutil.rmtree(home, ignore_errors=True)
    assert killed >= 3  # how many depends on how busy the machine is
    assert _to_the_end(_loading(context, home, landing, 99)) == 0
    assert raw_state(home) == expected
    assert not list((home / "raw").glob("*/.*")), "no unfinished copies stay behind"


@pytest.mark.long
def test_whole_runs_killed_at_many_moments(landing, tmp_path):
    undisturbed, home = tmp_path / "undisturbed", tmp_path / "killed"
    started = time.monotonic()
    done = plumbline("run", "--landing", str(landing), home=undisturbed)
    lasts = time.monotonic() - started
    assert done.returncode == 2, done.stdout + done.stderr  # the bad file

    draw = random.Random(7)
    killed = 0
    for number in range(5):
        process = start("run", "--landing", str(landing), home=home)
        # The last time only the program itself is killed and the dbt it may have started lives
        # on: the next run has to wait for it.
        only_parent = number == 4
        hit = kill_after(process, lasts * draw.uniform(0.15, 0.95), group=not only_parent)
        killed += hit
        if not hit:
            shutil.rmtree(home)  # it came to its end: from scratch again
    assert killed >= 1  # how many depends on how busy the machine is
    done = plumbline("run", "--landing", str(landing), home=home)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert raw_state(home) == raw_state(undisturbed)
    assert published_state(home) == published_state(undisturbed)
    assert not list((home / "releases").glob(".building-*"))
