"""Suites: what each load must satisfy, as declared in ``expectations/<source>/<table>.yml``.

The files are written for data owners, not programmers; ``expectations/README.md`` explains the
layout. This module reads, completes (``expectations/_common.yml`` and what follows from the
contract) and checks them; every error names the file and the key.

What does not belong here: SQL of whole queries (``measures``), running anything (``gate``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestration.sqltext import ident

#: ``expectations/`` of the project.
ROOT = Path(__file__).resolve().parents[2] / "expectations"
COMMON = "_common.yml"

#: Measures that only the loader can know, with their type. Counts are rows.
LOADER_MEASURES: dict[str, tuple[str, str]] = {
    "row_count_read": ("number", "data rows in the file or sheet"),
    "row_count_entered": ("number", "rows that satisfy the contract and would enter"),
    "row_count_quarantined": ("number", "rows set aside, each counted once"),
    "quarantined_pct": ("number", "rows set aside, percent of the rows read"),
    "row_count_previous": ("number", "rows of the load it would supersede; none if it is new"),
    "row_count_typical": (
        "number",
        "median rows of the other loads of its series (same force); none if fewer than six",
    ),
    "claim": ("text", "what the file name says it holds, such as 'merseyside/2018-04'"),
    "claim_period": ("text", "the month or year the file name states; none if it states none"),
    "is_replacing": ("boolean", "whether it would supersede an earlier load"),
}

#: Great Expectations types a suite may use, and the arguments each takes. All judge every load by
#: itself: a type that judges the column as a whole (a mean, say), or a share of loads that may
#: fail ("mostly"), could not name the load.
EXPECTATION_ARGUMENTS: dict[str, frozenset[str]] = {
    "expect_column_values_to_be_between": frozenset(
        {"min_value", "max_value", "strict_min", "strict_max"}
    ),
    "expect_column_values_to_be_in_set": frozenset({"value_set"}),
    "expect_column_values_to_not_be_in_set": frozenset({"value_set"}),
    "expect_column_values_to_match_regex": frozenset({"regex"}),
    "expect_column_values_to_not_match_regex": frozenset({"regex"}),
}

_RESERVED = frozenset({"load_id", "load_label", "observed", "expected"})
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
SQL_TYPE = {"number": "double", "text": "varchar", "boolean": "boolean"}

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$")]
Words = Annotated[str, Field(min_length=1)]


class SuiteError(ValueError):
    """A suite file is wrong; the message names the file and the key."""


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Measure(_Declared):
    """One value per load. Exactly one of: ``sql`` (an aggregate over the load's rows), ``expr``
    (SQL over measures declared before it), ``from: loader``, ``from: others`` (the median of the
    measure ``of``, which has an ``sql``, over the other loads of the series)."""

    name: Name
    description: Words
    type: Literal["number", "text", "boolean"] = "number"
    sql: Words | None = None
    expr: Words | None = None
    origin: Literal["loader", "others"] | None = Field(default=None, alias="from")
    of: Name | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Measure:
        if sum(x is not None for x in (self.sql, self.expr, self.origin)) != 1:
            raise ValueError("give exactly one of sql, expr and from")
        if self.name in _RESERVED:
            raise ValueError(f"{self.name!r} is a reserved name")
        if (self.of is not None) != (self.origin == "others"):
            raise ValueError("of belongs to from: others, which needs it")
        if self.origin == "others" and self.type != "number":
            raise ValueError("type must be number")
        if self.origin == "loader":
            if self.name not in LOADER_MEASURES:
                raise ValueError(
                    f"the loader supplies no {self.name!r}, only {', '.join(LOADER_MEASURES)}"
                )
            if self.type != LOADER_MEASURES[self.name][0]:
                raise ValueError(f"type must be {LOADER_MEASURES[self.name][0]}")
        return self

    @property
    def sql_type(self) -> str:
        return SQL_TYPE[self.type]


class Expectation(_Declared):
    """What one measure must satisfy. A load whose measure is null is not assessed."""

    code: Code
    measure: Name
    type: str = Field(alias="expect")
    kwargs: dict[str, Any]
    severity: Literal["critical", "warning"]
    message: Words
    who_fixes: Words
    evidence: Words

    @model_validator(mode="after")
    def _known_type(self) -> Expectation:
        allowed = EXPECTATION_ARGUMENTS.get(self.type)
        if allowed is None:
            raise ValueError(
                f"expect: {self.type!r} is not one of {', '.join(EXPECTATION_ARGUMENTS)}"
            )
        unknown = sorted(set(self.kwargs) - allowed)
        if unknown:
            raise ValueError(
                f"kwargs: {', '.join(unknown)} not allowed; {self.type} takes "
                f"{', '.join(sorted(allowed))}"
            )
        if not {k for k in self.kwargs if not k.startswith("strict_")}:
            raise ValueError("kwargs: give the bound, set or pattern")
        for bound in ("min_value", "max_value"):
            value = self.kwargs.get(bound, 0)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"kwargs: {bound} must be a number")
        value_set = self.kwargs.get("value_set", [0])
        if not isinstance(value_set, list) or not value_set:
            raise ValueError("kwargs: value_set must be a list with at least one value")
        if "regex" in self.kwargs:
            try:
                re.compile(self.kwargs["regex"])
            except (re.error, TypeError) as error:
                raise ValueError(f"kwargs: regex: {error}") from error
        return self

    @property
    def expected(self) -> str:
        """What is expected, in words: ``at most 20``."""
        k = self.kwargs
        if self.type == "expect_column_values_to_be_between":
            low, high = k.get("min_value"), k.get("max_value")
            if low is not None and low == high:
                return words(low)
            parts = []
            if low is not None:
                parts.append(f"{'more than' if k.get('strict_min') else 'at least'} {words(low)}")
            if high is not None:
                parts.append(f"{'less than' if k.get('strict_max') else 'at most'} {words(high)}")
            return " and ".join(parts)
        if "value_set" in k:
            shown = ", ".join(words(v) for v in k["value_set"])
            if self.type == "expect_column_values_to_not_be_in_set":
                return f"none of: {shown}" if len(k["value_set"]) > 1 else f"not {shown}"
            return f"one of: {shown}" if len(k["value_set"]) > 1 else shown
        negated = self.type == "expect_column_values_to_not_match_regex"
        return f"{'no match with' if negated else 'a match with'} {k['regex']}"


class Exclusion(_Declared):
    """A common or derived expectation that does not apply to this table, and why."""

    code: Code
    because: Words


class _Common(_Declared):
    measures: tuple[Measure, ...] = ()
    expectations: tuple[Expectation, ...] = ()


class _SuiteFile(_Common):
    table: Annotated[str, Field(pattern=r"^[a-z0-9_]+/[a-z0-9_]+$")]
    without: tuple[Exclusion, ...] = ()


class Suite(_Declared):
    """The complete suite of one table. Codes carry the table: ``police_uk.street.rows.doubled``."""

    table: str
    measures: tuple[Measure, ...]
    expectations: tuple[Expectation, ...]

    @property
    def code_prefix(self) -> str:
        return self.table.replace("/", ".")

    @property
    def loader_measures(self) -> tuple[Measure, ...]:
        """Measures that are known before the load's rows are looked at."""
        return tuple(m for m in self.measures if m.origin is not None)

    @property
    def compared_measures(self) -> dict[str, Measure]:
        """Scanned measures that are compared with other loads, by the name of the median."""
        by_name = {m.name: m for m in self.measures}
        return {m.name: by_name[m.of] for m in self.measures if m.of is not None}

    @property
    def scan_measures(self) -> tuple[Measure, ...]:
        return tuple(m for m in self.measures if m.sql is not None)

    @property
    def derived_measures(self) -> tuple[Measure, ...]:
        return tuple(m for m in self.measures if m.expr is not None)

    def expectation(self, code: str) -> Expectation:
        """The expectation of that full code. Raises KeyError if there is none."""
        for e in self.expectations:
            if e.code == code:
                return e
        raise KeyError(f"{self.table} has no expectation {code!r}")


def words(value: Any) -> str:
    """A value as a person would write it: ``16,042``, ``0.832``, ``yes``, ``not known``."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return f"{int(value):,}"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.1f}"
    return str(value)


def fill(message: str, values: Mapping[str, Any]) -> str:
    """A message with ``{measure}`` replaced by the measure's value in words."""
    return " ".join(_PLACEHOLDER.sub(lambda m: words(values.get(m.group(1))), message).split())


# --------------------------------------------------------------------------- from the contract


def derived_expectations(
    columns: Iterable[Mapping[str, Any]], *, recheck_code_lists: bool = False
) -> tuple[list[Measure], list[Expectation]]:
    """Measures and expectations that follow from a table's contract.

    ``columns``: one mapping per contract column with ``name``, ``kind``, ``nullable`` and ``isin``
    (codes or None). Keys are the contract's: rows that repeat one are set aside, and counted in
    ``row_count_quarantined``. Gives

    * for every column that may be empty, its empty share, and a warning where nothing at all was
      supplied (``column.<name>.empty``); columns that must not be empty are the contract's;
    * with ``recheck_code_lists``, rows outside a column's code list (``column.<name>.codes``,
      critical). Off by default: the contract has already set such rows aside, and looking twice
      costs time on every load.
    """
    measures: list[Measure] = []
    expectations: list[Expectation] = []
    for column in columns:
        name = column["name"]
        if column.get("nullable"):
            measures.append(
                Measure(
                    name=f"empty_pct_{name}",
                    description=f"rows without {name}, percent",
                    sql=f"100.0 * (count(*) - count({ident(name)})) / count(*)",
                )
            )
            expectations.append(
                Expectation(
                    code=f"column.{name}.empty",
                    measure=f"empty_pct_{name}",
                    type="expect_column_values_to_be_between",
                    kwargs={"max_value": 100, "strict_max": True},
                    severity="warning",
                    message=f"column {name} was supplied without a single value",
                    who_fixes="the supplier of the file",
                    evidence="A column may have gaps, but one with no value at all was not "
                    "supplied: figures by it are not possible for this load.",
                )
            )
        if recheck_code_lists and column.get("isin"):
            codes = ", ".join("'" + str(c).replace("'", "''") + "'" for c in column["isin"])
            measures.append(
                Measure(
                    name=f"outside_list_{name}",
                    description=f"rows whose {name} is not in its code list",
                    sql=f"count(*) filter ({ident(name)} not in ({codes}))",
                )
            )
            expectations.append(
                Expectation(
                    code=f"column.{name}.codes",
                    measure=f"outside_list_{name}",
                    type="expect_column_values_to_be_between",
                    kwargs={"min_value": 0, "max_value": 0},
                    severity="critical",
                    message=f"{{observed}} rows with an unknown {name} were not set aside",
                    who_fixes="the maintainers of this program",
                    evidence="The contract sets such rows aside, so none may be left.",
                )
            )
    return measures, expectations


# --------------------------------------------------------------------------- reading


def load_suite(
    table: str,
    *,
    columns: Sequence[Mapping[str, Any]] = (),
    root: Path | None = None,
    recheck_code_lists: bool = False,
) -> Suite:
    """The complete suite of ``source/table``: its file, the common part, what the contract gives.

    ``columns`` as for ``derived_expectations``; without them nothing is derived. What the file
    declares wins over the common and derived parts with the same name or code. Raises SuiteError.
    """
    root = root or ROOT
    path = root / f"{table}.yml"
    own = _read(path, _SuiteFile)
    if own.table != table:
        raise SuiteError(f"{_shown(path, root)}: table: says {own.table!r}, not {table!r}")
    _check_unique(path, root, own)
    common = _Common()
    if (root / COMMON).is_file():
        common = _read(root / COMMON, _Common)
        _check_unique(root / COMMON, root, common)
    try:
        derived = derived_expectations(columns, recheck_code_lists=recheck_code_lists)
    except ValidationError as error:  # a column name that cannot be part of a measure's name
        raise SuiteError(f"{_shown(path, root)}: {_first_error(error, {})}") from error

    measures = {m.name: m for m in (*common.measures, *derived[0])}
    own_names = {m.name for m in own.measures}
    # A measure that the file declares anew keeps the place of the one it replaces, so that
    # expressions over it still follow it.
    measures.update({m.name: m for m in own.measures})
    expectations = {e.code: e for e in (*common.expectations, *derived[1])}
    for exclusion in own.without:
        if expectations.pop(exclusion.code, None) is None and (
            columns or not exclusion.code.startswith("column.")
        ):
            raise SuiteError(
                f"{_shown(path, root)}: without: {exclusion.code}: there is no such common or "
                "derived expectation"
            )
    expectations.update({e.code: e for e in own.expectations})

    used = _needed(measures, expectations.values(), own_names)
    suite = Suite(
        table=table,
        measures=tuple(used),
        expectations=tuple(
            e.model_copy(update={"code": f"{table.replace('/', '.')}.{e.code}"})
            for e in expectations.values()
        ),
    )
    _check_suite(path, root, suite, {e.code for e in own.expectations})
    return suite


def suite_for(spec: Any) -> Suite:
    """The complete suite of a contract (``contracts.base.TableSpec``). Raises SuiteError."""
    return load_suite(
        spec.name,
        columns=[
            {"name": c.name, "kind": c.kind, "nullable": c.nullable, "isin": c.isin}
            for c in spec.columns
        ],
    )


@cache
def _read(path: Path, model: type[BaseModel]) -> Any:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SuiteError(f"{path}: there is no such suite file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SuiteError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, Mapping):
        raise SuiteError(f"{path}: must be a list of keys (table, measures, expectations)")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        shown = f"{path.parent.name}/{path.name}"
        raise SuiteError(f"{shown}: {_first_error(error, content)}") from error


def _first_error(error: ValidationError, content: Mapping[str, Any]) -> str:
    """``measures: month_min: sql: words`` for the first error; how many others there are."""
    problems = error.errors(include_url=False)
    at: list[str] = []
    value: Any = content
    for part in problems[0]["loc"]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            value = None
        if isinstance(part, int):
            known = value if isinstance(value, Mapping) else {}
            at.append(str(known.get("code") or known.get("name") or f"item {part + 1}"))
        else:
            at.append(str(part))
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{': '.join([*at, problems[0]['msg'].removeprefix('Value error, ')])}{more}"


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root))


