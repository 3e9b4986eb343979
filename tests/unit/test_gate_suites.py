"""Suite files: complete, in agreement with the contracts, and wrong ones named file and key."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration import contracts
from orchestration.gates import suites
from orchestration.gates.measures import profile_sql
from orchestration.gates.suites import Expectation, SuiteError, fill, load_suite

GOOD = """
table: a/b
measures:
  - {name: n, description: rows, sql: count(*)}
expectations:
  - code: rows.few
    measure: n
    expect: expect_column_values_to_be_between
    kwargs: {min_value: 1}
    severity: critical
    message: "{observed} rows"
    who_fixes: sender
    evidence: none
"""


def write(root: Path, text: str, name: str = "a/b.yml") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture(autouse=True)
def _fresh() -> None:
    suites._read.cache_clear()


def test_every_contract_has_a_suite_and_every_suite_a_contract() -> None:
    files = {str(p.relative_to(suites.ROOT).with_suffix("")) for p in suites.ROOT.glob("*/*.yml")}
    assert files == set(contracts.CONTRACTS)


@pytest.mark.parametrize("table", list(contracts.CONTRACTS))
def test_suite_measures_run_on_the_columns_of_the_contract(table: str) -> None:
    spec = contracts.spec(table)
    suite = suites.suite_for(spec)
    assert all(e.code.startswith(table.replace("/", ".") + ".") for e in suite.expectations)
    columns = ", ".join(f'"{c.name}" {c.sql_type}' for c in spec.columns)
    loader = ", ".join(f'null::{m.sql_type} as "{m.name}"' for m in suite.loader_measures)
    with duckdb.connect() as con:
        con.execute(
            f"create table t ({columns}, _load_id varchar, _row_number int, _period varchar)"
        )
        con.execute("insert into t (_load_id) values ('x')")
        con.execute(f"create table known as select 'x' as load_id, {loader}")
        result = con.execute(
            profile_sql(suite, "t", columns=[c.name for c in spec.columns], loader="known")
        )
        names = [d[0] for d in result.description]
        assert len(result.fetchall()) == 1
    assert set(names) == {"load_id", *(m.name for m in suite.measures)}


def test_a_good_file_loads(tmp_path: Path) -> None:
    suite = load_suite("a/b", root=write(tmp_path, GOOD))
    assert [e.code for e in suite.expectations] == ["a.b.rows.few"]
    assert suite.expectation("a.b.rows.few").expected == "at least 1"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("severity: critical", "severity: fatal"), "rows.few: severity"),
        (("measure: n", "measure: m"), r"rows.few: measure: there is no measure 'm'"),
        (("{min_value: 1}", "{min: 1}"), "rows.few: kwargs: min not allowed"),
        (("{min_value: 1}", "{mostly: 0.9}"), "rows.few: kwargs: mostly not allowed"),
        (("{min_value: 1}", "{min_value: one}"), "rows.few: kwargs: min_value must be a number"),
        (("{min_value: 1}", "{}"), "rows.few: kwargs: give the bound"),
        (
            ("expect_column_values_to_be_between", "expect_column_mean_to_be_between"),
            "rows.few: expect: 'expect_column_mean_to_be_between' is not one of",
        ),
        (("{observed} rows", "{seen} rows"), "rows.few: message: there is no measure 'seen'"),
        (("    evidence: none\n", ""), "rows.few: evidence: Field required"),
        (("who_fixes", "fixed_by"), "rows.few: "),
        (("sql: count(*)", "sql: count(*"), "measures: n: sql: Parser Error"),
        (("sql: count(*)", "sql: '1) as m; drop table x; select (1'"), "measures: n: sql: "),
        (("sql: count(*)", "from: loader"), "measures: n: the loader supplies no 'n'"),
        (("sql: count(*)", "sql: count(*), expr: '1'"), "measures: n: give exactly one"),
        (("name: n,", "name: load_id,"), "measures: load_id: 'load_id' is a reserved name"),
        (("table: a/b", "table: a/c"), "table: says 'a/c', not 'a/b'"),
        (("code: rows.few", "code: rows"), "rows: code: "),
        (("expectations:", "expects:"), "expects: "),
    ],
)
def test_a_wrong_file_is_named_with_its_key(
    tmp_path: Path, change: tuple[str, str], named: str
) -> None:
    text = GOOD.replace(*change)
    assert text != GOOD
    with pytest.raises(SuiteError) as caught:
        load_suite("a/b", root=write(tmp_path, text))
    assert str(caught.value).startswith("a/b.yml: ")
    assert named in str(caught.value)


def test_not_yaml_and_no_file_are_suite_errors(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="no such suite file"):
        load_suite("a/b", root=tmp_path)
    with pytest.raises(SuiteError, match="cannot be read"):
        load_suite("a/b", root=write(tmp_path, "table: [a"))
    suites._read.cache_clear()
    with pytest.raises(SuiteError, match="must be a list of keys"):
        load_suite("a/b", root=write(tmp_path, "- table"))


def test_own_file_wins_over_common_and_may_leave_out(tmp_path: Path) -> None:
    common = """
