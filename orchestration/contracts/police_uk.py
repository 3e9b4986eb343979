"""Contracts of the data.police.uk files: street-level crime, outcomes, stop and search.

Layout: https://data.police.uk/about/ (columns). Only declarations belong here.
"""

from __future__ import annotations

import datetime as dt

from orchestration.contracts.base import RawContract, column

_MONTH = r"\d{4}-(0[1-9]|1[0-2])"
_LSOA = r"[EW]010\d{5}"
_CRIME_ID = r"[0-9a-f]{64}"
_FORCE = "force_names.source_name?source=police_uk"
_WHO = "data.police.uk, through the force that supplied the file"


class _Located(RawContract):
    """What crimes and their outcomes have in common: whose record it is, and the map point."""

    crime_id: str = column(
        "Crime ID",
        "Identifier of the crime, constant across monthly files; empty for anti-social behaviour "
        "and repeated where a crime is listed, or has an outcome, more than once",
        staged_as="crime_id",
        nullable=True,
        matches=_CRIME_ID,
        who_fixes=_WHO,
    )
    reported_by: str = column(
        "Reported by",
        "Force that supplied the record",
        staged_as="reported_by_force_name",
        code_list=_FORCE,
        who_fixes=_WHO,
    )
    falls_within: str = column(
        "Falls within",
        "Force in whose area the crime falls (in published files equal to the supplying force)",
        staged_as="falls_within_force_name",
        code_list=_FORCE,
        who_fixes=_WHO,
    )
    longitude: float = column(
        "Longitude",
        "Longitude (WGS84) of the anonymous map point nearest to the crime; empty where no "
        "location is given",
        kind="decimal",
        staged_as="longitude",
        unit="degrees",
        nullable=True,
        ge=-9.0,
        le=2.5,
        who_fixes=_WHO,
    )
    latitude: float = column(
        "Latitude",
        "Latitude (WGS84) of the anonymous map point nearest to the crime; empty where no "
        "location is given",
        kind="decimal",
        staged_as="latitude",
        unit="degrees",
        nullable=True,
        ge=49.0,
        le=61.0,
        who_fixes=_WHO,
    )
    location: str = column(
        "Location",
        "Words for the map point, such as 'On or near High Street'",
        staged_as="location_name",
        nullable=True,
        who_fixes=_WHO,
    )
    lsoa_code: str = column(
        "LSOA code",
        "Lower layer super output area (2011) of the map point; empty where no location is given",
        kind="code",
        staged_as="lsoa_code",
        nullable=True,
        matches=_LSOA,
        who_fixes=_WHO,
    )
    lsoa_name: str = column(
        "LSOA name",
        "Name of the lower layer super output area",
        staged_as="lsoa_name",
        nullable=True,
        who_fixes=_WHO,
    )


class Street(_Located):
    """Street-level crimes and anti-social behaviour, one file per force and month."""

    __plumbline__ = {
        "source": "police_uk",
        "table": "street",
        "grain": "one row per crime or incident as published; Crime ID is neither always given "
        "(anti-social behaviour has none) nor unique",
        "staged_model": "stg_police_uk__street_crimes",
        "slot_sql": "{claim}",
        "series_sql": "split_part({claim}, '/', 1)",
    }

    month: str = column(
        "Month",
        "Month the crime was recorded, YYYY-MM",
        kind="month",
        staged_as="recorded_month",
        unit="month",
        matches=_MONTH,
        not_future=True,
        who_fixes=_WHO,
    )
    crime_type: str = column(
        "Crime type",
        "Published category of the crime; categories were renamed and split over the years",
        staged_as="crime_type",
        code_list="police_uk_crime_types.crime_type",
        who_fixes=_WHO,
    )
    last_outcome_category: str = column(
        "Last outcome category",
        "Latest outcome known when the file was published; empty for anti-social behaviour",
        staged_as="last_outcome_type",
        nullable=True,
        who_fixes=_WHO,
    )
    context: str = column(
        "Context",
        "Free field for extra information; empty in every file seen",
        staged_as="context_text",
        nullable=True,
        who_fixes=_WHO,
    )


class Outcomes(_Located):
    """Outcomes of crimes, one file per force and month in which the outcome was recorded."""

    __plumbline__ = {
        "source": "police_uk",
        "table": "outcomes",
        "grain": "one row per outcome; a crime may have several",
        "staged_model": "stg_police_uk__crime_outcomes",
        "slot_sql": "{claim}",
        "series_sql": "split_part({claim}, '/', 1)",
    }

    month: str = column(
        "Month",
        "Month the outcome was recorded, YYYY-MM",
        kind="month",
        staged_as="outcome_month",
        unit="month",
        matches=_MONTH,
        not_future=True,
        who_fixes=_WHO,
    )
    outcome_type: str = column(
        "Outcome type",
        "Outcome as published, in words",
        staged_as="outcome_type",
        who_fixes=_WHO,
    )


