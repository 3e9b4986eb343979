"""Profiles of the compared months on a small warehouse whose every crime is written here."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from warehouse_support import Built, dbt, empty_warehouse, enter

from orchestration.statistics.aoristic import aoristic_weights

HERE, FAR = "E01008881", "E01010410"
#: Start and end of crimes of violence: what the reference events of the R package have among them.
TIMES = [
    ("2019-04-02 22:15", "2019-04-03 01:40"),  # across midnight
    ("2019-04-06 23:30", "2019-04-07 00:30"),  # across the end of the week
    ("2019-04-01 10:00", "2019-04-01 10:00"),  # no length
    ("2019-04-01 10:20", "2019-04-01 10:21"),  # one minute
    ("2019-04-01 09:00", None),
    ("2019-04-05 12:00", "2019-04-04 12:00"),  # the end before the start
    ("2019-03-20 08:00", "2019-04-04 08:00"),  # longer than a week
    ("2019-03-29 17:05:40", "2019-04-01 08:10:20"),  # a weekend, with seconds
    ("2019-04-09 00:00", None),  # a date without a time
]


def crimes(prefix: str, number: int, day: str, code: str = "8N", **more: Any) -> list[dict]:
    """Legacy crimes recorded on one day, a minute apart."""
    minutes = [dt.timedelta(minutes=n) for n in range(number)]
    return [
        {
            "crime_number": f"{prefix}{n:02d}",
            "recorded_at": dt.datetime.fromisoformat(f"{day} 12:00") + later,
            "reported_at": dt.datetime.fromisoformat(f"{day} 10:00") + later,
            "occurred_from_at": dt.datetime.fromisoformat(f"{day} 09:00") + later,
            "offence_code": code,
            "location_lsoa": HERE,
            "_period": day[:7],
            **more,
        }
        for n, later in enumerate(minutes)
    ]


def beat(code: str, lsoa: str, unit: str) -> dict[str, Any]:
    return {
        "recording_system": "legacy",
        "beat_code": code,
        "lsoa_code": lsoa,
        "neighbourhood_code": f"{unit}-1",
        "neighbourhood_name": f"{unit} one",
        "npu_code": unit,
        "npu_name": f"Unit {unit}",
        "district_code": "E08000025",
        "is_impact_area": False,
        "_period": "legacy",
    }


def violence() -> list[dict]:
    found = []
    for number, (start, end) in enumerate(TIMES):
        (crime,) = crimes(f"T{number}", 1, "2019-04-10", location_lsoa=HERE)
        ends = None if end is None else dt.datetime.fromisoformat(end)
        found.append(
            crime | {"occurred_from_at": dt.datetime.fromisoformat(start), "occurred_to_at": ends}
        )
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    home: Path = tmp_path_factory.mktemp("profiles")
    path = home / "plumbline.duckdb"
    with empty_warehouse(path) as con:
        con.execute("insert into ledger.configuration values ('current_last_month', '2021-04')")
        enter(
            con,
            "geography/beats",
            "beats",
            [
                beat("1", HERE, "BE"),
                beat("2", FAR, "DY"),
            ],
        )
        enter(
            con,
            "legacy/crimes",
            "crimes",
            [
                *violence(),
                *crimes("M", 2, "2019-04-12", "1"),
                *crimes("C", 30, "2021-04-10", location_lsoa=FAR),
                *crimes("N", 3, "2021-04-12", "1"),
                *crimes("X", 5, "2021-05-12", "1"),  # a month that is not compared
            ],
        )
    done = dbt(
        path,
        home / "target",
        "build",
        "--exclude-resource-type",
        "unit_test",
        "--indirect-selection",
        "cautious",
        "--select",
        "+path:models/marts/profiles",
    )
    assert done.code == 0, done.output
    return done


def test_the_profile_is_that_of_the_rules_of_reference(built: Built):
    rows = built.rows(
        "select aoristic_weight, event_count, placed_count, no_end_count, week_or_longer_count, "
        "midnight_count, share_pct from marts.mart_temporal_profile "
        "where indicator_code = 'violence_with_injury' and period_type = 'baseline' "
        "order by hour_of_week"
    )
    start, end = (
        np.array([t or "NaT" for t in column], "datetime64[s]")
        for column in zip(*TIMES, strict=True)
    )
    expected = aoristic_weights(start, end).sum(axis=0)
    np.testing.assert_allclose([r[0] for r in rows], expected, rtol=0, atol=1e-9)
    assert {r[1:] for r in rows} == {(9, 9, 3, 1, 1, None)}
    assert built.rows(
        "select hour_of_week, day_of_week, hour_of_day from marts.mart_temporal_profile "
        "where indicator_code = 'violence_with_injury' and period_type = 'current' "
        "and aoristic_weight > 0"
    ) == [(6 * 24 + 9, 6, 9)]  # 10 April 2021 was a Saturday


def test_homicides_of_the_months_compared(built: Built):
    assert built.rows(
        "select period_type, homicide_count, verdict from marts.mart_homicide "
        "where age_group = 'all' and method_code = 'all' and domestic_group = 'all' order by 1"
    ) == [("baseline", 2, None), ("current", 3, "not distinguishable from chance")]
    # No file of persons: nothing is said of ages.
    assert built.rows(
        "select distinct homicide_count, verdict, comparability_status from marts.mart_homicide "
        "where age_group <> 'all' and period_type = 'current'"
    ) == [(None, "not assessed", "not_comparable")]


def test_where_it_moved(built: Built):
    assert built.rows(
        "select area_id, period_type, event_count, area_rank, rank_rise, verdict, "
        "population_status, imd_status from marts.mart_hotspots "
        "where indicator_code = 'violence_with_injury' and area_type = 'lsoa' order by 1, 2"
    ) == [
        (f"lsoa/{HERE}", "baseline", 9, 1, None, None, "not supplied", "not supplied"),
        (f"lsoa/{HERE}", "current", 0, 2, -1, "down", "not supplied", "not supplied"),
        (f"lsoa/{FAR}", "baseline", 0, 2, None, None, "not supplied", "not supplied"),
        (f"lsoa/{FAR}", "current", 30, 1, 1, "up", "not supplied", "not supplied"),
    ]


def test_no_denominator_is_invented(built: Built):
    assert built.rows(
        "select distinct denominator_status, population_count, rate_per_1000 "
        "from marts.mart_disproportionality where ethnic_group_code <> 'unknown'"
    ) == [("denominator not supplied", None, None)]
