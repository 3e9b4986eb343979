"""Every table of a force enters alike from CSV and Parquet, plain and packed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import force_support as force
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from landing_support import Bench

from orchestration import load
from orchestration.contracts import spec
from orchestration.contracts.tablespec import TableSpec
from orchestration.privacy import DEMO
from orchestration.settings import PROJECT, load_settings
from orchestration.sources import registry


def _no_gate(con, settings, spec, loads, run_id, has_duplicates) -> None:
    for each in loads:
        each.gate_status = "pass"
    if has_duplicates:
        load._move_duplicates(con, spec)


@pytest.fixture(autouse=True)
def _without_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a load must be as a whole is not the question here."""
    monkeypatch.setattr(load, "_gate", _no_gate)
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", "a key of the tests, of nobody else")


@pytest.fixture(scope="module")
def benches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bench]:
    """A home for each format, with one file of every table; loaded by the first test."""
    found = {}
    for file_format in force.FORMATS:
        bench = Bench(tmp_path_factory.mktemp(file_format.replace(".", "-")))
        for table in force.FILES:
            bench.put(*force.extract(table, file_format))
        found[file_format] = bench
    return found


@pytest.fixture
def loaded(benches: dict[str, Bench]) -> dict[str, Bench]:
    for bench in benches.values():
        if not bench.settings.warehouse_path.exists():
            outcomes = bench.load()
            assert {o.outcome for o in outcomes.values()} <= set(load.ENTERED), outcomes
            assert len(outcomes) == len(force.FILES)
            assert bench.problems() == []
    return benches


def test_the_samples_are_of_every_table_of_a_force() -> None:
    assert set(force.FILES) == {
        t for t in registry.tables() if t.split("/")[0] in registry.FORCE_SOURCES
    }


def _expected(declared: TableSpec, rows: int = 11) -> list[tuple]:
    """Rows as they must stand in the raw table."""
    from orchestration.privacy import PersonKey

    key = PersonKey(b"a key of the tests, of nobody else", is_demo=False)
    assert key != DEMO
    found = []
    for row in force.typed(declared.name, rows).to_pylist():
        values = []
        for column in declared.columns:
            value = row[column.title]
            if value is not None and column.is_person_reference:
                value = key.pseudonym(value)
            if value is not None and column.kind == "decimal":
                value = float(value)
            values.append(value)
        found.append(tuple(values))
    return found


@pytest.mark.parametrize("table", list(force.FILES))
def test_all_formats_give_the_same_rows(loaded: dict[str, Bench], table: str) -> None:
    declared = spec(table)
    columns = ", ".join(f'"{c.name}"' for c in declared.columns)
    expected = _expected(declared)
    assert all(
        any(row[i] is None for row in expected) == c.nullable
        for i, c in enumerate(declared.columns)
    )
    for file_format, bench in loaded.items():
        rows = bench.query(f"select {columns} from raw.{declared.raw_name} order by rowid")
        assert rows == expected, file_format
    slots = {
        file_format: bench.query(f"select distinct _period from raw.{declared.raw_name} order by 1")
        for file_format, bench in loaded.items()
    }
    assert len({str(s) for s in slots.values()}) == 1
    period = force.FILES[table][1]
    if period:
        assert slots["csv"] == [(period,)]


def test_which_way_each_format_goes(tmp_path: Path) -> None:
    """Clean files, packed or not, are read by DuckDB; a quotation mark sends text elsewhere."""
    for table in force.FILES:
        for file_format in force.FORMATS:
            name, data = force.extract(table, file_format)
            path = tmp_path / name
            path.write_bytes(data)
            (member,) = registry.identify(path, name, None)
            is_fast = registry.fast_columns(member) is not None or registry.is_plain_parquet(member)
            has_quotes = bool(member.scan and member.scan.has_quotes)
            assert is_fast != has_quotes, name
            assert registry.is_packed(member) == name.endswith(".gz")


