"""Indicators, outcomes, vintages and linkage of a force's own records, end to end on small
warehouses whose every crime is written here: what is compared, what is left out, and what is said.

One warehouse grows: empty, then the current year alone, then both years with a month missing from
one and the persons of a month from the other. A second one is the same with known events, a third
one has whole years, no eras, no geography and no persons at all.
"""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
from scipy.stats import beta, binomtest, chi2
from warehouse_support import Built, dbt, empty_warehouse, enter

from orchestration.settings import DBT_PROJECT

SELECTED = (
    "--select",
    "+mart_headline_indicators",
    "+mart_home_office_metrics",
    "+mart_outcomes",
    "+mart_monthly_series",
    "+mart_count_vintages",
    "+mart_record_linkage",
    "--exclude-resource-type",
    "unit_test",
    "--indirect-selection",
    "cautious",
)
FORCE = "force/west-midlands"
HERE, FAR = "E01008881", "E01010410"
LAST_MONTH = "2021-07"


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def crimes(prefix: str, number: int, day: str, code: str = "8N", **more: Any) -> list[dict]:
    """Legacy crimes of one day, a minute apart, in the impact area of unit BE unless said."""
    return [
        {
            "crime_number": f"{prefix}{n:02d}",
            "recorded_at": at(f"{day} 12:00") + dt.timedelta(minutes=n),
            "reported_at": at(f"{day} 10:00") + dt.timedelta(minutes=n),
            "occurred_from_at": at(f"{day} 09:00") + dt.timedelta(minutes=n),
            "offence_code": code,
            "location_lsoa": HERE,
            "_period": day[:7],
            **more,
        }
        for n in range(number)
    ]


def investigations(prefix: str, number: int, day: str, code: str = "8N-06", **more: Any) -> list:
    """CONNECT investigations of one day, as ``crimes``."""
    return [
        {
            "investigation_id": f"{prefix}{n:02d}",
            "created_at": at(f"{day} 12:00") + dt.timedelta(minutes=n),
            "reported_at": at(f"{day} 10:00") + dt.timedelta(minutes=n),
            "offence_start": at(f"{day} 09:00") + dt.timedelta(minutes=n),
            "current_offence_code": code,
            "location_lsoa": HERE,
            "status": "OPEN",
            "record_origin": "officer_attended",
            "_period": day[:7],
            **more,
        }
        for n in range(number)
    ]


def victims(records: Iterable[dict], **age: Any) -> list[dict]:
    """One victim for each record, of either system."""
    found = []
    for record in records:
        common = {"sex": "M", "_period": record["_period"], **age}
        if "crime_number" in record:
            common |= {"crime_number": record["crime_number"], "person_seq": 1, "role": "victim"}
        else:
            name = record["investigation_id"]
            common |= {"investigation_id": name, "involvement_seq": 1, "role": "VICTIM"}
        found.append(common)
    return found


def beat(system: str, code: str, lsoa: str, unit: str, *, impact: bool) -> dict[str, Any]:
    return {
        "recording_system": system,
        "beat_code": code,
        "lsoa_code": lsoa,
        "neighbourhood_code": f"{unit}-1",
        "neighbourhood_name": f"{unit} one",
        "npu_code": unit,
        "npu_name": f"Unit {unit}",
        "district_code": "E08000025",
        "is_impact_area": impact,
        "_period": system,
    }


def episode(number: int, admitted: str, age: int, lsoa: str | None = HERE) -> dict[str, Any]:
    """An emergency admission for an assault with a sharp object."""
    first = int(admitted[:4]) - (admitted[5:7] < "04")
    return {
        "fyear": f"{first % 100:02d}{(first + 1) % 100:02d}",
        "epikey": f"E{number}",
        "admidate": dt.date.fromisoformat(admitted),
        "epistart": dt.date.fromisoformat(admitted),
        "epiorder": 1,
        "startage": age,
        "diag_4_01": "S211",
        "diag_4_02": "X990",
        "lsoa11": lsoa,
        "procode": "RRK",
        "fae": True,
        "fae_emergency": True,
        "fce": True,
        "_period": f"{first}/{(first + 1) % 100:02d}",
    }


def configure(con: duckdb.DuckDBPyConnection, last_month: str | None) -> None:
    con.execute("insert into ledger.configuration values ('current_last_month', ?)", [last_month])


