"""Releases on real DuckDB files: content, atomic link, rollback, damage, pruning, crashes."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.publish import release as subject
from orchestration.publish.release import (
    ATTRIBUTION,
    PublishError,
    ReleaseExistsError,
    ReleaseInfo,
    build_release,
    current,
    list_releases,
    prune,
    rollback,
    swap_current,
    verify_release,
)

PROVENANCE: dict[str, Any] = {
    "code_version": "abc1234",
    "load_ids": ["l1", "l2"],
    "gates": {"pass": 2, "warning": 1},
}


def make_warehouse(path: Path, version: int = 1) -> Path:
    """A working database with two marts, a mart that is a view, and schemas not to be published."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"""
            create schema marts; create schema raw; create schema staging;
            create table raw.police_uk__street as select 1 as secret;
            create table marts.mart_monthly_series as
              select 'west-midlands' as force, date '2019-01-01' + to_months(i::integer) as month,
                     (i * 10 + {version})::bigint as offences, [i, i + 1] as parts,
                     (i / 3)::decimal(9, 3) as rate
              from range(24) as t(i);
            create table marts.mart_load_ledger as select {version} as version, null as note;
            create view marts.mart_summary as
              select count(*) as months from marts.mart_monthly_series;
            comment on table marts.mart_monthly_series is 'One row per force''s month;
            recorded basis.';
            comment on column marts.mart_monthly_series.offences is 'Offences, count.';
            comment on view marts.mart_summary is 'A view.';
            """
        )
    return path


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return make_warehouse(tmp_path / "plumbline.duckdb")


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    return tmp_path / "releases"


def build(warehouse: Path, releases: Path, release_id: str, **options: Any) -> ReleaseInfo:
    settings: dict[str, Any] = {
        "protections": {},
        "provenance": PROVENANCE,
        "keep_last": 5,
        **options,
    }
    return build_release(warehouse, releases, release_id=release_id, **settings)


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def break_permissions(path: Path, text: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(text)


# ----------------------------------------------------------------------------------------- content


def test_every_mart_is_published_and_nothing_else(warehouse: Path, releases: Path) -> None:
    info = build(warehouse, releases, "r1")
    assert query(info.database, "select schema_name, table_name from duckdb_tables()") == [
        ("main", "mart_load_ledger"),
        ("main", "mart_monthly_series"),
        ("main", "mart_summary"),
        ("main", "release_info"),
    ]
    assert info.rows == {"mart_load_ledger": 1, "mart_monthly_series": 24, "mart_summary": 1}
    assert info.is_current and not info.is_damaged
    assert sorted(path.name for path in info.path.rglob("*") if path.is_file()) == [
        "manifest.json",
        "mart_load_ledger.parquet",
        "mart_monthly_series.parquet",
        "mart_summary.parquet",
        "plumbline.duckdb",
    ]


def test_content_and_types_equal_the_mart(warehouse: Path, releases: Path) -> None:
    info = build(warehouse, releases, "r1")
    source = query(warehouse, "select * from marts.mart_monthly_series order by month")
    columns = "* exclude (release_id)"
    for relation in (
        "mart_monthly_series",
        f"read_parquet('{info.path}/parquet/mart_monthly_series.parquet')",
    ):
        assert query(info.database, f"select {columns} from {relation} order by month") == source
    described = "select column_name, column_type from (describe {})"
    assert query(info.database, described.format("mart_monthly_series")) == [
        *query(warehouse, described.format("marts.mart_monthly_series")),
        ("release_id", "VARCHAR"),
    ]


def test_every_row_says_its_release(warehouse: Path, releases: Path) -> None:
    info = build(warehouse, releases, "r1")
    for mart in info.rows:
        assert query(info.database, f"select distinct release_id from {mart}") == [("r1",)]


def test_comments_are_carried_over(warehouse: Path, releases: Path) -> None:
    info = build(warehouse, releases, "r1")
    tables = dict(query(info.database, "select table_name, comment from duckdb_tables()"))
    assert tables["mart_monthly_series"].startswith("One row per force's month;\n")
    assert tables["mart_summary"] == "A view."
    columns = dict(
        query(
            info.database,
            "select column_name, comment from duckdb_columns() "
            "where table_name = 'mart_monthly_series'",
        )
    )
    assert columns["offences"] == "Offences, count."
    assert columns["month"] is None
    assert "Release" in columns["release_id"]


def test_database_is_written_for_older_readers(warehouse: Path, releases: Path) -> None:
    info = build(warehouse, releases, "r1")
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{info.database}' as release (read_only)")
        tags = connection.execute(
            "select tags from duckdb_databases() where database_name = 'release'"
        ).fetchall()
    assert tags == [({"storage_version": "v1.0.0+"},)]
    # Bytes 12 to 19 of the file: the number of the storage format; 64 is that of v0.10 to v1.1.
    assert int.from_bytes(info.database.read_bytes()[12:20], "little") == 64


def test_manifest_tells_it_all(warehouse: Path, releases: Path) -> None:
    info = build(warehouse, releases, "r1")
    manifest = json.loads((info.path / "manifest.json").read_text())
    assert manifest["release_id"] == "r1"
    assert manifest["attribution"] == ATTRIBUTION
    assert manifest["provenance"] == PROVENANCE
    assert manifest["code_version"] == "abc1234"
    assert manifest["duckdb_version"] == duckdb.__version__
    mart = manifest["marts"]["mart_monthly_series"]
    assert mart["rows"] == 24
    assert mart["columns"][2] == {
        "name": "offences",
        "type": "BIGINT",
        "description": "Offences, count.",
    }
    assert set(manifest["files"]) == {
        path.relative_to(info.path).as_posix()
        for path in info.path.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert query(info.database, "select release_id, code_version from release_info") == [
        ("r1", "abc1234")
    ]


def test_parquet_is_compressed_and_attributed(warehouse: Path, releases: Path) -> None:
    info = build(warehouse, releases, "r1")
    file = f"{info.path}/parquet/mart_monthly_series.parquet"
    assert set(query(info.database, f"select compression from parquet_metadata('{file}')")) == {
        ("ZSTD",)
    }
    stated = dict(query(info.database, f"select key, value from parquet_kv_metadata('{file}')"))
    assert stated[b"attribution"] == ATTRIBUTION.encode()


def test_published_files_are_read_only(warehouse: Path, releases: Path) -> None:
    info = build(warehouse, releases, "r1")
    for path in info.path.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o222 == 0, path


def test_only_the_named_marts(warehouse: Path, releases: Path) -> None:
    assert set(build(warehouse, releases, "r1", marts=["mart_summary"]).rows) == {"mart_summary"}


def test_provenance_without_code_version(warehouse: Path, releases: Path) -> None:
    info = build(warehouse, releases, "r1", provenance={})
    assert query(info.database, "select code_version from release_info") == [(None,)]


def test_empty_mart_and_odd_names(tmp_path: Path, releases: Path) -> None:
    warehouse = tmp_path / "plumbline.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            """create schema marts;
            create table marts."Mart of ""odd"" names" ("per cent %" double, "select" integer);
            """
        )
    info = build(warehouse, releases, "r1")
    assert info.rows == {'Mart of "odd" names': 0}
    assert verify_release(info.path) == []


# ------------------------------------------------------------------------- link, rollback, listing


def test_next_release_takes_over_and_the_old_one_stays_readable(
    warehouse: Path, releases: Path
) -> None:
    build(warehouse, releases, "r1")
    assert (releases / "current").readlink() == Path("r1")
    reader = duckdb.connect(str(releases / "current" / "plumbline.duckdb"), read_only=True)
    make_warehouse(warehouse, version=2)
    build(warehouse, releases, "r2")
    assert current(releases) == releases / "r2"
    versions = "select version, release_id from mart_load_ledger"
    assert reader.execute(versions).fetchall() == [(1, "r1")]
    assert query(releases / "current" / "plumbline.duckdb", versions) == [(2, "r2")]
    reader.close()


def test_link_is_never_missing(
    warehouse: Path, releases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step of a build and swap the link names a sound release."""
    build(warehouse, releases, "r1")
    seen: set[str] = set()
    original = subject._sync

    def look(path: Path) -> None:
        now = current(releases)
        assert now is not None and verify_release(now) == []
        seen.add(now.name)
        original(path)

    monkeypatch.setattr(subject, "_sync", look)
    build(warehouse, releases, "r2")
    assert seen == {"r1", "r2"}


