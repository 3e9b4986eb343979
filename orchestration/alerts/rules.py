"""The seed ``alert_rules``: alerts on grants and loads, their severity, who acts, thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from orchestration.settings import seed_rows


@dataclass(frozen=True, slots=True)
class Rule:
    """What one check can find, and how it is told. ``threshold`` and ``least_count`` are None where
    the mart decides."""

    check_code: str
    finding_type: str
    check_name: str
    question: str
    severity: str
    who_acts: str
    threshold: float | None
    least_count: int | None
    over_text: str


@cache
def alert_rules() -> dict[tuple[str, str], Rule]:
    """Rules by check and what it finds."""
    return {
        (row["check_code"], row["finding_type"]): Rule(
            *(row[name] for name in ("check_code", "finding_type", "check_name", "question")),
            *(row[name] for name in ("severity", "who_acts")),
            threshold=float(row["threshold"]) if row["threshold"] else None,
            least_count=int(row["least_count"]) if row["least_count"] else None,
            over_text=row["over_text"],
        )
        for row in seed_rows("alert_rules")
    }


@cache
def exact_checks() -> frozenset[str]:
    """Checks of facts, not of chance: the first assessed month without the finding ends one."""
    return frozenset(check for check, _ in alert_rules())
