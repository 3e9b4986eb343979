"""Published claims: what a paper says in numbers, checked against itself and against the warehouse.

Belongs here: the register's rows as objects, checks of a claim's arithmetic, units, periods and
consistency, and the verdict that follows from them. Does not belong here: the claims themselves
(seed ``published_claims``), thresholds and what a failed check means (seed ``claim_checks``), the
figures of the warehouse (models ``int_claim_*``), and statistics (``orchestration.statistics``).
"""

from orchestration.claims.checks import Checked, Rule, check_claims, rules_from_rows
from orchestration.claims.register import (
    Claim,
    Figure,
    RegisterError,
    claims_from_rows,
    figures_from_rows,
)
from orchestration.claims.verdicts import Judgement, judge_claims

__all__ = [
    "Checked",
    "Claim",
    "Figure",
    "Judgement",
    "RegisterError",
    "Rule",
    "check_claims",
    "claims_from_rows",
    "figures_from_rows",
    "judge_claims",
    "rules_from_rows",
]
