"""The assignment of links in rounds gives what taking pairs one by one, the best first, would."""

from __future__ import annotations

import re

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.settings import DBT_PROJECT

MODEL = DBT_PROJECT / "models/intermediate/link/int_link_assignments.sql"
THRESHOLD = 3.0

pairs = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.integers(0, 9),
        st.sampled_from([2.0, 3.0, 4.0, 5.5]),
        st.integers(0, 2),
    ),
    max_size=60,
    unique_by=lambda p: (p[0], p[1]),
)


def greedy(rows: list[tuple[int, int, float, int]]) -> set[tuple[str, str]]:
    """Pairs by score, then nearness of the report, then names: each taken if both are free."""
    legacy: set[int] = set()
    connect: set[int] = set()
    taken = set()
    for one, other, score, _ in sorted(rows, key=lambda r: (-r[2], r[3], str(r[0]), str(r[1]))):
        if score >= THRESHOLD and one not in legacy and other not in connect:
            legacy.add(one)
            connect.add(other)
            taken.add((str(one), str(other)))
    return taken


def model_sql() -> str:
    text = re.sub(r"\{\{ config\(.*?\) \}\}", "", MODEL.read_text(encoding="utf-8"))
    return re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"\1", text)


@settings(max_examples=150, deadline=None)
@given(pairs)
def test_rounds_are_greedy(rows: list[tuple[int, int, float, int]]):
    with duckdb.connect() as con:
        con.execute(
            "create table int_link_scores (legacy_record_id varchar, connect_record_id varchar, "
            "link_score double, reported_minutes bigint)"
        )
        con.execute(f"create table int_cutover as select {THRESHOLD} as score_threshold")
        if rows:
            con.executemany("insert into int_link_scores values (?, ?, ?, ?)", rows)
        found = con.execute(model_sql()).fetchall()
    assert {(row[0], row[1]) for row in found} == greedy(rows)
    assert len(found) == len(greedy(rows))
