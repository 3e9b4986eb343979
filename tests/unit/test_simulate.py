"""The simulator: same seed, same bytes; the reference scenario's counts whatever the seed; every
extract as its contract wants it; the truth beside them."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from orchestration.contracts import CONTRACTS, contract
from orchestration.simulate import Simulated, SimulateError, scenario_named, simulate
from orchestration.simulate.truth import FOLDER
from orchestration.simulate.world import Truth, world

#: Board paper, paragraphs 36, 37 and 44 (the totals it does not print are the simulator's).
BASELINE, CURRENT = ("2019-04", "2019-11"), ("2021-04", "2021-11")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    out = tmp_path_factory.mktemp("reference") / "landing"
    return simulate(out, scale=0.02, seed=7)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_same_seed_same_bytes(reference: Simulated, tmp_path: Path) -> None:
    again = simulate(tmp_path / "again", scale=0.02, seed=7)
    assert _bytes(reference.out) == _bytes(again.out)


def test_another_seed_gives_other_records(reference: Simulated, tmp_path: Path) -> None:
    other = simulate(tmp_path / "other", scale=0.02, seed=8)
    mine, theirs = _bytes(reference.out), _bytes(other.out)
    assert mine.keys() == theirs.keys()
    crimes = [n for n in mine if n.startswith(("legacy/", "connect/", "incidents/"))]
    assert not [n for n in crimes if mine[n] == theirs[n]]


@pytest.mark.parametrize("seed", [1, 20211231])
def test_the_reference_scenario_counts_as_the_board_paper_does(seed: int) -> None:
    truth = Truth()
    for _ in world(scenario_named("reference"), seed, truth):
        pass
    con = duckdb.connect()
    con.register("parts", pa.concat_tables(truth.records))
    young = "is_violence_with_injury and has_victim_under_25"

    def count(condition: str, first: str, last: str) -> int:
        row = con.execute(
            f"select count(*) from parts where not is_cancelled and ({condition}) "
            "and recorded_month between $1 and $2",
            [first, last],
        ).fetchone()
        return row[0] if row else 0

    for condition, before, now in (
        (f"{young} and is_knife_used", 333, 361),
        ("is_homicide and has_victim_under_25", 9, 4),
        ("is_homicide and has_victim_under_25 and has_knife", 4, 3),
        (f"{young} and has_knife", 500, 530),
        (young, 5936, 6856),
    ):
        assert count(condition, *BASELINE) == before, condition
        assert count(condition, *CURRENT) == now, condition
    more = count("is_knife_used", *CURRENT) - count("is_knife_used", *BASELINE)
    assert 780 <= more < 800
    assert count(f"{young} and is_spiking", "2021-11", "2021-11") == 95
    assert count("is_made_by_new_practice", *BASELINE) == 0


def test_every_extract_has_the_columns_of_its_contract_in_order() -> None:
    for extract in world(scenario_named("reference", 0.01), 3, Truth()):
        titles = [c.title for c in contract(extract.table).spec().columns]
        have = extract.data.column_names
        assert have == [t for t in titles if t in have], extract.stem
        required = {c.title for c in contract(extract.table).spec().columns if not c.nullable}
        assert required <= set(have), extract.stem


def test_clean_extracts_break_no_contract() -> None:
    """The pandera contracts themselves, row by row, on a month of each table."""
    import polars as pl

    seen: set[str] = set()
    for extract in world(scenario_named("reference", 0.01), 5, Truth()):
        if extract.table in seen and extract.period != "2021-04":
            continue
        seen.add(extract.table)
        model = contract(extract.table)
        columns = {c.title: c.name for c in model.spec().columns}
        frame = pl.from_arrow(extract.data).rename(columns, strict=False)
        assert isinstance(frame, pl.DataFrame)
        missing = [
            pl.lit(None).alias(c.name)
            for c in model.spec().columns
            if c.name not in frame.columns and c.nullable
        ]
        model.validate(frame.with_columns(missing), lazy=True)
    own = {
        "legacy",
        "connect",
        "incidents",
        "geography",
        "audits",
        "grants",
        "hospital",
        "programme",
    }
    assert seen == {name for name in CONTRACTS if name.partition("/")[0] in own}


def test_moments_are_in_order_and_keys_are_unique(reference: Simulated) -> None:
    con = duckdb.connect()
    crimes = f"read_csv('{reference.out}/legacy/legacy_crimes_*.csv', all_varchar = true)"
    investigations = f"'{reference.out}/connect/connect_investigations_*.parquet'"
    logs = f"read_csv('{reference.out}/incidents/*.csv', all_varchar = true)"
    for sql in (
        f"from {crimes} where occurred_from_at > reported_at or reported_at > recorded_at "
        "or occurred_from_at > occurred_to_at",
        f"from {investigations} where offence_start > reported_at or reported_at > created_at "
        "or offence_start > offence_end",
        f"from {logs} where opened_at > closed_at or opened_at > lqt_reviewed_at",
        f"select crime_number from {crimes} group by 1 having count(*) > 1",
        f"select investigation_id from {investigations} group by 1 having count(*) > 1",
        f"select log_number from {logs} group by 1 having count(*) > 1",
        f"from {crimes} where incident_log_number not in (select log_number from {logs})",
        f"from {crimes} where recorded_at >= '2021-04-20'",
        f"from {investigations} where created_at < '2021-04-06'",
    ):
        assert con.execute(sql).fetchall() == [], sql


def test_the_truth_agrees_with_the_extracts(reference: Simulated) -> None:
    con = duckdb.connect()
    out = reference.out
    truth = out / FOLDER
    # Records of both systems, less those that are in both, are the crimes there are.
    in_files = con.execute(
        f"select (select count(*) from read_csv('{out}/legacy/legacy_crimes_*.csv')) + "
        f"(select count(*) from '{out}/connect/connect_investigations_*.parquet')"
    ).fetchone()
    known = con.execute(
        f"select (select count(*) from '{truth}/records.parquet') + "
        f"(select count(*) from '{truth}/links.parquet')"
    ).fetchone()
    assert in_files == known
    sums = con.execute(
        f"select (select sum(recorded_count) from '{truth}/counts.parquet'), "
        f"(select count(*) from '{truth}/records.parquet' where not is_cancelled)"
    ).fetchone()
    assert sums is not None and sums[0] == sums[1]


def test_who_is_hurt_by_knives_is_as_the_board_paper_says() -> None:
    """Paragraph 39: 92 percent of victims and 80 of suspects male, victims mostly 24 years old."""
    persons: list[pa.Table] = []
    crimes: list[pa.Table] = []
    for extract in world(scenario_named("reference", 0.5), 4, Truth()):
        if extract.table == "legacy/crimes":
            crimes.append(extract.data)
        if extract.table == "legacy/persons":
            persons.append(extract.data)
    con = duckdb.connect()
    con.register("crimes", pa.concat_tables(crimes))
    con.register("persons", pa.concat_tables(persons))
    young = (
        "select crime_number from crimes inner join persons using (crime_number) "
        "where offence_code in ('8N', '5D') and knife_used = 'Y' "
        "and role = 'victim' and age_at_offence < 25"
    )
    shares = dict(
        con.execute(
            "select role, avg((sex = 'M')::int) from persons where sex <> 'U' "
            f"and crime_number in ({young}) group by 1"
        ).fetchall()
    )
    assert 0.88 < shares["victim"] < 0.96
    assert 0.75 < shares["suspect"] < 0.85
    ages = con.execute(
        "select age_at_offence, count(*) from crimes inner join persons using (crime_number) "
        "where offence_code in ('8N', '5D') and role = 'victim' and age_at_offence < 25 "
        "group by 1 order by 2 desc limit 1"
    ).fetchone()
    assert ages is not None and ages[0] == 24


def test_a_no_about_a_knife_is_true(reference: Simulated) -> None:
    """What the old system leaves blank may have been used; what it denies was not."""
    out = reference.out
    wrong = duckdb.execute(
        f"select count(*) from read_csv('{out}/legacy/legacy_crimes_*.csv', all_varchar = true) "
        f"as c inner join '{out / FOLDER}/records.parquet' as t on t.reference = c.crime_number "
        "where c.knife_used = 'N' and t.is_knife_really_used"
    ).fetchone()
    assert wrong == (0,)


def test_recording_is_constant_where_the_scenario_says_so() -> None:
    for name in ("no_change", "crime_wave"):
        truth = Truth()
        for _ in world(scenario_named(name, 0.02), 11, truth):
            pass
        con = duckdb.connect()
        con.register("parts", pa.concat_tables(truth.records))
        added = con.execute("select count(*) from parts where is_made_by_new_practice").fetchone()
        assert added == (0,), name


def test_a_crime_wave_is_one_of_violence() -> None:
    def violence(name: str) -> tuple[int, int]:
        truth = Truth()
        for _ in world(scenario_named(name, 0.05), 2, truth):
            pass
        con = duckdb.connect()
        con.register("parts", pa.concat_tables(truth.records))
        row = con.execute(
            "select count(*) filter (recorded_month >= '2021-04'), "
            "count(*) filter (recorded_month between '2019-04' and '2020-03') "
            "from parts where is_violence_with_injury and not is_cancelled"
        ).fetchone()
        assert row is not None
        return row

    now, before = violence("crime_wave")
    assert 1.15 < now / before < 1.35
    now, before = violence("no_change")
    assert 0.92 < now / before < 1.08


def test_the_manifest_vouches_for_every_file(reference: Simulated) -> None:
    from orchestration.privacy import simulated_digests

    manifest = json.loads((reference.out / "simulation.json").read_text())
    files = {
        p.relative_to(reference.out).as_posix()
        for p in reference.out.rglob("*")
        if p.is_file() and FOLDER not in p.parts and p.name != "simulation.json"
    }
    assert set(manifest["files"]) == files
    assert simulated_digests(reference.out) == set(manifest["files"].values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"scenario": "utopia"}, "there is no scenario 'utopia'"),
        ({"scale": 0.0}, "the scale must lie above 0"),
        ({"seed": -1}, "the seed must not be negative"),
    ],
)
def test_what_cannot_be_simulated_is_refused_in_words(
    arguments: dict, words: str, tmp_path: Path
) -> None:
    with pytest.raises(SimulateError, match=words):
        simulate(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SimulateError, match="is not an empty folder"):
        simulate(tmp_path, scale=0.01)
    assert (tmp_path / "mine.txt").read_text() == "mine"
