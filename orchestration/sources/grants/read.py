"""How extracts of the force's grant management are named. Rows are read one to one."""

from __future__ import annotations

from orchestration.sources.force import yearly

TABLES = (
    yearly("grants/budget_lines", "grants_budget_lines"),
    yearly("grants/ledger", "grants_ledger", must=True),
    yearly("grants/conditions", "grants_conditions", must=True),
)
