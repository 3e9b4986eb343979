"""Great Expectations on DuckDB: the SQLAlchemy dialect, and the only code that runs expectations.

Why it exists: Great Expectations 1.x fetches rows after it has closed the transaction, and DuckDB
drops a result at rollback or commit, so with any published dialect every expectation ends in
``list index out of range``. The dialect here takes the whole result when a statement runs and
hands rows out of memory afterwards. It is reached as ``duckdb+plumbline:///file``, so the stock
``duckdb://`` dialect of the same process stays as it is.

It leans on private names of duckdb-engine 0.17.0 and on the order in which Great Expectations
1.24 does things. ``self_check`` therefore asks questions with known answers before the first gate
of a process and raises ``GatePairingError``, naming the versions, if one answer is wrong: a broken
pairing must never look like a passed gate.

Nothing heavy is imported until it is used. What does not belong here: suites, measures, loads,
severities.
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

#: Rows one statement may return. A profile has one row per load, so reaching this means that
#: something else is being read; cutting there would drop failures without a word.
ROW_CAP = 1_000_000

#: The dialect name in connection strings: ``duckdb+plumbline:///path``.
DIALECT = "duckdb+plumbline"

_TABLE = "load_profile"
_KEY = "load_id"


class GatePairingError(RuntimeError):
    """Great Expectations, the dialect and DuckDB do not give right answers together."""


class ResultTooLarge(RuntimeError):
    """A statement returned more rows than the dialect keeps (``ROW_CAP``)."""


@dataclass(frozen=True)
class Check:
    """One expectation to run: Great Expectations' type and arguments, under a code of ours."""

    code: str
    type: str
    column: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    severity: str = "critical"
    description: str = ""


@dataclass(frozen=True)
class Answer:
    """What one expectation said: the loads that fail it, or the words of what went wrong."""

    failing: frozenset[str] = frozenset()
    raised: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """Answers by code, and Great Expectations' own validation result (for Data Docs)."""

    answers: Mapping[str, Answer]
    result: Any


# --------------------------------------------------------------------------- versions, imports


def versions() -> str:
    """The installed versions of everything the pairing depends on, in words."""
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in ("great-expectations", "duckdb-engine", "sqlalchemy", "duckdb"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} (not installed)")
    return ", ".join(found)


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back the warnings that Great Expectations and duckdb-engine give on every run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@cache
def great_expectations() -> Any:
    """Great Expectations, imported once, with nothing sent anywhere.

    Raises GatePairingError if it cannot be imported.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    try:
        with quiet():
            import great_expectations as gx
            import great_expectations.expectations
    except Exception as error:
        raise GatePairingError(
            f"the gate cannot start: Great Expectations cannot be imported ({error}); {versions()}"
        ) from error
    # Its own log repeats, as warnings, what the results already say.
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    return gx


# --------------------------------------------------------------------------- the dialect


@cache
def _classes() -> SimpleNamespace:
    """Build the dialect's classes. Late, because their bases are in duckdb-engine."""
    with quiet():
        import duckdb_engine

    class Cursor(duckdb_engine.CursorWrapper):
        """A cursor whose rows survive the end of the transaction."""

        _rows: Sequence[Any] = ()
        _description: Any = None
        _position = 0

        def execute(self, statement: str, parameters: Any = None, context: Any = None) -> None:
            super().execute(statement, parameters, context)
            raw = self._CursorWrapper__c
            self._description = raw.description
            self._rows = raw.fetchmany(ROW_CAP + 1) if self._description else []
            self._position = 0
            if len(self._rows) > ROW_CAP:
                self._rows = []
                raise ResultTooLarge(
                    f"a gate query returned more than {ROW_CAP:,} rows; its answer would have "
                    f"been cut: {statement[:200]}"
                )

        @property
        def description(self) -> Any:
            return self._description

        def fetchmany(self, size: int | None = None) -> list[Any]:
            rows = list(self._rows[self._position : self._position + (size or 1)])
            self._position += len(rows)
            return rows

        def fetchone(self) -> Any:
            return next(iter(self.fetchmany(1)), None)

        def fetchall(self) -> list[Any]:
            return self.fetchmany(len(self._rows) + 1)

    class Connection(duckdb_engine.ConnectionWrapper):
        def cursor(self) -> Cursor:
            return Cursor(self._ConnectionWrapper__c, self)

    class Dialect(duckdb_engine.Dialect):
        supports_statement_cache = False

        def connect(self, *args: Any, **kwargs: Any) -> Any:
            connection = super().connect(*args, **kwargs)
            connection.__class__ = Connection
            return connection

    return SimpleNamespace(Cursor=Cursor, Connection=Connection, Dialect=Dialect)


def __getattr__(name: str) -> Any:
    # SQLAlchemy looks the dialect up as an attribute of this module, by name.
    if name == "Dialect":
        return _classes().Dialect
    raise AttributeError(name)


