"""Contract of a force's own geography: beats of every system, in LSOAs. Only declarations."""

from __future__ import annotations

from orchestration.contracts.base import RawContract, column
from orchestration.contracts.legacy import LSOA

_WHO = "the force's geographical information team"


class Beats(RawContract):
    """Which LSOAs a neighbourhood or beat consists of, in each recording system.

    Makes the geographies of two systems one: an offence is placed by its LSOA, or, where none is
    given, by the beat's neighbourhood.
    """

    __plumbline__ = {
        "source": "geography",
        "table": "beats",
        "grain": "one row per recording system, beat and LSOA",
        "staged_model": "stg_geography__beats",
        "slot_sql": "recording_system",
        "attribution": "The force's own geography",
    }

    recording_system: str = column(
        "recording_system",
        "System whose beats these are",
        kind="code",
        staged_as="recording_system",
        key=True,
        isin=("legacy", "connect"),
        who_fixes=_WHO,
    )
    beat_code: str = column(
        "beat_code",
        "Code of the beat in that system",
        kind="code",
        staged_as="beat_code",
        key=True,
        who_fixes=_WHO,
    )
    lsoa_code: str = column(
        "lsoa_code",
        "Lower layer super output area (2011)",
        kind="code",
        staged_as="lsoa_code",
        key=True,
        matches=LSOA,
        who_fixes=_WHO,
    )
    neighbourhood_code: str = column(
        "neighbourhood_code",
        "Policing neighbourhood, the same in every system",
        kind="code",
        staged_as="neighbourhood_code",
        who_fixes=_WHO,
    )
    neighbourhood_name: str = column(
        "neighbourhood_name",
        "Name of the neighbourhood",
        staged_as="neighbourhood_name",
        who_fixes=_WHO,
    )
    npu_code: str = column(
        "npu_code",
        "Neighbourhood policing unit",
        kind="code",
        staged_as="npu_code",
        who_fixes=_WHO,
    )
    npu_name: str = column(
        "npu_name",
        "Name of the neighbourhood policing unit",
        staged_as="npu_name",
        who_fixes=_WHO,
    )
    district_code: str = column(
        "district_code",
        "Local authority district (ONS code)",
        kind="code",
        staged_as="district_code",
        matches=r"[EW]\d{8}",
        who_fixes=_WHO,
    )
    is_impact_area: bool = column(
        "is_impact_area",
        "Whether the neighbourhood is one of the force's impact areas",
        kind="boolean",
        staged_as="is_impact_area",
        who_fixes=_WHO,
    )
