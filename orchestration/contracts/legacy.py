"""Contracts of the crime system a force had before CONNECT. Only declarations belong here.

Titles are those of the canonical layout; a force maps its own under ``sources`` in plumbline.yml,
and its own codes under ``code_maps``.
"""

from __future__ import annotations

import datetime as dt

from orchestration.contracts.base import RawContract, column

WHO_SYSTEM = "the force's crime-recording data owner (crime registrar)"
FORCE_RECORDS = "The force's own records: restricted, never published below aggregate level"
LSOA = r"[EW]010\d{5}"
#: Slot of a table whose rows carry a date: the month of that date.
MONTH_OF = "strftime({column}, '%Y-%m')"


class Crimes(RawContract):
    """Crimes in the system before CONNECT, as they stood when extracted."""

    __plumbline__ = {
        "source": "legacy",
        "table": "crimes",
        "grain": "one row per crime number",
        "staged_model": "stg_legacy__crimes",
        "slot_sql": MONTH_OF.format(column="recorded_at"),
        "series_sql": "'month'",
        "attribution": FORCE_RECORDS,
        "ordered": (
            ("occurred_from_at", "occurred_to_at"),
            ("occurred_from_at", "reported_at"),
            ("reported_at", "recorded_at"),
        ),
        "notes": (
            "An extract holds every crime recorded in its months: a newer one replaces them whole.",
        ),
    }

    crime_number: str = column(
        "crime_number",
        "Number of the crime",
        staged_as="crime_number",
        key=True,
        sensitivity="restricted",
        who_fixes=WHO_SYSTEM,
    )
    incident_log_number: str = column(
        "incident_log_number",
        "Command and control log the crime came from; empty where it came another way",
        staged_as="incident_log_number",
        nullable=True,
        sensitivity="restricted",
        who_fixes=WHO_SYSTEM,
    )
    recorded_at: dt.datetime = column(
        "recorded_at",
        "When the crime was recorded (local time)",
        kind="timestamp",
        staged_as="recorded_at",
        not_future=True,
        who_fixes=WHO_SYSTEM,
    )
    reported_at: dt.datetime = column(
        "reported_at",
        "When it was reported (local time)",
        kind="timestamp",
        staged_as="reported_at",
        not_future=True,
        who_fixes=WHO_SYSTEM,
    )
    occurred_from_at: dt.datetime = column(
        "occurred_from_at",
        "Earliest time it can have happened (local time)",
        kind="timestamp",
        staged_as="occurred_from_at",
        nullable=True,
        not_future=True,
        who_fixes=WHO_SYSTEM,
    )
    occurred_to_at: dt.datetime = column(
        "occurred_to_at",
        "Latest time it can have happened (local time); empty where the time is known",
        kind="timestamp",
        staged_as="occurred_to_at",
        nullable=True,
        not_future=True,
        who_fixes=WHO_SYSTEM,
    )
    offence_code: str = column(
        "offence_code",
        "Home Office counting rules code, such as 8N, 5D, 34B",
        kind="code",
        staged_as="source_offence_code",
        code_list="force_codes.source_code?list_code=legacy.offence",
        who_fixes=WHO_SYSTEM,
    )
    location_lsoa: str = column(
        "location_lsoa",
        "Lower layer super output area (2011) of the offence",
        kind="code",
        staged_as="lsoa_code",
        nullable=True,
        matches=LSOA,
        who_fixes=WHO_SYSTEM,
    )
    neighbourhood_code: str = column(
        "neighbourhood_code",
        "Policing neighbourhood, old geography (geography/beats)",
        kind="code",
        staged_as="beat_code",
        nullable=True,
        who_fixes=WHO_SYSTEM,
    )
    npu_code: str = column(
        "npu_code",
        "Neighbourhood policing unit",
        kind="code",
        staged_as="npu_code",
        nullable=True,
        who_fixes=WHO_SYSTEM,
    )
    is_domestic: bool = column(
        "is_domestic",
        "Whether the crime is flagged as domestic abuse",
        kind="boolean",
        staged_as="is_domestic",
        nullable=True,
        who_fixes=WHO_SYSTEM,
    )
    weapon_code: str = column(
        "weapon_code",
        "Weapon, one code",
        kind="code",
        staged_as="source_weapon_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=legacy.weapon",
        who_fixes=WHO_SYSTEM,
    )
    knife_used: str = column(
        "knife_used",
        "Whether a knife was used; blank where nobody filled it in, which is not 'no'",
        kind="code",
        staged_as="source_knife_used_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=legacy.knife_used",
        who_fixes=WHO_SYSTEM,
    )
    outcome_type: str = column(
        "outcome_type",
        "Outcome type of the Home Office framework; empty while the investigation is open",
        kind="code",
        staged_as="source_outcome_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=legacy.outcome",
        who_fixes=WHO_SYSTEM,
    )
    outcome_date: dt.date = column(
        "outcome_date",
        "Day the outcome was recorded",
        kind="date",
        staged_as="outcome_date",
        nullable=True,
        not_future=True,
        who_fixes=WHO_SYSTEM,
    )
    cancelled_code: str = column(
        "cancelled_code",
        "Why the record was cancelled (C1 to C5); empty where it was not",
        kind="code",
        staged_as="cancelled_code",
        nullable=True,
        isin=("C1", "C2", "C3", "C4", "C5"),
        who_fixes=WHO_SYSTEM,
    )
    cancelled_at: dt.datetime = column(
        "cancelled_at",
        "When the record was cancelled",
        kind="timestamp",
        staged_as="cancelled_at",
        nullable=True,
        not_future=True,
        who_fixes=WHO_SYSTEM,
    )


