"""Twenty readers of ``releases/current`` while ten releases are published.

No read may fail, and none may see two releases at once: every mart of a release carries the same
number, so a mixed read shows as two numbers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestration.publish.release import build_release, list_releases, verify_release

READERS = 20
RELEASES = 10

READER = """
import json, sys, time
from pathlib import Path
import duckdb

releases, stop = Path(sys.argv[1]), Path(sys.argv[2])
reads, seen, failures = 0, [], []
print("ready", flush=True)
while not stop.exists():
    try:
        with duckdb.connect(str(releases / "current" / "plumbline.duckdb"), read_only=True) as c:
            first = c.execute("select min(stamp), max(stamp), count(*), min(release_id), "
                              "max(release_id) from mart_first").fetchone()
            time.sleep(0.02)
            second = c.execute("select min(stamp), max(stamp), count(*), min(release_id), "
                               "max(release_id) from mart_second").fetchone()
        if first != second or first[0] != first[1] or first[3] != first[4]:
            failures.append(f"mixed: {first} and {second}")
        if not seen or seen[-1] != first[0]:
            seen.append(first[0])
        reads += 1
    except Exception as error:
        failures.append(f"{type(error).__name__}: {error}")
print(json.dumps({"reads": reads, "seen": seen, "failures": failures}), flush=True)
"""


def set_stamp(warehouse: Path, stamp: int) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema if not exists marts")
        for mart in ("mart_first", "mart_second"):
            connection.execute(
                f"create or replace table marts.{mart} as "
                f"select {stamp} as stamp, i as row from range(5000) as t(i)"
            )


@pytest.mark.slow
def test_readers_never_fail_and_never_see_two_releases(tmp_path: Path) -> None:
    warehouse, releases, stop = tmp_path / "w.duckdb", tmp_path / "releases", tmp_path / "stop"

    def publish(stamp: int) -> None:
        set_stamp(warehouse, stamp)
        build_release(
            warehouse,
            releases,
            release_id=f"r{stamp:03}",
            protections={},
            provenance={},
            keep_last=3,
        )

    publish(0)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(releases), str(stop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(READERS)
    ]
    try:
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
        for stamp in range(1, RELEASES + 1):
            publish(stamp)
            time.sleep(0.3)
        stop.touch()
        outcomes = []
        for reader in readers:
            out, err = reader.communicate(timeout=60)
            assert reader.returncode == 0, err
            outcomes.append(json.loads(out))
    finally:
        for reader in readers:
            if reader.poll() is None:
                reader.kill()
                reader.wait()

    assert [failure for outcome in outcomes for failure in outcome["failures"]] == []
    for outcome in outcomes:
        assert outcome["seen"] == sorted(outcome["seen"]), "a reader went back in time"
    seen = {stamp for outcome in outcomes for stamp in outcome["seen"]}
    assert len(seen) > RELEASES // 2  # they did read while it was published
    assert sum(outcome["reads"] for outcome in outcomes) > READERS * RELEASES
    kept = list_releases(releases)
    assert [info.release_id for info in kept] == ["r010", "r009", "r008"]
    assert all(verify_release(info.path) == [] for info in kept)
