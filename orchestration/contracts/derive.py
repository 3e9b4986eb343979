"""What is derived from the contracts, so that a column is declared once.

``python -m orchestration.contracts.derive`` (``make contracts``) writes

- ``dbt_project/models/staging/<source>/``: sources, staging models, their YAML;
- ``dbt_project/seeds/contract_tables.csv``: each raw table's grain, attribution and sensitivity;
- ``docs/contracts.md``: every table, column and row rule, for people.

``--check`` writes nothing and exits 1 where a file on disk differs from what the contracts say, or
is left over from a contract that is gone. What does not belong here: declarations (the contract
modules) and anything hand-written, such as the staging of the ledger.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import io
import sys
from pathlib import Path

import yaml

from orchestration.contracts import all_specs
from orchestration.contracts.tablespec import RULES, Column, TableSpec, rules

PROJECT = Path(__file__).resolve().parents[2]
COMMAND = "make contracts"
_MARK = "Generated from the contracts in orchestration/contracts by `" + COMMAND + "`: do not edit."

#: Columns the loader adds to every raw table: name in raw, name in staging, type, description.
LOAD_COLUMNS = (
    ("_load_id", "load_id", "varchar", "Load the row came in by (mart_load_ledger)"),
    (
        "_row_number",
        "row_number",
        "integer",
        "Data row in the file or sheet, counted from 1; empty where every line of a file entered "
        "by the parallel reader: there the rows of a load stand in the order of the file",
    ),
    ("_period", "period", "varchar", "Slot the row belongs to: what a newer load replaces"),
)


def staged_type(column: Column) -> str:
    """Type of a column in staging: as in raw, but months are first-of-month dates."""
    return "date" if column.kind == "month" else column.sql_type


def staged_names(spec: TableSpec) -> list[str]:
    """Columns of a staging model, in order. Raises ValueError where two would share a name."""
    names = [c.staged_as for c in spec.columns] + [staged for _, staged, _, _ in LOAD_COLUMNS]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ValueError(f"{spec.name}: more than one column is staged as {', '.join(twice)}")
    return names


def staging_sql(spec: TableSpec) -> str:
    """The staging model: renames and types only."""
    chosen = []
    for column in spec.columns:
        if column.kind == "month":
            chosen.append(f"{{{{ first_of_month('{column.name}') }}}} as {column.staged_as}")
        elif column.name == column.staged_as:
            chosen.append(column.name)
        else:
            chosen.append(f"{column.name} as {column.staged_as}")
    chosen += [f"{raw} as {staged}" for raw, staged, _, _ in LOAD_COLUMNS]
    select = ",\n        ".join(chosen)
    return (
        f"-- {_MARK}\n"
        "with current_rows as (\n"
        f"    {{{{ current_rows('{spec.source}', '{spec.table}') }}}}\n"
        "),\n\n"
        "final as (\n"
        "    select\n"
        f"        {select}\n"
        "    from current_rows\n"
        ")\n\n"
        "select * from final\n"
    )


def _column_words(column: Column, *, staged: bool = False) -> str:
    words = column.description
    if staged and column.kind == "month":
        return f"{words}; held as the first day of the month"
    return words + (f" (unit: {column.unit})" if column.unit else "")


def _table_words(spec: TableSpec) -> str:
    words = [spec.description, f"Grain: {spec.grain}.", *spec.notes]
    return " ".join(w if w.endswith(".") else w + "." for w in words)


def sources_yaml(source: str, specs: list[TableSpec]) -> str:
    """The raw tables of one source, as dbt sources."""
    tables = []
    for spec in specs:
        columns = []
        for column in spec.columns:
            meta: dict[str, object] = {"sensitivity": column.sensitivity}
            if column.unit:
                meta["unit"] = column.unit
            columns.append(
                {
                    "name": column.name,
                    "description": _column_words(column),
                    "data_type": column.sql_type,
                    "config": {"meta": meta},
                }
            )
        columns += [
            {"name": raw, "description": words, "data_type": kind}
            for raw, _, kind, words in LOAD_COLUMNS
        ]
        tables.append(
            {
                "name": spec.table,
                "identifier": spec.raw_name,
                "description": _table_words(spec) + f" {spec.attribution}.",
                "config": {"meta": {"dagster": {"asset_key": ["raw", spec.source, spec.table]}}},
                "columns": columns,
            }
        )
    body = {
        "version": 2,
        "sources": [
            {
                "name": source,
                "schema": "raw",
                "description": f"Raw tables of source {source}: every row that ever entered.",
                "tables": tables,
            }
        ],
    }
    return _yaml(body)


def models_yaml(specs: list[TableSpec]) -> str:
    """The staging models of one source: contract, descriptions, tests."""
    models = []
    for spec in specs:
        staged_names(spec)
        columns = [
            {
                "name": c.staged_as,
                "description": _column_words(c, staged=True),
                "data_type": staged_type(c),
            }
            for c in spec.columns
        ]
        columns += [
            {"name": staged, "description": words, "data_type": kind}
            for _, staged, kind, words in LOAD_COLUMNS
        ]
        required = [c.staged_as for c in spec.columns if not c.nullable]
        required += ["load_id", "period"]
        models.append(
            {
                "name": spec.staged_model,
                "description": _table_words(spec)
                + " Only rows of current loads; renames and types, nothing else.",
                "data_tests": [
                    {
                        "not_null_columns": {
                            "name": f"{spec.staged_model}_required_columns",
                            "arguments": {"columns": required},
                        }
                    }
                ],
                "columns": columns,
            }
        )
    return _yaml({"version": 2, "models": models})


def _yaml(body: dict[str, object]) -> str:
    text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100)
    return f"# {_MARK}\n{text}"


def sensitivity(spec: TableSpec) -> str:
    """The most sensitive of a table's columns: public, restricted or personal."""
    order = ("public", "restricted", "personal")
    return max((c.sensitivity for c in spec.columns), key=order.index)


