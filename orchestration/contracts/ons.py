"""Contracts of Office for National Statistics lookups, populations and police force area tables.

Only declarations belong here.
"""

from __future__ import annotations

from orchestration.contracts.base import RawContract, column

_WHO = "the Office for National Statistics, or whoever prepared the extract"
_AREA = r"[EWKNS]\d{8}"
_LSOA = r"[EW]010\d{5}"
_MONTH = r"\d{4}-(0[1-9]|1[0-2])"


def _code(title: str, description: str, staged_as: str, *, key: bool = False, matches: str = _AREA):
    return column(
        title,
        description,
        kind="code",
        staged_as=staged_as,
        key=key,
        matches=matches,
        who_fixes=_WHO,
    )


def _name(title: str, description: str, staged_as: str):
    return column(title, description, staged_as=staged_as, who_fixes=_WHO)


def _row_id():
    return column(
        "FID",
        "Row number of the published table; means nothing",
        kind="integer",
        staged_as="source_row_number",
        nullable=True,
        who_fixes=_WHO,
    )


class LookupLadCspPfa(RawContract):
    """Local authority district to community safety partnership to police force area, 2019."""

    __plumbline__ = {
        "source": "ons",
        "table": "lookup_lad_csp_pfa",
        "grain": "one row per local authority district and community safety partnership: a "
        "district that was merged can keep several partnerships",
        "staged_model": "stg_ons__districts_to_forces",
        "slot_sql": "'2019'",
    }

    lad_code: str = _code("LAD19CD", "Local authority district code", "lad_code", key=True)
    lad_name: str = _name("LAD19NM", "Local authority district name", "lad_name")
    csp_code: str = _code("CSP19CD", "Community safety partnership code", "csp_code", key=True)
    csp_name: str = _name("CSP19NM", "Community safety partnership name", "csp_name")
    pfa_code: str = _code("PFA19CD", "Police force area code", "pfa_code")
    pfa_name: str = _name("PFA19NM", "Police force area name", "pfa_name")
    fid: int = _row_id()


class LookupLsoaMsoa(RawContract):
    """Lower layer super output area to middle layer super output area, 2011."""

    __plumbline__ = {
        "source": "ons",
        "table": "lookup_lsoa_msoa",
        "grain": "one row per lower layer super output area",
        "staged_model": "stg_ons__lsoas_to_msoas",
        "slot_sql": "'2011'",
    }

    lsoa_code: str = _code("lsoa11_code", "LSOA code (2011)", "lsoa_code", key=True)
    lsoa_name: str = _name("lsoa11_name", "LSOA name (2011)", "lsoa_name")
    msoa_code: str = _code("msoa11_code", "MSOA code (2011)", "msoa_code")
    msoa_name: str = _name("msoa11_name", "MSOA name (2011)", "msoa_name")


class LookupLtlaRegion(RawContract):
    """Lower tier local authority to region of England, 2021."""

    __plumbline__ = {
        "source": "ons",
        "table": "lookup_ltla_region",
        "grain": "one row per lower tier local authority of England",
        "staged_model": "stg_ons__districts_to_regions",
        "slot_sql": "'2021'",
    }

    ltla_code: str = _code("ltla21_code", "Lower tier authority code (2021)", "lad_code", key=True)
    ltla_name: str = _name("ltla21_name", "Lower tier authority name (2021)", "lad_name")
    region_code: str = _code("region21_code", "Region code", "region_code")
    region_name: str = _name("region21_name", "Region name", "region_name")


class Population(RawContract):
    """Mid-year population estimates by lower tier local authority and single year of age."""

    __plumbline__ = {
        "source": "ons",
        "table": "population",
        "grain": "one row per authority, reference year and age (total, 0 to 89, 90+): one "
        "published cell",
        "staged_model": "stg_ons__populations",
        "slot_sql": "cast(reference_year as varchar)",
    }

    ltla_code: str = _code("ltla_code", "Lower tier authority code", "lad_code", key=True)
    ltla_name: str = _name("ltla_name", "Lower tier authority name", "lad_name")
    reference_year: int = column(
        "reference year",
        "Year of the mid-year estimate (30 June), from the file name",
        kind="integer",
        staged_as="reference_year",
        unit="year",
        key=True,
        ge=1981,
        le=2100,
        who_fixes=_WHO,
    )
    age: str = column(
        "age",
        "Single year of age: 'total', '0' to '89', '90+'",
        kind="code",
        staged_as="age_code",
        unit="years",
        key=True,
        matches=r"total|\d|[1-8]\d|90\+",
        who_fixes=_WHO,
    )
    population: int = column(
        "population",
        "Resident population",
        kind="integer",
        staged_as="population_count",
        unit="people",
        ge=0,
        le=100_000_000,
        who_fixes=_WHO,
    )


class Imd(RawContract):
    """English index of multiple deprivation 2019: rank of each LSOA, 1 is the most deprived."""

    __plumbline__ = {
        "source": "ons",
        "table": "imd",
        "grain": "one row per LSOA of England",
        "staged_model": "stg_ons__deprivation_ranks",
        "slot_sql": "'2019'",
    }

    lsoa_code: str = _code("LSOA11CD", "LSOA code (2011)", "lsoa_code", key=True, matches=_LSOA)
    lsoa_name: str = _name("LSOA11NM", "LSOA name (2011)", "lsoa_name")
    lad_code: str = _code("LAD19CD", "Local authority district code", "lad_code")
    lad_name: str = _name("LAD19NM", "Local authority district name", "lad_name")
    imd_rank: int = column(
        "IMD19",
        "Rank on the index of multiple deprivation; 1 is the most deprived of 32,844",
        kind="integer",
        staged_as="imd_rank",
        unit="rank",
        ge=1,
        le=32_844,
        who_fixes=_WHO,
    )
    fid: int = _row_id()


