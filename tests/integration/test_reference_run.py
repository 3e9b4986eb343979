"""The first thing a newcomer does: a run with no landing, and the figures that the README names."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from whole_runs import ask, plumbline

from orchestration.alerts import backtest, backtest_report
from orchestration.recording_checks import adjust_by_family
from orchestration.run import _FIGURES
from orchestration.settings import PROJECT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    home = tmp_path_factory.mktemp("newcomer") / "data"
    return home, plumbline("run", home=home, timeout=580)


@pytest.fixture
def home(run: tuple[Path, subprocess.CompletedProcess[str]]) -> Path:
    home, done = run
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return home


def test_it_simulates_loads_builds_and_publishes(home: Path, run) -> None:
    _, done = run
    assert "simulating the scenario 'reference'" in done.stderr + done.stdout
    assert "New release" in done.stdout
    # With progress, though nobody sits at a terminal.
    assert done.stderr.count("loading ") > 10
    assert "building and testing models" in done.stderr


def test_its_output_shows_the_headline_figures(home: Path, run) -> None:
    _, done = run
    shown = {
        tuple(cell.strip() for cell in line.split("│")[2:4])
        for line in done.stdout.splitlines()
        if line.startswith("│")
    }
    assert {
        ("90", "80"),
        ("333", "361"),
        ("9", "4"),
        ("4", "3"),
        ("5,936", "6,856"),
        ("500", "530"),
        ("2,318", "3,114"),
    } <= shown


def test_every_figure_can_be_asked(home: Path) -> None:
    """A run leaves out a figure whose query fails, so that an old release can be shown."""
    release = (home / "releases" / "current" / "plumbline.duckdb").resolve()
    with duckdb.connect(str(release), read_only=True) as con:
        for sql in _FIGURES:
            assert con.execute(sql).fetchall(), sql


def test_the_alerts_can_be_back_tested(home: Path) -> None:
    """Judged again from what is published, every check says what is published."""
    release = (home / "releases" / "current" / "plumbline.duckdb").resolve()
    checks = backtest_report.read_checks()
    with duckdb.connect(str(release), read_only=True) as con:
        ledger = backtest_report.read_ledger(con, checks)
        shown = con.execute(
            "select coalesce(q_value, 'nan') as q from mart_recording_practice "
            "order by check_code, breakdown_code, area_id, month"
        ).fetchnumpy()["q"]
    again = backtest.judge_again(ledger, checks)
    tested = ~np.isnan(ledger.p) & ledger.of_forces()
    assert tested.sum() > 500
    np.testing.assert_allclose(again["p_value"][tested], ledger.p[tested], rtol=1e-6)
    np.testing.assert_array_equal(again["direction"][tested], ledger.direction[tested])
    np.testing.assert_allclose(adjust_by_family(ledger.p, ledger.family()), shown, rtol=1e-6)

    asked = ["--check", "log_conversion", "--from", "2019-01", "--json"]
    done = plumbline("alerts", "back-test", *asked, home=home)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (row,) = told["checks"]
    assert row["check"] == "log_conversion" and row["pod"]["total"] == row["changes"] > 0
    assert "met_2024" in told["hold_outs_not_in_data"]
    refused = plumbline("alerts", "back-test", "--check", "nothing", home=home)
    assert refused.returncode == 2 and "no check is named nothing" in refused.stderr


def test_every_number_of_the_readme_stands_in_its_output(home: Path, run) -> None:
    _, done = run
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    start = text.index("Without data, `make run` simulates the world")
    rows = re.findall(r"^\| ([^|]*\d[^|]*) \| [^|]* \|$", text[start:], re.MULTILINE)
    cells = rows[: next(i for i, r in enumerate(rows) if r.startswith("West Midlands"))]
    assert len(cells) == 7
    for cell in cells:
        for number in re.findall(r"(?<![\w-])\d[\d,.]*\d|(?<![\w.,-])\d(?![\w.,])", cell):
            if number in ("25", "47", "2021"):
                continue  # an age, a section, a year
            assert re.search(rf"(?<![\d,.]){re.escape(number)}(?![\d,]|\.\d)", done.stdout), number


def _readme(start: str) -> str:
    """The question that the README gives for a figure."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^\| {re.escape(start)}[^|]*\| `([^`]*)` \|$", text, re.MULTILINE)
    return found