def tables_csv(specs: list[TableSpec]) -> str:
    """Seed with one row per raw table (a CSV cannot say that it is generated: its YAML does)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["source", "table_name", "staged_model", "grain", "sensitivity_type", "attribution"]
    )
    for spec in specs:
        writer.writerow(
            [
                spec.source,
                spec.table,
                spec.staged_model,
                spec.grain,
                sensitivity(spec),
                spec.attribution,
            ]
        )
    return out.getvalue()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _allowed(column: Column) -> str:
    said = []
    if column.code_list:
        said.append(f"list `{column.code_list}`")
    elif column.isin is not None:
        said.append(", ".join(f"`{v}`" for v in column.isin))
    if column.ge is not None or column.le is not None:
        low = f"{column.ge:,.10g}" if column.ge is not None else ""
        high = f"{column.le:,.10g}" if column.le is not None else ""
        said.append(f"{low} to {high}" if low and high else f"from {low}" if low else f"to {high}")
    if column.matches:
        said.append(f"form `{column.matches}`")
    if column.not_future:
        said.append("not in the future")
    return "; ".join(said)


def contracts_markdown(specs: list[TableSpec]) -> str:
    """The contracts as a page for people."""
    lines = [
        f"<!-- {_MARK} -->",
        "# Record contracts",
        "",
        "One section per raw table: what a row is, each column, and each rule a row can break. A",
        "row that breaks a rule goes to quarantine with the rule's code, the offending value and",
        "who fixes it; the rest of the load enters.",
        "",
        "## Kinds of rule",
        "",
        "The last part of a rule code. Codes are stable: filter and automate on them.",
        "",
        "| kind | meaning |",
        "| --- | --- |",
        *(f"| `{kind}` | {_cell(words)} |" for kind, words in RULES.items()),
        "",
        "## Tables",
        "",
        *(f"- [{s.name}](#{_anchor(s.name)})" for s in specs),
    ]
    for spec in specs:
        lines += [
            "",
            f"## {spec.name}",
            "",
            spec.description,
            "",
            f"- Grain: {spec.grain}",
            f"- Raw table `raw.{spec.raw_name}`, staging model `{spec.staged_model}`",
            f"- A newer load replaces rows of the same slot: `{spec.slot_sql}`",
            f"- {spec.attribution}",
            *(f"- {note}" for note in spec.notes),
            "",
            "| published as | column | in staging | type | unit | required | allowed | meaning |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for c in spec.columns:
            lines.append(
                f"| {_cell(c.title)} | `{c.name}` | `{c.staged_as}` | {c.kind} | "
                f"{_cell(c.unit or '')} | {'no' if c.nullable else 'yes'} | "
                f"{_cell(_allowed(c))} | {_cell(c.description)} |"
            )
        lines += ["", "| rule | a row breaks it where not | who fixes it |", "| --- | --- | --- |"]
        seen = set()
        for rule in rules(spec, text="{}", parsed="{}", today=dt.date(2000, 1, 1)):
            message = rule.message.replace("lies after", "must not lie after")
            message = message.replace("2000-01-01", "today").replace("2000-01", "this month")
            if (rule.code, message) not in seen:
                seen.add((rule.code, message))
                lines.append(f"| `{rule.code}` | {_cell(message)} | {_cell(rule.who_fixes)} |")
    return "\n".join(lines) + "\n"


def _anchor(name: str) -> str:
    return name.replace("/", "")


def generated() -> dict[Path, str]:
    """Every derived file, by path relative to the project, with its text."""
    specs = all_specs()
    files: dict[Path, str] = {}
    staging = Path("dbt_project/models/staging")
    for source in dict.fromkeys(s.source for s in specs):
        own = [s for s in specs if s.source == source]
        files[staging / source / f"_{source}__sources.yml"] = sources_yaml(source, own)
        files[staging / source / f"_{source}__models.yml"] = models_yaml(own)
        for spec in own:
            files[staging / source / f"{spec.staged_model}.sql"] = staging_sql(spec)
    files[Path("dbt_project/seeds/contract_tables.csv")] = tables_csv(specs)
    files[Path("docs/contracts.md")] = contracts_markdown(specs)
    return files


def leftovers(project: Path = PROJECT) -> list[Path]:
    """Generated files on disk that no contract gives any more."""
    wanted = set(generated())
    found = []
    for path in sorted((project / "dbt_project/models/staging").rglob("*")):
        relative = path.relative_to(project)
        is_ours = path.is_file() and _MARK in path.read_text(encoding="utf-8")[:300]
        if is_ours and relative not in wanted:
            found.append(relative)
    return found


def drift(project: Path = PROJECT) -> list[str]:
    """One line for each derived file that is missing, differs, or is left over."""
    said = []
    for path, text in generated().items():
        target = project / path
        if not target.is_file():
            said.append(f"{path} is missing")
        elif target.read_text(encoding="utf-8") != text:
            said.append(f"{path} differs from the contracts")
    said += [f"{path} belongs to no contract" for path in leftovers(project)]
    return said


def write(project: Path = PROJECT) -> list[Path]:
    """Write what changed, remove leftovers; returns the paths touched."""
    touched = []
    for path, text in generated().items():
        target = project / path
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            touched.append(path)
    for path in leftovers(project):
        (project / path).unlink()
        touched.append(path)
    return touched


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.contracts.derive",
        description="Write the files derived from the contracts.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 on drift")
    options = parser.parse_args(argv)
    if options.check:
        found = drift()
        for line in found:
            print(line, file=sys.stderr)
        if found:
            print(f"run `{COMMAND}`", file=sys.stderr)
        return 1 if found else 0
    for path in write():
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
