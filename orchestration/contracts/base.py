"""How a record contract is written, and how it becomes SQL.

One class per raw table declares each column once: type, meaning, unit, range, code list, pattern,
sensitivity, the name it takes in staging. Everything else that needs to know a column (the
reader's types, the gate, dbt's YAML, the documentation) derives from these classes.

A contract is an ordinary pandera model (polars backend), so ``Contract.validate(frame)`` works
anywhere. Loads are checked by the same declaration compiled to DuckDB SQL, because a load must be
checked in one pass, out of core, with every failure of every row named; a test holds the two to
the same answer.

What does not belong here: the tables themselves (one module per source beside this one), anything
that touches a file or a database.
"""

from __future__ import annotations

import datetime as dt
import types
import typing
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import pandera.polars as pa

from orchestration.sqltext import ident, lit

Kind = Literal["text", "code", "month", "integer", "decimal", "date", "timestamp", "boolean"]

#: DuckDB type of each kind of column.
SQL_TYPE: dict[str, str] = {
    "text": "varchar",
    "code": "varchar",
    "month": "varchar",
    "integer": "bigint",
    "decimal": "double",
    "date": "date",
    "timestamp": "timestamp",
    "boolean": "boolean",
}

#: Rule kinds: the last part of a rule code. Stable: people filter and automate on them.
RULES: dict[str, str] = {
    "missing": "a value is required and none was given",
    "not_a_number": "the value is not a number",
    "not_a_date": "the value is not a date",
    "not_a_boolean": "the value is neither true nor false",
    "out_of_range": "the value is outside the range that is possible",
    "not_in_code_list": "the value is not in the list of known codes",
    "bad_format": "the value does not have the agreed form",
    "in_the_future": "the period has not begun yet",
    "repeated_row": "the same row stands earlier in the same file",
    "conflicting_key": "two rows of the file give different values for the same key",
    "too_many_fields": "the row has more fields than the header",
    "too_few_fields": "the row has fewer fields than the header",
    "not_text": "the row holds bytes that are not text",
}


def column(
    title: str,
    description: str,
    *,
    kind: Kind = "text",
    staged_as: str,
    unit: str | None = None,
    nullable: bool = False,
    key: bool = False,
    isin: typing.Sequence[str] | None = None,
    code_list: str | None = None,
    ge: float | None = None,
    le: float | None = None,
    matches: str | None = None,
    not_future: bool = False,
    sensitivity: Literal["public", "personal", "restricted"] = "public",
    who_fixes: str = "the supplier of the file",
) -> Any:
    """Declare one column of a raw table.

    ``title`` is the supplier's own column title in the current layout (other eras' titles live in
    the column maps); ``staged_as`` the name it takes in staging; ``code_list`` names a list in
    ``orchestration/contracts/code_lists`` that the value must be in; ``not_future`` applies to
    kinds date, month and timestamp. Returns a pandera field.
    """
    if code_list is not None:
        from orchestration.contracts.code_lists import load_code_list

        isin = sorted(load_code_list(code_list))
    return pa.Field(
        nullable=nullable,
        isin=list(isin) if isin is not None else None,
        ge=ge,
        le=le,
        str_matches=f"^(?:{matches})$" if matches is not None else None,
        title=title,
        description=description,
        coerce=True,
        metadata={
            "kind": kind,
            "staged_as": staged_as,
            "unit": unit,
            "key": key,
            "isin": list(isin) if isin is not None else None,
            "code_list": code_list,
            "ge": ge,
            "le": le,
            "matches": matches,
            "not_future": not_future,
            "sensitivity": sensitivity,
            "who_fixes": who_fixes,
        },
    )


@dataclass(frozen=True)
class Column:
    """One declared column, as plain data."""

    name: str
    title: str
    description: str
    kind: str
    staged_as: str
    unit: str | None
    nullable: bool
    key: bool
    isin: tuple[str, ...] | None
    code_list: str | None
    ge: float | None
    le: float | None
    matches: str | None
    not_future: bool
    sensitivity: str
    who_fixes: str

    @property
    def sql_type(self) -> str:
        return SQL_TYPE[self.kind]

    @property
    def is_text(self) -> bool:
        return self.sql_type == "varchar"


