"""What a whole run leaves of persons: hashes in the warehouse, nothing in a release."""

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path

import duckdb
import pytest
from whole_runs import environment, plumbline, plumbline_with

from orchestration import privacy

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
    assert done.returncode == 2
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
    for file in home.rglob("*"):
        if not file.is_file() or file.is_symlink():
            continue
        data = file.read_bytes()
        if file.suffix == ".gz":
            data = gzip.decompress(data)
        assert not [s for s in some if s in data], f"{file} holds a reference"
        assert KEY.encode() not in data, f"{file} holds the key"


def test_no_copy_of_personal_extracts_is_kept_unless_configured(
    home: Path, real: Path, tmp_path: Path
) -> None:
    assert not [
        p
        for p in (home / "raw").rglob("*")
        if p.is_file() and b"person_ref" in p.read_bytes()[:500]
    ]
    config = tmp_path / "plumbline.yml"
    config.write_text("privacy: {raw_retention: true}\n")
    kept = tmp_path / "home"
    done = plumbline_with(
        {"PLUMBLINE_PERSON_KEY": KEY, "PLUMBLINE_CONFIG": str(config)},
        "run",
        "--landing",
        str(real),
        home=kept,
    )
    assert done.returncode == 0, done.stdout + done.stderr
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


def test_simulated_extracts_do_with_the_published_key_and_say_so(
    simulated: Path, tmp_path: Path
) -> None:
    done = plumbline("run", "--landing", str(simulated), home=tmp_path / "home")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "demonstration key" in done.stdout + done.stderr


def test_the_pipeline_never_opens_the_truth(simulated: Path, tmp_path: Path) -> None:
    """Whoever opens a pipe with no writer waits for ever: a run that ends has opened none."""
    landing = tmp_path / "landing"
    truths = 0
    for file in simulated.rglob("*"):
        if file.is_dir():
            continue
        target = landing / file.relative_to(simulated)
        target.parent.mkdir(parents=True, exist_ok=True)
        if "_truth" in file.parts:
            os.mkfifo(target)
            truths += 1
        else:
            os.link(file, target)
    assert truths >= 3
    done = plumbline("run", "--landing", str(landing), home=tmp_path / "home", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_landing_within_the_home_is_pointed_out(real: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "landing").mkdir(parents=True)
    for file in real.glob("*beats*"), real.glob("legacy_persons*"):
        for path in file:
            os.link(path, home / "landing" / path.name)
    done = plumbline_with({"PLUMBLINE_PERSON_KEY": KEY}, "run", home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "name a landing elsewhere" in done.stdout


def test_the_environment_of_the_tests_has_no_key() -> None:
    assert "PLUMBLINE_PERSON_KEY" not in environment()
