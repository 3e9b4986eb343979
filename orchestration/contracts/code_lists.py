"""Code lists that contracts close over: they live as dbt seeds, so that SQL and contracts agree.

A force adds codes of its own under ``code_lists`` in ``plumbline.yml``; nothing else belongs here.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"


@cache
def load_code_list(name: str) -> frozenset[str]:
    """The values of ``<seed>.<column>``, optionally ``<seed>.<column>?<column>=<value>``.

    Raises FileNotFoundError or KeyError where the seed or the column does not exist, so that a
    renamed seed cannot silently open a closed list.
    """
    from orchestration.settings import extra_codes

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
    return frozenset(values | extra_codes(where))
