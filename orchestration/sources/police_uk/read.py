"""How data.police.uk files are named and what a name claims.

Rows are read one to one. The name of a file is part of the contract: it says which force and which
month the file is.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

from orchestration.sources.headers import table_settings
from orchestration.sources.model import LoadRefused
from orchestration.sources.tables import Table, Where, month_in_name, plain

SEEDS = Path(__file__).resolve().parents[3] / "dbt_project" / "seeds"
_NAME = re.compile(
    r"^(?P<year>\d{4})-(?P<month>\d{2})-(?P<force>.+)-(?:street|outcomes|stop-and-search)\.[a-z]+$"
)


@cache
def known_forces() -> frozenset[str]:
    """Slugs of forces ('west-midlands') in the project's code lists."""
    slugs: set[str] = set()
    with (SEEDS / "force_names.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            if row["source"] == "police_uk" and row["force_code"]:
                slugs.add(row["force_code"])
    return frozenset(slugs)


def _claim(table: str):
    def claim(where: Where) -> tuple[str, str | None]:
        """``<force>/<YYYY-MM>`` from the file name; LoadRefused where the name does not say it.

        A force whose system writes other names gives a regular expression with the groups
        ``year``, ``month`` and optionally ``force`` as ``name`` under the table in
        ``plumbline.yml``, and its own slug as ``force``.
        """
        configured = table_settings(where.settings, table)
        own = configured.get("name")
        found = _NAME.match(where.name.lower())
        if found is None and own:
            try:
                found = re.search(str(own), where.name, re.IGNORECASE)
            except re.error as problem:
                raise LoadRefused(
                    "bad_configuration",
                    f"the pattern 'name' of {table} in plumbline.yml is not a regular expression: "
                    f"{problem}",
                ) from None
        parts = found.groupdict() if found else {}
        if not parts.get("year") or not parts.get("month"):
            series = table.partition("/")[2].replace("_", "-")
            raise LoadRefused(
                "bad_file_name",
                f"the columns are those of {table}, but the name {where.name!r} does not say "
                f"which force and month it is: it must be YYYY-MM-<force>-{series}.csv, such as "
                f"2021-03-west-midlands-{series}.csv",
            )
        month = month_in_name(parts["month"], table, where.shown)
        force = (parts.get("force") or str(configured.get("force") or "")).lower()
        if not 1 <= int(month) <= 12:
            raise LoadRefused(
                "bad_file_name",
                f"the name {where.name!r} gives month {month}, which does not exist",
            )
        if force not in known_forces():
            raise LoadRefused(
                "unknown_force",
                f"the name {where.name!r} gives the force {force!r}, which is not one that "
                "data.police.uk publishes: correct the name, or add the force to "
                "seeds/force_names.csv",
            )
        period = f"{parts['year']}-{month}"
        return f"{force}/{period}", period

    return claim


def _table(name: str, series: str) -> Table:
    return Table(
        name=f"police_uk/{name}",
        patterns=(rf"^\d{{4}}-\d{{2}}-.+-{series}\.[a-z]+$",),
        claim=_claim(f"police_uk/{name}"),
        shape=plain,
        is_monthly=True,
    )


TABLES = (
    _table("street", "street"),
    _table("outcomes", "outcomes"),
    _table("stop_and_search", "stop-and-search"),
)
