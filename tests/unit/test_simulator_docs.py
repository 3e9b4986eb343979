"""The page on the simulator: it names every scenario, file, column and defect there is, and its
tables say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from orchestration import landing
from orchestration.contracts import CONTRACTS
from orchestration.simulate import MIXTURE, Simulated, simulate
from orchestration.simulate.dirt import FILE_DEFECTS, ROW_DEFECTS
from orchestration.simulate.hospital import CONDITIONED
from orchestration.simulate.scenario import BOARD_PAPER, SCENARIOS
from orchestration.simulate.truth import FOLDER
from orchestration.simulate.write import FORMATS
from orchestration.sources.registry import FORCE_SOURCES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
TABLES = {t for t in CONTRACTS if t.partition("/")[0] in FORCE_SOURCES}


def rows(*titles: str, text: str = PAGE) -> list[list[str]]:
    """Cells of the one table of the page that has these titles first, code marks taken off."""
    found: list[list[list[str]]] = []
    for block in re.findall(r"(?:^\|.*\n)+", text + "\n", re.MULTILINE):
        head, _, *lines = (
            [c.strip().strip("`") for c in line.strip().strip("|").split("|")]
            for line in block.splitlines()
        )
        if tuple(head[: len(titles)]) == titles:
            found.append(lines)
    (only,) = found
    return only


def section(title: str) -> str:
    """The text below a heading of the third level."""
    (text,) = re.findall(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S)
    return text


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return simulate(tmp_path_factory.mktemp("page") / "landing", scenario="dirty", scale=0.01)


def test_every_scenario_is_described() -> None:
    assert [r[0] for r in rows("scenario", "what happens in it")] == list(SCENARIOS)


def test_every_table_is_there_with_its_format() -> None:
    formats = {r[0]: r[2] for r in rows("table", "files, by", "format")}
    assert formats == {t: MIXTURE.get(t, "csv") for t in TABLES}


def test_every_format_is_named() -> None:
    assert f"`--format` ({', '.join(FORMATS)})" in " ".join(PAGE.split())


def test_the_name_of_a_file_is_that_of_its_table(dirty: Simulated) -> None:
    names = {p.name.split(".")[0] for p in dirty.out.rglob("*") if p.is_file()}
    for table, files, *_ in rows("table", "files, by", "format"):
        stem = files.split("`")[0]
        assert stem in names, table


def test_every_file_of_the_truth_and_every_column(dirty: Simulated) -> None:
    files = sorted((dirty.out / FOLDER).iterdir())
    assert [f.name for f in files] == sorted(re.findall(r"^### (\S+\.parquet)$", PAGE, re.M))
    for file in files:
        described = [r[0] for r in rows("column", "meaning", text=section(file.name))]
        assert described == pq.read_schema(file).names, file.name


def test_every_defect_of_a_file_as_the_code_has_it() -> None:
    expected = [[d.code, d.table, d.period, d.disposition, d.rule or ""] for d in FILE_DEFECTS]
    assert rows("defect", "table", "period") == expected


def test_every_defect_of_a_row_under_its_table() -> None:
    expected: dict[str, list[str]] = {}
    for defect in ROW_DEFECTS:
        expected.setdefault(defect.table, []).append(defect.code)
    listed = {t: re.findall(r"[a-z_]+", codes) for t, codes in rows("table", "defects")}
    assert listed == {t: list(dict.fromkeys(codes)) for t, codes in expected.items()}


def test_every_disposition_is_explained() -> None:
    used = {d.disposition for d in (*ROW_DEFECTS, *FILE_DEFECTS)}
    assert {r[0] for r in rows("must be", "meaning")} == used


#: Counts of the three windows that hold whatever the seed, in the order of the page.
CONDITIONED_COUNTS = (
    "young_vwi",
    "young_knife_used",
    "young_knife",
    "knife_used",
    "homicides",
    "young_homicides",
    "young_knife_homicides",
    "homicide_suspects",
    "young_homicide_suspects",
    "positive",
)


def test_what_is_exact_is_what_the_scenario_is_conditioned_on() -> None:
    said = [
        [int(c.replace(",", "")) if c else None for c in cells]
        for _, *cells in rows("count", "Apr to Nov 2019", "Apr to Nov 2020", "Apr to Nov 2021")
    ]
    (_, _, admissions_before), (_, _, admissions_now) = CONDITIONED
    expected = [[getattr(window, n) for window in BOARD_PAPER] for n in CONDITIONED_COUNTS]
    assert said == [*expected, [admissions_before, None, admissions_now]]
    scenario = SCENARIOS["reference"]
    assert scenario.november is not None and scenario.year_totals is not None
    for count in (*scenario.november, *scenario.year_totals):
        assert re.search(rf"\b{count:,}\b", PAGE), count


def test_the_landing_passes_over_the_truth(dirty: Simulated) -> None:
    files = landing.list_landing(dirty.out)
    assert len(files) > 280
    assert not [f for f in files if FOLDER in f.name]


def test_nothing_of_the_product_reads_the_truth() -> None:
    readers = []
    for folder, pattern in (("orchestration", "*.py"), ("dbt_project", "*.sql")):
        for path in (ROOT / folder).rglob(pattern):
            inside = path.relative_to(ROOT).parts
            text = path.read_text(encoding="utf-8")
            if inside[1] != "simulate" and re.search(
                r"simulate\.(truth|world)|simulate import (truth|world)|_truth\b.*(read|parquet)"
                r"|read_parquet\(.*_truth\b",
                text,
            ):
                readers.append("/".join(inside))
    assert readers == []
