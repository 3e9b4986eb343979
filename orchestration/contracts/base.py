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

import re
import typing
from functools import cache
from typing import Any, Literal

import pandera.polars as pa
import polars as pl

from orchestration.contracts.tablespec import Column, Kind, TableSpec


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
    separator: str | None = None,
    person_reference: bool = False,
) -> Any:
    """Declare one column of a raw table.

    ``title`` is the supplier's own column title in the current layout (other eras' titles live in
    the column maps); ``staged_as`` the name it takes in staging; ``code_list`` names a list in
    ``orchestration/contracts/code_lists`` that the value must be in; ``not_future`` applies to
    kinds date, month and timestamp. A text of several codes names their ``separator``. The values
    of a ``person_reference`` are replaced by a keyed hash at ingest, before anything is stored.
    Returns a pandera field.
    """
    if code_list is not None:
        from orchestration.contracts.code_lists import load_code_list

        isin = sorted(load_code_list(code_list))
    pattern = f"^(?:{matches})$" if matches is not None else None
    if isin is not None and separator is not None:
        one = r"\s*(?:" + "|".join(re.escape(code) for code in isin) + r")\s*"
        pattern = f"^{one}(?:{re.escape(separator)}{one})*$"
    return pa.Field(
        nullable=nullable,
        isin=list(isin) if isin is not None and separator is None else None,
        ge=ge,
        le=le,
        str_matches=pattern,
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
            "separator": separator,
            "is_person_reference": person_reference,
        },
    )


class RawContract(pa.DataFrameModel):
    """Base of every raw table's contract. Subclasses set the ``__plumbline__`` dictionary:

    ``source``, ``table``, ``grain`` (words), ``staged_model``, ``slot_sql`` (SQL over the row that
    gives the slot a newer load replaces; ``{claim}`` stands for the file's claim), ``series_sql``
    (SQL over the claim that names the series a load is compared within, default the table),
    ``attribution``; ``ordered`` (pairs of columns: the first may not lie after the second).
    """

    __plumbline__: typing.ClassVar[dict[str, Any]] = {}

    class Config:
        strict = False
        coerce = True

    @pa.dataframe_check
    def _in_order(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Every pair of ``ordered`` columns is in order, wherever both are given."""
        held = [
            (pl.col(earlier) <= pl.col(later)).fill_null(True)
            for earlier, later in cls.__plumbline__.get("ordered", ())
        ]
        return data.lazyframe.select(pl.all_horizontal(held) if held else pl.lit(True))

    @classmethod
    def spec(cls) -> TableSpec:
        return _spec(cls)


OGL = "Contains public sector information licensed under the Open Government Licence v3.0"


@cache
def _spec(model: type[RawContract]) -> TableSpec:
    about = model.__plumbline__
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
                separator=meta["separator"],
                is_person_reference=meta["is_person_reference"],
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
        ordered=tuple(about.get("ordered", ())),
    )
