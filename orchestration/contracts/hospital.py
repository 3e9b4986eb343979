"""Contracts of hospital records as a force receives them. Only declarations belong here.

Published tabulations of the same admissions are another source (``nhs``).
"""

from __future__ import annotations

import datetime as dt

from orchestration.contracts.base import RawContract, column

_WHO = "NHS England (data access), or whoever prepared the extract"
_WHO_ED = "the emergency department that sent it, or whoever prepared the extract"
HOSPITAL = "Hospital Episode Statistics, NHS England; restricted by the data sharing agreement"
#: ICD-10 (letter, two digits, up to three more signs) or ICD-9 (digits); '-' where none was given.
DIAGNOSIS = r"-|[A-Z0-9]\d{2}[0-9A-Z-]{0,3}"
#: 2011 areas of all four countries, and the dictionary's pseudo codes such as Z99999999.
LSOA_UK = r"[A-Z]\d{8}|95[A-Z]{2}\d{2}[SW]\d"
#: '0102' and '2001/02' are one financial year. HES begins with 1989/90.
_YEAR = (
    "case when length(fyear) = 4 then case when fyear >= '8990' then '19' else '20' end "
    "|| fyear[1:2] || '/' || fyear[3:4] else fyear end"
)


def _diagnosis(number: int) -> object:
    return column(
        f"DIAG_4_{number:02d}",
        "Primary diagnosis (ICD-10, four characters)"
        if number == 1
        else f"Diagnosis {number} (ICD-10, four characters); external causes may stand in any",
        kind="code",
        staged_as=f"diagnosis_code_{number:02d}",
        nullable=True,
        matches=DIAGNOSIS,
        sensitivity="personal",
        who_fixes=_WHO,
    )


class HesApc(RawContract):
    """Episodes of admitted patient care in the layout of Hospital Episode Statistics.

    A finished consultant episode (FCE) is a period of care under one consultant; the first one of
    a spell in one provider is a finished admission episode (FAE). Neither counts people.
    """

    __plumbline__ = {
        "source": "hospital",
        "table": "hes_apc",
        "grain": "one row per episode",
        "staged_model": "stg_hospital__admitted_episodes",
        "slot_sql": _YEAR,
        "attribution": HOSPITAL,
        "notes": (
            "Titles are those of the HES data dictionary. The layout has more than 200 columns: "
            "only these are read, the others are passed over, and the load's note says how many.",
            "Dates 1800-01-01 (none given) and 1801-01-01 (not a date) are the dictionary's, and "
            "stay as they are here.",
            "Where an extract has no PROCODE, the provider is PROCODE3: the organisation without "
            "its site, filled in every year, which PROCODET is only since 2003/04.",
        ),
    }

    fyear: str = column(
        "FYEAR",
        "Financial year of the data: 0102 for 2001/02",
        kind="code",
        staged_as="hes_year_code",
        matches=r"\d{4}|\d{4}/\d{2}",
        who_fixes=_WHO,
    )
    epikey: str = column(
        "EPIKEY",
        "Identifier of the episode",
        kind="code",
        staged_as="episode_id",
        key=True,
        sensitivity="restricted",
        who_fixes=_WHO,
    )
    pseudo_hesid: str = column(
        "PSEUDO_HESID",
        "Identifier of the patient (TOKEN_PERSON_ID since 2021), as a keyed hash",
        staged_as="person_hash",
        nullable=True,
        sensitivity="personal",
        person_reference=True,
        who_fixes=_WHO,
    )
    admidate: dt.date = column(
        "ADMIDATE",
        "Day of admission, the same on every episode of the spell",
        kind="date",
        staged_as="admission_date",
        unit="day",
        not_future=True,
        who_fixes=_WHO,
    )
    epistart: dt.date = column(
        "EPISTART",
        "First day of the episode",
        kind="date",
        staged_as="episode_start_date",
        unit="day",
        not_future=True,
        who_fixes=_WHO,
    )
    epiend: dt.date = column(
        "EPIEND",
        "Last day of the episode; empty while it is not finished",
        kind="date",
        staged_as="episode_end_date",
        unit="day",
        nullable=True,
        not_future=True,
        who_fixes=_WHO,
    )
    epiorder: int = column(
        "EPIORDER",
        "Place of the episode in its spell, from 1; 98 not applicable, 99 not known",
        kind="integer",
        staged_as="episode_order",
        nullable=True,
        ge=1,
        le=99,
        who_fixes=_WHO,
    )
    epistat: str = column(
        "EPISTAT",
        "Whether the episode was finished: 3 finished, 1 and 9 not",
        kind="code",
        staged_as="episode_status_code",
        nullable=True,
        isin=("1", "3", "9"),
        who_fixes=_WHO,
    )
    admimeth: str = column(
        "ADMIMETH",
        "Method of admission; 21 to 28 and 2A to 2D are emergencies",
        kind="code",
        staged_as="admission_method_code",
        nullable=True,
        matches=r"\d[0-9A-D]",
        who_fixes=_WHO,
    )
    startage: int = column(
        "STARTAGE",
        "Age at the start of the episode; 120 is 120 or more, 7001 to 7007 are under one year",
        kind="integer",
        staged_as="start_age",
        unit="years",
        nullable=True,
        ge=0,
        le=7007,
        sensitivity="personal",
        who_fixes=_WHO,
    )
    sex: str = column(
        "SEX",
        "Sex",
        kind="code",
        staged_as="source_sex_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=hospital.sex",
        sensitivity="personal",
        who_fixes=_WHO,
    )
    ethnos: str = column(
        "ETHNOS",
        "Ethnic category",
        kind="code",
        staged_as="source_ethnicity_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=hospital.ethnos",
        sensitivity="personal",
        who_fixes=_WHO,
    )
    diag_4_01: str = _diagnosis(1)
    diag_4_02: str = _diagnosis(2)
    diag_4_03: str = _diagnosis(3)
    diag_4_04: str = _diagnosis(4)
    diag_4_05: str = _diagnosis(5)
    diag_4_06: str = _diagnosis(6)
    diag_4_07: str = _diagnosis(7)
    diag_4_08: str = _diagnosis(8)
    diag_4_09: str = _diagnosis(9)
    diag_4_10: str = _diagnosis(10)
    diag_4_11: str = _diagnosis(11)
    diag_4_12: str = _diagnosis(12)
    diag_4_13: str = _diagnosis(13)
    diag_4_14: str = _diagnosis(14)
    diag_4_15: str = _diagnosis(15)
    diag_4_16: str = _diagnosis(16)
    diag_4_17: str = _diagnosis(17)
    diag_4_18: str = _diagnosis(18)
    diag_4_19: str = _diagnosis(19)
    diag_4_20: str = _diagnosis(20)
    cause_4: str = column(
        "CAUSE_4",
        "First external cause among the diagnoses (ICD-10, four characters)",
        kind="code",
        staged_as="cause_code",
        nullable=True,
        matches=DIAGNOSIS,
        sensitivity="personal",
        who_fixes=_WHO,
    )
    lsoa11: str = column(
        "LSOA11",
        "Area of residence: LSOA (2011), or what stands for it elsewhere in the United Kingdom",
        kind="code",
        staged_as="lsoa_code",
        nullable=True,
        matches=LSOA_UK,
        who_fixes=_WHO,
    )
    at_residence: str = column(
        "AT_RESIDENCE",
        "NHS area team of residence (2010/11 to 2020/21)",
        kind="code",
        staged_as="area_team_code",
        nullable=True,
        who_fixes=_WHO,
    )
    procode: str = column(
        "PROCODE",
        "Organisation that gave the care",
        kind="code",
        staged_as="provider_code",
        who_fixes=_WHO,
    )
    fae: bool = column(
        "FAE",
        "Whether the episode is a finished admission episode",
        kind="boolean",
        staged_as="is_finished_admission",
        who_fixes=_WHO,
    )
    fae_emergency: bool = column(
        "FAE_EMERGENCY",
        "Whether it is one from an emergency admission",
        kind="boolean",
        staged_as="is_emergency_admission",
        who_fixes=_WHO,
    )
    fce: bool = column(
        "FCE",
        "Whether the episode is a finished consultant episode",
        kind="boolean",
        staged_as="is_finished_episode",
        who_fixes=_WHO,
    )