@dataclass(frozen=True)
class Rule:
    """One row rule: a stable code, the column, and SQL that is true where the row breaks it."""

    code: str
    column: str
    kind: str
    condition: str
    value: str
    message: str
    who_fixes: str


@dataclass(frozen=True)
class TableSpec:
    """A contract as plain data: what readers, gate, dbt YAML and docs are derived from."""

    source: str
    table: str
    description: str
    grain: str
    columns: tuple[Column, ...]
    staged_model: str
    slot_sql: str
    series_sql: str
    attribution: str
    notes: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """``source/table``."""
        return f"{self.source}/{self.table}"

    @property
    def raw_name(self) -> str:
        """Name of the raw table inside schema ``raw``."""
        return f"{self.source}__{self.table}"

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.key)

    def column(self, name: str) -> Column:
        for c in self.columns:
            if c.name == name:
                return c
        raise KeyError(f"{self.name} has no column {name!r}")


class RawContract(pa.DataFrameModel):
    """Base of every raw table's contract. Subclasses set the ``__plumbline__`` dictionary:

    ``source``, ``table``, ``grain`` (words), ``staged_model``, ``slot_sql`` (SQL over the row that
    gives the slot a newer load replaces; ``{claim}`` stands for the file's claim), ``series_sql``
    (SQL over the claim that names the series a load is compared within, default the table),
    ``attribution``.
    """

    class Config:
        strict = False
        coerce = True

    @classmethod
    def spec(cls) -> TableSpec:
        return _spec(cls)


OGL = "Contains public sector information licensed under the Open Government Licence v3.0"


@cache
def _spec(model: type[RawContract]) -> TableSpec:
    about = model.__plumbline__  # type: ignore[attr-defined]
    schema = model.to_schema()
    columns = []
    for name, col in schema.columns.items():
        meta = dict(col.metadata or {})
        columns.append(
            Column(
                name=name,
                title=col.title or name,
                description=col.description or "",
                kind=meta["kind"],
                staged_as=meta["staged_as"],
                unit=meta["unit"],
                nullable=col.nullable,
                key=meta["key"],
                isin=tuple(meta["isin"]) if meta["isin"] is not None else None,
                code_list=meta["code_list"],
                ge=meta["ge"],
                le=meta["le"],
                matches=meta["matches"],
                not_future=meta["not_future"],
                sensitivity=meta["sensitivity"],
                who_fixes=meta["who_fixes"],
            )
        )
    return TableSpec(
        source=about["source"],
        table=about["table"],
        description=" ".join((model.__doc__ or "").split()),
        grain=about["grain"],
        columns=tuple(columns),
        staged_model=about["staged_model"],
        slot_sql=about["slot_sql"],
        series_sql=about.get("series_sql", "''"),
        attribution=about.get("attribution", OGL),
        notes=tuple(about.get("notes", ())),
    )


# --------------------------------------------------------------------------- SQL


def parse_sql(col: Column, text: str) -> str:
    """SQL that turns the supplier's text (SQL expression ``text``) into the column's type.

    Null where the text is empty or cannot be read as that type; numbers may carry thousands
    separators and surrounding blanks, as published tables do.
    """
    if col.kind == "text":
        return f"nullif({text}, '')"
    if col.kind in ("code", "month"):
        return f"nullif(trim({text}), '')"
    if col.kind in ("integer", "decimal"):
        plain = f"trim({text})"
        # A comma counts only where it groups thousands: '1,5' is not 15.
        grouped = f"regexp_matches({plain}, '^-?\\d{{1,3}}(,\\d{{3}})+(\\.\\d+)?$')"
        number = f"case when {grouped} then replace({plain}, ',', '') else {plain} end"
        if col.kind == "decimal":
            return f"try_cast({number} as double)"
        # '12.0' is an integer written by a spreadsheet; '12.5' is not an integer.
        as_double = f"try_cast({number} as double)"
        whole = f"case when {as_double} = floor({as_double}) then {as_double} end"
        return f"try_cast({whole} as bigint)"
    if col.kind == "date":
        return f"try_cast(trim({text}) as date)"
    if col.kind == "timestamp":
        return f"try_cast(trim({text}) as timestamp)"
    if col.kind == "boolean":
        lowered = f"lower(trim({text}))"
        return (
            f"case when {lowered} in ('true', 't', 'yes', 'y', '1') then true "
            f"when {lowered} in ('false', 'f', 'no', 'n', '0') then false end"
        )
    raise ValueError(f"column {col.name}: unknown kind {col.kind!r}")