def test_rollback_and_back(warehouse: Path, releases: Path) -> None:
    build(warehouse, releases, "r1")
    build(warehouse, releases, "r2")
    assert rollback(releases, "r1").is_current
    assert current(releases) == releases / "r1"
    assert [(info.release_id, info.is_current) for info in list_releases(releases)] == [
        ("r2", False),
        ("r1", True),
    ]
    rollback(releases, "r2")
    assert current(releases) == releases / "r2"


def test_rollback_refuses_what_is_not_there_or_damaged(warehouse: Path, releases: Path) -> None:
    build(warehouse, releases, "r1")
    build(warehouse, releases, "r2")
    with pytest.raises(PublishError, match=r"no release r9\. Releases kept: r2, r1"):
        rollback(releases, "r9")
    parquet = releases / "r1" / "parquet" / "mart_summary.parquet"
    content = bytearray(parquet.read_bytes())
    content[len(content) // 2] ^= 1
    break_permissions(parquet, bytes(content))
    with pytest.raises(PublishError, match="other content than when it was published"):
        rollback(releases, "r1")
    assert current(releases) == releases / "r2"


@pytest.mark.parametrize("release_id", ["", "current", "../r1", ".building-r1", "a/b", "a b"])
def test_bad_ids_are_refused(warehouse: Path, releases: Path, release_id: str) -> None:
    with pytest.raises(PublishError, match="cannot be the id"):
        build(warehouse, releases, release_id)
    with pytest.raises(PublishError, match="cannot be the id"):
        swap_current(releases, release_id)


def test_no_release_yet(releases: Path) -> None:
    assert current(releases) is None
    assert list_releases(releases) == []
    with pytest.raises(PublishError, match="no release r1"):
        swap_current(releases, "r1")


def test_link_to_a_release_that_was_removed_by_hand(warehouse: Path, releases: Path) -> None:
    shutil.rmtree(build(warehouse, releases, "r1").path)
    assert current(releases) is None
    build(warehouse, releases, "r2")
    assert current(releases) == releases / "r2"


def test_current_that_is_a_folder_is_not_touched(warehouse: Path, releases: Path) -> None:
    (releases / "current").mkdir(parents=True)
    with pytest.raises(PublishError, match="should be a symbolic link"):
        build(warehouse, releases, "r1")


# ------------------------------------------------------------------------------------------ damage


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "cannot be read"),
        (b"{", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"[]", "lacks"),
        (b'{"release_id": "r1"}', "lacks"),
    ],
)
def test_damaged_manifest_is_flagged_and_not_hidden(
    warehouse: Path, releases: Path, text: bytes, problem: str
) -> None:
    build(warehouse, releases, "r1")
    build(warehouse, releases, "r2")
    break_permissions(releases / "r1" / "manifest.json", text)
    flagged = {info.release_id: info for info in list_releases(releases)}
    assert set(flagged) == {"r1", "r2"}
    assert flagged["r1"].is_damaged and problem in flagged["r1"].problems[0]
    assert not flagged["r2"].is_damaged
    assert problem in verify_release(releases / "r1")[0]