def test_the_headline_indicators_are_the_board_papers(home: Path) -> None:
    rows = {r["indicator_code"]: r for r in ask(_readme("under-25 admissions"), home)}
    for code, before, now in (
        ("under_25_sharp_object_admissions", 90, 80),
        ("under_25_vwi_knife_used", 333, 361),
        ("under_25_homicide", 9, 4),
        ("under_25_knife_homicide", 4, 3),
        ("under_25_vwi", 5936, 6856),
        ("under_25_vwi_knife_crime", 500, 530),
        ("knife_used", 2318, 3114),
    ):
        assert (rows[code]["baseline_count"], rows[code]["current_count"]) == (before, now), code
    for code in list(rows)[:4]:
        assert rows[code]["verdict"] == "not distinguishable from chance"
    assert round(rows["under_25_vwi"]["change_pct"], 1) == 15.5
    assert round(rows["under_25_vwi_knife_crime"]["change_pct"]) == 6
    (said,) = ask(
        "select comparability_text from mart_headline_indicators where basis = 'recorded' "
        "and area_type = 'force' and indicator_code = 'under_25_vwi'",
        home,
    )
    assert "CONNECT" in said["comparability_text"]


def test_like_for_like_is_what_the_readme_says(home: Path) -> None:
    sql = "from mart_headline_indicators where basis = 'like_for_like' and area_type = 'force'"
    rows = {r["indicator_code"]: r for r in ask(sql, home)}
    assert rows["under_25_vwi"]["current_count"] == 6299
    assert round(rows["all_crime"]["rate_ratio"], 2) == 1.08


def test_spiking(home: Path) -> None:
    rows = ask(_readme("spiking in November 2021"), home)
    assert {r["measure_code"]: r["value"] for r in rows} == {
        "under_25_vwi_spiking": 95,
        "under_25_vwi_spiking_positive_test": 11,
    }


def test_positive_outcomes(home: Path) -> None:
    rows = {r["period_label"]: r for r in ask(_readme("positive outcomes"), home)}
    assert {k: round(r["positive_pct"], 2) for k, r in rows.items()} == {
        "2018/19 to date": round(rows["2018/19 to date"]["positive_pct"], 2),
        "2019/20 to date": 9.77,
        "2020/21 to date": 8.66,
        "2021/22 to date": 6.14,
        "2021-11": 9.40,
    }


@pytest.mark.shared
def test_appendix_a_to_the_pound(home: Path, shared: Path) -> None:
    import csv

    rows = {
        (r["line_name"], r["funding_type"]): r
        for r in ask(
            "select line_name, funding_type, original_amount, bid_amount, total_amount, "
            "actual_year_to_date_amount, forecast_remaining_amount, outlook_amount "
            "from mart_grant_position where month = '2021-10-01'",
            home,
        )
    }
    totals = {
        "Total Grant Funding": ("Total grant", "grant"),
        "Match Funding": ("Total match", "match"),
        "Total Guardian": ("Total", "all"),
    }
    with (shared / "reference" / "claims" / "appendix_a.csv").open(encoding="utf-8") as handle:
        published = list(csv.DictReader(handle))
    assert len(published) == 14
    for line in published:
        name = line["line"].removesuffix(" (match)")
        row = rows[totals.get(name, (name, line["kind"]))]
        found = [float(v) for k, v in row.items() if k.endswith("_amount")]
        assert found == [
            float(line[c])
            for c in (
                "original_grant",
                "new_bid",
                "total_grant",
                "oct_ytd_spend",
                "nov_mar_forecast",
                "total_forecast",
            )
        ], name


def test_section_47_audits(home: Path) -> None:
    rows = ask(_readme("section 47 audits"), home)
    months = {r["month"] for r in rows if r["sample_count"]}
    assert min(months) == "2021-03-01"
    assert all(30 <= r["sample_count"] <= 40 for r in rows if r["sample_count"])


def test_a_second_run_changes_nothing(home: Path) -> None:
    done = plumbline("run", home=home, timeout=300)
    assert done.returncode == 0
    assert "Nothing changed" in done.stdout


# -------------------------------------------------------------------------------------- alert book


def _evaluation(home: Path):
    from orchestration.alerts.run import read_evaluation

    return read_evaluation((home / "releases" / "current").resolve(), "west-midlands")


