"""Feeds that are late by their own history, and loads refused whole: the rule, and the book."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import duckdb
import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from orchestration.alerts import feeds, run
from orchestration.alerts.book import fold, learn
from orchestration.alerts.feeds import Arrival, LoadResult, Period, feed_states, period_of
from orchestration.alerts.news import news_of
from orchestration.alerts.rules import alert_rules, exact_checks
from orchestration.cli import main
from orchestration.publish.release import version_at
from orchestration.settings import load_settings
from orchestration.warehouse import snapshot_ledger, writer

LATE = alert_rules()["feed_late", "late"]
REFUSED = alert_rules()["load_refused", "refused"]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def months(first: str, lags: list[int], **more) -> list[Arrival]:
    """A feed whose periods from ``first`` on came so many days after their end, one by one."""
    period, found = period_of(first), []
    for lag in lags:
        day = dt.datetime.combine(period.last_day, dt.time(9)) + dt.timedelta(days=lag)
        found.append(Arrival("connect", "crimes", f"{period.first:%Y-%m}", day, **more))
        period = period.next
    return found


def state(arrivals, now: str, **more) -> feeds.FeedState:
    (found,) = feed_states(arrivals, at(now), LATE, **more)
    return found


#: The first is no arrival: eleven are. The newest month is December 2020.
STEADY = months("2020-01", [9, 5, 6, 7, 5, 8, 6, 7, 9, 5, 6, 7])


@pytest.mark.parametrize(
    ("slot", "first", "last"),
    [
        ("2021-04", "2021-04-01", "2021-04-30"),
        ("greater-manchester/2019-12", "2019-12-01", "2019-12-31"),
        ("2021/22", "2021-04-01", "2022-03-31"),
        ("age_group/2012/13", "2012-04-01", "2013-03-31"),
        ("2012/13 Q1", "2012-04-01", "2012-06-30"),
        ("2012/13 Q4", "2013-01-01", "2013-03-31"),
        ("1999/00", "1999-04-01", "2000-03-31"),
        ("2020", "2020-01-01", "2020-12-31"),
    ],
)
def test_a_slot_names_its_period(slot, first, last):
    period = period_of(slot)
    assert (period.first, period.last_day) == tuple(map(dt.date.fromisoformat, (first, last)))


@pytest.mark.parametrize("slot", ["all", "p1", "connect", "2021-13", "2021/23", "funder/GB-1"])
def test_a_slot_without_a_period_is_no_period(slot):
    assert period_of(slot) is None


def test_late_is_beyond_the_highest_lag_and_a_margin():
    # Median 6, highest 9: three days on top of the highest. January ends on the 31st.
    assert feeds.limit_of([5, 6, 7, 5, 8, 6, 7, 9, 5, 6, 7], 1) == 12
    on_time = state(STEADY, "2021-02-12 23:59")
    assert (on_time.status, on_time.limit_days, on_time.due_by) == (
        "on_time", 12, dt.date(2021, 2, 12),
    )  # fmt: skip
    late = state(STEADY, "2021-02-13 00:00")
    assert (late.status, late.overdue) == ("late", (Period(dt.date(2021, 1, 1), 1),))
    assert len(state(STEADY, "2021-03-13 00:00").overdue) == 2
    with pytest.raises(ValueError, match="no lags"):
        feeds.limit_of([], 1)


def test_one_very_late_arrival_does_not_deafen_and_a_feed_that_is_often_late_is_not_late():
    steady = [6, 7, 6, 8, 6, 7, 6, 7]
    assert feeds.limit_of([*steady[:-1], 200], 1) == feeds.limit_of([*steady[:-1], 7], 1) == 11
    assert feeds.limit_of([6, 40, 6, 38, 6, 41, 7, 40], 1) > 41


def test_the_seed_states_how_often_a_period_like_the_others_is_called_late():
    """Drawn lags that all come from one distribution: at most 4.9, 2.3 and 0.7 in a hundred."""
    rng = np.random.default_rng(20261125)
    draws = {
        "normal": lambda size: rng.normal(20, 3, size),
        "uniform": lambda size: rng.uniform(1, 30, size),
        "exponential": lambda size: rng.exponential(10, size),
        "lognormal": lambda size: 20 * np.exp(rng.normal(0, 0.5, size)),
    }
    for count, stated in ((8, 4.9), (12, 2.3), (24, 0.7)):
        for name, draw in draws.items():
            lags = np.floor(draw((1500, count + 1))).astype(int)
            late = sum(row[-1] > feeds.limit_of(row[:-1].tolist(), 1.0) for row in lags)
            # Four standard errors of 1,500 draws on top.
            allowed = stated + 400 * np.sqrt(stated / 100 * (1 - stated / 100) / len(lags))
            assert 100 * late / len(lags) <= allowed, (name, count)


def test_a_backfill_tells_nothing_of_how_late_a_feed_is():
    loaded = [replace(a, entered_at=at("2022-06-01 09:00")) for a in STEADY]
    found = state(loaded, "2022-07-01")
    assert (found.status, found.lags) == ("not_assessed", ())
    assert found.reason == "too early: 0 of 8 arrivals"
    # Older months that are fetched later are no arrivals, and of a day only the newest counts.
    more = [*months("2018-01", [900, 900, 900]), *STEADY]
    assert state(more, "2021-02-01").lags == state(STEADY, "2021-02-01").lags
    two_at_once = [*STEADY[:-2], replace(STEADY[-2], entered_at=STEADY[-1].entered_at), STEADY[-1]]
    assert state(two_at_once, "2021-02-01").lags == (5, 6, 7, 5, 8, 6, 7, 9, 5, 7)
    # A later version of a period that was there is no arrival either.
    again = replace(STEADY[3], entered_at=at("2021-01-20 09:00"))
    assert state([*STEADY, again], "2021-02-01").lags == state(STEADY, "2021-02-01").lags


def test_until_the_ledger_has_days_of_its_own_those_of_the_files_count():
    loaded = [replace(a, entered_at=at("2021-01-31 09:00"), sent_at=a.entered_at) for a in STEADY]
    assert state(loaded, "2021-02-13").status == "late"
    # A file that says to be older than what it holds has no day.
    wrong = [replace(a, sent_at=at("2001-01-01 00:00")) for a in loaded]
    assert state(wrong, "2021-02-13").reason == "too early: 0 of 8 arrivals"


def test_seven_arrivals_are_too_early_and_eight_are_not():
    assert state(STEADY[:8], "2022-01-01").reason == "too early: 7 of 8 arrivals"
    assert state(STEADY[:9], "2022-01-01").status == "late"


def test_a_system_that_records_no_more_is_not_waited_for():
    ended = {"connect": dt.date(2020, 12, 5)}
    assert state(STEADY, "2022-01-01", ended=ended).reason.startswith("ended")
    # Its last month is.
    assert state(STEADY[:-1], "2022-01-01", ended=ended).overdue == (
        Period(dt.date(2020, 12, 1), 1),
    )


def test_a_late_feed_is_one_alert_until_it_comes():
    known, told, kinds = {}, [], []
    came = {15: STEADY, 52: [*STEADY, *months("2021-01", [45])]}
    came[80] = [*came[52], *months("2021-02", [18])]
    # Days of 2021: before it is late, late, late by two months, the first of both, both.
    for day, arrivals in ((40, 15), (44, 15), (75, 15), (76, 52), (77, 80)):
        now = at("2021-01-01 06:00") + dt.timedelta(days=day - 1)
        states = feed_states(came[arrivals], now, LATE)
        known = learn(known, feeds.evaluate_feeds(version_at(now, "ledger"), states, now, LATE))
        alerts = fold(known, exact=exact_checks())
        news = news_of(alerts, told)
        told += news
        kinds.append([n.kind for n in news])
    assert kinds == [[], ["opened"], [], [], ["ended"]]
    (alert,) = alerts
    assert alert.area_code == "connect/crimes" and alert.closed_as == "ended"
    assert "what ends on 31 January 2021 is not there 13 days later" in told[0].body
    assert "It has come." in told[1].body


def load(name: str, when: str, refused: bool = False, claim: str | None = "2021-04") -> LoadResult:
    return LoadResult("connect", "crimes", name, claim, refused, "gate" if refused else None,
                      at(when))  # fmt: skip


def test_a_refused_load_is_an_alert_until_it_is_replaced():
    refused = load("crimes_2021-04.csv", "2021-05-03", refused=True)
    one = feeds.evaluate_refusals("v1", [refused], REFUSED)
    (found,) = one.findings
    assert found.severity == "critical" and found.who_acts == run.ENGINEERS
    assert found.month == dt.date(2021, 5, 1) and "1 load was refused whole" in found.sentence
    assert found.contributions == (("gate", 1.0),)
    # What else comes does not end it; what replaces it, by claim or by name, does.
    other = load("crimes_2021-05.csv", "2021-06-03", claim="2021-05")
    two = feeds.evaluate_refusals("v2", [refused, other], REFUSED)
    known = learn(learn({}, one), two)
    assert not fold(known, exact=exact_checks())[0].is_closed
    for good in (
        load("crimes_2021-04_again.csv", "2021-06-04"),
        load("crimes_2021-04.csv", "2021-06-04", claim=None),
    ):
        three = feeds.evaluate_refusals("v3", [refused, other, good], REFUSED)
        (alert,) = fold(learn(known, three), exact=exact_checks())
        assert alert.closed_as == "withdrawn"
        assert (
            "What was refused has been replaced."
            in news_of([alert], news_of(fold(learn({}, one)), []))[0].body
        )
    # What was taken in before it was refused replaces nothing.
    before = load("crimes_2021-04.csv", "2021-05-01")
    assert feeds.evaluate_refusals("v1", [before, refused], REFUSED).findings


def test_every_rule_of_the_seed_has_words_and_the_thresholds_it_needs():
    for rule in alert_rules().values():
        assert rule.severity in ("note", "warning", "critical") and rule.over_text
    assert LATE.threshold and LATE.least_count
    assert exact_checks() == {"grant_condition", "grant_pace", "feed_late", "load_refused"}


# ------------------------------------------------------------------------------- in a real ledger


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home whose feed had come each month, and a route to a file."""
    target = tmp_path / "told.jsonl"
    monkeypatch.setenv("TEST_ALERT_URL", target.as_uri())
    config = tmp_path / "plumbline.yml"
    route = {"name": "engineers", "url_variable": "TEST_ALERT_URL", "owners": ["engineers"]}
    eras = [
        {"code": "c", "name": "C", "system": "connect", "first_day": dt.date(2000, 1, 1),
         "evidence": "x"},
    ]  # fmt: skip
    config.write_text(
        yaml.safe_dump(
            {
                "home": str(tmp_path / "home"),
                "alerts": {"routes": [route], "backoff_seconds": 0},
                "recording_eras": eras,
            }
        )
    )
    monkeypatch.delenv("PLUMBLINE_HOME", raising=False)
    monkeypatch.setenv("PLUMBLINE_CONFIG", str(config))
    settings = load_settings()
    with writer(settings) as con:
        enter(con, STEADY)
        snapshot_ledger(con, settings)
    return settings, target


