"""How extracts of the crime system before CONNECT are named. Rows are read one to one."""

from __future__ import annotations

from orchestration.sources.force import monthly

TABLES = (
    monthly("legacy/crimes", "legacy_crimes"),
    monthly("legacy/persons", "legacy_persons", must=True),
)
