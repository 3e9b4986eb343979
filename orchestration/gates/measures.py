"""The SQL that measures loads: one scan of the staged rows, whatever the number of loads.

Pure text in, text out. What does not belong here: running it (the loader), what values are
acceptable (``suites``).
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.gates.suites import Suite
from orchestration.sqltext import ident

#: What stands for the list of all contract columns in a measure's SQL.
ALL_COLUMNS = "{columns}"


def profile_sql(
    suite: Suite,
    relation: str,
    group_by: str = "_load_id",
    columns: Sequence[str] = (),
    *,
    loader: str | None = None,
    label: bool = False,
) -> str:
    """The SELECT that measures every load of a table, with a row for each load.

    ``relation`` is any FROM item, used as it stands, whose rows carry the contract columns,
    ``_row_number``, ``_period`` and ``group_by``; ``columns`` are the contract columns, put where
    a measure says ``{columns}``.

    Without ``loader``: ``load_id`` and the scanned measures. With it (a FROM item that has
    ``load_id`` and a column for each of ``suite.loader_measures``): the whole of table
    ``load_profile``, derived measures included, for exactly the loads of ``loader``; one without a
    staged row has null for every scanned measure. ``label``: ``loader`` also has ``load_label``, a
    text shown beside the load in Data Docs.

    Raises ValueError if a measure needs ``{columns}`` and none are given.
    """
    everything = ", ".join(ident(c) for c in columns)
    scanned = [f"{ident(group_by)} as load_id"]
    for m in suite.scan_measures:
        sql = m.sql or ""
        if ALL_COLUMNS in sql:
            if not columns:
                raise ValueError(f"{suite.table}: measure {m.name} needs the contract columns")
            sql = sql.replace(ALL_COLUMNS, everything)
        scanned.append(f"cast({sql} as {m.sql_type}) as {ident(m.name)}")
    scan = _select(scanned, f"from {relation}\ngroup by {ident(group_by)}")
    if loader is None:
        return scan
    known = ["l.load_id", *(["l.load_label"] if label else [])]
    known += [
        f"cast(l.{ident(m.name)} as {m.sql_type}) as {ident(m.name)}" for m in suite.loader_measures
    ]
    known += [f"s.{ident(m.name)}" for m in suite.scan_measures]
    # A later expression may use an earlier one: DuckDB resolves such names within one SELECT.
    derived = [f"cast({m.expr} as {m.sql_type}) as {ident(m.name)}" for m in suite.derived_measures]
    return (
        f"with scanned as (\n{scan}\n), known as (\n"
        + _select(known, f"from {loader} as l left join scanned as s on s.load_id = l.load_id")
        + "\n)\n"
        + _select(["*", *derived], "from known\norder by load_id")
    )


def compared_sql(suite: Suite, relation: str, group_by: str = "_load_id") -> str:
    """The SELECT of the measures that a suite compares between loads: ``load_id`` and one column
    for each, under the name of the median. ``relation`` as for :func:`profile_sql`, with the rows
    of every load to compare."""
    columns = [f"{ident(group_by)} as load_id"]
    columns += [
        f"cast({m.sql} as {m.sql_type}) as {ident(name)}"
        for name, m in suite.compared_measures.items()
    ]
    return _select(columns, f"from {relation}\ngroup by {ident(group_by)}")


def _select(columns: Sequence[str], rest: str) -> str:
    return "select " + ",\n  ".join(columns) + "\n" + rest