def enter(con: duckdb.DuckDBPyConnection, arrivals, outcome: str = "entered") -> None:
    for arrival in arrivals:
        load_id = f"{arrival.slot}-{outcome}"
        con.execute(
            "insert into ledger.load by name select $1 as load_id, 'r' as run_id, "
            "$2 as source, $3 as table_name, $4 || '.csv' as file_name, $1 as file_sha256, "
            "$1 as content_sha256, $4 as claim, $5 as outcome, 1 as row_count_read, "
            "1 as row_count_entered, 0 as row_count_quarantined, 'c' as contract_version, "
            "'r' as rules_version, 'pass' as gate_status, $6 as entered_at",
            [load_id, arrival.source, arrival.table_name, arrival.slot, outcome,
             arrival.entered_at],
        )  # fmt: skip
        if outcome == "entered":
            con.execute(
                "insert into ledger.load_period by name select $1 as load_id, $2 as source, "
                "$3 as table_name, $4 as slot, 1 as row_count, $5 as entered_at",
                [load_id, arrival.source, arrival.table_name, arrival.slot, arrival.entered_at],
            )


def titles(target) -> list[str]:
    lines = target.read_text().splitlines() if target.exists() else []
    return [json.loads(line)["title"] for line in lines]


def test_a_late_feed_is_noticed_where_nothing_runs_and_told_once(home):
    settings, target = home
    assert run.watch_feeds(settings, at("2021-02-12 06:00")).news_count == 0
    assert titles(target) == []
    for day in (13, 14, 15):
        told = run.watch_feeds(settings, at(f"2021-02-{day} 06:00"))
        assert told.problems == [] and told.news_count == int(day == 13)
    assert titles(target) == ["New (warning): Feed late, connect/crimes, January 2021"]
    with writer(settings) as con:
        enter(con, months("2021-01", [16]))
        # A load that is refused on the same day.
        enter(con, [Arrival("connect", "persons", "2021-01", at("2021-02-16 09:00"))], "refused")
        snapshot_ledger(con, settings)
    for _ in range(2):
        assert run.watch_feeds(settings, at("2021-02-17 06:00")).problems == []
    assert sorted(titles(target)[1:]) == [
        "Ended (warning): Feed late, connect/crimes, January 2021",
        "New (critical): Load refused, connect/persons, February 2021",
    ]


def test_the_sensor_looks_once_a_day(home, monkeypatch):
    import dagster as dg

    from orchestration import definitions

    settings, target = home
    sensor = definitions.feeds_sensor(settings)
    monkeypatch.setattr(definitions.load, "now", lambda: at("2021-02-13 06:00"))
    context = dg.build_sensor_context()
    assert "1 news" in sensor(context).skip_message and context.cursor == "2021-02-13"
    assert "today" in sensor(context).skip_message
    monkeypatch.setattr(definitions.load, "now", lambda: at("2021-02-14 06:00"))
    assert "0 news" in sensor(context).skip_message
    assert len(titles(target)) == 1


def test_the_console_shows_each_feed(home):
    done = CliRunner().invoke(main, ["alerts", "feeds", "--json"])
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.output)
    assert (row["feed"], row["status"], row["late_after_days"]) == ("connect/crimes", "late", 12)
    (listed,) = json.loads(
        CliRunner().invoke(main, ["alerts", "list", "--check", "feed_late", "--json"]).output
    )
    assert listed["cause"] == "connect/crimes, January 2021"
    said = CliRunner().invoke(main, ["status"]).output
    assert "Open alerts by cause" in said and "connect/crimes, January 2021" in said
