"""A force's files in any order, alone or together, once or again, give the same warehouse: CONNECT
before the old system, persons before their crimes, a revision before its original. So do the facts
that are made of them, where a record moved from one month's file to another's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warehouse_support import dbt
from whole_runs import load_everything

from benchmarks.defects import raw_rows
from orchestration.contracts import CONTRACTS
from orchestration.simulate import simulate

#: The months of the cut-over, and what has none.
WANTED = ("2021-03", "2021-04", "beats")
TABLES = [t for t in CONTRACTS if t.partition("/")[0] in ("legacy", "connect", "incidents")]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Extracts by name, with a revision of one month of crimes, and one file a second time."""
    folder = tmp_path_factory.mktemp("files")
    out = folder / "landing"
    simulate(out, scale=0.02, seed=5)
    found = {
        p.name: p
        for p in sorted(out.rglob("*"))
        if p.is_file() and "_truth" not in p.parts and any(w in p.name for w in WANTED)
    }
    original = found["legacy_crimes_2021-03.csv"]
    title, *rows = original.read_text().splitlines()
    revision = original.with_name("resent_legacy_crimes_2021-03.csv")
    # Two crimes were added and one is gone.
    more = [rows[n].replace("/0", "/9", 1) for n in (3, 4)]
    revision.write_text("\n".join([title, *rows[:10], *rows[11:], *more]) + "\n")
    later = original.stat().st_mtime + 3_600
    os.utime(revision, (later, later))
    again = original.with_name("copy_of_connect_involvements_2021-04.parquet")
    shutil.copy2(found["connect_involvements_2021-04.parquet"], again)
    # The first version once more, after the revision: the same bytes are no newer than they were.
    old = original.with_name("old_copy_of_legacy_crimes_2021-03.csv")
    shutil.copy(original, old)
    os.utime(old, (later + 3_600, later + 3_600))
    (folder / "simulation.json").write_text((out / "simulation.json").read_text())
    return {**found, revision.name: revision, again.name: again, old.name: old}


@pytest.fixture(scope="module")
def all_at_once(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict:
    return _load(files, [sorted(files)], tmp_path_factory.mktemp("together"))


def _load(files: dict[str, Path], runs: list[list[str]], folder: Path) -> dict:
    """The current rows after so many runs, each with more files in the landing."""
    os.environ["PLUMBLINE_PERSON_KEY"] = "the key of a test, nobody else's"
    try:
        landing, home = folder / "landing", folder / "home"
        landing.mkdir()
        for number, names in enumerate(runs):
            for name in names:
                shutil.copy2(files[name], landing / name)
            load_everything(home, landing, f"run-{number}")
    finally:
        del os.environ["PLUMBLINE_PERSON_KEY"]
    return raw_rows(home / "warehouse" / "plumbline.duckdb", TABLES)


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_order_gives_the_same_warehouse(
    files: dict[str, Path],
    all_at_once: dict,
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    order = data.draw(st.permutations(sorted(files)))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order) - 1), max_size=4)))
    runs = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    assert _load(files, runs, tmp_path_factory.mktemp("order")) == all_at_once


def test_the_worst_order_gives_the_same_warehouse(
    files: dict[str, Path], all_at_once: dict, tmp_path: Path
) -> None:
    """Every file alone: the new system first, revisions before what they revise."""
    order = sorted(files, key=lambda n: (not n.startswith("connect"), -files[n].stat().st_mtime))
    assert order.index("resent_legacy_crimes_2021-03.csv") < order.index(
        "legacy_crimes_2021-03.csv"
    )
    assert _load(files, [[name] for name in order], tmp_path) == all_at_once


def _moved(files: dict[str, Path], folder: Path) -> dict[str, Path]:
    """Two months' crimes, where the first crime of March stands in April's file too, as one of
    April and under another code; March's file is the newer of the two."""
    found = {}
    for month in ("2021-04", "2021-03"):
        name = f"legacy_crimes_{month}.csv"
        found[name] = Path(shutil.copy(files[name], folder / name))
    march, april = (found[f"legacy_crimes_2021-0{n}.csv"] for n in (3, 4))
    title, first = march.read_text().splitlines()[:2]
    values = dict(zip(title.split(","), first.split(","), strict=True))
    values |= {"recorded_at": "2021-04-02 12:00:00", "offence_code": "10D"}
    with april.open("a") as file:
        file.write(",".join(values.values()) + "\n")
    for number, path in enumerate((april, march)):
        os.utime(path, (1_700_000_000 + 60 * number,) * 2)
    return found


def test_a_record_in_two_months_files_is_that_of_the_newer_file(
    files: dict[str, Path], tmp_path: Path
) -> None:
    """Whichever of the two came in first."""
    written = tmp_path / "files"
    written.mkdir()
    moved = _moved(files, written)
    title, first = moved["legacy_crimes_2021-03.csv"].read_text().splitlines()[:2]
    number = first.split(",")[title.split(",").index("crime_number")]
    facts = {}
    for order in (sorted(moved), sorted(moved, reverse=True)):
        folder = tmp_path / order[0]
        folder.mkdir()
        _load(moved, [[name] for name in order], folder)
        built = dbt(
            folder / "home" / "warehouse" / "plumbline.duckdb",
            tmp_path / "target",
            "build",
            "--select",
            "+fct_offence",
            "--exclude-resource-type",
            "unit_test",
            "--indirect-selection",
            "cautious",
        )
        assert built.code == 0, built.output
        facts[order[0]] = built.rows("select * from facts.fct_offence order by offence_id")
        assert built.rows(
            f"select count(*) from raw.legacy__crimes where crime_number = '{number}'"
        ) == [(2,)]
        assert built.rows(
            "select strftime(recorded_month, '%Y-%m') from facts.fct_offence "
            f"where crime_number = '{number}'"
        ) == [("2021-03",)]
    one, other = facts.values()
    assert len(one) > 100
    assert one == other