class Persons(RawContract):
    """Victims and suspects of crimes in the system before CONNECT."""

    __plumbline__ = {
        "source": "legacy",
        "table": "persons",
        "grain": "one row per crime number and person",
        "staged_model": "stg_legacy__persons",
        "slot_sql": "{claim}",
        "series_sql": "'month'",
        "attribution": FORCE_RECORDS,
        "notes": ("The file's name says the month in which the crimes were recorded.",),
    }

    crime_number: str = column(
        "crime_number",
        "Number of the crime",
        staged_as="crime_number",
        key=True,
        sensitivity="restricted",
        who_fixes=WHO_SYSTEM,
    )
    person_seq: int = column(
        "person_seq",
        "Number of the person within the crime",
        kind="integer",
        staged_as="person_seq",
        key=True,
        ge=1,
        le=999,
        who_fixes=WHO_SYSTEM,
    )
    role: str = column(
        "role",
        "Part the person has in the crime",
        kind="code",
        staged_as="source_role_code",
        code_list="force_codes.source_code?list_code=legacy.role",
        who_fixes=WHO_SYSTEM,
    )
    age_at_offence: int = column(
        "age_at_offence",
        "Age at the offence; empty where unknown",
        kind="integer",
        staged_as="age_at_offence",
        unit="years",
        nullable=True,
        ge=0,
        le=120,
        sensitivity="personal",
        who_fixes=WHO_SYSTEM,
    )
    sex: str = column(
        "sex",
        "Sex",
        kind="code",
        staged_as="source_sex_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=legacy.sex",
        sensitivity="personal",
        who_fixes=WHO_SYSTEM,
    )
    ethnicity_self: str = column(
        "ethnicity_self",
        "Ethnicity as the person defined it (16+1)",
        kind="code",
        staged_as="source_self_ethnicity_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=legacy.ethnicity_self",
        sensitivity="personal",
        who_fixes=WHO_SYSTEM,
    )
    ethnicity_officer: str = column(
        "ethnicity_officer",
        "Ethnicity as an officer saw it (IC codes)",
        kind="code",
        staged_as="source_officer_ethnicity_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=legacy.ethnicity_officer",
        sensitivity="personal",
        who_fixes=WHO_SYSTEM,
    )
    person_ref: str = column(
        "person_ref",
        "Reference of the person, as a keyed hash",
        staged_as="person_hash",
        nullable=True,
        sensitivity="personal",
        person_reference=True,
        who_fixes=WHO_SYSTEM,
    )
