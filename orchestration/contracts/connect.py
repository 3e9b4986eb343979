"""Contracts of CONNECT, the crime-recording system from early 2021. Only declarations belong here.

The same things as in ``legacy`` under other names, types, code lists and granularity.
"""

from __future__ import annotations

import datetime as dt

from orchestration.contracts.base import RawContract, column
from orchestration.contracts.legacy import FORCE_RECORDS, LSOA, MONTH_OF, WHO_SYSTEM


class Investigations(RawContract):
    """Investigations in CONNECT, as they stood when extracted."""

    __plumbline__ = {
        "source": "connect",
        "table": "investigations",
        "grain": "one row per investigation",
        "staged_model": "stg_connect__investigations",
        "slot_sql": MONTH_OF.format(column="created_at"),
        "series_sql": "'month'",
        "attribution": FORCE_RECORDS,
        "ordered": (
            ("offence_start", "offence_end"),
            ("offence_start", "reported_at"),
            ("reported_at", "created_at"),
        ),
        "notes": (
            "An extract holds every investigation created in its months: a newer one replaces "
            "them whole.",
        ),
    }

    investigation_id: str = column(
        "investigation_id",
        "Identifier of the investigation",
        staged_as="investigation_id",
        key=True,
        sensitivity="restricted",
        who_fixes=WHO_SYSTEM,
    )
    occurrence_id: str = column(
        "occurrence_id",
        "Occurrence the investigation belongs to; an occurrence may have several",
        staged_as="occurrence_id",
        nullable=True,
        sensitivity="restricted",
        who_fixes=WHO_SYSTEM,
    )
    log_ref: str = column(
        "log_ref",
        "Command and control log it came from; empty where it came another way",
        staged_as="log_ref",
        nullable=True,
        sensitivity="restricted",
        who_fixes=WHO_SYSTEM,
    )
    created_at: dt.datetime = column(
        "created_at",
        "When the investigation was created in CONNECT (local time); for a record converted from "
        "the old system, when it was converted",
        kind="timestamp",
        staged_as="created_at",
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
    offence_start: dt.datetime = column(
        "offence_start",
        "Earliest time it can have happened (local time)",
        kind="timestamp",
        staged_as="occurred_from_at",
        nullable=True,
        not_future=True,
        who_fixes=WHO_SYSTEM,
    )
    offence_end: dt.datetime = column(
        "offence_end",
        "Latest time it can have happened (local time)",
        kind="timestamp",
        staged_as="occurred_to_at",
        nullable=True,
        not_future=True,
        who_fixes=WHO_SYSTEM,
    )
    current_offence_code: str = column(
        "current_offence_code",
        "Offence as classified when extracted: Home Office code and sub-code, such as 8N-06",
        kind="code",
        staged_as="source_offence_code",
        code_list="force_codes.source_code?list_code=connect.offence",
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
    beat_code: str = column(
        "beat_code",
        "Beat, new geography (geography/beats)",
        kind="code",
        staged_as="beat_code",
        nullable=True,
        who_fixes=WHO_SYSTEM,
    )
    dv_flag: bool = column(
        "dv_flag",
        "Whether the crime is flagged as domestic abuse",
        kind="boolean",
        staged_as="is_domestic",
        nullable=True,
        who_fixes=WHO_SYSTEM,
    )
    weapon_list: str = column(
        "weapon_list",
        "Weapons, several codes separated by semicolons",
        kind="code",
        staged_as="source_weapon_codes",
        nullable=True,
        code_list="force_codes.source_code?list_code=connect.weapon",
        separator=";",
        who_fixes=WHO_SYSTEM,
    )
    weapon_use: str = column(
        "weapon_use",
        "What was done with the weapon",
        kind="code",
        staged_as="source_weapon_use_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=connect.weapon_use",
        who_fixes=WHO_SYSTEM,
    )
    record_origin: str = column(
        "record_origin",
        "How the record came about",
        kind="code",
        staged_as="source_record_origin_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=connect.record_origin",
        who_fixes=WHO_SYSTEM,
    )
    spiking_flag: bool = column(
        "spiking_flag",
        "Whether the report is of spiking (drink, needle or other administering of a substance)",
        kind="boolean",
        staged_as="is_spiking",
        nullable=True,
        who_fixes=WHO_SYSTEM,
    )
    toxicology_result: str = column(
        "toxicology_result",
        "Result of a drugs test",
        kind="code",
        staged_as="source_toxicology_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=connect.toxicology",
        who_fixes=WHO_SYSTEM,
    )
    outcome_type: str = column(
        "outcome_type",
        "Outcome, CONNECT's own codes; empty while the investigation is open",
        kind="code",
        staged_as="source_outcome_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=connect.outcome",
        who_fixes=WHO_SYSTEM,
    )
    outcome_at: dt.datetime = column(
        "outcome_at",
        "When the outcome was recorded",
        kind="timestamp",
        staged_as="outcome_at",
        nullable=True,
        not_future=True,
        who_fixes=WHO_SYSTEM,
    )
    status: str = column(
        "status",
        "State of the investigation",
        kind="code",
        staged_as="source_status_code",
        code_list="force_codes.source_code?list_code=connect.status",
        who_fixes=WHO_SYSTEM,
    )


class ClassificationHistory(RawContract):
    """Changes of an investigation's classification, cancellations and requests to cancel."""

    __plumbline__ = {
        "source": "connect",
        "table": "classification_history",
        "grain": "one row per investigation and moment of change",
        "staged_model": "stg_connect__classification_changes",
        "slot_sql": MONTH_OF.format(column="changed_at"),
        "series_sql": "'month'",
        "attribution": FORCE_RECORDS,
    }

    investigation_id: str = column(
        "investigation_id",
        "Identifier of the investigation",
        staged_as="investigation_id",
        key=True,
        sensitivity="restricted",
        who_fixes=WHO_SYSTEM,
    )
    changed_at: dt.datetime = column(
        "changed_at",
        "When it was changed (local time)",
        kind="timestamp",
        staged_as="changed_at",
        key=True,
        not_future=True,
        who_fixes=WHO_SYSTEM,
    )
    from_code: str = column(
        "from_code",
        "Offence code before",
        kind="code",
        staged_as="source_from_offence_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=connect.offence",
        who_fixes=WHO_SYSTEM,
    )
    to_code: str = column(
        "to_code",
        "Offence code after; as before where only its standing changed",
        kind="code",
        staged_as="source_to_offence_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=connect.offence",
        who_fixes=WHO_SYSTEM,
    )
    reason: str = column(
        "reason",
        "What changed: reclassified, cancelled (C1 to C5), additional verifiable information "
        "requested or rejected",
        kind="code",
        staged_as="source_change_reason_code",
        code_list="force_codes.source_code?list_code=connect.change_reason",
        who_fixes=WHO_SYSTEM,
    )


class Involvements(RawContract):
    """Persons involved in CONNECT investigations."""

    __plumbline__ = {
        "source": "connect",
        "table": "involvements",
        "grain": "one row per investigation and person",
        "staged_model": "stg_connect__involvements",
        "slot_sql": "{claim}",
        "series_sql": "'month'",
        "attribution": FORCE_RECORDS,
        "notes": ("The file's name says the month in which the investigations were created.",),
    }

    investigation_id: str = column(
        "investigation_id",
        "Identifier of the investigation",
        staged_as="investigation_id",
        key=True,
        sensitivity="restricted",
        who_fixes=WHO_SYSTEM,
    )
    involvement_seq: int = column(
        "involvement_seq",
        "Number of the person within the investigation",
        kind="integer",
        staged_as="involvement_seq",
        key=True,
        ge=1,
        le=999,
        who_fixes=WHO_SYSTEM,
    )
    role: str = column(
        "role",
        "Part the person has in the investigation",
        kind="code",
        staged_as="source_role_code",
        code_list="force_codes.source_code?list_code=connect.role",
        who_fixes=WHO_SYSTEM,
    )
    dob_year: int = column(
        "dob_year",
        "Year of birth; empty where unknown",
        kind="integer",
        staged_as="birth_year",
        unit="year",
        nullable=True,
        ge=1890,
        le=2100,
        sensitivity="personal",
        who_fixes=WHO_SYSTEM,
    )
    age_band: str = column(
        "age_band",
        "Age band at the offence; empty where unknown",
        kind="code",
        staged_as="source_age_band_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=connect.age_band",
        sensitivity="personal",
        who_fixes=WHO_SYSTEM,
    )
    sex: str = column(
        "sex",
        "Sex",
        kind="code",
        staged_as="source_sex_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=connect.sex",
        sensitivity="personal",
        who_fixes=WHO_SYSTEM,
    )
    ethnicity: str = column(
        "ethnicity",
        "Ethnicity, in words",
        kind="code",
        staged_as="source_ethnicity_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=connect.ethnicity",
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
