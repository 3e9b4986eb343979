"""How extracts of the programme's monthly figures are named. Rows are read one to one."""

from __future__ import annotations

from orchestration.sources.force import yearly

TABLES = (
    yearly("programme/training", "programme_training", must=True),
    yearly("programme/county_lines", "programme_county_lines", must=True),
    yearly("programme/cohort_tiers", "programme_cohort_tiers", must=True),
    yearly("programme/diversions", "programme_diversions", must=True),
)