class StopAndSearch(RawContract):
    """Stops and searches, one file per force and month; the layout has no identifier at all."""

    __plumbline__ = {
        "source": "police_uk",
        "table": "stop_and_search",
        "grain": "one row per search as published; there is no key, and equal rows can be "
        "different searches",
        "staged_model": "stg_police_uk__stop_searches",
        "slot_sql": "{claim}",
        "series_sql": "split_part({claim}, '/', 1)",
        "notes": (
            "Times carry an offset and are written in UTC: the month of a file is a month of "
            "British local time, so a search at 2019-03-31T23:19:00+00:00 belongs to April.",
        ),
    }

    type: str = column(
        "Type",
        "Whether a person, a vehicle or both were searched",
        staged_as="search_type",
        isin=("Person search", "Person and Vehicle search", "Vehicle search"),
        who_fixes=_WHO,
    )
    date: dt.datetime = column(
        "Date",
        "When the search took place, in UTC; exactly midnight often means that only the date "
        "was supplied",
        kind="timestamp",
        staged_as="searched_at",
        unit="UTC",
        not_future=True,
        who_fixes=_WHO,
    )
    part_of_a_policing_operation: bool = column(
        "Part of a policing operation",
        "Whether the search was part of a policing operation",
        kind="boolean",
        staged_as="is_part_of_operation",
        nullable=True,
        who_fixes=_WHO,
    )
    policing_operation: str = column(
        "Policing operation",
        "Name of the policing operation",
        staged_as="operation_name",
        nullable=True,
        who_fixes=_WHO,
    )
    latitude: float = column(
        "Latitude",
        "Latitude (WGS84) of the anonymous map point",
        kind="decimal",
        staged_as="latitude",
        unit="degrees",
        nullable=True,
        ge=49.0,
        le=61.0,
        who_fixes=_WHO,
    )
    longitude: float = column(
        "Longitude",
        "Longitude (WGS84) of the anonymous map point",
        kind="decimal",
        staged_as="longitude",
        unit="degrees",
        nullable=True,
        ge=-9.0,
        le=2.5,
        who_fixes=_WHO,
    )
    gender: str = column(
        "Gender",
        "Gender of the person searched; West Midlands Police supply none",
        staged_as="sex_type",
        nullable=True,
        isin=("Male", "Female", "Other"),
        who_fixes=_WHO,
    )
    age_range: str = column(
        "Age range",
        "Age band of the person searched",
        staged_as="age_band_type",
        nullable=True,
        isin=("under 10", "10-17", "18-24", "25-34", "over 34"),
        who_fixes=_WHO,
    )
    self_defined_ethnicity: str = column(
        "Self-defined ethnicity",
        "Ethnicity as the person defined it, Census categories",
        staged_as="self_defined_ethnicity_type",
        nullable=True,
        who_fixes=_WHO,
    )
    officer_defined_ethnicity: str = column(
        "Officer-defined ethnicity",
        "Ethnicity as the officer defined it, five groups",
        staged_as="officer_defined_ethnicity_type",
        nullable=True,
        isin=("Asian", "Black", "Mixed", "Other", "White"),
        who_fixes=_WHO,
    )
    legislation: str = column(
        "Legislation",
        "Power under which the search was made",
        staged_as="legislation_name",
        nullable=True,
        who_fixes=_WHO,
    )
    object_of_search: str = column(
        "Object of search",
        "What was searched for",
        staged_as="search_object_type",
        nullable=True,
        who_fixes=_WHO,
    )
    outcome: str = column(
        "Outcome",
        "Outcome of the search; empty where none was supplied",
        staged_as="outcome_type",
        nullable=True,
        who_fixes=_WHO,
    )
    outcome_linked_to_object_of_search: bool = column(
        "Outcome linked to object of search",
        "Whether the outcome was about what was searched for",
        kind="boolean",
        staged_as="is_outcome_linked_to_object",
        nullable=True,
        who_fixes=_WHO,
    )
    removal_of_more_than_just_outer_clothing: bool = column(
        "Removal of more than just outer clothing",
        "Whether more than outer clothing was removed",
        kind="boolean",
        staged_as="is_more_than_outer_clothing_removed",
        nullable=True,
        who_fixes=_WHO,
    )
