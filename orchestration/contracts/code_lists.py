"""Code lists that contracts close over: they live as dbt seeds, so that SQL and contracts agree.

A force adds codes of its own under ``code_lists`` (codes that are simply new) or ``code_maps``
(codes of its own for the conformed ones) in ``plumbline.yml``; nothing else belongs here.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"

#: The seed that maps the codes of a force's own extracts to conformed ones, list by list.
CODE_MAP_SEED = "force_codes"


@cache
def load_code_list(name: str) -> frozenset[str]:
    """The values of ``<seed>.<column>``, optionally ``<seed>.<column>?<column>=<value>``.

    Raises FileNotFoundError or KeyError where the seed or the column does not exist, so that a
    renamed seed cannot silently open a closed list.
    """
    from orchestration.settings import configured_code_maps, extra_codes

    where, _, condition = name.partition("?")
    seed, _, column = where.partition(".")
    only, _, wanted = condition.partition("=")
    path = SEEDS / f"{seed}.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        if column not in (reader.fieldnames or []):
            raise KeyError(f"{path.name} has no column {column!r}")
        values = {
            row[column] for row in reader if row[column] and (not only or row[only] == wanted)
        }
    own = configured_code_maps().get(wanted, {}) if seed == CODE_MAP_SEED else {}
    return frozenset(values | extra_codes(where) | {str(code) for code in own})


def conformed_codes(code_set: str) -> frozenset[str]:
    """The conformed codes of one set (seed ``conformed_codes``)."""
    with (SEEDS / "conformed_codes.csv").open(encoding="utf-8", newline="") as handle:
        return frozenset(
            r["conformed_code"] for r in csv.DictReader(handle) if r["code_set"] == code_set
        )


def personal_tables() -> frozenset[str]:
    """Tables (``source/table``) whose records are about persons (seed ``contract_tables``)."""
    with (SEEDS / "contract_tables.csv").open(encoding="utf-8", newline="") as handle:
        return frozenset(
            f"{r['source']}/{r['table_name']}"
            for r in csv.DictReader(handle)
            if r["sensitivity_type"] == "personal"
        )
