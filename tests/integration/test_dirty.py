"""The dirty scenario: every defect ends as it must, and nothing clean is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from whole_runs import load_everything

from benchmarks.defects import Confusion, confusion, raw_rows
from orchestration.contracts import CONTRACTS
from orchestration.simulate import simulate
from orchestration.simulate.truth import FOLDER

#: Files are then large enough for row defects of nearly every kind.
SCALE = 0.1
OWN = ("legacy", "connect", "incidents", "geography", "audits", "grants", "hospital", "programme")


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Landing of the dirty scenario, the warehouse loaded from it, and one from the clean one."""
    folder = tmp_path_factory.mktemp("dirty")
    for scenario in ("dirty", "reference"):
        simulate(folder / scenario, scenario=scenario, scale=SCALE)
        load_everything(folder / f"{scenario}-home", folder / scenario, scenario)
    return folder / "dirty", folder / "dirty-home", folder / "reference-home"


def database(home: Path) -> Path:
    return home / "warehouse" / "plumbline.duckdb"


@pytest.fixture(scope="module")
def found(homes: tuple[Path, Path, Path]) -> Confusion:
    landing, home, _ = homes
    return confusion(database(home), landing / FOLDER / "defects.parquet")


@pytest.mark.slow
def test_every_defect_ends_as_it_must(found: Confusion, capsys: pytest.CaptureFixture) -> None:
    with capsys.disabled():
        print("\n" + "\n".join(found.lines()))
    assert found.count > 600
    assert len({r.defect for r in found.rows}) > 60
    assert [r for r in found.rows if r.as_expected != r.count] == []


@pytest.mark.slow
def test_nothing_clean_is_set_aside_or_refused(found: Confusion) -> None:
    assert found.false_rows == ()
    assert found.false_files == ()


@pytest.mark.slow
def test_what_is_left_is_the_clean_scenario(homes: tuple[Path, Path, Path]) -> None:
    _, dirty, clean = homes
    tables = [t for t in CONTRACTS if t.partition("/")[0] in OWN]
    mine, theirs = raw_rows(database(dirty), tables), raw_rows(database(clean), tables)
    # One row of an investigation says the same over two lines: it is kept as it came.
    assert {t for t in tables if mine[t] != theirs[t]} <= {"connect/investigations"}
    assert {t: n for t, (n, _) in mine.items()} == {t: n for t, (n, _) in theirs.items()}
    assert sum(n for n, _ in mine.values()) > 400_000