def rules(spec: TableSpec, *, text: str | None, parsed: str, today: dt.date) -> list[Rule]:
    """Every row rule of a contract as SQL, in the order of the columns.

    ``parsed`` is a format string giving the SQL of a parsed column (``"{}"`` replaced by the quoted
    name), ``text`` likewise for the supplier's text, or ``None`` where only parsed values exist
    (they were read under their type without a single failure, so nothing is unreadable).
    """
    found: list[Rule] = []
    for col in spec.columns:
        p = parsed.format(ident(col.name))
        raw = text.format(ident(col.name)) if text is not None else p

        def add(kind: str, condition: str, message: str, col: Column = col, raw: str = raw) -> None:
            found.append(
                Rule(
                    code=f"{spec.source}.{spec.table}.{col.name}.{kind}",
                    column=col.name,
                    kind=kind,
                    condition=condition,
                    value=f"cast({raw} as varchar)",
                    message=message,
                    who_fixes=col.who_fixes,
                )
            )

        label = f"{col.title!r}"
        if text is not None and not col.is_text:
            unreadable = {
                "integer": ("not_a_number", "a whole number"),
                "decimal": ("not_a_number", "a number"),
                "date": ("not_a_date", "a date"),
                "timestamp": ("not_a_date", "a date and time"),
                "boolean": ("not_a_boolean", "true or false"),
            }[col.kind]
            add(
                unreadable[0],
                f"(nullif(trim({raw}), '') is not null and {p} is null)",
                f"{label} must be {unreadable[1]}",
            )
            if not col.nullable:
                add("missing", f"nullif(trim({raw}), '') is null", f"{label} is required")
        elif not col.nullable:
            add("missing", f"{p} is null", f"{label} is required")
        if col.isin is not None:
            codes = ", ".join(lit(v) for v in col.isin)
            shown = (
                ", ".join(col.isin)
                if len(col.isin) <= 8
                else f"the {len(col.isin)} known values of list {col.code_list or col.name}"
            )
            add("not_in_code_list", f"{p} not in ({codes})", f"{label} must be one of: {shown}")
        if col.ge is not None:
            add("out_of_range", f"{p} < {col.ge!r}", f"{label} must be at least {col.ge:g}")
        if col.le is not None:
            add("out_of_range", f"{p} > {col.le!r}", f"{label} must be at most {col.le:g}")
        if col.kind == "decimal":
            add(
                "out_of_range",
                f"({p} is not null and not isfinite({p}))",
                f"{label} must be a finite number",
            )
        if col.matches is not None:
            add(
                "bad_format",
                f"not regexp_full_match({p}, {lit(col.matches)})",
                f"{label} must match {col.matches}",
            )
        if col.not_future:
            now = today.strftime("%Y-%m") if col.kind == "month" else today.isoformat()
            bound = lit(now) if col.kind == "month" else f"{lit(now)}::date + interval 1 day"
            compare = ">" if col.kind == "month" else ">="
            add("in_the_future", f"{p} {compare} {bound}", f"{label} lies after {now}")
    return found


def failed_sql(found: list[Rule]) -> str:
    """SQL that is true where a row breaks any rule (false, never null, where it breaks none)."""
    if not found:
        return "false"
    return "coalesce(" + " or ".join(f"coalesce({r.condition}, false)" for r in found) + ", false)"


def python_type(annotation: Any) -> Any:
    """The plain type inside ``X | None``."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return next(a for a in typing.get_args(annotation) if a is not type(None))
    return annotation
