"""What holds for every load, whatever the files: nothing is lost, nothing counts twice, order does
not matter, and both ways of reading and both forms of a contract say the same.

Expectations are not the subject here, so loads pass a gate that lets everything through and a
hundred homes can be filled in the time of ten.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from landing_support import (
    CRIME_TYPES,
    NUMBER,
    PRC,
    STREET,
    TODAY,
    Bench,
    csv_bytes,
    prc_rows,
    street,
    street_rows,
)

from orchestration import load
from orchestration.contracts import contract
from orchestration.contracts import spec as contract_spec
from orchestration.contracts.tablespec import failed_sql, rules
from orchestration.sources import registry
from orchestration.sqltext import lit
from orchestration.warehouse import writer

few = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def _lenient(con, settings, spec, loads, run_id, has_duplicates) -> None:
    for each in loads:
        each.gate_status = "pass"
    if has_duplicates:
        load._move_duplicates(con, spec)


@pytest.fixture(autouse=True)
def lenient_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_gate", _lenient)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("empty"))
    bench.load()
    return bench


_number = itertools.count()


@pytest.fixture
def new_home(empty: Bench, tmp_path: Path) -> Iterator:
    """A function that gives an empty home with its tables there, as often as it is called."""

    def new() -> Bench:
        return Bench(tmp_path / f"home-{next(_number)}").copy_from(empty)

    yield new
    shutil.rmtree(tmp_path, ignore_errors=True)


# ----------------------------------------------------------------------- dirty files

WORDS = st.sampled_from(
    [
        "On or near High Street",
        "a;b",
        "it's",
        '"quoted"',
        'a "b" c',
        "two\nlines",
        "two\r\nlines",
        "café",
        "'); drop table x; --",
        " blanks ",
        "x,y",
        "\t",
        "",
        "NULL",
        "\\N",
        "日本",
    ]
)
STREET_DIRT = {
    0: ["", "abc", "0" * 64, "F" * 64],
    1: ["2021-13", "2031-01", "", "April 2021"],
    2: ["Atlantis", "", "west midlands police"],
    4: ["-1.9", "", "x", "1e400", "nan", "-1,8", "99", "inf", " -1.9 "],
    5: ["52.4", "", "48.9", "61.0", "61.0001", "-"],
    7: ["E01008881", "", "E0100888", "W01000001", "e01008881"],
    9: ["Burglary", "burglary", "", " Burglary "],
    11: ["", "some context"],
}
PRC_DIRT = {
    0: ["2021/22", "2021-22", ""],
    1: ["0", "5", "1.0", "1.5", " 2 ", "two", ""],
    2: ["CIFAS", "Cifas", "Atlantis", ""],
    6: ["999Z", "", "1"],
    7: ["-3", "0", "1,234", "1,5", "12.0", "1e3", "", "10000001", "x", "9" * 25],
}
LINE = st.sampled_from(["\n", "\r\n"])


@st.composite
def dirty_street(draw: st.DrawFn, month: str = "2021-04") -> bytes:
    rows = street_rows(month, n=draw(st.integers(1, 25)))
    for _ in range(draw(st.integers(0, 8))):
        row = rows[draw(st.integers(0, len(rows) - 1))]
        if len(row) != len(STREET):
            continue
        match draw(st.integers(0, 3)):
            case 0:
                column = draw(st.sampled_from(sorted(STREET_DIRT)))
                row[column] = draw(st.sampled_from(STREET_DIRT[column]))
            case 1:
                row[6] = draw(WORDS)
            case 2:
                row += ["more"] * draw(st.integers(1, 2)) if draw(st.booleans()) else [""]
            case 3:
                del row[draw(st.integers(1, 11)) :]
    if draw(st.booleans()):
        rows += rows[: draw(st.integers(0, len(rows)))]
    return csv_bytes(STREET, rows, draw(LINE))


@st.composite
def dirty_prc(draw: st.DrawFn) -> bytes:
    rows = prc_rows("2021/22", n=draw(st.integers(1, 24)))
    for _ in range(draw(st.integers(0, 6))):
        column = draw(st.sampled_from(sorted(PRC_DIRT)))
        rows[draw(st.integers(0, len(rows) - 1))][column] = draw(st.sampled_from(PRC_DIRT[column]))
    rows += rows[: draw(st.integers(0, 3))]
    return csv_bytes(PRC, rows, draw(LINE))


def records(data: bytes) -> int:
    """Records below the header, as the csv module of the standard library counts them."""
    return sum(1 for r in csv.reader(io.StringIO(data.decode(), newline="")) if r) - 1


FILES = st.fixed_dictionaries(
    {
        "2021-04-west-midlands-street.csv": dirty_street(),
        "2021-05-west-midlands-street.csv": dirty_street("2021-05"),
        "2021-06-west-midlands-street.csv": st.just(street("2021-06", n=5)),
        "prc-pfa-2021-22.csv": dirty_prc(),
    }
)


@few
@given(files=FILES)
def test_no_row_is_lost_and_a_replay_changes_nothing(new_home, files: dict[str, bytes]):
    bench = new_home()
    for name, data in files.items():
        bench.put(name, data)
    outcomes = bench.load()
    assert bench.problems() == []
    for name, data in files.items():
        o = outcomes[name]
        assert o.outcome in load.ENTERED
        assert o.row_count_read == records(data)
        assert o.row_count_read == o.row_count_entered + o.row_count_quarantined
    before = bench.fingerprints()
    # The same bytes under another name and in another place are the same bytes.
    for name, data in files.items():
        if name.startswith("prc"):
            bench.put(f"again/{name.replace('.csv', ' (1).csv')}", data)
        else:
            bench.put(f"again/{name}", data)
    assert {o.outcome for o in bench.load().values()} == {"replay"}
    assert bench.fingerprints() == before


@few
@given(files=FILES, data=st.data())
def test_order_and_company_of_files_do_not_matter(
    new_home, files: dict[str, bytes], data: st.DataObject
):
    together, one_by_one = new_home(), new_home()
    for name, content in files.items():
        together.put(name, content)
    together.load()
    for name in data.draw(st.permutations(sorted(files))):
        one_by_one.put(name, files[name])
        one_by_one.load()
    assert together.fingerprints() == one_by_one.fingerprints()
    told = (
        "select load_id, row_number, rule_code, column_name, value, row_text "
        "from ledger.quarantine order by all"
    )
    assert together.query(told) == one_by_one.query(told)


@few
@given(files=FILES)
def test_both_readers_give_the_same_rows(new_home, files: dict[str, bytes]):
    fast, exact = new_home(), new_home()
    for bench in (fast, exact):
        for name, data in files.items():
            bench.put(name, data)
    fast.load()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "fast_columns", lambda member, settings=None: None)
        exact.load()
    assert fast.fingerprints() == exact.fingerprints()
    told = "select load_id, row_number, rule_code from ledger.quarantine order by all"
    assert fast.query(told) == exact.query(told)


def test_rows_have_the_number_of_their_line_however_many_files_and_threads(new_home):
    """Several files in one statement, the largest that are read together."""
    bench = new_home()
    months = [f"2021-{m:02d}" for m in range(1, 6)]
    for n, month in enumerate(months):
        base = street_rows(month, n=14)
        rows = [[*base[i % 14][:6], f"line {i + 1}", *base[i % 14][7:]] for i in range(30_000)]
        if n == 3:
            rows[20_000][9] = "Piracy"
        size = bench.put(f"{month}-west-midlands-street.csv", csv_bytes(STREET, rows)).stat()
        assert 4_000_000 < size.st_size < load.LARGE_FILE
    bench.load()
    wrong = bench.query(
        f"with numbered as (select _period, location, {NUMBER} as n from raw.police_uk__street) "
        "select _period, count(*) from numbered where location <> 'line ' || n group by 1"
    )
    assert wrong == []
    assert bench.query("select count(*) from raw.police_uk__street") == [(5 * 30_000 - 1,)]
    assert bench.query("select row_number from ledger.quarantine") == [(20_001,)]
    assert bench.problems() == []


@pytest.mark.shared
@pytest.mark.slow
def test_real_files_read_both_ways(new_home, shared: Path):
    """Every row of the real street files has the number of its line; both readers agree."""
    (archive,) = (shared / "data" / "police_uk").glob("street*.zip")
    bench = new_home()
    shutil.copyfile(archive, bench.landing / archive.name)
    bench.load()
    assert bench.problems() == []
    with zipfile.ZipFile(archive) as opened, writer(bench.settings) as con:
        names = sorted(n for n in opened.namelist() if n.endswith("-street.csv"))
        for name in names:
            base = name.rsplit("/", 1)[-1]
            slot = f"{base[8:-11]}/{base[:7]}"
            text = opened.read(name).decode()
            expected = [
                (n, r[0] or None, r[6] or None)
                for n, r in enumerate(csv.reader(io.StringIO(text, newline="")))
            ][1:]
            got = con.execute(
                f"select {NUMBER}, crime_id, location from raw.police_uk__street "
                "where _period = $1 order by 1",
                [slot],
            ).fetchall()
            assert got == expected, name
        exact = new_home()
        for name in (names[0], names[len(names) // 2]):
            exact.put(name.rsplit("/", 1)[-1], opened.read(name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "fast_columns", lambda member, settings=None: None)
        exact.load()
    ids = [r[0] for r in exact.query("select load_id from ledger.load")]
    # The same load under another name is the same load: the archive's rows are these rows.
    assert exact.fingerprints() == bench.fingerprints(ids)


# ----------------------------------------------------------------------- contracts

GOOD = {
    "police_uk/street": {
        "crime_id": ["0" * 64, None],
        "month": ["2021-04", "2010-12"],
        "reported_by": ["West Midlands Police"],
        "falls_within": ["West Midlands Police"],
        "longitude": [-1.9, None, -9.0, 2.5],
        "latitude": [52.4, None, 49.0, 61.0],
        "location": ["On or near A", None],
        "lsoa_code": ["E01008881", "W01000001", None],
        "lsoa_name": ["Birmingham 001A", None],
        "crime_type": list(CRIME_TYPES[:3]),
        "last_outcome_category": ["Under investigation", None],
        "context": [None],
    },
    "home_office/prc": {
        "financial_year": ["2019/20"],
        "financial_quarter": [1, 4],
        "force_name": ["West Midlands", "CIFAS"],
        "offence_description": ["Murder"],
        "offence_group": ["Violence against the person"],
        "offence_subgroup": ["Homicide"],
        "offence_code": ["1", "8Q"],
        "number_of_offences": [0, -100_000, 10_000_000, 7],
    },
}
BAD = {
    "crime_id": ["", "abc", "0" * 63, "0" * 65, "0" * 63 + "G", "0" * 64 + "\n"],
    "month": [None, "2021-00", "2021-13", "21-04", "2021-04 ", "2021-04\n"],
    "reported_by": [None, "", "Atlantis"],
    "falls_within": [None, "west midlands police"],
    "longitude": [-9.0001, 2.5001, float("inf"), float("-inf"), float("nan")],
    "latitude": [48.9999, 61.5, float("nan")],
    "lsoa_code": ["", "E0100888", "E010088811", "X01008881", "e01008881"],
    "crime_type": [None, "", "Piracy", "burglary"],
    "financial_year": [None, "2019", "2019/2020", "2019-20", "x2019/20"],
    "financial_quarter": [None, 0, 5, -1],
    "force_name": [None, "", "Atlantis", "west midlands"],
    "offence_description": [None],
    "offence_group": [None, "Other"],
    "offence_subgroup": [None],
    "offence_code": [None, "999Z", ""],
    "number_of_offences": [None, -100_001, 10_000_001],
}
POLARS = {
    "text": pl.String,
    "code": pl.String,
    "month": pl.String,
    "integer": pl.Int64,
    "decimal": pl.Float64,
}


@st.composite
def typed_rows(draw: st.DrawFn, table: str) -> list[dict]:
    rows = []
    for _ in range(draw(st.integers(1, 30))):
        row = {name: draw(st.sampled_from(values)) for name, values in GOOD[table].items()}
        for _ in range(draw(st.sampled_from([0, 0, 1, 1, 3]))):
            name = draw(st.sampled_from(sorted(set(row) & set(BAD))))
            row[name] = draw(st.sampled_from(BAD[name]))
        rows.append(row)
    return rows


def _disagreement(table: str, rows: list[dict]) -> tuple[set[int], set[int]]:
    """Rows that fail by the contract's SQL and rows that fail by pandera."""
    import pandera.errors

    declared = contract_spec(table)
    frame = pl.DataFrame(
        rows, schema={c.name: POLARS[c.kind] for c in declared.columns}, orient="row", strict=False
    )
    broken = failed_sql(rules(declared, text=None, parsed="{}", today=TODAY))
    with duckdb.connect() as con:
        columns = ", ".join(f'"{c.name}" {c.sql_type}' for c in declared.columns)
        con.execute(f"create table t (n integer, {columns})")
        con.executemany(
            f"insert into t values (?{', ?' * len(declared.columns)})",
            [(n, *(r[c.name] for c in declared.columns)) for n, r in enumerate(rows)],
        )
        by_sql = {r[0] for r in con.execute(f"select n from t where {broken}").fetchall()}
    by_pandera: set[int] = set()
    try:
        contract(table).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        assert cases["index"].null_count() == 0, cases
        by_pandera = set(cases["index"].to_list())
    return by_sql, by_pandera


