"""Contracts of the force's audits of recording and investigation. Only declarations belong here."""

from __future__ import annotations

from orchestration.contracts.base import RawContract, column
from orchestration.contracts.legacy import FORCE_RECORDS

#: A month as YYYY-MM.
MONTH = r"\d{4}-(?:0[1-9]|1[0-2])"
_WHO = "the force's crime registrar"


def _month(description: str) -> object:
    return column(
        "audit_month",
        description,
        kind="month",
        staged_as="audit_month",
        unit="month",
        key=True,
        matches=MONTH,
        not_future=True,
        who_fixes=_WHO,
    )


def _count(title: str, description: str) -> object:
    return column(
        title,
        description,
        kind="integer",
        staged_as=title,
        unit="crimes",
        ge=0,
        le=100,
        who_fixes=_WHO,
    )


def _criterion(title: str, description: str) -> object:
    return column(title, description, kind="boolean", staged_as=title, who_fixes=_WHO)


class CdiAudit(RawContract):
    """Audit of crime-data integrity: sampled logs, and what should have been recorded from each.

    A sample, so its shares carry the error of one; which logs were drawn, and how, is the force's.
    """

    __plumbline__ = {
        "source": "audits",
        "table": "cdi_audit",
        "grain": "one row per month of audit and sampled log",
        "staged_model": "stg_audits__cdi_samples",
        "slot_sql": "audit_month",
        "series_sql": "'month'",
        "attribution": FORCE_RECORDS,
        "ordered": (("recorded_within_24_hours_count", "crimes_recorded_count"),),
        "notes": ("More crimes may have been recorded than required: that is a finding too.",),
    }

    audit_month: str = _month("Month whose logs were sampled")
    log_number: str = column(
        "log_number",
        "Command and control log that was sampled",
        staged_as="log_number",
        key=True,
        sensitivity="restricted",
        who_fixes=_WHO,
    )
    offence_group: str = column(
        "offence_group",
        "What the auditor took the report for",
        kind="code",
        staged_as="offence_group",
        isin=("violence", "sexual", "robbery", "other"),
        who_fixes=_WHO,
    )
    crimes_required_count: int = _count(
        "crimes_required_count", "Crimes that should have been recorded from the log"
    )
    crimes_recorded_count: int = _count(
        "crimes_recorded_count", "Crimes that were recorded from it"
    )
    recorded_within_24_hours_count: int = _count(
        "recorded_within_24_hours_count", "Of these, recorded within 24 hours of the report"
    )


class S47Audit(RawContract):
    """Audit of investigations of wounding and assault on under 25s (section 47 and alike)."""

    __plumbline__ = {
        "source": "audits",
        "table": "s47_audit",
        "grain": "one row per month of audit and crime reviewed",
        "staged_model": "stg_audits__s47_reviews",
        "slot_sql": "audit_month",
        "series_sql": "'month'",
        "attribution": FORCE_RECORDS,
    }

    audit_month: str = _month("Month whose crimes were sampled")
    crime_ref: str = column(
        "crime_ref",
        "Crime number or investigation that was reviewed",
        staged_as="crime_ref",
        key=True,
        sensitivity="restricted",
        who_fixes=_WHO,
    )
    is_contacted_within_7_days: bool = _criterion(
        "is_contacted_within_7_days", "Whether the victim was contacted within seven days"
    )
    is_victim_updated: bool = _criterion(
        "is_victim_updated", "Whether the victim was kept up to date"
    )
    is_plan_recorded: bool = _criterion(
        "is_plan_recorded", "Whether an investigation plan was recorded"
    )
    is_supervisory_review_recorded: bool = _criterion(
        "is_supervisory_review_recorded", "Whether a supervisor's review was recorded"
    )
