"""The alerts of a release: named as the book names them, explained as the mart explains them."""

from __future__ import annotations

import datetime as dt

import duckdb

from orchestration.alerts.book import Action, fold, learn
from orchestration.alerts.evaluation import cells_sql, rows_sql
from orchestration.alerts.findings import evaluation_from_rows
from orchestration.alerts.published import alerts_after, eventful_series
from orchestration.alerts.run import read_evaluation
from orchestration.rows import rows_of

AT = dt.datetime(2021, 5, 1, 6)
FORCE = "west-midlands"
#: Two checks of six months; the second finds nothing.
MART = """
    create table mart_recording_practice as
    select check_code, 'all' as breakdown_code, 'Lag' as check_name, 'Did it change?' as question,
        'force/west-midlands' as area_id, 'force' as area_type, 'west-midlands' as area_code,
        'West Midlands Police' as area_name, month,
        case when check_code = 'lag' then found else 'PASS' end as check_status,
        'up' as direction_type, 'warning' as severity, 'performance' as who_acts,
        'Higher than the periods before say.' as result_text, 5.0 as value, 5.5 as observed_value,
        3.0 as expected_value, 2.0 as limit_lower, 4.0 as limit_upper, 0.001 as p_value,
        0.01 as q_value, cast(40 as bigint) as history_period_count,
        date '2021-02-01' as alert_since_month, 'Hours' as numerator_name,
        cast(50 as bigint) as numerator_count, '1' as denominator_name,
        cast(null as bigint) as denominator_count, cast(null as varchar) as known_event_code
    from (values
        (date '2021-01-01', 'PASS'), (date '2021-02-01', 'ALERT'), (date '2021-03-01', 'ALERT'),
        (date '2021-04-01', 'PASS'), (date '2021-05-01', 'PASS'), (date '2021-06-01', 'ALERT')
    ) as months(month, found)
    cross join (values ('lag'), ('other')) as checks(check_code)
"""
EXPLAINED = """
    create table mart_recording_anomalies as
    select 'lag' as check_code, 'all' as breakdown_code, 'force/west-midlands' as area_id,
        'up' as direction_type, date '2021-03-01' as last_seen_month,
        date '2021-01-01' as since_month, 2.5 as score, 'go_live' as known_event_code,
        'covers' as known_event_relation,
        'Recording: it was the form.' as explanation_text,
        '[{"dimension": "npu", "part": "A", "observed_count": 30, "contribution": 2.5},
          {"dimension": "origin", "part": "online", "contribution": 2.25}]' as contributions
"""


def _rows(con: duckdb.DuckDBPyConnection) -> list[dict]:
    practice = con.table("mart_recording_practice")
    found = rows_of(
        practice.query("practice", rows_sql("practice", force_code=f"'{FORCE}'", is_finding="true"))
    )
    series = eventful_series({}, found)
    assert series == {("lag", "force", FORCE)}
    others = cells_sql("practice", f"'{FORCE}'", series)
    return [*found, *rows_of(practice.query("practice", others))]


def test_alerts_of_a_release_have_the_names_and_states_of_the_book() -> None:
    with duckdb.connect() as con:
        con.execute(MART)
        rows = _rows(con)
        # A run before knew the first month only; what it found there was acknowledged.
        earlier = evaluation_from_rows(
            "20210301T000000Z", [r for r in rows if r["month"] <= dt.date(2021, 2, 1)]
        )
    known = learn({}, earlier)
    (alert,) = fold(known)
    action = Action(
        action_id="a",
        alert_id=alert.alert_id,
        kind="acknowledge",
        check_code="lag",
        area_type="force",
        area_code=FORCE,
        direction="up",
        first_month=dt.date(2021, 2, 1),
        last_month=dt.date(2021, 2, 1),
        by="someone",
        at=AT,
    )
    published = alerts_after(known, [action], rows, gap_months=1)
    book = fold(
        learn(known, evaluation_from_rows("20210701T000000Z", rows)), [action], gap_months=1
    )
    assert [(a["alert_id"], a["state_code"], a["closed_as"]) for a in published] == [
        (a.alert_id, a.state, a.closed_as) for a in book
    ]
    assert [(a["first_seen_month"], a["last_seen_month"]) for a in published] == [
        (dt.date(2021, 2, 1), dt.date(2021, 3, 1)),
        (dt.date(2021, 6, 1), dt.date(2021, 6, 1)),
    ]
    assert published[0]["alert_id"] == alert.alert_id
    # Where revised data find nothing any more, it is there all the same, and says so.
    (gone,) = alerts_after(known, [], [{**r, "status": "no_finding"} for r in rows], gap_months=1)
    assert (gone["closed_as"], gone["is_in_evaluation"]) == ("withdrawn", False)


def test_the_last_month_of_an_alert_brings_its_explanation(tmp_path) -> None:
    with duckdb.connect(str(tmp_path / "plumbline.duckdb")) as con:
        con.execute(MART)
        con.execute(EXPLAINED)
    found = {f.month.month: f for f in read_evaluation(tmp_path, FORCE).findings}
    last = found[3]
    assert last.sentence.endswith("say. Recording: it was the form.")
    assert (last.since_month, last.score) == (dt.date(2021, 1, 1), 2.5)
    assert last.known_event_code == "go_live"
    # What is of a unit stays in the mart.
    assert last.contributions == (("origin online", 2.25),)
    assert found[2].sentence.endswith("before say.") and found[2].score is None
    assert found[2].contributions == (("Hours", 50.0),)
