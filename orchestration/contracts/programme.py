"""Contracts of the violence reduction programme's own monthly figures. Only declarations."""

from __future__ import annotations

from orchestration.contracts.audits import MONTH
from orchestration.contracts.base import RawContract, column

FORCE_PROGRAMME = "The force's own programme figures"
_WHO = "the force's violence reduction programme team"
_BY_YEAR = (
    "An extract holds its financial year so far, as the file's name says: a newer one replaces it.",
)


def _about(table: str, grain: str, staged_model: str) -> dict:
    return {
        "source": "programme",
        "table": table,
        "grain": grain,
        "staged_model": staged_model,
        "slot_sql": "{claim}",
        "attribution": FORCE_PROGRAMME,
        "notes": _BY_YEAR,
    }


def _month() -> object:
    return column(
        "month",
        "Month the figures are of",
        kind="month",
        staged_as="month",
        unit="month",
        key=True,
        matches=MONTH,
        not_future=True,
        who_fixes=_WHO,
    )


def _count(title: str, description: str, unit: str) -> object:
    return column(
        title, description, kind="integer", staged_as=title, unit=unit, ge=0, who_fixes=_WHO
    )


class Training(RawContract):
    """Training delivered by group of staff, against the group's establishment."""

    __plumbline__ = _about(
        "training", "one row per month and group of staff", "stg_programme__training"
    )

    month: str = _month()
    staff_group: str = column(
        "staff_group",
        "Group of staff",
        kind="code",
        staged_as="staff_group",
        key=True,
        who_fixes=_WHO,
    )
    establishment_count: int = _count("establishment_count", "Posts of the group", "persons")
    trained_count: int = _count(
        "trained_count", "Trained by the end of the month since training began", "persons"
    )


class CountyLines(RawContract):
    """Results of the county lines taskforce, month by month."""

    __plumbline__ = _about("county_lines", "one row per month", "stg_programme__county_lines")

    month: str = _month()
    arrest_count: int = _count("arrest_count", "Arrests in the month", "arrests")
    child_safeguarded_count: int = _count(
        "child_safeguarded_count", "Children safeguarded in the month", "persons"
    )
    line_closed_count: int = _count("line_closed_count", "Lines closed in the month", "lines")


class CohortTiers(RawContract):
    """Persons of a managed cohort by tier, and what came of them since April."""

    __plumbline__ = _about(
        "cohort_tiers", "one row per month, cohort and tier", "stg_programme__cohort_tiers"
    )

    month: str = _month()
    cohort: str = column(
        "cohort", "Name of the cohort", staged_as="cohort", key=True, who_fixes=_WHO
    )
    tier: int = column(
        "tier",
        "Tier within the cohort: the higher, the more intensive",
        kind="integer",
        staged_as="tier",
        key=True,
        ge=0,
        le=9,
        who_fixes=_WHO,
    )
    person_count: int = _count(
        "person_count", "Persons in the tier at the end of the month", "persons"
    )
    in_custody_count: int = _count("in_custody_count", "Of these, persons in custody", "persons")
    arrest_count: int = _count("arrest_count", "Arrests since April", "arrests")
    intervention_count: int = _count(
        "intervention_count", "Interventions since April", "interventions"
    )
    archived_count: int = _count("archived_count", "Persons archived since April", "persons")
    reoffended_count: int = _count(
        "reoffended_count", "Of those archived, persons who offended again", "persons"
    )


class Diversions(RawContract):
    """Out-of-court pathways by neighbourhood policing unit, month by month."""

    __plumbline__ = _about(
        "diversions",
        "one row per month, neighbourhood policing unit and pathway",
        "stg_programme__diversions",
    )

    month: str = _month()
    npu_code: str = column(
        "npu_code",
        "Neighbourhood policing unit (geography/beats)",
        kind="code",
        staged_as="npu_code",
        key=True,
        who_fixes=_WHO,
    )
    pathway: str = column(
        "pathway",
        "Checkpoint (deferred prosecution), outcome 22 (diversion, no further action), community "
        "resolution",
        kind="code",
        staged_as="pathway",
        key=True,
        isin=("checkpoint", "outcome_22", "community_resolution"),
        who_fixes=_WHO,
    )
    referral_count: int = _count("referral_count", "Persons referred in the month", "persons")
    completion_count: int = _count(
        "completion_count", "Of these, persons who completed it", "persons"
    )
    reoffended_count: int = _count(
        "reoffended_count", "Of those who completed it, persons who offended again", "persons"
    )
    in_impact_area_count: int = _count(
        "in_impact_area_count", "Of those referred, persons from impact areas", "persons"
    )
