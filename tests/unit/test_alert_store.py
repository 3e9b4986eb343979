"""The alert book in a real ledger: saved once, again, out of order; actions; deliveries."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest
from warehouse_support import empty_warehouse

from orchestration.alerts import store
from orchestration.alerts.deliver import Attempt
from orchestration.alerts.findings import Evaluation, Finding
from orchestration.settings import Settings
from orchestration.warehouse import ledger_reader, snapshot_ledger, writer

AT = dt.datetime(2021, 5, 1, 6)
SERIES = ("report_lag", "force", "west-midlands")


def month(number: int) -> dt.date:
    return dt.date(2021, number, 1)


def evaluation(version: str, found=(), calm=()) -> Evaluation:
    findings = tuple(
        Finding(
            *SERIES, month(m), "up", "warning", "data quality", "Longer.", observed=3.5, n=40,
            contributions=(("CONNECT", 3.0),),
        )
        for m in found
    )  # fmt: skip
    cells = {(*SERIES, month(m)) for m in (*found, *calm)}
    return Evaluation(version, findings, frozenset(cells))


@pytest.fixture
def con(tmp_path):
    with empty_warehouse(tmp_path / "w.duckdb") as con:
        yield con


def save(con, each):
    return store.save(con, each, gap_months=1, at=AT)


def everything(con):
    return {
        table: con.execute(f"from ledger.{table} order by all").fetchall()
        for table in ("alert_cell", "alert", "alert_news")
    }


def test_saved_again_nothing_changes_and_there_is_no_news(con):
    first = save(con, evaluation("v1", [1, 2], [3]))
    assert [n.kind for n in first.news] == ["opened"]
    before = everything(con)
    again = save(con, evaluation("v1", [1, 2], [3]))
    assert again.alerts == first.alerts and again.news == ()
    assert everything(con) == before


def test_the_ledger_gives_back_what_memory_would_hold(con, tmp_path):
    evaluations = [evaluation("v1", [1, 2]), evaluation("v2", [4], [1, 3]), evaluation("v3", [1])]
    for each in evaluations:
        stored = save(con, each)
    from orchestration.alerts.book import fold, learn

    known = {}
    for each in evaluations:
        known = learn(known, each)
    assert store.read_known(con) == known
    assert stored.alerts == fold(known)
    with empty_warehouse(tmp_path / "other.duckdb") as other:
        for each in reversed(evaluations):
            late = save(other, each)
        assert late.alerts == stored.alerts
        assert store.read_known(other) == known


def test_what_a_person_said_is_kept_and_shown(con):
    (alert,) = save(con, evaluation("v1", [1])).alerts
    after = store.act(
        con, alert.alert_id[:6], "explain", by="analyst", at=AT, gap_months=1,
        note="Backlog after go-live", known_event_code="connect_go_live",
    )  # fmt: skip
    assert after.state == "explained"
    assert con.execute(
        "select state, last_action, last_action_by, last_action_note, known_event_code "
        "from ledger.alert"
    ).fetchall() == [
        ("explained", "explain", "analyst", "Backlog after go-live", "connect_go_live")
    ]
    assert save(con, evaluation("v2", [2])).alerts[0].state == "explained"
    with pytest.raises(LookupError, match="there is no alert"):
        store.act(con, "zzz", "resolve", by="analyst", at=AT, gap_months=1)


def test_a_change_that_fails_leaves_the_book_as_it_was(con):
    save(con, evaluation("v1", [1]))
    # A ledger that takes no more than the first kind of news: writing fails half way through.
    con.execute("create table kept as from ledger.alert_news")
    con.execute("drop table ledger.alert_news")
    con.execute(
        "create table ledger.alert_news (news_id varchar primary key, number integer, "
        "alert_id varchar, "
        "kind varchar check (kind = 'opened'), severity varchar, who_acts varchar, "
        "through_month date, title varchar, body varchar, version varchar, noted_at timestamp, "
        "cause varchar)"
    )
    con.execute("insert into ledger.alert_news from kept")
    before = everything(con)
    with pytest.raises(duckdb.ConstraintException):
        save(con, evaluation("v2", [], [1]))
    assert everything(con) == before


def test_only_what_got_through_counts_as_delivered(con):
    for number, outcome in ((1, "failed"), (2, "delivered")):
        store.record_attempt(
            con,
            Attempt(f"t{number}", "m", f"r{number}", "V", "json://…", ("n1", "n2"), 1, AT, outcome,
                    ""),
        )  # fmt: skip
    assert store.read_delivered(con) == {("r2", "n1"), ("r2", "n2")}


def test_readers_see_the_book_while_a_run_is_writing(tmp_path):
    settings = Settings(home=tmp_path)
    with writer(settings) as con:
        save(con, evaluation("v1", [1]))
        snapshot_ledger(con, settings)
        with ledger_reader(settings) as reader:
            assert reader.execute("select count(*) from ledger.alert").fetchone() == (1,)