def test_other_types_of_parquet_give_the_same_values(
    tmp_path: Path, loaded: dict[str, Bench]
) -> None:
    """Moments in nanoseconds, small numbers, numbers as doubles, dictionaries of text."""
    table = "legacy/crimes"
    plain = force.typed(table)
    columns = {}
    for name in plain.column_names:
        column = plain.column(name)
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("ns"))
        elif pa.types.is_string(column.type):
            column = column.dictionary_encode()
        elif pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("ms"))
        columns[name] = column
    bench = Bench(tmp_path)
    bench.put("legacy_crimes_2019-04.parquet", force.to_bytes(pa.table(columns), "parquet"))
    persons = force.typed("legacy/persons")
    changed = persons.set_column(
        persons.column_names.index("age_at_offence"),
        "age_at_offence",
        persons.column("age_at_offence").cast(pa.float64()),
    ).set_column(
        persons.column_names.index("person_seq"),
        "person_seq",
        persons.column("person_seq").cast(pa.int16()),
    )
    bench.put("legacy_persons_2019-04.parquet", force.to_bytes(changed, "parquet"))
    bench.load()
    assert bench.problems() == []
    for raw in ("legacy__crimes", "legacy__persons"):
        sql = f"select * exclude (_load_id, _row_number) from raw.{raw} order by rowid"
        assert bench.query(sql) == loaded["csv"].query(sql)


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "America/New_York"])
def test_moments_that_know_their_zone_are_local_time(tmp_path: Path, zone: str) -> None:
    """Half past midnight on a summer night in Birmingham is the evening before in UTC."""
    data = force.typed("incidents/logs", 2)
    local = [dt.datetime(2019, 4, 1, 0, 30), dt.datetime(2019, 4, 30, 23, 30)]
    at = data.column_names.index("opened_at")
    clock = pa.array(local, pa.timestamp("us"))
    moments = pc.assume_timezone(clock, "Europe/London").cast(pa.timestamp("us", tz=zone))
    data = data.set_column(at, "opened_at", moments)
    for name in ("closed_at", "lqt_reviewed_at"):
        place = data.column_names.index(name)
        data = data.set_column(place, name, pa.nulls(2, pa.timestamp("us", tz=zone)))
    bench = Bench(tmp_path)
    bench.put("incident_logs_2019-04.parquet", force.to_bytes(data, "parquet"))
    (outcome,) = bench.load().values()
    assert outcome.slots == ["2019-04"]
    found = bench.query("select opened_at from raw.incidents__logs order by 1")
    assert [r[0] for r in found] == local


def test_money_as_binary_fractions_is_the_same_money(tmp_path: Path, loaded) -> None:
    ledger = force.typed("grants/ledger")
    for i, kind in enumerate((pa.float64(), pa.float32(), pa.decimal128(20, 4))):
        bench = Bench(tmp_path / str(i))
        at = ledger.column_names.index("amount")
        cents = pa.array([value / 100 for value in range(1995, 1995 + ledger.num_rows)])
        data = ledger.set_column(at, "amount", cents.cast(kind))
        bench.put("grants_ledger_2021-22.parquet", force.to_bytes(data, "parquet"))
        bench.load()
        amounts = bench.query("select amount from raw.grants__ledger order by entry_id, rowid")
        assert sorted(amounts) == sorted((v,) for v in cents.to_pylist()), kind


def test_a_bad_value_goes_to_quarantine_from_every_format(tmp_path: Path) -> None:
    table = "hospital/ecds"
    data = force.typed(table)
    at = data.column_names.index("sex")
    codes = ["1"] * (data.num_rows - 1) + ["somebody's secret"]
    data = data.set_column(at, "sex", pa.array(codes))
    late = data.column_names.index("injured_at")
    moments = data.column("injured_at").to_pylist()
    moments[2] = dt.datetime(2019, 4, 29)
    data = data.set_column(late, "injured_at", pa.array(moments, pa.timestamp("s")))
    told = []
    for n, file_format in enumerate(force.FORMATS):
        bench = Bench(tmp_path / str(n))
        bench.put(f"ecds_2019-04.{file_format}", force.to_bytes(data, file_format))
        (outcome,) = bench.load().values()
        assert (outcome.row_count_entered, outcome.row_count_quarantined) == (9, 2)
        assert bench.problems() == []
        told.append(bench.quarantined(outcome.load_id))
    assert told[0] == [
        (3, "hospital.ecds.arrived_at.out_of_order", "2019-04-03 02:07:02"),
        (11, "hospital.ecds.sex.not_in_code_list", "somebody's secret"),
    ]
    assert all(t == told[0] for t in told)


def test_a_format_is_no_other_content(tmp_path: Path) -> None:
    """The same month again in another format supersedes the first: it holds the same rows."""
    bench = Bench(tmp_path)
    for file_format in force.FORMATS:
        bench.put(*force.extract("incidents/logs", file_format))
        (outcome,) = (o for o in bench.load().values() if o.outcome != "replay")
        assert outcome.outcome in load.ENTERED
    assert len(bench.current("incidents/logs")) == 11
    assert bench.query("select count(*) from ledger.load") == [(4,)]


def test_a_packed_file_that_is_switched_off_or_of_another_kind(tmp_path: Path) -> None:
    settings = load_settings(
        home=tmp_path,
        config=PROJECT / "plumbline.yml",
        overrides={"sources": {"hospital": {"ecds": {"enabled": False}}}},
    )
    name, data = force.extract("hospital/ecds", "csv.gz")
    (tmp_path / name).write_bytes(data)
    (found,) = registry.identify(tmp_path / name, name, settings)
    assert "switched off" in found.reason
