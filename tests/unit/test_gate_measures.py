"""Measures: one scan, one row per load, and the doubled file found in any order of its rows."""

from __future__ import annotations

import random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.gates.measures import profile_sql
from orchestration.gates.suites import Measure, Suite, load_suite

COLUMNS = ("a", "b", "c")
Row = tuple[str | None, int | None, float | None]

rows = st.lists(
    st.tuples(
        st.one_of(st.none(), st.text(max_size=5)),
        st.one_of(st.none(), st.integers(-5, 5)),
        st.one_of(st.none(), st.floats(allow_nan=False, width=32)),
    ),
    min_size=1,
    max_size=40,
)


def doubled_measure() -> Measure:
    return next(m for m in load_suite("police_uk/street").measures if m.name == "is_doubled")


def is_doubled(con: duckdb.DuckDBPyConnection, loads: dict[str, list[Row]]) -> dict[str, bool]:
    con.execute("create or replace table t (a varchar, b bigint, c double, _load_id varchar)")
    values = [(*row, load) for load, found in loads.items() for row in found]
    if values:
        con.executemany("insert into t values (?, ?, ?, ?)", values)
    suite = Suite(table="x/y", measures=(doubled_measure(),), expectations=())
    return dict(con.execute(profile_sql(suite, "t", columns=COLUMNS)).fetchall())


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@settings(max_examples=60, deadline=None)
@given(found=rows, seed=st.integers(0, 1000))
def test_any_doubled_file_is_found_in_any_order(
    con: duckdb.DuckDBPyConnection, found: list[Row], seed: int
) -> None:
    twice = found * 2
    random.Random(seed).shuffle(twice)
    assert is_doubled(con, {"x": twice}) == {"x": True}


@settings(max_examples=60, deadline=None)
@given(found=rows, seed=st.integers(0, 1000))
def test_a_file_with_a_row_of_odd_count_is_not_doubled(
    con: duckdb.DuckDBPyConnection, found: list[Row], seed: int
) -> None:
    # One row more makes the count of that row odd in a doubled file.
    odd = [*found * 2, ("only once", 99, 0.5)]
    random.Random(seed).shuffle(odd)
    assert is_doubled(con, {"x": odd}) == {"x": False}


def test_doubling_is_told_for_each_load_by_itself(con: duckdb.DuckDBPyConnection) -> None:
    row: Row = ("k", 1, 1.0)
    other: Row = ("l", 1, 1.0)
    found = is_doubled(
        con,
        {
            "once": [row],
            "twice": [row, row],
            "both": [row, other],
            "thrice": [row] * 3,
            "all null": [(None, None, None)] * 2,
        },
    )
    assert found == {"once": False, "twice": True, "both": False, "thrice": False, "all null": True}


def test_values_that_move_between_columns_do_not_cancel(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create or replace table t (a varchar, b varchar, c varchar, _load_id varchar)")
    con.execute("insert into t values ('p', 'q', null, 'x'), ('q', 'p', null, 'x')")
    suite = Suite(table="x/y", measures=(doubled_measure(),), expectations=())
    assert con.execute(profile_sql(suite, "t", columns=COLUMNS)).fetchall() == [("x", False)]


def test_loader_and_derived_measures_join_the_scan(con: duckdb.DuckDBPyConnection) -> None:
    suite = Suite(
        table="x/y",
        measures=(
            Measure(name="row_count_typical", description="d", origin="loader"),
            Measure(name="n", description="d", sql="count(*)"),
            Measure(name="ratio", description="d", expr="n / row_count_typical"),
            Measure(name="twice", description="d", expr="2 * ratio"),
        ),
        expectations=(),
    )
    con.execute(
        "create or replace table t as select * from (values (1, 'x'), (2, 'x')) v (a, _load_id)"
    )
    con.execute(
        "create or replace table known as select * from (values ('x', 'file x', 4), "
        "('empty', 'file e', null)) v (load_id, load_label, row_count_typical)"
    )
    sql = profile_sql(suite, "t", loader="known", label=True)
    assert con.execute(sql).fetchall() == [
        ("empty", "file e", None, None, None, None),
        ("x", "file x", 4.0, 2.0, 0.5, 1.0),
    ]


def test_all_columns_must_be_given_where_a_measure_needs_them() -> None:
    with pytest.raises(ValueError, match="is_doubled needs the contract columns"):
        profile_sql(Suite(table="x/y", measures=(doubled_measure(),), expectations=()), "t")
