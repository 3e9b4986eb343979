"""Marts of grants, programme and audits, and the comparability of periods, on a small warehouse.

The board paper's Appendix A is test data here: what was budgeted, spent and foreseen at the end of
October 2021. Late invoices, reversals and outdated forecasts are put around it, and the position
of that day must still be the paper's.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import duckdb
import pytest
from appendix_a import APPENDIX_A
from scipy.stats import binomtest
from warehouse_support import Built, dbt, empty_warehouse, enter

YEAR = "2021/22"
AWARD = "the award"
#: What the late invoices of nine lines come to.
LATE = 9 * Decimal("1234.56")
REMAINING = ["2021-11", "2021-12", "2022-01", "2022-02", "2022-03"]
SELECTED = [
    "+dim_recording_era",
    "+dim_known_event",
    "+dim_outcome_type",
    "+int_period_comparability_summary",
    "+mart_grant_position",
    "+mart_grant_conditions",
    "+mart_programme",
    "+mart_data_integrity_audit",
]


def grants(con: duckdb.DuckDBPyConnection) -> None:
    """Appendix A as a ledger, with what a real one has around it."""
    lines, entries = [], []

    def post(line: str, period: str, kind: str, amount: float, posted: str) -> None:
        entries.append(
            {
                "entry_id": f"E{len(entries):04d}",
                "line_id": line,
                "period": period,
                "kind": kind,
                "amount": amount,
                "posted_at": dt.datetime.fromisoformat(posted),
                "_period": YEAR,
            }
        )

    for number, (project, funding, original, bid, spent, foreseen) in enumerate(APPENDIX_A, 1):
        line = f"L{number:02d}"
        lines.append(
            {
                "financial_year": YEAR,
                "line_id": line,
                "award_id": AWARD,
                "funding": funding,
                "project": project,
                "original_amount": original,
                "bid_amount": bid,
                "_period": YEAR,
            }
        )
        if spent:
            post(line, "2021-04", "actual", spent // 3, "2021-04-29 10:00")
            post(line, "2021-09", "actual", spent // 4, "2021-10-12 10:00")  # late, but in time
            post(line, "2021-10", "actual", spent - spent // 3 - spent // 4, "2021-10-31 23:59:59")
            post(line, "2021-10", "actual", 17_000, "2021-10-20 09:00")
            post(line, "2021-10", "actual", -17_000, "2021-10-21 09:00")
            post(line, "2021-10", "actual", 1_234.56, "2021-11-01 00:00")  # not known yet
            post(line, "2021-10", "accrual", 500, "2021-10-31 17:00")
        fifth = foreseen // 5
        for place, period in enumerate(REMAINING):
            post(line, period, "forecast", 99_999, "2021-04-14 12:00")  # outdated
            amount = fifth if place else foreseen - 4 * fifth
            post(line, period, "forecast", amount, "2021-10-27 12:00")
        post(line, "2021-12", "forecast", 1, "2021-11-03 12:00")  # not known yet
        post(line, "2021-10", "forecast", 8_888, "2021-10-01 12:00")  # of a month that is over
    enter(con, "grants/budget_lines", "budget", lines)
    enter(con, "grants/ledger", "ledger", entries)
    rules = [
        ("match_pct", None, 20, YEAR),
        ("bid_cap_pct", None, 17, YEAR),
        ("spend_within_year", None, None, YEAR),
        ("category_cap_pct", "technology", 15, YEAR),
        ("report_due", None, None, "2021-12"),
    ]
    enter(
        con,
        "grants/conditions",
        "conditions",
        [
            {
                "award_id": AWARD,
                "rule": rule,
                "applies_to": about,
                "threshold": threshold,
                "period": period,
                "_period": YEAR,
            }
            for rule, about, threshold, period in rules
        ],
    )


def programme(con: duckdb.DuckDBPyConnection) -> None:
    """One month of each table, and two of county lines with one missing between them."""
    month = {"month": "2021-11", "_period": YEAR}
    enter(
        con,
        "programme/training",
        "training",
        [{**month, "staff_group": "custody", "establishment_count": 500, "trained_count": 165}],
    )
    results = {"child_safeguarded_count": 3, "line_closed_count": 4}
    enter(
        con,
        "programme/county_lines",
        "county lines",
        [
            {**month, "month": "2021-09", "arrest_count": 60, **results},
            {**month, "arrest_count": 40, **results},
        ],
    )
    enter(
        con,
        "programme/cohort_tiers",
        "cohorts",
        [
            {
                **month,
                "cohort": "Fresco",
                "tier": 4,
                "person_count": 15,
                "in_custody_count": 0,
                "arrest_count": 3,
                "intervention_count": 28,
                "archived_count": 9,
                "reoffended_count": 0,
            }
        ],
    )
    enter(
        con,
        "programme/diversions",
        "diversions",
        [
            {
                **month,
                "npu_code": unit,
                "pathway": "checkpoint",
                "referral_count": referred,
                "completion_count": completed,
                "reoffended_count": 0,
                "in_impact_area_count": 2,
            }
            for unit, referred, completed in (("SH", 19, 15), ("BE", 6, 5))
        ],
    )


def audits(con: duckdb.DuckDBPyConnection) -> None:
    """Thirty-five reviews, and forty logs of which four gave too few crimes."""
    enter(
        con,
        "audits/s47_audit",
        "s47",
        [
            {
                "audit_month": "2021-11",
                "crime_ref": f"C{number}",
                "is_contacted_within_7_days": number < 25,
                "is_victim_updated": True,
                "is_plan_recorded": True,
                "is_supervisory_review_recorded": True,
                "_period": "2021-11",
            }
            for number in range(35)
        ],
    )
    enter(
        con,
        "audits/cdi_audit",
        "cdi",
        [
            {
                "audit_month": "2021-11",
                "log_number": f"L{number}",
                "offence_group": "violence" if number < 30 else "other",
                "crimes_required_count": 1,
                "crimes_recorded_count": int(number >= 4) + int(number == 39),
                "recorded_within_24_hours_count": int(number >= 6),
                "_period": "2021-11",
            }
            for number in range(40)
        ],
    )


def records(con: duckdb.DuckDBPyConnection) -> None:
    """Two eras, a known event, and a file for every month but one of the second system's."""
    con.execute(
        "insert into ledger.recording_era values "
        "('old', 'The old system', 'legacy', '2000-01-01', '2021-04-05', ''), "
        "('new', 'The new system', 'connect', '2021-04-06', null, '')"
    )
    con.execute(
        "insert into ledger.known_event (code, name, kind, action, first_day, last_day, "
        "measures, evidence) values "
        "('reviews', 'Logs are reviewed', 'recording_practice', 'flag', '2020-11-01', null, "
        "'all', 'this test')"
    )
    months = [f"{2019 + n // 12}-{n % 12 + 1:02d}" for n in range(3, 35)]
    enter(con, "legacy/crimes", "old", [], [m for m in months if m <= "2021-04"])
    enter(
        con,
        "connect/investigations",
        "new",
        [],
        [m for m in months if m >= "2021-04" and m != "2021-09"],
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    home = tmp_path_factory.mktemp("force")
    path = home / "plumbline.duckdb"
    with empty_warehouse(path) as con:
        grants(con)
        programme(con)
        audits(con)
        records(con)
    done = dbt(
        path,
        home / "target",
        "build",
        "--exclude-resource-type",
        "unit_test",
        "--indirect-selection",
        "cautious",
        "--select",
        *SELECTED,
    )
    assert done.code == 0, done.output
    return done


def test_the_position_at_the_end_of_october_is_the_papers(built: Built):
    rows = built.rows(
        "select line_name, funding_type, cast(original_amount as bigint), "
        "cast(bid_amount as bigint), cast(actual_year_to_date_amount as bigint), "
        "cast(forecast_remaining_amount as bigint) from marts.mart_grant_position "
        "where month = '2021-10-01' and line_level = 'line' order by line_id"
    )
    assert rows == APPENDIX_A
    totals = built.rows(
        "select funding_type, total_amount, actual_year_to_date_amount, "
        "forecast_remaining_amount, outlook_amount, variance_amount, round(variance_pct, 2), "
        "round(spent_per_month_amount), round(needed_per_month_amount), round(pace_ratio, 2) "
        "from marts.mart_grant_position where month = '2021-10-01' and line_level <> 'line' "
        "order by line_level desc, funding_type"
    )
    assert [tuple(map(float, row[1:])) for row in totals] == [
        (3_439_800, 1_462_174, 1_977_626, 3_439_800, 0, 0, 208_882, 395_525, 1.89),
        (588_000, 315_285, 443_510, 758_795, 170_795, 29.05, 45_041, 54_543, 1.21),
        (4_027_800, 1_777_459, 2_421_136, 4_198_595, 170_795, 4.24, 253_923, 450_068, 1.77),
    ]


def test_what_was_late_taken_back_or_not_known_yet_is_shown_beside(built: Built):
    assert built.rows(
        "select late_posted_count, reversed_amount, reversed_count, accrual_amount, "
        "posted_later_amount, position_status from marts.mart_grant_position "
        "where month = '2021-10-01' and line_level = 'award'"
    ) == [(9, -17_000 * 9, 9, 500 * 9, LATE, "closed")]
    # In November the late invoices are known, of October's spending.
    assert built.rows(
        "select actual_year_to_date_amount - 1777459, actual_month_amount, late_posted_amount, "
        "position_status from marts.mart_grant_position "
        "where month = '2021-11-01' and line_level = 'award'"
    ) == [(LATE, 0, LATE, "open")]


def test_conditions_say_what_they_compare(built: Built):
    rows = built.rows(
        "select rule_code, condition_status, round(value_pct, 1), status_text "
        "from marts.mart_grant_conditions where position_month = '2021-10-01' order by rule_code"
    )
    assert [row[:3] for row in rows] == [
        ("bid_cap_pct", "met", 17.0),
        ("category_cap_pct", "not_assessed", None),
        ("match_pct", "met", 25.8),
        ("spend_within_year", "at_risk", 100.0),
    ]
    assert rows[3][3] == (
        "£1,462,174 of the grant of £3,439,800 is spent, and £3,439,800, 100.0%, is expected by "
        "the end of March 2022. The rest needs £395,525 a month, 1.9 times the £208,882 a month "
        "so far."
    )
    assert built.rows(
        "select position_month, condition_status from marts.mart_grant_conditions "
        "where rule_code = 'report_due'"
    ) == [(dt.date(2021, 12, 1), "not_assessed")]


def test_programme(built: Built):
    def figures(measure: str, *, period: str, npu: str = "all") -> list[tuple]:
        return built.rows(
            "select value, value_lower, value_upper, supply_status, value_text "
            f"from marts.mart_programme where measure_code = '{measure}' and npu_code = '{npu}' "
            f"and period_type = '{period}' and month = '2021-11-01'"
        )

    assert figures("training_coverage", period="month_end") == [
        (33.0, None, None, "supplied", "165 of 500, 33.0%.")
    ]
    ((value, lower, upper, _, words),) = figures("cohort_reoffended_share", period="year_to_date")
    assert (value, lower) == (None, 0)
    assert upper == pytest.approx(100 * binomtest(0, 9).proportion_ci(method="exact").high)
    assert words == "0 of 9; with 95% confidence at most 33.6%."
    ((value, lower, upper, _, _),) = figures("diversion_completion_share", period="month")
    exact = binomtest(20, 25).proportion_ci(method="exact")
    assert (value, lower, upper) == pytest.approx((80, 100 * exact.low, 100 * exact.high))
    ((value, _, _, _, words),) = figures("diversion_completion_share", period="month", npu="SH")
    assert value is None and words.startswith("15 of 19, too few for a percentage;")
    ((value, _, _, status, _),) = figures("county_lines_arrests", period="to_date")
    assert (value, status) == (100, "incomplete")
    assert built.rows(
        "select supply_status from marts.mart_programme where month = '2021-10-01' "
        "and measure_code = 'county_lines_arrests' and period_type = 'month'"
    ) == [("not_supplied",)]


def test_audits(built: Built):
    rows = built.rows(
        "select measure_code, offence_group, sample_count, numerator_count, denominator_count, "
        "compliance_pct, compliance_lower_pct, compliance_upper_pct "
        "from marts.mart_data_integrity_audit where period_type = 'month' "
        "and measure_code in ('cdi_recorded', 's47_contacted_within_7_days') order by 1, 2"
    )
    assert [row[:5] for row in rows] == [
        ("cdi_recorded", "all", 40, 36, 40),  # the crime too many of the last log counts nowhere
        ("cdi_recorded", "other", 10, 10, 10),
        ("cdi_recorded", "violence", 30, 26, 30),
        ("s47_contacted_within_7_days", "all", 35, 25, 35),
    ]
    for *_, numerator, denominator, share, lower, upper in rows:
        wilson = binomtest(numerator, denominator).proportion_ci(method="wilson")
        assert (lower, upper) == pytest.approx((100 * wilson.low, 100 * wilson.high))
        few = denominator < 20
        assert share is None if few else share == pytest.approx(100 * numerator / denominator)
    assert built.rows(
        "select numerator_count, denominator_count, audited_month_count, supply_status "
        "from marts.mart_data_integrity_audit where period_type = 'rolling_12_months' "
        "and measure_code = 'cdi_recorded_within_24_hours' and offence_group = 'all'"
    ) == [(34, 36, 1, "incomplete")]


def test_comparisons_carry_their_warnings(built: Built):
    def warnings(code: str) -> dict[str, str]:
        return dict(
            built.rows(
                "select warning_code, warning_text from intermediate.int_period_comparability "
                f"where comparison_code = '{code}'"
            )
        )

    assert warnings("year_to_date:2021/22 to 2021-11:2019/20 to 2019-11") == {
        "crosses_recording_system": "The periods were recorded in different systems: The old "
        "system gave way to The new system on 2021-04-06. A change between them may be one of "
        "recording.",
        "known_event_flag": "Known event in the current period: Logs are reviewed (from "
        "2020-11-01).",
        "incomplete_period": "Months that lack the records of a system in use, in the current "
        "period: 2021-09.",
    }
    assert list(warnings("month:2020-05:2019-05")) == ["lockdown_days"]
    assert warnings("month:2020-08:2019-08") == {}
    assert built.rows(
        "select current_label, comparability_status, is_across_systems "
        "from intermediate.int_period_comparability_summary "
        "where period_type = 'month' and current_first_date in "
        "('2020-05-01', '2020-08-01', '2021-08-01', '2021-09-01') order by 1"
    ) == [
        ("2020-05", "caution", False),
        ("2020-08", "comparable", False),
        ("2021-08", "caution", True),
        ("2021-09", "not_comparable", True),
    ]


def test_dimensions(built: Built):
    assert built.rows(
        "select era_code, recording_system, previous_era_code, is_current "
        "from marts.dim_recording_era order by first_date"
    ) == [("old", "legacy", None, False), ("new", "connect", "old", True)]
    assert built.rows("select event_code, is_lasting from marts.dim_known_event") == [
        ("reviews", True)
    ]
    (core, wider) = (
        [code for (code,) in built.rows(f"select outcome_type_code {rest}")]
        for rest in (
            "from marts.dim_outcome_type where is_positive_core order by sort_order",
            "from marts.dim_outcome_type where is_positive_plus_diversion order by sort_order",
        )
    )
    assert core == ["1", "2", "3", "6", "7", "8"]
    assert wider == [*core, "22"]