measures:
  - {name: n, description: rows of all, sql: count(*) + 1}
  - {name: half, description: half, expr: n / 2}
expectations:
  - {code: rows.few, measure: n, expect: expect_column_values_to_be_between,
     kwargs: {min_value: 5}, severity: warning, message: few, who_fixes: x, evidence: y}
  - {code: rows.half, measure: half, expect: expect_column_values_to_be_between,
     kwargs: {min_value: 5}, severity: warning, message: few, who_fixes: x, evidence: y}
"""
    write(tmp_path, common, "_common.yml")
    suite = load_suite("a/b", root=write(tmp_path, GOOD))
    assert [m.description for m in suite.measures] == ["rows", "half"]
    assert suite.expectation("a.b.rows.few").severity == "critical"
    suites._read.cache_clear()
    left_out = GOOD + "without:\n  - {code: rows.half, because: no reason}\n"
    suite = load_suite("a/b", root=write(tmp_path, left_out))
    assert [e.code for e in suite.expectations] == ["a.b.rows.few"]
    assert [m.name for m in suite.measures] == ["n"]
    suites._read.cache_clear()
    unknown = GOOD + "without:\n  - {code: rows.third, because: no reason}\n"
    with pytest.raises(SuiteError, match=r"without: rows\.third"):
        load_suite("a/b", root=write(tmp_path, unknown))


def test_derived_from_the_contract(tmp_path: Path) -> None:
    columns = [
        {"name": "x", "kind": "text", "nullable": True, "isin": None},
        {"name": "y", "kind": "code", "nullable": False, "isin": ("it's", "b")},
    ]
    measures, expectations = suites.derived_expectations(columns)
    assert [m.name for m in measures] == ["empty_pct_x"]
    assert [(e.code, e.severity) for e in expectations] == [("column.x.empty", "warning")]
    measures, expectations = suites.derived_expectations(columns, recheck_code_lists=True)
    assert [e.code for e in expectations] == ["column.x.empty", "column.y.codes"]
    with duckdb.connect() as con:
        con.execute(
            "create table t as select null::varchar as x, 'it''s' as y union select 'q', 'c'"
        )
        values = con.execute(f"select {', '.join(m.sql or '' for m in measures)} from t").fetchone()
    assert values == (50.0, 1)
    suite = load_suite("a/b", columns=columns, root=write(tmp_path, GOOD))
    assert "a.b.column.x.empty" in {e.code for e in suite.expectations}


@pytest.mark.parametrize(
    ("kind", "kwargs", "expected"),
    [
        ("be_between", {"min_value": 0.7, "max_value": 1.4}, "at least 0.7 and at most 1.4"),
        ("be_between", {"min_value": 43, "max_value": 43}, "43"),
        ("be_between", {"max_value": 100, "strict_max": True}, "less than 100"),
        ("be_in_set", {"value_set": [True]}, "yes"),
        ("not_be_in_set", {"value_set": ["a", "b"]}, "none of: a, b"),
        ("match_regex", {"regex": "^a"}, "a match with ^a"),
    ],
)
def test_what_is_expected_in_words(kind: str, kwargs: dict[str, object], expected: str) -> None:
    e = Expectation(
        code="a.b",
        measure="m",
        type=f"expect_column_values_to_{kind}",
        kwargs=kwargs,
        severity="warning",
        message="m",
        who_fixes="w",
        evidence="e",
    )
    assert e.expected == expected


def test_messages_are_filled_in_words() -> None:
    values = {"n": 16042.0, "r": 0.83217, "none": None, "flag": True, "t": "2021-03"}
    said = fill("{n} rows, {r} times, {none}, {flag}, {t}, {other}", values)
    assert said == "16,042 rows, 0.8322 times, not known, yes, 2021-03, not known"
