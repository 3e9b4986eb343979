"""Two rows of one key: alike or contradicting each other, whatever their values hash to."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from whole_runs import load_everything

from orchestration.simulate import simulate

#: Texts that DuckDB's hash() does not tell apart.
ONE, OTHER = "20180402-0021054", "20180405-0021051"


def test_rows_that_contradict_each_other_do_not_pass_for_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMBLINE_PERSON_KEY", "the key of a test, nobody else's")
    simulate(tmp_path / "world", scale=0.02, format="csv")
    name = "legacy_crimes_2019-04.csv"
    title, *rows = (tmp_path / "world" / "legacy" / name).read_text().splitlines()
    columns = title.split(",")
    fields = dict(zip(columns, rows[3].split(","), strict=True))
    twins = [",".join({**fields, "incident_log_number": log}.values()) for log in (ONE, OTHER)]
    landing = tmp_path / "landing"
    landing.mkdir()
    again = rows[7]
    lines = [title, *rows[:3], *twins, *rows[4:], again]
    (landing / name).write_text("\n".join(lines) + "\n")
    load_everything(tmp_path / "home", landing, "run")
    database = tmp_path / "home" / "warehouse" / "plumbline.duckdb"
    with duckdb.connect(str(database), read_only=True) as con:
        found = con.execute(
            "select row_number, rule_code from ledger.quarantine order by all"
        ).fetchall()
    assert found == [
        (4, "legacy.crimes.row.conflicting_key"),
        (5, "legacy.crimes.row.conflicting_key"),
        (len(lines) - 1, "legacy.crimes.row.repeated_row"),
    ]
