"""Great Expectations on DuckDB: right answers, and loud failure where the pairing is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.gates import dialect
from orchestration.gates.dialect import Check, GatePairingError, evaluate, self_check

BETWEEN = "expect_column_values_to_be_between"


def profile(path: Path, rows: str, columns: str = "load_id, m") -> Path:
    with duckdb.connect(str(path)) as con:
        con.execute(f"create table load_profile as select * from (values {rows}) t ({columns})")
    return path


def test_importing_the_gate_imports_neither_great_expectations_nor_sqlalchemy() -> None:
    code = (
        "import sys, orchestration.gates.gate, orchestration.gates.suites, "
        "orchestration.gates.measures\n"
        "print([m for m in ('great_expectations', 'sqlalchemy', 'duckdb_engine', 'pandas') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_known_answers_are_right() -> None:
    self_check()


def test_stock_dialect_fails_loudly_and_names_versions() -> None:
    with pytest.raises(GatePairingError, match=r"duckdb-engine 0\.17.*duckdb 1\."):
        self_check("duckdb")


def test_a_dialect_that_loses_rows_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = dialect._classes().Cursor
    monkeypatch.setattr(cursor, "fetchmany", lambda self, size=None: [])
    with pytest.raises(GatePairingError):
        self_check.__wrapped__()


def test_a_wrong_answer_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    right = dialect.evaluate

    def wrong(*args: object, **kwargs: object) -> dialect.Evaluation:
        found = right(*args, **kwargs)  # type: ignore[arg-type]
        answers = {**found.answers, "known 1": dialect.Answer()}
        return dialect.Evaluation(answers=answers, result=found.result)

    monkeypatch.setattr(dialect, "evaluate", wrong)
    with pytest.raises(GatePairingError, match="wrong answer"):
        self_check.__wrapped__()


def test_every_failing_load_is_named_beyond_twenty(tmp_path: Path) -> None:
    rows = ", ".join(f"('l{i}', {i})" for i in range(300))
    file = profile(tmp_path / "p.duckdb", rows)
    check = Check(code="c", type=BETWEEN, column="m", kwargs={"max_value": 49})
    found = evaluate(file, [check], load_count=300, suite_name="s")
    assert found.answers["c"].failing == {f"l{i}" for i in range(50, 300)}


def test_another_number_of_loads_than_expected_is_an_error(tmp_path: Path) -> None:
    file = profile(tmp_path / "p.duckdb", "('a', 1)")
    check = Check(code="c", type=BETWEEN, column="m", kwargs={"max_value": 49})
    with pytest.raises(GatePairingError, match="does not see the 2 loads"):
        evaluate(file, [check], load_count=2, suite_name="s")


def test_an_expectation_that_breaks_answers_with_its_words(tmp_path: Path) -> None:
    file = profile(tmp_path / "p.duckdb", "('a', 1), ('b', 9)")
    checks = [
        Check(code="gone", type=BETWEEN, column="no_such_column", kwargs={"max_value": 5}),
        Check(code="good", type=BETWEEN, column="m", kwargs={"max_value": 5}),
    ]
    found = evaluate(file, checks, load_count=2, suite_name="s").answers
    assert found["gone"].raised and "no_such_column" in found["gone"].raised
    assert found["good"] == dialect.Answer(failing=frozenset("b"))


def test_results_beyond_the_cap_are_an_error_not_a_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = profile(tmp_path / "p.duckdb", ", ".join(f"('l{i}', {i})" for i in range(60)))
    monkeypatch.setattr(dialect, "ROW_CAP", 50)
    check = Check(code="c", type=BETWEEN, column="m", kwargs={"max_value": -1})
    try:
        answer = evaluate(file, [check], load_count=60, suite_name="s").answers["c"]
    except GatePairingError as error:
        assert "more than 50 rows" in str(error)
    else:
        assert answer.raised and not answer.failing


def test_the_file_is_free_afterwards(tmp_path: Path) -> None:
    file = profile(tmp_path / "odd %41 $HOME name?.duckdb", "('a', 1)")
    check = Check(code="c", type=BETWEEN, column="m", kwargs={"max_value": 5})
    evaluate(file, [check], load_count=1, suite_name="s")
    with duckdb.connect(str(file)) as con:
        con.execute("insert into load_profile values ('b', 2)")


def test_stock_duckdb_urls_keep_their_own_dialect() -> None:
    import sqlalchemy

    dialect._register()
    engine = sqlalchemy.create_engine("duckdb:///:memory:")
    assert type(engine.dialect).__module__.startswith("duckdb_engine")
