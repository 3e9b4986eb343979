"""Contracts of a force's own extracts: good rows pass, each bad value is found, by SQL and pandera
alike; keys, persons and what is restricted are declared as such."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import force_support as force
import pandera.errors
import polars as pl
import pytest
from landing_support import TODAY

from orchestration.contracts import all_specs, contract, spec
from orchestration.contracts.tablespec import Column, failed_sql, rules
from orchestration.sources import registry

FORCE_SPECS = [s for s in all_specs() if s.source in registry.FORCE_SOURCES]
POLARS = {
    "text": pl.String,
    "code": pl.String,
    "month": pl.String,
    "integer": pl.Int64,
    "decimal": pl.Float64,
    "date": pl.Date,
    "timestamp": pl.Datetime("us"),
    "boolean": pl.Boolean,
}


def good_rows(table: str, count: int = 5) -> list[dict[str, Any]]:
    """Rows by contract column, as they stand once read."""
    titles = {c.title: c for c in spec(table).columns}
    found = []
    for row in force.typed(table, count).to_pylist():
        found.append(
            {
                titles[t].name: float(v) if titles[t].kind == "decimal" and v is not None else v
                for t, v in row.items()
            }
        )
    return found


def bad_values(column: Column) -> list[Any]:
    """Values of the column's type that its contract must not let in."""
    found: list[Any] = [] if column.nullable else [None]
    if column.isin is not None:
        found.append("no such code")
        if column.separator:
            found += [f"{column.isin[0]}{column.separator}", f"{column.isin[0]},{column.isin[1]}"]
    if column.matches is not None:
        found += ["", "?", "E01008881 and more", "2021-13", "2021/2"]
    if column.ge is not None:
        found.append(int(column.ge) - 1)
    if column.le is not None:
        found.append(int(column.le) + 1)
    if column.kind == "decimal":
        found += [float("inf"), float("nan")]
    return found


def refused(table: str, rows: list[dict[str, Any]]) -> tuple[set[int], set[int]]:
    """Rows that fail by the contract's SQL, and rows that fail by pandera."""
    declared = spec(table)
    frame = pl.DataFrame(
        rows, schema={c.name: POLARS[c.kind] for c in declared.columns}, orient="row"
    )
    broken = failed_sql(rules(declared, text=None, parsed="{}", today=TODAY))
    with duckdb.connect() as con:
        con.register("t", frame.with_row_index("n").to_arrow())
        by_sql = {r[0] for r in con.execute(f"select n from t where {broken}").fetchall()}
    by_pandera: set[int] = set()
    try:
        contract(table).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        by_pandera = set(errors.failure_cases["index"].to_list())
    return by_sql, by_pandera


@pytest.mark.parametrize("declared", FORCE_SPECS, ids=lambda s: s.name)
def test_good_rows_are_good_and_each_bad_value_is_found_by_both(declared: Any) -> None:
    good = good_rows(declared.name)
    assert refused(declared.name, good) == (set(), set())
    first = good[0]
    bad = [
        (c.name, value, {**first, c.name: value})
        for c in declared.columns
        for value in bad_values(c)
    ]
    assert bad
    by_sql, by_pandera = refused(declared.name, [first, *(row for _, _, row in bad)])
    expected = set(range(1, len(bad) + 1))
    assert [bad[i - 1][:2] for i in sorted(expected - by_sql)] == []
    assert [bad[i - 1][:2] for i in sorted(expected - by_pandera)] == []
    assert 0 not in by_sql | by_pandera


@pytest.mark.parametrize(
    ("table", "earlier", "later"), [(s.name, *pair) for s in FORCE_SPECS for pair in s.ordered]
)
def test_what_must_follow_follows(table: str, earlier: str, later: str) -> None:
    declared = spec(table)
    row = good_rows(table)[0]
    kind = declared.column(later).kind
    step: Any = 1 if kind == "integer" else dt.timedelta(days=1)
    wrong = {**row, earlier: row[later] + step}
    code = f"{declared.source}.{declared.table}.{later}.out_of_order"
    (rule,) = [
        r
        for r in rules(declared, text=None, parsed="{}", today=TODAY)
        if r.code == code and f'"{earlier}"' in r.condition
    ]
    for given, is_wrong in ((row, False), (wrong, True), ({**wrong, later: None}, False)):
        schema = {earlier: POLARS[kind], later: POLARS[kind]}
        pair = pl.DataFrame([{k: given[k] for k in schema}], schema=schema)
        with duckdb.connect() as con:
            con.register("t", pair.to_arrow())
            answer = con.execute(f"select coalesce({rule.condition}, false) from t").fetchone()
        assert answer == (is_wrong,)
    frame = pl.DataFrame([row], schema={c.name: POLARS[c.kind] for c in declared.columns})
    contract(table).validate(frame, lazy=True)
    with pytest.raises(pandera.errors.SchemaErrors, match="_in_order"):
        contract(table).validate(
            pl.DataFrame([wrong], schema={c.name: POLARS[c.kind] for c in declared.columns}),
            lazy=True,
        )


def test_what_lies_ahead_is_refused_but_for_what_may() -> None:
    may = {
        (s.name, c.name)
        for s in FORCE_SPECS
        for c in s.columns
        if c.kind in ("month", "date", "timestamp") and not c.not_future
    }
    # A forecast is of months to come, and a crime may be due to be recorded tomorrow.
    assert may == {("grants/ledger", "period"), ("incidents/logs", "ncrs_due_at")}


def test_persons_and_single_records_are_marked() -> None:
    references = {f"{s.name}.{c}" for s in FORCE_SPECS for c in s.person_references}
    assert references == {
        "legacy/persons.person_ref",
        "connect/involvements.person_ref",
        "hospital/hes_apc.pseudo_hesid",
    }
    for declared in FORCE_SPECS:
        if declared.source in ("legacy", "connect", "incidents", "audits", "hospital"):
            assert any(c.key and c.sensitivity == "restricted" for c in declared.columns)
        for column in declared.columns:
            if column.is_person_reference or column.name in ("age", "sex", "ethnos", "startage"):
                assert column.sensitivity == "personal", column


@pytest.mark.parametrize("declared", FORCE_SPECS, ids=lambda s: s.name)
def test_every_column_says_what_it_means(declared: Any) -> None:
    assert declared.key
    for column in declared.columns:
        assert len(column.description) > 2, column.name
        assert column.who_fixes
        if column.kind in ("integer", "decimal") and not column.key and column.name != "epiorder":
            assert column.unit, column.name


def test_an_unknown_code_is_refused_with_where_to_map_it() -> None:
    found = rules(spec("legacy/crimes"), text=None, parsed="{}", today=TODAY)
    (words,) = [r.message for r in found if r.code == "legacy.crimes.offence_code.not_in_code_list"]
    assert "under code_maps, legacy.offence, in plumbline.yml" in words
    assert "?" not in words
