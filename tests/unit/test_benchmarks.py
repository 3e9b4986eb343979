"""The arithmetic and the generator of the benchmarks. No test asserts a time."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import numpy as np
import pytest

from benchmarks import detectors, force, generate, report
from benchmarks.cases import NotMeasured, read_bare
from benchmarks.measure import Comparison, Finished, Result, Spread, in_turn
from benchmarks.phases import Phases
from orchestration.contracts import spec as contract_spec
from orchestration.simulate import Simulated, simulate
from orchestration.simulate.truth import FOLDER
from orchestration.sources import registry
from orchestration.sources.model import Member


def test_the_two_sides_are_done_in_turn_and_the_warm_up_is_not_counted():
    order: list[str] = []
    times = {"a": iter([9.0, 4.0, 3.0, 8.0]), "b": iter([9.0, 2.0, 1.0, 2.0])}

    def side(name: str):
        def once() -> float:
            order.append(name)
            return next(times[name])

        return once

    compared = in_turn(side("a"), side("b"), 3, warm_up=True)
    assert "".join(order) == "abababab"
    assert compared.ours.values == (4.0, 3.0, 8.0)
    # Pair by pair: 2, 3, 4; not the ratio of the medians, which is 2.
    assert compared.ratio.values == (2.0, 3.0, 4.0)
    assert (compared.ratio.median, compared.ratio.low, compared.ratio.high) == (3.0, 2.0, 4.0)


def test_no_repetition_is_an_error():
    with pytest.raises(ValueError, match="repetition"):
        in_turn(lambda: 1.0, lambda: 1.0, 0)


@pytest.mark.parametrize(("ratio", "met"), [(1.5, True), (1.51, False)])
def test_a_target_is_met_up_to_and_including_it(ratio: float, met: bool):
    compared = Comparison(Spread((ratio * 2,)), Spread((2.0,)))
    result = Result(1, "loading", compared.ratio, 1.5, comparison=compared)
    assert result.is_met is met
    text = report.render([result], ["three files"])
    assert ("NO" in text) is not met
    assert f"{int(met)} of 1 targets met" in text
    assert result.as_json()["median"] == pytest.approx(ratio)


def test_what_was_not_measured_is_neither_met_nor_missed():
    result = Result(5, "memory", None, 2.0, unit="bytes", problem="no disk")
    assert result.is_met is None
    assert "not measured: no disk" in report.render([result], [])


def test_a_phase_does_not_count_what_is_inside_it(monkeypatch: pytest.MonkeyPatch):
    clock = iter([0.0, 1.0, 4.0, 6.0])
    monkeypatch.setattr("benchmarks.phases.time.perf_counter", lambda: next(clock))
    phases = Phases()
    with phases.phase("outer"), phases.phase("inner"):
        pass
    assert phases.seconds == {"outer": 3.0, "inner": 3.0}


def test_generated_files_are_street_files_that_keep_their_contract(tmp_path: Path):
    files = generate.plan(2, 12, rows_per_file=500)
    assert sum(f.rows for f in files) == 24 * 500
    assert len({f.slot for f in files}) == 24
    first, second = generate.write_files(tmp_path, files[:2])
    assert first.relative_to(tmp_path).as_posix() == "2012-01/2012-01-merseyside-street.csv"
    again = generate.write_files(tmp_path / "again", files[:1])[0]
    assert again.read_bytes() == first.read_bytes()

    (found,) = registry.identify(second, second.name, None)
    assert isinstance(found, Member) and found.table == "police_uk/street"
    assert found.claim == "south-yorkshire/2012-01"
    assert found.scan is not None and found.scan.line_count == files[1].rows
    assert registry.fast_columns(found, None) is not None, "must be read the fast way"

    spec = contract_spec("police_uk/street")
    titles = {c.name: c.title for c in spec.columns}
    assert {name: title for title, name, _ in generate.COLUMNS} == titles
    with duckdb.connect() as con:
        rows = con.execute(generate.rows_sql(files[:1], raw=True))
        names = [d[0] for d in rows.description]
        records = [dict(zip(names, r, strict=True)) for r in rows.fetchall()]
    assert len(records) == files[0].rows
    assert sorted(r["_row_number"] for r in records) == list(range(1, files[0].rows + 1))
    for column in spec.columns:
        values = {r[column.name] for r in records}
        assert column.nullable or None not in values, column.name
        values.discard(None)
        if column.isin is not None:
            assert values <= set(column.isin), column.name
        if column.matches is not None:
            assert all(re.fullmatch(column.matches, v) for v in values), column.name
        if column.ge is not None:
            assert min(values) >= column.ge and max(values) <= column.le
    identifiers = [r["crime_id"] for r in records if r["crime_id"]]
    assert len(set(identifiers)) == len(identifiers) == pytest.approx(0.8 * len(records), abs=1)


def test_the_baseline_reads_every_row(tmp_path: Path):
    files = generate.plan(1, 2, rows_per_file=50)
    paths = generate.write_files(tmp_path, files)
    assert read_bare(tmp_path / "bare.duckdb", paths) == sum(f.rows for f in files)


def test_there_are_no_more_forces_than_there_are():
    with pytest.raises(ValueError, match="forces"):
        generate.plan(99, 1)


# ----------------------------------------------------------------------- a force's own records


def test_counts_and_shares_are_shown_as_such_and_tables_as_they_are():
    result = Result(7, "defects", Spread((3.0,)), 0.0, unit="count", table=["one  1", "two  2"])
    text = report.render([result], [])
    assert "     one  1\n     two  2" in text
    assert re.search(r"7 defects +3 +0  NO", text)
    assert result.as_json()["table"] == ["one  1", "two  2"]
    assert report.amount(0.0123, "share") == "1.23%"
    assert report.amount(1234.0, "count") == "1,234"


def test_precision_is_of_what_was_found_and_recall_of_what_there_is():
    pairs = force.Pairs(
        [
            ("converted", "log_number", 90, 90),
            ("converted", None, 6, 0),
            ("keyed_twice", "attributes", 4, 4),
            (None, "attributes", 1, 0),
        ]
    )
    assert pairs.true == 100
    assert pairs.by_reason == {"attributes": (5, 4), "log_number": (90, 90)}
    assert pairs.by_type == {"converted": (96, 90), "keyed_twice": (4, 4)}
    wrong, missed = pairs.results()
    assert wrong.value is not None and wrong.value.median == pytest.approx(1 / 95)
    assert missed.value is not None and missed.value.median == pytest.approx(6 / 100)
    assert (wrong.is_met, missed.is_met) == (False, False)


def test_no_pair_at_all_is_no_perfect_linkage():
    wrong, missed = force.Pairs([("converted", None, 6, 0)]).results()
    assert wrong.value is None and wrong.problem
    assert missed.is_met is False


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return simulate(tmp_path_factory.mktemp("force") / "landing", scale=0.01)


def test_pairs_are_compared_with_the_truth(simulated: Simulated, tmp_path: Path):
    links = simulated.out / FOLDER / "links.parquet"
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("create schema facts")
        con.execute(
            "create table facts.fct_offence_link as select crime_number, investigation_id, "
            f"'log_number' as link_reason from '{links}' limit 10"
        )
        con.execute("insert into facts.fct_offence_link values ('X', 'Y', 'attributes')")
        row = con.execute(f"select count(*) from '{links}'").fetchone()
    found = force.pairs(path, links)
    assert row is not None and found.true == row[0] > 10
    assert found.by_reason == {"attributes": (1, 0), "log_number": (10, 10)}


@pytest.mark.parametrize("table", force.TABLES)
def test_the_bare_reader_reads_every_row_of_a_force_in_its_types(simulated: Simulated, table: str):
    query = force.bare_sql(table, simulated.out)
    types = {c.title: c.sql_type.upper() for c in contract_spec(table).columns}
    with duckdb.connect() as con:
        row = con.execute(f"select count(*) from ({query})").fetchone()
        described = con.execute(f"describe {query}").fetchall()
    assert row == (simulated.rows[table],)
    assert all(types[title] == kind for title, kind, *_ in described)


def test_a_programs_last_words_are_read_whatever_came_before():
    done = Finished(0, 1.0, 1, None, 'a line\n{"a": 0}\n{\n "rows": {"b": 1}\n}\na warning\n')
    assert force.last_json(done) == {"rows": {"b": 1}}
    with pytest.raises(NotMeasured, match="nothing here"):
        force.last_json(Finished(0, 1.0, 1, None, "nothing here"))


def test_scenarios_of_the_detectors_are_what_they_say():
    drawn = detectors.scenarios(1, 2)
    assert drawn.clean.shape == (detectors.WEEKS, 84)
    # The first set without trend or season: a mean of exp(0.1) and a variance of 1.5 times that.
    flat = detectors.scenarios(2, 40).clean[:, :40]
    assert flat.mean() == pytest.approx(np.exp(0.1), rel=0.02)
    assert flat.var() / flat.mean() == pytest.approx(1.5, rel=0.05)
    assert np.all(drawn.past >= drawn.clean) and np.all(drawn.current >= drawn.past)
    assert np.array_equal(drawn.past[:312], drawn.clean[:312])
    first = drawn.window[:, 0].min()
    assert first >= detectors.FIRST_WEEK - 1
    assert np.array_equal(drawn.current[:first], drawn.past[:first])
    assert np.all(drawn.dropped <= drawn.past)


def test_an_outbreak_is_found_only_by_an_alarm_within_it():
    alarm = np.zeros((49, 3), dtype=bool)
    start = detectors.FIRST_WEEK - 1
    window = np.array([[start + 4, start + 6]] * 3)
    alarm[3, 0] = alarm[7, 0] = True
    alarm[6, 1] = True
    assert detectors.found_in(alarm, window).tolist() == [False, True, False]