def current_year(con: duckdb.DuckDBPyConnection) -> None:
    """April to July 2021 in CONNECT, with the first days of April in the old system."""
    con.execute(
        "insert into ledger.recording_era values "
        "('old', 'Old system', 'legacy', date '2000-01-01', date '2021-04-05', 'a test'), "
        "('new', 'CONNECT', 'connect', date '2021-04-06', null, 'a test')"
    )
    enter(
        con,
        "geography/beats",
        "beats",
        [
            beat("connect", "BE-001", HERE, "BE", impact=True),
            beat("connect", "WV-001", FAR, "WV", impact=False),
        ],
    )
    # Keyed in both systems.
    (double,) = crimes("DUAL", 1, "2021-04-08", incident_log_number="20210408-0000012")
    (other,) = investigations("I-DUAL", 1, "2021-04-08", log_ref="20210408-12")
    enter(con, "legacy/crimes", "old 2021", [double])
    enter(con, "legacy/persons", "old persons 2021", [], ["2021-04"])
    # A knife was there: used, merely seen, and of most nobody says.
    knives = investigations("KNIFE", 44, "2021-04-20", weapon_list="MACHETE")
    for record in knives[:6]:
        record |= {"weapon_use": "USED_TO_INJURE"}
    for record in knives[6:16]:
        record |= {"weapon_use": "SEEN"}
    for record in knives[:5]:
        record |= {"outcome_type": "OC1", "outcome_at": at("2021-05-20 12:00")}
    for record in knives[5:10]:  # after the last month compared
        record |= {"outcome_type": "OC1", "outcome_at": at("2021-08-01 00:00")}
    no_trace = investigations("TRACE", 6, "2021-04-21", record_origin="initial_report_no_trace")
    may = investigations("MAY", 30, "2021-05-03")
    june = investigations("JUNE", 40, "2021-06-04")
    july = investigations("JULY", 3, "2021-07-05", "105A-01", location_lsoa=None)
    everything = [other, *knives, *no_trace, *may, *june, *july]
    enter(con, "connect/investigations", "new", everything)
    enter(
        con,
        "connect/involvements",
        "new persons",
        victims([*knives, *no_trace, *june], dob_year=2001, age_band="18-24"),
        ["2021-07"],  # and none for May
    )
    changes = [
        ("JUNE00", "2021-06-20 12:00", "8N-06", "cancelled_c2"),  # within the month
        ("JUNE01", "2021-07-10 12:00", "8N-06", "cancelled_c2"),
        ("JUNE02", "2021-07-11 12:00", "105A-01", "reclassified"),
        ("JUNE02", "2021-08-11 12:00", "105A-01", "cancelled_c1"),
    ]
    enter(
        con,
        "connect/classification_history",
        "history",
        [
            {
                "investigation_id": name,
                "changed_at": at(when),
                "from_code": "105A-01" if reason == "cancelled_c1" else "8N-06",
                "to_code": code,
                "reason": reason,
                "_period": when[:7],
            }
            for name, when, code, reason in changes
        ],
    )
    admitted = [episode(n, "2021-04-11", 20) for n in range(3)]
    admitted += [episode(3, "2021-07-02", 40), episode(4, "2021-05-02", 20, "E01000001")]
    enter(con, "hospital/hes_apc", "hes 2021", admitted)


