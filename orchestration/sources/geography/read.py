"""How a force's own geography is named. Rows are read one to one."""

from __future__ import annotations

from orchestration.sources.force import undated

TABLES = (undated("geography/beats", "geography_beats"),)
