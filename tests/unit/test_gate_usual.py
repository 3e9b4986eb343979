"""What is normally present: a load is set against the other loads of its series."""

from __future__ import annotations

from pathlib import Path

import pytest
from landing_support import Bench

from orchestration import load
from orchestration.gates import suites
from orchestration.gates.suites import SuiteError, load_suite
from orchestration.settings import PROJECT, load_settings
from orchestration.simulate import simulate

GOOD = """
table: a/b
measures:
  - {name: n, description: areas, sql: count(distinct x)}
  - {name: n_usual, description: areas usual, from: others, of: n}
  - {name: gone, description: areas gone, expr: n_usual - n}
expectations:
  - code: areas.missing
    measure: gone
    expect: expect_column_values_to_be_between
    kwargs: {max_value: 0}
    severity: warning
    message: "{n} of {n_usual}"
    who_fixes: sender
    evidence: none
"""


def write(root: Path, text: str) -> Path:
    suites._read.cache_clear()
    (root / "a").mkdir(exist_ok=True)
    (root / "a" / "b.yml").write_text(text, encoding="utf-8")
    return root


def test_a_measure_may_be_compared(tmp_path: Path) -> None:
    suite = load_suite("a/b", root=write(tmp_path, GOOD))
    assert {k: m.name for k, m in suite.compared_measures.items()} == {"n_usual": "n"}
    assert [m.name for m in suite.loader_measures] == ["n_usual"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((", of: n}", "}"), "of belongs to from: others"),
        (("from: others, of: n", "sql: count(*), of: n"), "of belongs to from: others"),
        (("of: n}", "of: gone}"), "of: 'gone' is not a number with an sql of its own"),
        (("of: n}", "of: n, type: text}"), "type must be number"),
        (
            ("sql: count(distinct x)}", "type: text, sql: min(x)}"),
            "of: 'n' is not a number with an sql of its own",
        ),
    ],
)
def test_a_wrong_comparison_is_named(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    text = GOOD.replace(*change)
    assert text != GOOD
    with pytest.raises(SuiteError, match=words):
        load_suite("a/b", root=write(tmp_path, text))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A force of a hundredth of the size."""
    out = tmp_path_factory.mktemp("simulated") / "landing"
    simulate(out, scale=0.01, format="csv")
    return out


@pytest.mark.parametrize("one_by_one", [False, True])
def test_a_unit_that_was_left_out_is_missed(
    tmp_path: Path, simulated: Path, one_by_one: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", "a key of the tests, of nobody else")
    bench = Bench(tmp_path)
    files = sorted(simulated.rglob("legacy_crimes_2019-*.csv"))[:8]
    outcomes = {}
    for n, file in enumerate(files):
        lines = file.read_bytes().splitlines(keepends=True)
        if n == 7:
            lines = [line for line in lines if b",BE," not in line]
        bench.put(file.name, b"".join(lines))
        if one_by_one:
            outcomes = bench.load() | outcomes  # later ones say that it was seen before
    if not one_by_one:
        outcomes = bench.load()
    words = "1 neighbourhood policing units that usually have crimes have none (7 of 8)"
    assert [name for name, o in outcomes.items() if words in (o.reason or "")] == [files[7].name]
    assert {o.outcome for n, o in outcomes.items() if n != files[7].name} == {"entered"}


@pytest.mark.slow
def test_a_small_force_is_refused_nothing(
    simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """About 220 crimes a month, through two lockdowns and the change of systems."""
    monkeypatch.delenv("PLUMBLINE_PERSON_KEY", raising=False)
    settings = load_settings(
        home=tmp_path / "home", landing=simulated, config=PROJECT / "plumbline.yml"
    )
    bench = Bench(tmp_path, settings)
    outcomes = {n: o for n, o in bench.load().items() if o.outcome != "unrecognised"}
    assert {o.outcome for o in outcomes.values()} <= set(load.ENTERED)
    assert len(outcomes) == len(list(simulated.glob("[!_]*/*")))
    assert sum(o.row_count_quarantined for o in outcomes.values()) == 0
    warned = {n.rsplit("/", 1)[-1] for n, o in outcomes.items() if o.outcome != "entered"}
    # The change of systems falls into April 2021, and shows.
    assert warned <= {
        "legacy_crimes_2021-04.csv",
        "legacy_persons_2021-04.csv",
        "legacy_crimes_2021-03.csv",
        "connect_investigations_2021-04.csv",
        "connect_involvements_2021-04.csv",
    }, warned
    assert bench.problems() == []