def test_missing_short_foreign_and_added_files(warehouse: Path, releases: Path) -> None:
    path = build(warehouse, releases, "r1").path
    parquet = path / "parquet" / "mart_summary.parquet"
    content = parquet.read_bytes()
    parquet.unlink()
    assert verify_release(path) == ["parquet/mart_summary.parquet is missing"]
    parquet.write_bytes(content[:-1])
    assert "bytes where" in verify_release(path)[0]
    parquet.write_bytes(content)
    assert verify_release(path) == []
    (path / "notes.txt").write_text("mine")
    assert verify_release(path) == ["notes.txt does not belong to the release"]
    (path / "notes.txt").unlink()
    copied = releases / "r9"
    shutil.copytree(path, copied)
    assert verify_release(copied) == ["manifest.json is that of release r1"]


def test_manifest_that_states_other_counts_is_found(warehouse: Path, releases: Path) -> None:
    path = build(warehouse, releases, "r1").path
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["marts"]["mart_summary"]["rows"] = 7
    break_permissions(path / "manifest.json", json.dumps(manifest).encode())
    problems = verify_release(path)
    assert len(problems) == 2
    assert all("1 rows where 7 are stated" in problem for problem in problems)


def test_manifest_of_a_later_version(warehouse: Path, releases: Path) -> None:
    path = build(warehouse, releases, "r1").path
    manifest = json.loads((path / "manifest.json").read_text()) | {"manifest_version": 99}
    break_permissions(path / "manifest.json", json.dumps(manifest).encode())
    assert "version 99" in verify_release(path)[0]


