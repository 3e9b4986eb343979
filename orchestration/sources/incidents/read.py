"""How extracts of command and control logs are named. Rows are read one to one."""

from __future__ import annotations

from orchestration.sources.force import monthly

TABLES = (monthly("incidents/logs", "incident_logs"),)