class Ethnicity(RawContract):
    """Census 2021 population by ethnic group and lower tier local authority."""

    __plumbline__ = {
        "source": "ons",
        "table": "ethnicity",
        "grain": "one row per authority and published measure (number and percent of each group)",
        "staged_model": "stg_ons__ethnic_groups",
        "slot_sql": "'2021'",
    }

    ltla_code: str = _code("ltla21_code", "Lower tier authority code (2021)", "lad_code", key=True)
    ltla_name: str = _name("ltla21_name", "Lower tier authority name (2021)", "lad_name")
    ethnic_group: str = column(
        "ethnic_group",
        "Ethnic group and, in brackets, whether the value is a number or a percent",
        staged_as="ethnic_group_measure_name",
        key=True,
        matches=r".+ \((number|percent)\)",
        who_fixes=_WHO,
    )
    value: float = column(
        "value",
        "Usual residents, or percent of the authority's usual residents",
        kind="decimal",
        staged_as="measure_value",
        unit="people, or percent",
        ge=0,
        who_fixes=_WHO,
    )


class _PfaTable(RawContract):
    """Columns that the police force area tables share: one row per published cell."""

    area_code: str = column(
        "area code",
        "Code of country, region or police force area; empty for British Transport Police and for "
        "totals that leave a force out",
        kind="code",
        staged_as="area_code",
        nullable=True,
        matches=_AREA,
        who_fixes=_WHO,
    )
    area_name: str = column(
        "area name",
        "Name of the area as published, without note markers and surrounding blanks",
        staged_as="area_name",
        key=True,
        who_fixes=_WHO,
    )
    area_level: str = column(
        "area level",
        "country, region, force, or other, from the area code",
        kind="code",
        staged_as="area_type",
        key=True,
        isin=("country", "region", "force", "other"),
        who_fixes=_WHO,
    )
    notes: str = column(
        "notes",
        "Note numbers published beside the area or the column title, such as '8, 10'",
        staged_as="note_text",
        nullable=True,
        who_fixes=_WHO,
    )
    column_title: str = column(
        "column title",
        "Column title as published, blanks folded, without note markers",
        staged_as="column_title_name",
        key=True,
        who_fixes=_WHO,
    )
    period_start_month: str = column(
        "period start",
        "First month of the period the column covers, YYYY-MM; empty where the file does not say",
        kind="month",
        staged_as="period_start_month",
        unit="month",
        nullable=True,
        matches=_MONTH,
        who_fixes=_WHO,
    )
    period_end_month: str = column(
        "period end",
        "Last month of the period the column covers, YYYY-MM; empty where the file does not say",
        kind="month",
        staged_as="period_end_month",
        unit="month",
        nullable=True,
        matches=_MONTH,
        who_fixes=_WHO,
    )
    published_value: str = column(
        "value",
        "The cell exactly as published, a number or a marker such as [u]",
        staged_as="published_value",
        nullable=True,
        who_fixes=_WHO,
    )
    value: float = column(
        "number",
        "The published number; empty where a marker stands in its place",
        kind="decimal",
        staged_as="measure_value",
        unit="offences or percent, see measure",
        nullable=True,
        who_fixes=_WHO,
    )
    value_status: str = column(
        "status",
        "given, unreliable ([u]), not_available ([x], '..', '-') or blank",
        kind="code",
        staged_as="value_status_type",
        isin=("given", "unreliable", "not_available", "blank"),
        who_fixes=_WHO,
    )


class P1RecordedCrime(_PfaTable):
    """Table P1: police recorded crime by offence group and police force area."""

    __plumbline__ = {
        "source": "ons",
        "table": "p1_recorded_crime",
        "grain": "one row per area and offence group: one published cell",
        "staged_model": "stg_ons__recorded_crime_by_area",
        "slot_sql": "'p1'",
        "notes": ("The table itself does not say which twelve months it covers.",),
    }


class P6KnifeOffences(_PfaTable):
    """Table P6: knife or sharp instrument offences by police force area and twelve months.

    Forces moved to a national text classifier (NDQIS) at different dates and earlier years were
    revised, so vintages differ: never mix two.
    """

    __plumbline__ = {
        "source": "ons",
        "table": "p6_knife_offences",
        "grain": "one row per area, twelve-month period and measure: one published cell",
        "staged_model": "stg_ons__knife_offences_by_area",
        "slot_sql": "'p6'",
    }

    measure: str = column(
        "measure",
        "offences (count), share (percent of selected offences that involved a knife) or change "
        "(percent on the year before)",
        kind="code",
        staged_as="measure_type",
        key=True,
        isin=("offences", "share_pct", "change_pct"),
        who_fixes=_WHO,
    )


class P8FirearmOffences(_PfaTable):
    """Table P8: firearm offences (excluding air weapons) by police force area."""

    __plumbline__ = {
        "source": "ons",
        "table": "p8_firearm_offences",
        "grain": "one row per area, twelve-month period and measure: one published cell",
        "staged_model": "stg_ons__firearm_offences_by_area",
        "slot_sql": "'p8'",
    }

    measure: str = column(
        "measure",
        "offences (count) or change (percent on the year before)",
        kind="code",
        staged_as="measure_type",
        key=True,
        isin=("offences", "change_pct"),
        who_fixes=_WHO,
    )