def baseline_year(con: duckdb.DuckDBPyConnection) -> None:
    """April, May and July 2019 in the old system; June never came."""
    april = crimes("APRIL", 50, "2019-04-20")
    for record in april[:40]:
        record |= {"weapon_code": "K"}
    for record in april[:30]:
        record |= {"knife_used": "Y"}
    for record in april[:22]:
        record |= {"outcome_type": "1", "outcome_date": dt.date(2019, 6, 1)}
    for record in april[22:30]:  # more than ninety days
        record |= {"outcome_type": "8", "outcome_date": dt.date(2020, 6, 1)}
    blades = crimes("MAY", 22, "2019-05-03", "10D")
    july = crimes("JULY", 5, "2019-07-05", "46", location_lsoa=FAR)
    # The geography knows no unit XX.
    july += crimes("ELSEWHERE", 1, "2019-07-06", "46", location_lsoa=None, npu_code="XX")
    enter(con, "legacy/crimes", "old 2019", [*april, *blades, *july])
    persons = victims(april, age_at_offence=20)
    enter(con, "legacy/persons", "old persons 2019", persons, ["2019-05", "2019-07"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One target for all: dbt reads its project once."""
    return tmp_path_factory.mktemp("indicators")


def build(path: Path, *options: str) -> Built:
    done = dbt(path, path.with_name("target"), "build", *SELECTED, *options)
    assert done.code == 0, done.output
    return done


HEADLINES = (
    "select indicator_code, basis, baseline_count, current_count, verdict, comparability_status "
    f"from marts.mart_headline_indicators where area_id = '{FORCE}'"
)


@pytest.fixture(scope="module")
def nothing(folder: Path) -> dict[str, list[tuple]]:
    """What the marts say of an empty warehouse."""
    path = folder / "grows.duckdb"
    with empty_warehouse(path) as con:
        configure(con, LAST_MONTH)
    # That dbt's own tests hold where nothing is there, test_dbt_project shows.
    built = build(path, "--exclude-resource-type", "test")
    tables = ("home_office_metrics", "outcomes", "count_vintages", "record_linkage")
    said = {name: built.rows(f"select * from marts.mart_{name}") for name in tables}
    return said | {"headlines": built.rows(HEADLINES)}


@pytest.fixture(scope="module")
def one_year(folder: Path, nothing: object) -> dict[str, list[tuple]]:
    """What they say where only the current year is there."""
    path = folder / "grows.duckdb"
    with duckdb.connect(str(path)) as con:
        current_year(con)
    built = build(path)
    return {
        "headlines": built.rows(HEADLINES),
        "missing": built.rows(
            "select distinct compared_month_count, missing_month_count, rate_ratio, change_pct, "
            "current_estimate from marts.mart_headline_indicators"
        ),
        "outcomes": built.rows("select distinct period_type from marts.mart_outcomes"),
        "vintages": built.rows("select count(*) from marts.mart_count_vintages"),
    }


@pytest.fixture(scope="module")
def both(folder: Path, one_year: object) -> Built:
    path = folder / "grows.duckdb"
    with duckdb.connect(str(path)) as con:
        baseline_year(con)
    return build(path)


@pytest.fixture(scope="module")
def eventful(folder: Path, both: Built) -> Built:
    """Both years, with a strike in May 2019 and new counting rules of violence between them."""
    path = folder / "eventful.duckdb"
    shutil.copy(both.path, path)
    with duckdb.connect(str(path)) as con:
        con.execute(
            "insert into ledger.known_event (code, name, kind, action, first_day, last_day, "
            "measures, evidence) values "
            "('strike', 'Strike', 'reporting', 'exclude', '2019-05-31', '2019-05-31', 'all', ''), "
            "('rules', 'New rules', 'counting_rule', 'break', '2020-04-01', null, "
            "'under_25_vwi, under_25_vwi_knife_used', '')"
        )
    return build(path)


@pytest.fixture(scope="module")
def whole_years(folder: Path, nothing: object) -> Built:
    """Two whole years of one system: no eras, geography or persons, and no last month."""
    path = folder / "whole.duckdb"
    months = [f"{y + (m < 4)}-{m:02d}" for y in (2019, 2021) for m in range(1, 13)]
    with empty_warehouse(path) as con:
        configure(con, None)
        records = crimes("OLD", 25, "2019-04-20") + crimes("NEW", 25, "2022-03-31")
        for month in months:
            if month not in ("2019-04", "2022-03"):
                records += crimes(month, 1, f"{month}-15")
        enter(con, "legacy/crimes", "crimes", records)
        enter(con, "hospital/hes_apc", "hes", [episode(1, "2020-03-30", 20)])
        enter(con, "hospital/hes_apc", "hes too", [episode(2, "2022-03-30", 20)])
    return build(path)


def headline(built: Built, indicator: str, basis: str, columns: str, area: str = FORCE) -> tuple:
    (row,) = built.rows(
        f"select {columns} from marts.mart_headline_indicators where area_id = '{area}' "
        f"and indicator_code = '{indicator}' and basis = '{basis}'"
    )
    return row


def exact_ratio(current: int, baseline: int, scale: float = 1.0) -> tuple[float, float]:
    """The limits of current over baseline, from Clopper-Pearson's of its share of both."""
    low = beta.ppf(0.025, current, baseline + 1)
    high = beta.ppf(0.975, current + 1, baseline)
    return low / (1 - low) * scale, high / (1 - high) * scale


def test_with_nothing_at_all_every_indicator_is_there_and_not_assessed(nothing):
    assert len(nothing["headlines"]) == 2 * 21
    assert {row[2:] for row in nothing["headlines"]} == {
        (None, None, "not assessed", "not_comparable")
    }
    for name in ("home_office_metrics", "outcomes", "count_vintages", "record_linkage"):
        assert nothing[name] == [], name


def test_with_one_year_nothing_is_compared(one_year):
    assert {row[2:] for row in one_year["headlines"]} == {
        (None, None, "not assessed", "not_comparable")
    }
    assert one_year["missing"] == [(0, 4, None, None, None)]
    assert one_year["outcomes"] == [("month",)]
    assert one_year["vintages"][0][0] > 0


def test_a_month_that_either_year_lacks_is_left_out_of_both(both: Built):
    counts = "compared_month_count, missing_month_count, baseline_count, current_count"
    # June is missing in 2019; the crime in both systems is one.
    assert headline(both, "all_crime", "recorded", counts) == (3, 1, 78, 84)
    assert headline(both, "all_crime", "like_for_like", counts) == (3, 1, 78, 78)
    # The persons of May are missing in 2021.
    assert headline(both, "under_25_vwi", "recorded", counts) == (2, 2, 50, 50)
    assert headline(both, "under_25_vwi", "like_for_like", counts) == (2, 2, 50, 44)
    # CONNECT alone knows of spiking.
    assert headline(both, "under_25_vwi_spiking", "recorded", counts) == (0, 4, None, None)
    # No admission of 2019 was supplied.
    assert headline(both, "sharp_object_admissions", "recorded", counts) == (0, 4, None, None)
    assert headline(
        both,
        "under_25_vwi",
        "recorded",
        "baseline_day_count, current_day_count, baseline_first_month::varchar, "
        "current_last_month::varchar, baseline_period_label, current_period_label",
    ) == (61, 61, "2019-04-01", "2021-07-01", "2019/20 to 2019-07", "2021/22 to 2021-07")


def test_verdicts_and_ratios(both: Built):
    columns = "verdict, rate_ratio, rate_ratio_lower, rate_ratio_upper, p_value, change_pct"
    verdict, *figures = headline(both, "all_crime", "recorded", columns)
    assert verdict == "not distinguishable from chance"
    exact = binomtest(84, 162).pvalue
    assert figures == pytest.approx(
        [84 / 78, *exact_ratio(84, 78), exact, 100 * (84 / 78 - 1)], rel=1e-9
    )
    verdict, ratio, lower, upper, p, change = headline(
        both, "possession_of_blade", "recorded", columns
    )
    assert (verdict, ratio, lower, change) == ("down", 0, 0, None)
    assert upper == pytest.approx(1 / (beta.ppf(0.025, 22, 1) / (1 - beta.ppf(0.025, 22, 1))))
    assert p == pytest.approx(2 * 0.5**22)
    # No crime in either year, in one, in the other: no ratio to nothing.
    assert headline(both, "homicide", "recorded", columns) == (
        "none in either period",
        None,
        0,
        None,
        1,
        None,
    )
    assert headline(both, "all_crime", "recorded", columns, "npu/WV")[:2] == (
        "not distinguishable from chance",
        0,
    )
    verdict, ratio, lower, upper, _, change = headline(
        both, "all_crime", "recorded", columns, "npu/unknown"
    )
    assert (verdict, ratio, upper, change) == ("not distinguishable from chance", None, None, None)
    assert lower > 0


def test_a_flag_that_is_less_filled_in_is_a_range_like_for_like(both: Built):
    counts = (
        "is_range, baseline_count, baseline_possible_count, current_count, current_possible_count, "
        "verdict, rate_ratio, p_value, current_estimate, change_pct"
    )
    limits = (
        "rate_ratio_lower, rate_ratio_upper, current_estimate_lower, current_estimate_upper, "
        "change_pct_lower"
    )
    recorded = headline(both, "under_25_vwi_knife_used", "recorded", counts)
    assert recorded[:7] == (False, 30, 10, 6, 28, "down", 0.2)
    # Ten that were seen are no question: used were 6 to 34, of at most 40 in the baseline.
    assert headline(both, "under_25_vwi_knife_used", "like_for_like", counts) == (
        (True, 30, 10, 6, 28, "undecidable", None, None, None, None)
    )
    share = binomtest(30, 40).proportion_ci(method="exact")
    *found, change = headline(both, "under_25_vwi_knife_used", "like_for_like", limits)
    assert found == pytest.approx(
        [
            exact_ratio(6, 40)[0],
            exact_ratio(34, 30)[1],
            chi2.ppf(0.025, 2 * 6) / 2 * share.low,
            chi2.ppf(0.975, 2 * 35) / 2,
        ]
    )
    assert change is None  # fewer than twenty
    # A knife was there in all of them, and that is no question.
    whole = headline(both, "under_25_vwi_knife_crime", "like_for_like", counts)
    assert whole[:6] == (False, 40, None, 44, None, "not distinguishable from chance")
    assert whole[6:] == pytest.approx((44 / 40, binomtest(44, 84).pvalue, 44, 10))
    # Nothing in WV had a knife.
    assert headline(both, "knife_used", "like_for_like", counts, "npu/WV") == (
        (True, 0, 0, 0, 0, "none in either period", None, None, None, None)
    )
    none = headline(both, "knife_used", "like_for_like", limits, "npu/WV")
    assert none == (0, None, 0, pytest.approx(chi2.ppf(0.975, 2) / 2), None)


def test_what_is_said_of_comparability(both: Built):
    columns = "comparability_status, comparability_text"
    status, text = headline(both, "all_crime", "recorded", columns)
    assert status == "caution"
    assert text.startswith("The periods were recorded in different systems: Old system gave way")
    assert text.endswith(" One month that either year lacks is left out of both.")
    assert "Months that lack" not in text
    assert headline(both, "under_25_vwi", "recorded", columns)[1].endswith(
        " 2 months that either year lacks are left out of both."
    )
    assert headline(both, "sharp_object_admissions", "recorded", columns) == (
        "not_comparable",
        "No month can be counted in both years.",
    )


def test_a_known_event_leaves_its_months_out_of_both_years(eventful: Built):
    columns = (
        "compared_month_count, missing_month_count, excluded_month_count, baseline_count, "
        "current_count, baseline_day_count, verdict"
    )
    # April and July: May is left out, June missing. The strike was in a month of 2019 only.
    assert headline(eventful, "all_crime", "recorded", columns) == (
        (2, 1, 1, 56, 54, 61, "not distinguishable from chance")
    )
    text = headline(eventful, "all_crime", "recorded", "comparability_text")[0]
    assert (
        "Known event in the baseline period: Strike (2019-05-31 to 2019-05-31); the months it "
        "touches are to be left out of both years." in text
    )
    assert text.endswith(
        " One month that a known event touches is left out of both years. "
        "One month that either year lacks is left out of both."
    )
    assert "New rules" not in text
    # Strikes at the police are none at the hospital.
    assert headline(eventful, "sharp_object_admissions", "recorded", columns)[1:3] == (4, 0)
    # The year to date is that of the same months; May itself is there as it was.
    assert eventful.rows(
        "select period_label, month_count, recorded_count from marts.mart_outcomes "
        f"where area_id = '{FORCE}' and offence_category = 'all' "
        "and (period_type = 'year_to_date' or period_label = '2019-05') order by 1"
    ) == [("2019-05", 1, 22), ("2019/20 to date", 2, 56), ("2021/22 to date", 2, 54)]
    assert eventful.rows(
        "select value, supply_status from marts.mart_monthly_series where area_type = 'force' "
        "and measure_code = 'all_crime' and month = '2019-05-01' and basis = 'recorded'"
    ) == [(22, "supplied")]


def test_across_a_known_event_that_breaks_comparisons_there_are_counts_and_no_ratio(
    eventful: Built,
):
    columns = (
        "verdict, comparability_status, baseline_count, current_count, rate_ratio, "
        "rate_ratio_lower, rate_ratio_upper, p_value, change_pct_lower"
    )
    broken = ("not comparable", "not_comparable", 50, 50, None, None, None, None, None)
    assert headline(eventful, "under_25_vwi", "recorded", columns) == broken
    assert (
        "nothing may be compared across it"
        in (headline(eventful, "under_25_vwi", "recorded", "comparability_text")[0])
    )
    for basis in ("recorded", "like_for_like"):
        found = headline(eventful, "under_25_vwi_knife_used", basis, columns)
        assert found == (*broken[:2], 30, 6, *broken[4:])
    # Of what the event does not name nothing is broken.
    found = headline(eventful, "violence_with_injury", "recorded", columns)
    assert found[1] == "caution" and found[4] is not None


def test_areas(both: Built):
    assert both.rows(
        "select area_id, area_name, baseline_count, current_count "
        "from marts.mart_headline_indicators "
        "where indicator_code = 'all_crime' and basis = 'recorded' order by area_id"
    ) == [
        (FORCE, "West Midlands", 78, 84),
        ("impact_area/all", "All impact areas", 72, 81),
        ("npu/BE", "Unit BE", 72, 81),
        ("npu/WV", "Unit WV", 5, 0),
        ("npu/XX", "XX", 1, 0),
        ("npu/unknown", "Unit not known", 0, 3),
    ]


def test_months_are_zero_where_supplied_and_a_status_where_not(both: Built):
    def series(measure: str, area: str = FORCE) -> list[tuple]:
        return both.rows(
            "select strftime(month, '%Y-%m'), value, supply_status "
            f"from marts.mart_monthly_series where measure_code = '{measure}' "
            f"and area_id = '{area}' and basis = 'recorded' and month in "
            "('2019-04-01', '2019-06-01', '2020-04-01', '2021-05-01', '2021-06-01') order by 1"
        )

    missing = [("2019-06", None, "not_supplied"), ("2020-04", None, "not_supplied")]
    assert series("violence_with_injury") == [
        ("2019-04", 50, "supplied"),
        *missing,
        ("2021-05", 30, "supplied"),
        ("2021-06", 37, "supplied"),
    ]
    assert series("under_25_vwi") == [
        ("2019-04", 50, "supplied"),
        *missing,
        ("2021-05", None, "incomplete"),
        ("2021-06", 37, "supplied"),
    ]
    zeros = [
        ("2019-04", 0, "supplied_zero"),
        *missing,
        ("2021-05", 0, "supplied_zero"),
        ("2021-06", 0, "supplied_zero"),
    ]
    assert series("homicide") == zeros  # counted nowhere at all
    assert series("homicide", "npu/WV") == zeros
    assert series("under_25_vwi_spiking")[0] == ("2019-04", None, "not_recorded")
    assert series("sharp_object_admissions", "npu/BE") == []


def test_home_office_metrics(both: Built):
    assert both.rows(
        "select strftime(month, '%Y-%m'), event_count, round(event_count_upper, 3), supply_status "
        "from marts.mart_home_office_metrics where metric_code = 'sharp_object_admissions' "
        "and age_group = 'all' and month in "
        "('2019-04-01', '2021-03-01', '2021-04-01', '2021-05-01', '2021-07-01') order by 1"
    ) == [
        ("2019-04", None, None, "not_supplied"),
        ("2021-03", None, None, "not_supplied"),
        ("2021-04", 3, 8.767, "supplied"),
        ("2021-05", 0, 3.689, "supplied"),  # its one patient lives elsewhere
        ("2021-07", 1, 5.572, "supplied"),
    ]
    assert (
        both.rows(
            "select metric_code, age_group, count(*) from marts.mart_home_office_metrics "
            "group by all having count(*) <> 28 or count(distinct month) <> 28"
        )
        == []
    )  # April 2019 to July 2021


def test_outcomes_by_cohort(both: Built):
    rows = both.rows(
        "select period_label, month_count, is_mature, recorded_count, finished_count, "
        "positive_count, positive_pct, positive_within_90_days_count, positive_within_90_days_pct "
        f"from marts.mart_outcomes where area_id = '{FORCE}' and period_type <> 'month' "
        "and offence_category like '%victim under 25' order by 1"
    )
    assert rows == [
        ("2019/20 to date", 2, True, 50, 30, 30, 60, 22, 44),
        ("2019/20 to date, mature months", 1, True, 50, 30, 30, 60, 22, 44),
        # What ended on 1 August had not ended yet.
        ("2021/22 to date", 2, False, 50, 5, 5, 10, None, None),
        ("2021/22 to date, mature months", 1, True, 50, 5, 5, 10, 5, 10),
    ]
    # Of May no victim's age is known, of June no other year; few crimes have no percentage.
    assert both.rows(
        "select period_label, recorded_count, positive_pct from marts.mart_outcomes "
        f"where area_id = '{FORCE}' and period_type = 'month' and financial_year = '2021/22' "
        "and offence_category like '%victim under 25' order by 1"
    ) == [("2021-04", 50, 10), ("2021-06", 37, 0)]
    lower, upper = both.rows(
        "select positive_pct_lower, positive_pct_upper from marts.mart_outcomes "
        f"where area_id = '{FORCE}' and period_label = '2021-07' and offence_category = 'all' "
        "and positive_pct is null and recorded_count = 3"
    )[0]
    wilson = binomtest(0, 3).proportion_ci(method="wilson")
    assert (lower, upper) == pytest.approx((0, 100 * wilson.high))
    assert both.rows("select distinct reporting_date::varchar from marts.mart_outcomes") == [
        ("2021-07-31",)
    ]


def test_counts_as_they_were_known(both: Built):
    def vintages(measure: str) -> list[tuple]:
        return both.rows(
            "select as_of_date::varchar, event_count, difference_count, cancelled_count, "
            "reclassified_out_count, round(difference_pct, 3), is_latest "
            "from marts.mart_count_vintages "
            f"where month = '2021-06-01' and measure_code = '{measure}' order by 1"
        )

    assert vintages("all_crime") == [
        ("2021-06-30", 39, 0, 0, 0, 0, False),
        ("2021-07-31", 38, -1, 1, 0, -2.564, False),
        ("2021-08-31", 37, -2, 2, 0, -5.128, True),
    ]
    # Reclassified first: what it is cancelled from in August is violence no more.
    assert vintages("violence_with_injury") == [
        ("2021-06-30", 39, 0, 0, 0, 0, False),
        ("2021-07-31", 37, -2, 1, 1, -5.128, False),
        ("2021-08-31", 37, -2, 1, 1, -5.128, True),
    ]
    assert vintages("under_25_vwi") == vintages("violence_with_injury")
    # Only months that can be counted in full: without persons, May is not one of the last.
    assert both.rows(
        "select measure_code, string_agg(distinct strftime(month, '%Y-%m'), ' ' order by "
        "strftime(month, '%Y-%m')) from marts.mart_count_vintages group by 1 order by 1"
    ) == [
        ("all_crime", "2019-04 2019-05 2019-07 2021-04 2021-05 2021-06 2021-07"),
        ("under_25_vwi", "2019-04 2019-05 2019-07 2021-04 2021-06 2021-07"),
        ("violence_with_injury", "2019-04 2019-05 2019-07 2021-04 2021-05 2021-06 2021-07"),
    ]


def test_what_was_in_both_systems_and_how_sure_that_is(both: Built):
    assert both.rows(
        "select link_reason, crime_count, linked_count, linked_pct, score_min = score_median, "
        "near_above_count + near_below_count, log_compared_count, log_agreed_count, "
        "persons_compared_count, log_agreed_pct from marts.mart_record_linkage "
        "where month = '2021-04-01' order by 1"
    ) == [
        ("all", 51, 1, pytest.approx(100 / 51), True, 0, 1, 1, 0, None),
        ("attributes", 51, 0, 0, None, 0, 0, 0, 0, None),
        ("log_number", 51, 0, 0, None, 0, 0, 0, 0, None),
        ("log_number_and_attributes", 51, 1, pytest.approx(100 / 51), True, 0, 1, 1, 0, None),
    ]
    assert both.rows(
        "select sum(linked_count) from marts.mart_record_linkage where month <> '2021-04-01'"
    ) == [(0,)]


def test_years_of_unequal_length_are_compared_by_the_day(whole_years: Built):
    columns = (
        "compared_month_count, missing_month_count, baseline_day_count, current_day_count, "
        "rate_ratio, change_pct, rate_ratio_lower, rate_ratio_upper"
    )
    *figures, lower, upper = headline(whole_years, "all_crime", "recorded", columns)
    assert figures == pytest.approx([12, 0, 366, 365, 366 / 365, 100 / 365], rel=1e-9)
    assert (lower, upper) == pytest.approx(exact_ratio(36, 36, 366 / 365))
    assert headline(
        whole_years, "all_crime", "recorded", "current_period_label, comparability_status"
    ) == ("2021/22 to 2022-03", "caution")


def test_without_persons_or_geography_nothing_is_taken_for_zero(whole_years: Built):
    for indicator in ("under_25_vwi", "under_25_homicide", "under_25_sharp_object_admissions"):
        assert headline(
            whole_years, indicator, "recorded", "missing_month_count, baseline_count, verdict"
        ) == (12, None, "not assessed"), indicator
    # Whether a patient lives in the force nobody can tell.
    assert whole_years.rows(
        "select supply_status, event_count, count(*) from marts.mart_home_office_metrics "
        "where metric_code = 'sharp_object_admissions' group by all order by 1"
    ) == [("incomplete", None, 48), ("not_supplied", None, 24)]
    assert whole_years.rows(
        "select distinct area_id from marts.mart_headline_indicators order by 1"
    ) == [(FORCE,), ("npu/unknown",)]
    # Without eras no system is known to hold spiking, and it gave no file.
    assert headline(whole_years, "under_25_vwi_spiking", "recorded", "verdict") == ("not assessed",)


def test_without_a_last_month_outcomes_are_read_at_the_last_record(whole_years: Built):
    assert whole_years.rows(
        "select period_label, month_count, is_mature, reporting_date::varchar, recorded_count "
        f"from marts.mart_outcomes where area_id = '{FORCE}' and offence_category = 'all' "
        "and period_type <> 'month' order by 1"
    ) == [
        ("2019/20 to date", 12, True, "2022-03-31", 36),
        ("2019/20 to date, mature months", 9, True, "2022-03-31", 33),
        ("2021/22 to date", 12, False, "2022-03-31", 36),
        ("2021/22 to date, mature months", 9, True, "2022-03-31", 9),
    ]


# --------------------------------------------------------------------------- seed and conditions


def macros() -> dict[str, dict[str, str]]:
    """What the macros of indicators return, by name."""
    returned: list[Any] = []
    environment = jinja2.Environment()
    environment.globals["return"] = returned.append
    source = (DBT_PROJECT / "macros" / "indicators.sql").read_text()
    module = environment.from_string(source).module
    found = {}
    for name in ("offence_indicators", "admission_indicators", "flag_indicators"):
        getattr(module, name)()
        found[name] = returned.pop()
    return found


@pytest.fixture(scope="module")
def seed() -> dict[str, dict[str, str]]:
    with (DBT_PROJECT / "seeds" / "indicators.csv").open(newline="") as file:
        return {row["indicator_code"]: row for row in csv.DictReader(file)}


def test_every_indicator_of_the_seed_has_its_condition_and_no_other_has(seed):
    named = macros()
    for kind in ("offence", "admission"):
        codes = [code for code, row in seed.items() if row["record_type"] == kind]
        assert sorted(named[f"{kind}_indicators"]) == sorted(codes)


def test_conditions_need_what_the_seed_says_they_need(seed):
    conditions = macros()["offence_indicators"]
    for code, condition in conditions.items():
        by_age = "has_victim_under_25" in condition
        assert (
            by_age
            == (seed[code]["age_group"] == "under_25")
            == ("under 25" in seed[code]["indicator_name"])
        ), code
        assert ("is_spiking" in condition) == (seed[code]["needed_system"] == "connect"), code


def test_what_may_be_of_a_flag_is_what_would_be_of_it_if_the_use_were_recorded(seed):
    named = macros()
    assert named["flag_indicators"]
    for flag, possible in named["flag_indicators"].items():
        certain = named["offence_indicators"][flag]
        assert "is_knife_used" in certain and "is_knife_used" not in possible
        parts = [set(c.split(" and ")) for c in (certain, possible)]
        assert parts[0] - {"is_knife_used"} == parts[1] - {
            "has_knife",
            "weapon_use_code = 'unknown'",
        }, flag


def test_every_home_office_metric_is_of_all_ages_and_of_the_young(seed):
    metrics: dict[str, set[str]] = {}
    for row in seed.values():
        if row["home_office_metric_code"]:
            metrics.setdefault(row["home_office_metric_code"], set()).add(row["age_group"])
    assert metrics
    assert set(map(frozenset, metrics.values())) == {frozenset({"all", "under_25"})}
