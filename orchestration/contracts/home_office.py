"""Contracts of the Home Office police recorded crime and outcomes open data tables.

https://www.gov.uk/government/statistics/police-recorded-crime-open-data-tables
Only declarations belong here.
"""

from __future__ import annotations

from orchestration.contracts.base import RawContract, column

_WHO = "the Home Office crime statistics team, or whoever prepared the extract"
_FORCE = "force_names.source_name?source=home_office"
_FY = r"\d{4}/\d{2}"


class Prc(RawContract):
    """Police recorded crime: offences by force, offence code and quarter."""

    __plumbline__ = {
        "source": "home_office",
        "table": "prc",
        "grain": "one row per force, offence code and quarter",
        "staged_model": "stg_home_office__recorded_crimes",
        "slot_sql": "financial_year || ' Q' || financial_quarter",
        "notes": (
            "Counts can be negative: crimes cancelled after the quarter in which they were "
            "recorded are taken off later.",
            "Every publication revises past years: the loads that are superseded are kept.",
        ),
    }

    financial_year: str = column(
        "Financial Year",
        "Financial year (1 April to 31 March) of recording, YYYY/YY",
        kind="code",
        staged_as="financial_year",
        unit="financial year",
        key=True,
        matches=_FY,
        who_fixes=_WHO,
    )
    financial_quarter: int = column(
        "Financial Quarter",
        "Quarter of the financial year: 1 is April to June",
        kind="integer",
        staged_as="financial_quarter",
        unit="quarter",
        key=True,
        ge=1,
        le=4,
        who_fixes=_WHO,
    )
    force_name: str = column(
        "Force Name",
        "Force or national body, as the Home Office spells it; not all are territorial forces",
        kind="code",
        staged_as="force_name",
        key=True,
        code_list=_FORCE,
        who_fixes=_WHO,
    )
    offence_description: str = column(
        "Offence Description",
        "Words for the offence code",
        staged_as="offence_description",
        who_fixes=_WHO,
    )
    offence_group: str = column(
        "Offence Group",
        "Offence group of the national classification",
        kind="code",
        staged_as="offence_group",
        code_list="offence_codes.offence_group",
        who_fixes=_WHO,
    )
    offence_subgroup: str = column(
        "Offence Subgroup",
        "Offence subgroup of the national classification",
        kind="code",
        staged_as="offence_subgroup",
        who_fixes=_WHO,
    )
    offence_code: str = column(
        "Offence Code",
        "Home Office counting-rules offence code",
        kind="code",
        staged_as="offence_code",
        key=True,
        code_list="offence_codes.offence_code",
        who_fixes="whoever keeps the offence code list (a new code is added to the list, or under "
        "code_lists in plumbline.yml); otherwise " + _WHO,
    )
    number_of_offences: int = column(
        "Number of Offences",
        "Offences recorded in the quarter, less those cancelled in it; may be negative",
        kind="integer",
        staged_as="offence_count",
        unit="offences",
        ge=-100_000,
        le=10_000_000,
        who_fixes=_WHO,
    )


class Outcomes(RawContract):
    """Outcomes of recorded crimes by force, offence group, outcome type and quarter."""

    __plumbline__ = {
        "source": "home_office",
        "table": "outcomes",
        "grain": "several rows per force, offence group, outcome type and quarter (the publisher "
        "removed the finer offence code): add them up",
        "staged_model": "stg_home_office__crime_outcomes",
        "slot_sql": "financial_year || ' Q' || financial_quarter",
    }

    financial_year: str = column(
        "Financial Year",
        "Financial year of the outcome, YYYY/YY",
        kind="code",
        staged_as="financial_year",
        unit="financial year",
        matches=_FY,
        who_fixes=_WHO,
    )
    financial_quarter: int = column(
        "Financial Quarter",
        "Quarter of the financial year: 1 is April to June",
        kind="integer",
        staged_as="financial_quarter",
        unit="quarter",
        ge=1,
        le=4,
        who_fixes=_WHO,
    )
    force_name: str = column(
        "Force",
        "Force as the Home Office spells it",
        kind="code",
        staged_as="force_name",
        code_list=_FORCE,
        who_fixes=_WHO,
    )
    offence_group: str = column(
        "Offence Group",
        "Offence group of the national classification",
        kind="code",
        staged_as="offence_group",
        who_fixes=_WHO,
    )
    outcome_group: str = column(
        "Outcome Group",
        "Group the outcome type belongs to",
        staged_as="outcome_group",
        who_fixes=_WHO,
    )
    outcome_type: int = column(
        "Outcome Type",
        "Outcome type of the national framework, 0 (not yet assigned) to 22",
        kind="integer",
        staged_as="outcome_type",
        unit="outcome type",
        ge=0,
        le=22,
        who_fixes=_WHO,
    )
    outcome_count: int = column(
        "n",
        "Outcomes in the quarter; negative where outcomes were withdrawn",
        kind="integer",
        staged_as="outcome_count",
        unit="outcomes",
        ge=-100_000,
        le=10_000_000,
        who_fixes=_WHO,
    )
    is_territorial: bool = column(
        "territorial",
        "Whether the force is one of the 43 territorial forces, where the publisher says so",
        kind="boolean",
        staged_as="is_territorial",
        nullable=True,
        who_fixes=_WHO,
    )
