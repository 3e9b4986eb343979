"""How compilations that map classifications are named. Rows are read one to one."""

from __future__ import annotations

from orchestration.sources.tables import Table, plain

TABLES = (
    Table(
        name="mappings/offence_categories",
        patterns=(r"offence[-_ ]code[-_ ]to[-_ ]police[-_. ]?uk",),
        shape=plain,
    ),
)