def _part(whole, version: str, cells, **changed: str):
    """What an evaluation of some cells would have been; ``changed``: of every finding."""
    from orchestration.alerts.findings import Evaluation

    found = tuple(replace(f, **changed) for f in whole.findings if f.cell in cells)
    return Evaluation(version, found, frozenset(cells))


def _book(evaluations):
    from orchestration.alerts.book import fold, learn
    from orchestration.alerts.news import news_of
    from orchestration.alerts.rules import exact_checks

    known, told, alerts = {}, [], ()
    for each in evaluations:
        known = learn(known, each)
        alerts = fold(known, exact=exact_checks())
        told += news_of(alerts, told)
    return [replace(a, first_version="", last_version="") for a in alerts], told


def test_its_months_replayed_one_by_one_give_the_book_of_all_at_once(home: Path) -> None:
    whole = _evaluation(home)
    assert len(whole.findings) > 100
    months = sorted({cell[-1] for cell in whole.assessed})
    once, _ = _book([whole])
    each = [
        _part(whole, f"v{n:03}", {c for c in whole.assessed if c[-1] == month})
        for n, month in enumerate(months)
    ]
    growing = [
        _part(whole, f"v{n:03}", {c for c in whole.assessed if c[-1] <= month})
        for n, month in enumerate(months)
    ]
    replayed, told = _book(each)
    assert replayed == once
    grown, told_of_grown = _book(growing)
    assert grown == once
    # Each alert was told to open once, and by the month it opened in.
    opened = [n.alert_id for n in told if n.kind == "opened"]
    assert len(opened) == len(set(opened)) and set(opened) == {a.alert_id for a in once}
    assert [n.news_id for n in told] == [n.news_id for n in told_of_grown]


def test_a_month_that_comes_late_and_a_revision_change_neither_names_nor_the_book(
    home: Path,
) -> None:
    whole = _evaluation(home)
    months = sorted({cell[-1] for cell in whole.assessed})
    once, _ = _book([whole])
    # A month that found much comes three months late; another comes with figures that are revised.
    counts = Counter(f.month for f in whole.findings)
    late = max(months[:-3], key=lambda m: counts[m])
    after = months[months.index(late) + 3]
    wrong = max((m for m in months if m != late), key=lambda m: counts[m])
    history = []
    for n, month in enumerate(months):
        cells = {c for c in whole.assessed if c[-1] == month}
        if month == wrong:
            history.append(_part(whole, f"v{n:03}a", cells, sentence="Wrong.", severity="note"))
        elif month != late:
            history.append(_part(whole, f"v{n:03}a", cells))
        if month == after:
            some = {c for c in whole.assessed if c[-1] == late}
            history.append(_part(whole, f"v{n:03}b", some))
    history.append(_part(whole, "v999", {c for c in whole.assessed if c[-1] == wrong}))
    revised, told = _book(history)

    def facts(alerts):
        return [
            (a.key, a.opened_month, a.months, a.state, a.closed_as, a.closed_month, a.finding)
            for a in alerts
        ]

    assert facts(revised) == facts(once)
    # Where the late month begins an alert, its name is that of the month it was first found in.
    before = {a.alert_id for a in once}
    for alert in revised:
        assert before & set(alert.ids)
    opened = [n.alert_id for n in told if n.kind == "opened"]
    assert len(opened) == len(set(opened))


def test_it_says_what_opened_and_what_is_open_and_groups_it_by_cause(home: Path, run) -> None:
    _, done = run
    assert "opened in this run" in done.stdout
    listed = json.loads(plumbline("alerts", "list", "--json", home=home).stdout)
    together: dict[str, set[str]] = {}
    for row in listed:
        together.setdefault(row["cause"], set()).add(row["check_code"])
    team = next(checks for cause, checks in together.items() if "log quality team" in cause)
    assert {"log_review_crimes", "recorded_within_24_hours"} <= team
    grants = {r["check_code"] for r in listed if r["area_type"] == "award"}
    assert {c.partition("/")[0] for c in grants} == {"grant_condition"}
    assert not [r for r in listed if r["area_type"] == "feed"]
    status = json.loads(plumbline("status", "--json", home=home).stdout)
    assert sum(c["open_alerts"] for c in status["open_alerts"]) == len(listed)
