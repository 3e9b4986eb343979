"""A contract as plain data, and as SQL: what readers, gate, models and documents derive from.

Nothing here imports pandera, so that code which only asks about columns stays cheap. What does not
belong here: the declaration itself (``base``) and the tables (one module per source).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

from orchestration.contracts.code_lists import CODE_MAP_SEED
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
    "out_of_order": "the value lies before another that it must follow",
    "repeated_row": "the same row stands earlier in the same file",
    "conflicting_key": "two rows of the file give different values for the same key",
    "too_many_fields": "the row has more fields than the header",
    "too_few_fields": "the row has fewer fields than the header",
    "not_text": "the row holds bytes that are not text",
    "schema": "the record does not follow the publisher's own schema",
}


def _known_codes(col: Column, count: int, codes: str) -> str:
    """Words for the codes that a column may hold, and where a force maps its own to them."""
    seed, _, condition = (col.code_list or "").partition(".source_code?")
    listed = condition.removeprefix("list_code=")
    if seed == CODE_MAP_SEED and listed:
        known = codes if count <= 8 else f"the {count} codes of the list {listed}"
        return f"{known} (map codes of your own under code_maps, {listed}, in plumbline.yml)"
    return codes if count <= 8 else f"the {count} known values of list {col.code_list or col.name}"


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
    separator: str | None = None
    is_person_reference: bool = False

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
    #: pairs of columns (earlier, later): the first may not lie after the second
    ordered: tuple[tuple[str, str], ...] = field(default=())

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

    @property
    def person_references(self) -> tuple[str, ...]:
        """Columns whose values are replaced by a keyed hash before anything is stored."""
        return tuple(c.name for c in self.columns if c.is_person_reference)

    def column(self, name: str) -> Column:
        for c in self.columns:
            if c.name == name:
                return c
        raise KeyError(f"{self.name} has no column {name!r}")


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
            shown = _known_codes(col, len(col.isin), ", ".join(col.isin))
            if col.separator is None:
                add("not_in_code_list", f"{p} not in ({codes})", f"{label} must be one of: {shown}")
            else:
                add(
                    "not_in_code_list",
                    f"not list_has_all([{codes}], list_transform("
                    f"string_split({p}, {lit(col.separator)}), lambda code: trim(code)))",
                    f"each code of {label} must be one of: {shown}",
                )
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
    for earlier, later in spec.ordered:
        first, second = spec.column(earlier), spec.column(later)
        a, b = parsed.format(ident(earlier)), parsed.format(ident(later))
        shown_text = text.format(ident(later)) if text is not None else b
        found.append(
            Rule(
                code=f"{spec.source}.{spec.table}.{later}.out_of_order",
                column=later,
                kind="out_of_order",
                condition=f"{a} > {b}",
                value=f"cast({shown_text} as varchar)",
                message=f"{second.title!r} must not lie before {first.title!r}",
                who_fixes=second.who_fixes,
            )
        )
    return found


def failed_sql(found: list[Rule]) -> str:
    """SQL that is true where a row breaks any rule (false, never null, where it breaks none)."""
    if not found:
        return "false"
    return "coalesce(" + " or ".join(f"coalesce({r.condition}, false)" for r in found) + ", false)"