# ----------------------------------------------------------------------------------------- pruning


def test_prune_keeps_the_last_and_the_current(warehouse: Path, releases: Path) -> None:
    for number in range(1, 6):
        build(warehouse, releases, f"r{number}", keep_last=10)
    rollback(releases, "r1")
    assert prune(releases, keep_last=3) == ["r2"]
    assert [info.release_id for info in list_releases(releases)] == ["r5", "r4", "r3", "r1"]
    assert current(releases) == releases / "r1"


@pytest.mark.parametrize("keep_last", [-1, 0, 1, 2])
def test_prune_never_keeps_fewer_than_two(warehouse: Path, releases: Path, keep_last: int) -> None:
    for number in range(1, 5):
        build(warehouse, releases, f"r{number}", keep_last=keep_last)
    assert [info.release_id for info in list_releases(releases)] == ["r4", "r3"]


def test_a_removed_release_stays_readable_for_who_has_it_open(
    warehouse: Path, releases: Path
) -> None:
    path = build(warehouse, releases, "r1").database
    with duckdb.connect(str(path), read_only=True) as reader:
        for number in range(2, 5):
            build(warehouse, releases, f"r{number}", keep_last=2)
        assert not path.exists()
        assert reader.execute("select count(*) from mart_monthly_series").fetchone() == (24,)


def test_damaged_releases_do_not_count_and_go_when_old(warehouse: Path, releases: Path) -> None:
    for number in range(1, 5):
        build(warehouse, releases, f"r{number}", keep_last=10)
    for name in ("r1", "r3"):
        (releases / name / "plumbline.duckdb").unlink()
    assert prune(releases, keep_last=2) == ["r1"]
    assert [info.release_id for info in list_releases(releases)] == ["r4", "r3", "r2"]


# ------------------------------------------------------------------------------ crashes and errors


def test_leftovers_are_removed_at_the_next_build(warehouse: Path, releases: Path) -> None:
    build(warehouse, releases, "r1")
    for name in (".building-r0", ".removing-r0"):
        (releases / name / "parquet").mkdir(parents=True)
        (releases / name / "plumbline.duckdb").write_bytes(b"half")
    (releases / ".current-123").symlink_to("r0")
    assert [info.release_id for info in list_releases(releases)] == ["r1"]
    build(warehouse, releases, "r2")
    assert sorted(path.name for path in releases.iterdir()) == ["current", "r1", "r2"]


CRASH = """
import os, sys
from pathlib import Path
from orchestration.publish import release

steps = int(sys.argv[3])
def stop(*_, **__):
    global steps
    steps -= 1
    if steps < 0:
        os.kill(os.getpid(), 9)

def crash_before(owner, name):
    original = getattr(owner, name)
    def wrapped(*arguments, **options):
        stop()
        return original(*arguments, **options)
    setattr(owner, name, wrapped)

for name in ("_write_mart", "_describe_files", "_sync", "verify_release", "swap_current", "prune"):
    crash_before(release, name)
crash_before(Path, "rename")
crash_before(Path, "replace")
release.build_release(
    Path(sys.argv[1]),
    Path(sys.argv[2]),
    release_id="r2",
    protections={},
    provenance={},
    keep_last=2,
)
"""