@cache
def _register() -> None:
    """Make the dialect and the regular-expression metrics known. Once per process."""
    great_expectations()
    with quiet():
        from great_expectations.execution_engine import SqlAlchemyExecutionEngine
        from great_expectations.expectations.metrics.column_map_metrics import (
            column_values_match_regex as match,
        )
        from great_expectations.expectations.metrics.column_map_metrics import (
            column_values_not_match_regex as not_match,
        )
        from great_expectations.expectations.metrics.map_metric_provider import (
            column_condition_partial,
        )
        from sqlalchemy import func, literal, not_
        from sqlalchemy.dialects import registry

        registry.register("duckdb.plumbline", __name__, "Dialect")

        # Great Expectations knows no regular expressions for dialect 'duckdb'. DuckDB's own '~'
        # would match the whole text only; regexp_matches searches, as other engines do.
        # Defining the classes registers them; other dialects keep the original.
        class MatchRegex(match.ColumnValuesMatchRegex):
            condition_metric_name = "column_values.match_regex"
            condition_value_keys = ("regex",)

            @column_condition_partial(engine=SqlAlchemyExecutionEngine)
            def _sqlalchemy(cls, column: Any, regex: str, _dialect: Any, **kwargs: Any) -> Any:
                return func.regexp_matches(column, literal(regex))

        class NotMatchRegex(not_match.ColumnValuesNotMatchRegex):
            condition_metric_name = "column_values.not_match_regex"
            condition_value_keys = ("regex",)

            @column_condition_partial(engine=SqlAlchemyExecutionEngine)
            def _sqlalchemy(cls, column: Any, regex: str, _dialect: Any, **kwargs: Any) -> Any:
                return not_(func.regexp_matches(column, literal(regex)))


# --------------------------------------------------------------------------- running expectations


@contextmanager
def _batch(database: Path, dialect: str) -> Iterator[tuple[Any, Any]]:
    """A Great Expectations batch over table ``load_profile`` of a DuckDB file, opened read-only.

    NullPool: every connection is closed after its statement, so the file is free afterwards. No
    plain DuckDB connection of this process may hold the file meanwhile.
    """
    gx = great_expectations()
    _register()
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from sqlalchemy.pool import NullPool

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    source = context.data_sources.add_sql(
        "staged_loads",
        # The path goes beside the URL, not into it: there '?' and '$' would mean something.
        connection_string=f"{dialect}:///",
        kwargs={
            "connect_args": {"database": str(database), "read_only": True},
            "poolclass": NullPool,
        },
    )
    asset = source.add_table_asset(_TABLE, table_name=_TABLE)
    try:
        yield gx, asset.add_batch_definition_whole_table("all loads").get_batch()
    finally:
        engine = source.get_execution_engine()
        engine.close()


def _expectation(gx: Any, check: Check) -> Any:
    name = "".join(part.capitalize() for part in check.type.split("_"))
    try:
        kind = getattr(gx.expectations, name)
    except AttributeError as error:
        raise GatePairingError(
            f"{check.code}: Great Expectations has no {check.type}; {versions()}"
        ) from error
    return kind(
        column=check.column,
        **check.kwargs,
        severity=check.severity,
        description=check.description or None,
        meta={"code": check.code},
    )


def _exception_words(result: Any) -> str | None:
    """The words of an exception inside a validation result, in either of its two shapes."""
    info = result.exception_info or {}
    entries = [info] if "raised_exception" in info else list(info.values())
    for entry in entries:
        if isinstance(entry, Mapping) and entry.get("raised_exception"):
            words = " ".join(str(entry.get("exception_message") or "no message").split())
            return words[:500]
    return None


def evaluate(
    database: Path,
    checks: Sequence[Check],
    *,
    load_count: int,
    suite_name: str,
    label_columns: Sequence[str] = (),
    dialect: str = DIALECT,
) -> Evaluation:
    """Run expectations over table ``load_profile`` of a DuckDB file; say which loads fail which.

    Every expectation is asked first for yes or no only (all of them share one scan of the
    profile); those that say no are asked again for the loads. ``load_count`` is the number of
    rows the table has, by the caller's own count: if Great Expectations sees another number, no
    answer is used. ``label_columns`` are shown beside the load in Data Docs.

    An expectation that ends in an exception answers with its words (``Answer.raised``). Raises
    GatePairingError if the run as a whole cannot be trusted.
    """
    control = "(control: number of loads)"
    try:
        with quiet(), _batch(Path(database), dialect) as (gx, batch):
            built: dict[str, Any] = {}
            answers: dict[str, Answer] = {}
            for check in checks:
                try:
                    built[check.code] = _expectation(gx, check)
                except GatePairingError:
                    raise
                except Exception as error:
                    answers[check.code] = Answer(raised=" ".join(str(error).split())[:500])
            row_count = gx.expectations.ExpectTableRowCountToEqual(
                value=load_count, meta={"code": control}
            )
            first = _validate(gx, batch, suite_name, [*built.values(), row_count], "BOOLEAN_ONLY")
            by_code = {r.expectation_config.meta["code"]: r for r in first.results}
            counted = by_code.get(control)
            words = _exception_words(counted) if counted is not None else "no answer"
            if counted is None or words or not counted.success:
                raise GatePairingError(
                    f"Great Expectations does not see the {load_count} loads of the profile"
                    f"{': ' + words if words else ''}; {versions()}"
                )
            again = []
            for code in built:
                result = by_code.get(code)
                raised = _exception_words(result) if result is not None else "it gave no answer"
                if raised:
                    answers[code] = Answer(raised=raised)
                elif result.success:
                    answers[code] = Answer()
                else:
                    again.append(code)
            if again:
                wanted = {
                    "result_format": "COMPLETE",
                    "unexpected_index_column_names": [_KEY, *label_columns],
                    # On SQL even COMPLETE names 20 rows only, unless told how many there can be.
                    "partial_unexpected_count": load_count,
                }
                second = _validate(gx, batch, suite_name, [built[c] for c in again], wanted)
                details = {r.expectation_config.meta["code"]: r for r in second.results}
                for code in again:
                    answers[code] = _failing(details.get(code))
                first.results = [
                    details.get(r.expectation_config.meta["code"], r) for r in first.results
                ]
            return Evaluation(answers=answers, result=first)
    except GatePairingError:
        raise
    except Exception as error:
        raise GatePairingError(
            f"the gate could not be run: {type(error).__name__}: {error}; {versions()}"
        ) from error