class Ecds(RawContract):
    """Attendances at emergency departments after assault.

    The minimum set of Information Sharing to Tackle Violence: no names, no addresses.
    """

    __plumbline__ = {
        "source": "hospital",
        "table": "ecds",
        "grain": "one row per attendance",
        "staged_model": "stg_hospital__emergency_attendances",
        "slot_sql": "strftime(arrived_at, '%Y-%m')",
        "series_sql": "'month'",
        "attribution": "Emergency departments' information shared to tackle violence; restricted",
        "ordered": (("injured_at", "arrived_at"),),
    }

    attendance_id: str = column(
        "attendance_id",
        "Identifier of the attendance",
        staged_as="attendance_id",
        key=True,
        sensitivity="restricted",
        who_fixes=_WHO_ED,
    )
    arrived_at: dt.datetime = column(
        "arrived_at",
        "When the patient arrived (local time)",
        kind="timestamp",
        staged_as="arrived_at",
        not_future=True,
        who_fixes=_WHO_ED,
    )
    injured_at: dt.datetime = column(
        "injured_at",
        "When the patient was injured, as far as known (local time)",
        kind="timestamp",
        staged_as="injured_at",
        nullable=True,
        not_future=True,
        who_fixes=_WHO_ED,
    )
    age: int = column(
        "age",
        "Age on arrival",
        kind="integer",
        staged_as="age_at_arrival",
        unit="years",
        nullable=True,
        ge=0,
        le=120,
        sensitivity="personal",
        who_fixes=_WHO_ED,
    )
    sex: str = column(
        "sex",
        "Sex",
        kind="code",
        staged_as="source_sex_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=hospital.ecds_sex",
        sensitivity="personal",
        who_fixes=_WHO_ED,
    )
    assault_location_text_code: str = column(
        "assault_location_text_code",
        "Kind of place of the assault, as the department writes it",
        kind="code",
        staged_as="assault_location_code",
        nullable=True,
        who_fixes=_WHO_ED,
    )
    weapon_code: str = column(
        "weapon_code",
        "What the patient was assaulted with",
        kind="code",
        staged_as="source_weapon_code",
        nullable=True,
        code_list="force_codes.source_code?list_code=hospital.ecds_weapon",
        who_fixes=_WHO_ED,
    )
    lsoa: str = column(
        "lsoa",
        "Area of residence: LSOA (2011)",
        kind="code",
        staged_as="lsoa_code",
        nullable=True,
        matches=LSOA_UK,
        who_fixes=_WHO_ED,
    )
    site_code: str = column(
        "site_code",
        "Hospital site of the department",
        kind="code",
        staged_as="site_code",
        nullable=True,
        who_fixes=_WHO_ED,
    )
