"""How extracts of CONNECT are named. Rows are read one to one."""

from __future__ import annotations

from orchestration.sources.force import monthly

TABLES = (
    monthly("connect/investigations", "connect_investigations"),
    monthly("connect/classification_history", "connect_classification_history"),
    monthly("connect/involvements", "connect_involvements", must=True),
)