@pytest.mark.slow
def test_a_kill_at_any_step_leaves_a_complete_current(warehouse: Path, releases: Path) -> None:
    """``kill -9`` before each step in turn; then the next build must simply work."""
    build(warehouse, releases, "r1")
    outcomes = []
    for step in range(100):
        done = subprocess.run(
            [sys.executable, "-c", CRASH, str(warehouse), str(releases), str(step)],
            cwd=Path(__file__).resolve().parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, -9), done.stderr
        now = current(releases)
        assert now is not None and verify_release(now) == []
        outcomes.append((done.returncode, now.name))
        assert not [info for info in list_releases(releases) if info.is_damaged]
        rollback(releases, "r1")
        shutil.rmtree(releases / "r2", ignore_errors=True)
        if done.returncode == 0:
            break
    assert outcomes[0] == (-9, "r1")
    assert outcomes[-1] == (0, "r2")
    assert (-9, "r2") in outcomes  # killed after the swap
    assert len(outcomes) > 12
    build(warehouse, releases, "r3")
    assert sorted(path.name for path in releases.iterdir()) == ["current", "r1", "r3"]


def test_taken_id_is_refused(warehouse: Path, releases: Path) -> None:
    build(warehouse, releases, "r1")
    with pytest.raises(ReleaseExistsError, match="already a release r1"):
        build(warehouse, releases, "r1")
    assert verify_release(releases / "r1") == []


def test_missing_marts_are_named(warehouse: Path, releases: Path) -> None:
    with pytest.raises(PublishError, match=r"not in the warehouse: mart_x, mart_y\."):
        build(warehouse, releases, "r1", marts=["mart_y", "mart_x", "mart_summary"])
    assert list(releases.iterdir()) == []


def test_nothing_to_publish(tmp_path: Path, releases: Path) -> None:
    with duckdb.connect(str(tmp_path / "empty.duckdb")) as connection:
        connection.execute("create schema marts")
    with pytest.raises(PublishError, match="nothing to publish"):
        build(tmp_path / "empty.duckdb", releases, "r1")


@pytest.mark.parametrize("content", [None, b"not a database, but long enough to be read" * 200])
def test_working_database_that_cannot_be_opened(
    tmp_path: Path, releases: Path, content: bytes | None
) -> None:
    path = tmp_path / "plumbline.duckdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PublishError, match="cannot be opened for reading"):
        build(path, releases, "r1")
    assert list(releases.iterdir()) == []


@pytest.mark.parametrize("name", ["release_id", "RELEASE_ID"])
def test_mart_with_the_columns_name_is_refused(warehouse: Path, releases: Path, name: str) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"create table marts.mart_bad as select 1 as {name}")
    with pytest.raises(PublishError, match="mart_bad has a column release_id"):
        build(warehouse, releases, "r1")


def test_mart_that_cannot_be_a_file_is_refused(warehouse: Path, releases: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute('create table marts."../outside" as select 1 as a')
    with pytest.raises(PublishError, match="cannot be the name of a file"):
        build(warehouse, releases, "r1")


def test_provenance_that_is_not_plain_data(warehouse: Path, releases: Path) -> None:
    with pytest.raises(PublishError, match="not plain data"):
        build(warehouse, releases, "r1", provenance={"when": object()})


def test_a_failed_audit_publishes_nothing(
    warehouse: Path, releases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(warehouse, releases, "r1")
    monkeypatch.setattr(subject, "verify_release", lambda *_, **__: ["a mart is short"])
    with pytest.raises(PublishError, match="own audit: a mart is short"):
        build(warehouse, releases, "r2")
    assert sorted(path.name for path in releases.iterdir()) == ["current", "r1"]
    assert current(releases) == releases / "r1"


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("_sync", OSError(errno.ENOSPC, "No space left on device")),
        ("_write_mart", duckdb.IOException("Could not write file: No space left on device")),
        ("_describe_files", OSError(errno.EDQUOT, "Disk quota exceeded")),
    ],
)
def test_a_full_disk_is_said_in_words(
    warehouse: Path,
    releases: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    error: Exception,
) -> None:
    build(warehouse, releases, "r1")

    def full(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(subject, step, full)
        with pytest.raises(PublishError, match="disk is full") as caught:
            build(warehouse, releases, "r2")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in releases.iterdir()) == ["current", "r1"]
    assert build(warehouse, releases, "r2").is_current


def test_releases_folder_that_is_a_file(warehouse: Path, releases: Path) -> None:
    releases.write_text("")
    with pytest.raises(PublishError, match="could not be built"):
        build(warehouse, releases, "r1")
