"""What a whole run leaves of persons: hashes in the warehouse, nothing in a release."""

from __future__ import annotations

import contextlib
import ctypes
import gzip
import os
import shutil
import stat
import struct
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest
import yaml
from whole_runs import ask, environment, load_everything, plumbline, plumbline_with

from orchestration import privacy
from orchestration.run import read_report
from orchestration.settings import PROJECT, load_settings

KEY = "a secret of the tests, not of anybody"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated landing."""
    out = tmp_path_factory.mktemp("simulated") / "landing"
    done = plumbline("simulate", "--out", str(out), "--scale", "0.01", home=out.parent / "unused")
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def real(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few of those extracts without the manifest that says they are simulated."""
    landing = tmp_path_factory.mktemp("real")
    wanted = ("2019-04", "2021-05", "geography")
    for file in sorted(simulated.rglob("*")):
        if file.is_file() and any(w in file.name for w in wanted) and "_truth" not in file.parts:
            (landing / file.name).write_bytes(file.read_bytes())
    return landing


def _references(landing: Path) -> set[str]:
    """Plain references to persons in the extracts."""
    found: set[str] = set()
    con = duckdb.connect()
    for file in sorted(landing.rglob("*persons*")) + sorted(landing.rglob("*involvements*")):
        reader = "read_parquet" if file.suffix == ".parquet" else "read_csv"
        rows = con.execute(
            f"select distinct person_ref from {reader}('{file}') where person_ref is not null"
        ).fetchall()
        found |= {str(r[0]) for r in rows}
    return found


def _tables(path: Path) -> list[tuple[duckdb.DuckDBPyConnection, str, list[str]]]:
    con = duckdb.connect(str(path), read_only=True)
    tables: dict[str, list[str]] = {}
    for schema, table, column, kind in con.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where not internal and database_name = current_database()"
    ).fetchall():
        if kind == "VARCHAR":
            tables.setdefault(f'"{schema}"."{table}"', []).append(column)
    return [(con, name, columns) for name, columns in tables.items()]


def _values(path: Path) -> set[str]:
    """Every text that stands in any table or view of a database."""
    found: set[str] = set()
    for con, name, columns in _tables(path):
        for column in columns:
            found |= {
                r[0]
                for r in con.execute(
                    f'select distinct "{column}" from {name} where "{column}" is not null'
                ).fetchall()
            }
    return found


def test_a_run_without_a_key_is_refused_in_words(real: Path, tmp_path: Path) -> None:
    done = plumbline("run", "--landing", str(real), home=tmp_path / "home")
    assert done.returncode == 1
    assert "PLUMBLINE_PERSON_KEY" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "home" / "releases" / "current").exists()