@pytest.mark.parametrize("table", sorted(GOOD))
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_contract_as_sql_and_contract_as_pandera_refuse_the_same_rows(
    table: str, data: st.DataObject
):
    by_sql, by_pandera = _disagreement(table, data.draw(typed_rows(table)))
    assert by_sql == by_pandera


@pytest.mark.parametrize("table", sorted(GOOD))
def test_every_bad_value_is_refused_by_both(table: str):
    good = {name: values[0] for name, values in GOOD[table].items()}
    rows = [good] + [{**good, name: value} for name in good if name in BAD for value in BAD[name]]
    by_sql, by_pandera = _disagreement(table, rows)
    assert by_sql == by_pandera == set(range(1, len(rows)))


def test_months_after_today_are_refused():
    """Time is not part of the declaration, so this rule exists in SQL alone."""
    declared = contract_spec("police_uk/street")
    (rule,) = [
        r
        for r in rules(declared, text=None, parsed="{}", today=dt.date(2021, 4, 30))
        if r.kind == "in_the_future"
    ]
    months = ", ".join(f"({lit(m)})" for m in ("2021-03", "2021-04", "2021-05"))
    answers = duckdb.sql(
        f"select month, {rule.condition} from (values {months}) as t(month)"
    ).fetchall()
    assert answers == [("2021-03", False), ("2021-04", False), ("2021-05", True)]