def _check_unique(path: Path, root: Path, part: _Common) -> None:
    for key, names in (
        ("measures", [m.name for m in part.measures]),
        ("expectations", [e.code for e in part.expectations]),
    ):
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise SuiteError(f"{_shown(path, root)}: {key}: {twice[0]}: declared twice")


def _needed(
    measures: Mapping[str, Measure], expectations: Iterable[Expectation], own: set[str]
) -> list[Measure]:
    """The measures that the file declares or that something kept needs, in declared order."""
    wanted = set(own)
    for e in expectations:
        wanted |= {e.measure, *_PLACEHOLDER.findall(e.message)}
    queue = [measures[n] for n in wanted if n in measures]
    while queue:
        m = queue.pop()
        for name in re.findall(r"[a-z_][a-z0-9_]*", m.expr or m.of or ""):
            if name in measures and name not in wanted:
                wanted.add(name)
                queue.append(measures[name])
    return [m for m in measures.values() if m.name in wanted]


def _check_suite(path: Path, root: Path, suite: Suite, own: set[str]) -> None:
    file = _shown(path, root)
    names = {m.name for m in suite.measures}
    for e in suite.expectations:
        code = e.code.removeprefix(f"{suite.code_prefix}.")
        where = f"{file if code in own else f'{file} (with {COMMON})'}: expectations: {code}"
        if e.measure not in names:
            raise SuiteError(f"{where}: measure: there is no measure {e.measure!r}")
        unknown = set(_PLACEHOLDER.findall(e.message)) - names - {"observed", "expected"}
        if unknown:
            raise SuiteError(f"{where}: message: there is no measure {sorted(unknown)[0]!r}")
    scanned = {m.name for m in suite.scan_measures if m.type == "number"}
    for m in suite.measures:
        if m.of is not None and m.of not in scanned:
            raise SuiteError(
                f"{file}: measures: {m.name}: of: {m.of!r} is not a number with an sql of its own"
            )
        for key, text in (("sql", m.sql), ("expr", m.expr)):
            problem = _sql_problem(text) if text is not None else None
            if problem:
                raise SuiteError(f"{file}: measures: {m.name}: {key}: {problem}")


@cache
def _sql_problem(text: str) -> str | None:
    """Why a piece of SQL is not one expression, or None. Names are checked when it runs."""
    import duckdb

    try:
        statements = duckdb.extract_statements(f"select ({text.replace('{columns}', '1')}) as m")
    except duckdb.Error as error:
        return " ".join(str(error).split("\n")[0].split())
    return None if len(statements) == 1 else "must be one SQL expression"
