"""Contracts of the force's grant management. Only declarations belong here.

Awards as funders publish them are another source (``grants_360``).
"""

from __future__ import annotations

import datetime as dt

from orchestration.contracts.audits import MONTH
from orchestration.contracts.base import RawContract, column

YEAR = r"\d{4}/\d{2}"
#: More than any force's budget: an amount beyond it is a slip of the pen.
MOST = 10_000_000_000
FORCE_ACCOUNTS = "The force's own accounts"
_WHO = "the force's finance team"
_BY_YEAR = (
    "An extract holds its financial year whole, as the file's name says: a newer one replaces it.",
)


class BudgetLines(RawContract):
    """What a grant, with the match beside it, is to be spent on."""

    __plumbline__ = {
        "source": "grants",
        "table": "budget_lines",
        "grain": "one row per budget line",
        "staged_model": "stg_grants__budget_lines",
        "slot_sql": "financial_year",
        "attribution": FORCE_ACCOUNTS,
    }

    financial_year: str = column(
        "financial_year",
        "Financial year of the budget (YYYY/YY)",
        kind="code",
        staged_as="financial_year",
        key=True,
        matches=YEAR,
        who_fixes=_WHO,
    )
    line_id: str = column(
        "line_id",
        "Identifier of the budget line",
        staged_as="line_id",
        key=True,
        who_fixes=_WHO,
    )
    award_id: str = column(
        "award_id",
        "Award the line belongs to",
        staged_as="award_id",
        who_fixes=_WHO,
    )
    funding: str = column(
        "funding",
        "Who pays: the grant, or the force's own contribution (match)",
        kind="code",
        staged_as="funding",
        isin=("grant", "match"),
        who_fixes=_WHO,
    )
    project: str = column(
        "project",
        "What the money is for",
        staged_as="project",
        who_fixes=_WHO,
    )
    original_amount: float = column(
        "original_amount",
        "Amount of the original budget",
        kind="decimal",
        staged_as="original_amount",
        unit="GBP",
        ge=0,
        le=MOST,
        who_fixes=_WHO,
    )
    bid_amount: float = column(
        "bid_amount",
        "Further amount that was bid for and awarded; zero where none",
        kind="decimal",
        staged_as="bid_amount",
        unit="GBP",
        ge=0,
        le=MOST,
        who_fixes=_WHO,
    )
    conditions_ref: str = column(
        "conditions_ref",
        "Award whose conditions bind the line; empty where none do",
        staged_as="conditions_ref",
        nullable=True,
        who_fixes=_WHO,
    )


class Ledger(RawContract):
    """Entries on budget lines: spent, accrued, foreseen.

    Late postings and reversals (negative amounts) are normal, and a later forecast for a month
    stands in place of an earlier one: what is known on a day is what was posted by then.
    """

    __plumbline__ = {
        "source": "grants",
        "table": "ledger",
        "grain": "one row per entry",
        "staged_model": "stg_grants__ledger_entries",
        "slot_sql": "{claim}",
        "attribution": FORCE_ACCOUNTS,
        "notes": _BY_YEAR,
    }

    entry_id: str = column(
        "entry_id",
        "Identifier of the entry",
        staged_as="entry_id",
        key=True,
        who_fixes=_WHO,
    )
    line_id: str = column(
        "line_id",
        "Budget line the entry is on",
        staged_as="line_id",
        who_fixes=_WHO,
    )
    # Staged under another name: 'period' is what the loader calls the slot of a row.
    period: str = column(
        "period",
        "Month the amount belongs to; may lie ahead",
        kind="month",
        staged_as="entry_month",
        unit="month",
        matches=MONTH,
        who_fixes=_WHO,
    )
    kind: str = column(
        "kind",
        "Spent, foreseen, or received and not yet invoiced",
        kind="code",
        staged_as="kind",
        isin=("actual", "forecast", "accrual"),
        who_fixes=_WHO,
    )
    amount: float = column(
        "amount",
        "Amount; negative where an entry is taken back",
        kind="decimal",
        staged_as="amount",
        unit="GBP",
        ge=-MOST,
        le=MOST,
        who_fixes=_WHO,
    )
    posted_at: dt.datetime = column(
        "posted_at",
        "When it was posted (local time)",
        kind="timestamp",
        staged_as="posted_at",
        not_future=True,
        who_fixes=_WHO,
    )


class Conditions(RawContract):
    """What a funder attached to an award: shares, limits, reports that are due."""

    __plumbline__ = {
        "source": "grants",
        "table": "conditions",
        "grain": "one row per award, rule and period",
        "staged_model": "stg_grants__conditions",
        "slot_sql": "{claim}",
        "attribution": FORCE_ACCOUNTS,
        "notes": _BY_YEAR,
    }

    award_id: str = column(
        "award_id",
        "Award the condition is attached to",
        staged_as="award_id",
        key=True,
        who_fixes=_WHO,
    )
    rule: str = column(
        "rule",
        "Least share of match, largest further bid, spending within the year, limit of a category, "
        "report due",
        kind="code",
        staged_as="rule",
        key=True,
        isin=("match_pct", "bid_cap_pct", "spend_within_year", "category_cap_pct", "report_due"),
        who_fixes=_WHO,
    )
    applies_to: str = column(
        "applies_to",
        "Category or line the rule is about; empty where it is about the award",
        staged_as="applies_to",
        nullable=True,
        who_fixes=_WHO,
    )
    threshold: float = column(
        "threshold",
        "Share or limit the rule sets; empty where it sets none",
        kind="decimal",
        staged_as="threshold",
        unit="percent",
        nullable=True,
        ge=0,
        le=MOST,
        who_fixes=_WHO,
    )
    # Staged under another name: 'period' is what the loader calls the slot of a row.
    period: str = column(
        "period",
        "Financial year (YYYY/YY) or month (YYYY-MM) the rule is for",
        kind="code",
        staged_as="condition_period",
        key=True,
        matches=rf"{YEAR}|{MONTH}",
        who_fixes=_WHO,
    )