@pytest.fixture(scope="module")
def home(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("keyed") / "home"
    done = plumbline_with({"PLUMBLINE_PERSON_KEY": KEY}, "run", "--landing", str(real), home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr
    return home


def test_references_are_in_the_warehouse_as_keyed_hashes_only(home: Path, real: Path) -> None:
    plain = _references(real)
    assert len(plain) > 50
    stored = _values(home / "warehouse" / "plumbline.duckdb")
    key = privacy.PersonKey(KEY.encode(), is_demo=False)
    assert {key.pseudonym(reference) for reference in plain} <= stored
    assert not plain & stored


def test_nothing_under_home_holds_a_plain_reference(home: Path, real: Path) -> None:
    plain = sorted(_references(real))
    some = [reference.encode() for reference in plain[:: max(1, len(plain) // 40)]]
    assert _holding(home, some) == []
    assert _holding(home, [KEY.encode()]) == []


def test_nothing_is_simulated_into_a_home_of_real_records(home: Path) -> None:
    done = plumbline_with({"PLUMBLINE_PERSON_KEY": KEY}, "run", home=home)
    assert done.returncode == 1
    assert "name the folder with --landing" in done.stderr
    assert not (home / "landing").exists()


def test_simulated_extracts_beside_real_ones_are_refused(
    home: Path, simulated: Path, tmp_path: Path
) -> None:
    mixed = tmp_path / "home"
    shutil.copytree(home, mixed, symlinks=True)
    done = plumbline_with(
        {"PLUMBLINE_PERSON_KEY": KEY}, "run", "--landing", str(simulated), home=mixed
    )
    assert done.returncode == 1
    assert "these are simulated" in done.stdout + done.stderr
    with duckdb.connect(str(mixed / "warehouse" / "plumbline.duckdb"), read_only=True) as con:
        months = con.execute("select count(distinct _period) from raw.legacy__crimes").fetchone()
    assert months == (1,)


def test_crimes_of_two_systems_need_their_eras(real: Path, tmp_path: Path) -> None:
    config = tmp_path / "plumbline.yml"
    config.write_text("periods: {last_month: null}\n")
    done = plumbline_with(
        {"PLUMBLINE_PERSON_KEY": KEY, "PLUMBLINE_CONFIG": str(config)},
        "run",
        "--landing",
        str(real),
        home=tmp_path / "home",
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "recording_eras" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "home" / "releases" / "current").exists()


def test_no_copy_of_personal_extracts_is_kept_unless_configured(
    home: Path, real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not [
        p
        for p in (home / "raw").rglob("*")
        if p.is_file() and b"person_ref" in p.read_bytes()[:500]
    ]
    config = tmp_path / "plumbline.yml"
    own = yaml.safe_load((PROJECT / "plumbline.yml").read_text(encoding="utf-8"))
    config.write_text(yaml.safe_dump({**own, "privacy": {"raw_retention": True}}))
    kept = tmp_path / "home"
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", KEY)
    load_everything(kept, real, "run", config=config)
    copies = [
        p for p in (kept / "raw").rglob("*") if p.is_file() and b"person_ref" in p.read_bytes()
    ]
    assert copies
    for copy in copies:
        assert stat.S_IMODE(copy.stat().st_mode) & 0o077 == 0, f"{copy} can be read by others"


def test_a_release_holds_no_hash_and_no_identifier(home: Path) -> None:
    con = duckdb.connect(str(home / "warehouse" / "plumbline.duckdb"), read_only=True)
    identifiers: set[str] = set()
    columns = con.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where schema_name = 'raw' and column_name in ('person_ref', 'crime_number', "
        "'investigation_id', 'log_number', 'log_ref', 'incident_log_number', 'linked_crime_ref', "
        "'epikey', 'pseudo_hesid', 'attendance_id', 'pseudo_id', 'crime_ref')"
    ).fetchall()
    assert len(columns) >= 10
    for schema, table, column in columns:
        identifiers |= {
            str(r[0])
            for r in con.execute(
                f'select distinct "{column}" from "{schema}"."{table}" where "{column}" is not null'
            ).fetchall()
        }
    con.close()
    assert len(identifiers) > 500
    published = _values((home / "releases" / "current" / "plumbline.duckdb").resolve())
    assert published
    assert not identifiers & published
    for file in (home / "releases" / "current").resolve().rglob("*.parquet"):
        names = duckdb.execute(f"describe select * from '{file}'").fetchall()
        assert not {n[0] for n in names} & {"person_hash", "crime_number", "investigation_id"}


class Opened:
    """Which of some files anybody opens, as the kernel tells (inotify)."""

    IN_OPEN = 0x20

    def __init__(self, files: list[Path]) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK)
        assert self.fd >= 0
        self.names = {
            self.libc.inotify_add_watch(self.fd, os.fsencode(f), self.IN_OPEN): f.name
            for f in files
        }

    def so_far(self) -> set[str]:
        found: set[str] = set()
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self.fd, 65_536):
                for at in range(0, len(data), 16):
                    found.add(self.names[struct.unpack_from("i", data, at)[0]])
        return found


def _of_other_months(folder: str, names: list[str]) -> list[str]:
    """Extracts to leave out of a copy that is to be quick: all but two months, never the truth."""
    kept = ("2019-04", "2021-05", "geography", "simulation.json")
    inside = "_truth" in Path(folder).parts
    return [n for n in names if not inside and "." in n and not any(k in n for k in kept)]


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_simulated_extracts_do_with_the_published_key_and_the_truth_is_never_opened(
    simulated: Path, tmp_path: Path
) -> None:
    landing = tmp_path / "landing"
    shutil.copytree(simulated, landing, ignore=_of_other_months)
    # What a walk that goes into the folder would take for an extract.
    source = landing / "legacy" / "legacy_crimes_2019-04.csv"
    shutil.copy(source, landing / "_truth" / "legacy_crimes_2019-05.csv")
    truths = sorted((landing / "_truth").iterdir())
    assert len(truths) >= 5
    watched = Opened([*truths, source])
    done = plumbline("run", "--landing", str(landing), home=tmp_path / "home")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "demonstration key" in done.stdout + done.stderr
    assert watched.so_far() == {source.name}, "an extract is opened, and no truth"
    listed = ask("select distinct file_name from mart_load_ledger", tmp_path / "home")
    assert listed
    assert not [r for r in listed if "_truth" in r["file_name"]]


def _holding(home: Path, needles: list[bytes]) -> list[str]:
    """Files under a home that hold any of some texts, packed ones opened."""
    found = []
    for file in home.rglob("*"):
        if not file.is_file() or file.is_symlink():
            continue
        parts = [file.read_bytes()]
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                parts = [archive.read(n) for n in archive.namelist()]
        elif parts[0][:2] == b"\x1f\x8b":
            parts = [gzip.decompress(parts[0])]
        elif parts[0][:4] == b"PAR1":
            rows = duckdb.execute("select * from read_parquet($1)", [str(file)]).fetchall()
            parts = [repr(rows).encode()]
        if any(n in part for n in needles for part in parts):
            found.append(file.relative_to(home).as_posix())
    return found


def test_an_archive_whose_persons_are_refused_is_not_kept(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", KEY)
    landing = tmp_path / "landing"
    landing.mkdir()
    persons = (real / "legacy_persons_2019-04.csv").read_text()
    with zipfile.ZipFile(landing / "april.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(real / "legacy_crimes_2019-04.csv", "legacy_crimes_2019-04.csv")
        archive.writestr("legacy_persons_2019-04.csv", persons.replace("person_ref", "ref", 1))
        archive.writestr("nominals.csv", persons.replace("person_ref", "x", 1).replace(",", "|"))
    home = tmp_path / "home"
    load_everything(home, landing, "run")
    with duckdb.connect(str(home / "warehouse" / "plumbline.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) > 100 from raw.legacy__crimes").fetchone() == (True,)
        refused = con.execute(
            "select reason_code from ledger.load where table_name = 'persons'"
        ).fetchall()
    assert refused == [("wrong_header",)]
    some = [r.encode() for r in sorted(_references(real))[:200]]
    assert _holding(home, some) == []


def test_a_reference_in_another_column_is_not_kept(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields of a row that moved by one: as many as there should be, each in the wrong place."""
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", KEY)
    landing = tmp_path / "landing"
    landing.mkdir()
    title, *rows = (real / "legacy_persons_2019-04.csv").read_text().splitlines()
    moved = [r for r in rows if r.rsplit(",", 1)[1]][:2]
    left = [",".join([*r.split(",")[1:], ""]) for r in moved]
    plain = [r.rsplit(",", 1)[1].encode() for r in moved]
    kept = [r for r in rows if not any(p.decode() in r for p in plain)]
    (landing / "legacy_persons_2019-04.csv").write_text("\n".join([title, *kept, *left]) + "\n")
    home = tmp_path / "home"
    load_everything(home, landing, "run")
    with duckdb.connect(str(home / "warehouse" / "plumbline.duckdb"), read_only=True) as con:
        told = con.execute(
            "select count(distinct row_number), bool_and(row_text = $1), "
            "bool_or(value = $2) from ledger.quarantine",
            [privacy.WITHHELD, privacy.VALUE_WITHHELD],
        ).fetchone()
    assert told == (2, True, True)
    assert _holding(home, plain) == []


def test_a_landing_within_the_home_is_pointed_out(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", KEY)
    home = tmp_path / "home"
    (home / "landing").mkdir(parents=True)
    for file in real.glob("*beats*"), real.glob("legacy_persons*"):
        for path in file:
            os.link(path, home / "landing" / path.name)
    load_everything(home, home / "landing", "run")
    settings = load_settings(home=home, landing=home / "landing", config=PROJECT / "plumbline.yml")
    with duckdb.connect(str(home / "warehouse" / "plumbline.duckdb"), read_only=True) as con:
        notices = read_report(con, settings, "run").notices
    assert [n for n in notices if "name a landing elsewhere" in n]


def test_the_environment_of_the_tests_has_no_key() -> None:
    assert "PLUMBLINE_PERSON_KEY" not in environment()
