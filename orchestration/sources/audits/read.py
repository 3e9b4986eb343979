"""How extracts of the force's audits are named. Rows are read one to one."""

from __future__ import annotations

from orchestration.sources.force import monthly

TABLES = (
    monthly("audits/cdi_audit", "cdi_audit"),
    monthly("audits/s47_audit", "s47_audit"),
)