def _validate(gx: Any, batch: Any, name: str, expectations: list[Any], result_format: Any) -> Any:
    # batch.validate stores nothing: no checkpoint, no validation store, no action list.
    suite = gx.ExpectationSuite(name=name)
    for expectation in expectations:
        # A copy: a suite takes ownership of what is added to it, and failing expectations are
        # asked twice.
        suite.add_expectation(expectation.copy())
    return batch.validate(suite, result_format=result_format)


def _failing(result: Any) -> Answer:
    """The loads named by a COMPLETE result, cross-checked against its own counts."""
    if result is None:
        return Answer(raised="it gave no answer when asked for the loads")
    raised = _exception_words(result)
    if raised:
        return Answer(raised=raised)
    named = result.result.get("unexpected_index_list")
    count = result.result.get("unexpected_count")
    if result.success or not named or count != len(named):
        return Answer(
            raised=f"it said no, but named {len(named or [])} loads and counted {count!r}"
        )
    return Answer(failing=frozenset(str(entry[_KEY]) for entry in named))


# --------------------------------------------------------------------------- known answers


#: Loads with a high number and nothing else: more than the 20 that are named without asking.
_MANY = frozenset(f"n{i}" for i in range(25))

#: (type, column, arguments, loads that must fail). Loads: a is low, b is high, c has no values.
_KNOWN: tuple[tuple[str, str, dict[str, Any], frozenset[str]], ...] = (
    ("expect_column_values_to_be_between", "number", {"min_value": 1}, frozenset()),
    ("expect_column_values_to_be_between", "number", {"max_value": 5}, _MANY | {"b"}),
    (
        "expect_column_values_to_be_between",
        "number",
        {"min_value": 1, "strict_min": True},
        frozenset("a"),
    ),
    ("expect_column_values_to_be_in_set", "word", {"value_set": ["x1", "y"]}, frozenset()),
    ("expect_column_values_to_be_in_set", "word", {"value_set": ["y"]}, frozenset("a")),
    ("expect_column_values_to_be_in_set", "flag", {"value_set": [True]}, frozenset("b")),
    ("expect_column_values_to_not_be_in_set", "word", {"value_set": ["y"]}, frozenset("b")),
    ("expect_column_values_to_match_regex", "word", {"regex": "^[xy]"}, frozenset()),
    ("expect_column_values_to_match_regex", "word", {"regex": r"\d"}, frozenset("b")),
    ("expect_column_values_to_not_match_regex", "word", {"regex": r"\d"}, frozenset("a")),
)


@cache
def self_check(dialect: str = DIALECT) -> None:
    """Ask Great Expectations questions whose answers are known. Once per process.

    Raises GatePairingError, naming the versions, if an answer is wrong or an expectation ends in
    an exception.
    """
    import duckdb

    checks = [
        Check(code=f"known {i}", type=kind, column=column, kwargs=kwargs)
        for i, (kind, column, kwargs, _) in enumerate(_KNOWN)
    ]
    with tempfile.TemporaryDirectory(prefix="plumbline-gate-") as folder:
        file = Path(folder) / "known.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute(
                f"create table {_TABLE} as select * from (values ('a', 1.0, 'x1', true), "
                f"('b', 9.0, 'y', false), ('c', null, null, null)) t ({_KEY}, number, word, flag) "
                f"union all select 'n' || i, 9.0, null, null from range({len(_MANY)}) r (i)"
            )
        found = evaluate(
            file, checks, load_count=3 + len(_MANY), suite_name="known answers", dialect=dialect
        ).answers
    for check, (kind, column, kwargs, expected) in zip(checks, _KNOWN, strict=True):
        answer = found[check.code]
        if answer.raised or answer.failing != expected:
            said = answer.raised or f"loads {sorted(answer.failing)} fail"
            raise GatePairingError(
                "Great Expectations gives a wrong answer on this database, so no load can be "
                f"judged: {kind} on {column} with {kwargs} must fail loads {sorted(expected)}, "
                f"but: {said}; {versions()}"
            )
