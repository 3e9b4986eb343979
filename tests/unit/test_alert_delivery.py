"""Delivery of alerts: planning, retries, redaction, against a real web server and a file."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import logging
import subprocess
import sys
import threading
from dataclasses import dataclass, field, replace

import duckdb
import pytest
import yaml
from click.testing import CliRunner

from orchestration.alerts import deliver, run, store
from orchestration.alerts.findings import Evaluation, Finding
from orchestration.alerts.news import News
from orchestration.alerts.send import redacted
from orchestration.cli import main
from orchestration.settings import Alerts, Settings, SettingsError, load_settings
from orchestration.warehouse import WarehouseBusy, ledger_reader, snapshot_ledger, writer

SECRET = "s3cr3t-t0k3n-0123456789"
MONTH = dt.date(2021, 1, 1)


AT = dt.datetime(2021, 5, 1, 6)

#: The columns of the mart that the book reads. Of the own force: an alert, a pass, a watch, a month
#: not assessed, and a rule's alert of one part of a check; and an alert of another force.
MART = """
    create table mart_recording_practice as
    select 'report_lag' as check_code, 'all' as breakdown_code, 'Lag' as check_name,
        'Did it change?' as question, 'force/west-midlands' as area_id, 'force' as area_type,
        'west-midlands' as area_code, 'West Midlands Police' as area_name, month, check_status,
        'up' as direction_type, 'warning' as severity, 'performance' as who_acts,
        'Higher than the periods before say.' as result_text, 5.0 as value, 5.5 as observed_value,
        3.0 as expected_value, 2.0 as limit_lower, 4.0 as limit_upper, 0.001 as p_value,
        0.01 as q_value, cast(40 as bigint) as history_period_count,
        date '2021-01-01' as alert_since_month, 'Hours' as numerator_name,
        cast(50 as bigint) as numerator_count, cast(null as varchar) as denominator_name,
        cast(null as bigint) as denominator_count, 'go_live' as known_event_code
    from (values
        (date '2021-01-01', 'ALERT'), (date '2021-02-01', 'PASS'), (date '2021-03-01', 'WATCH'),
        (date '2021-04-01', 'NOT ASSESSED')
    ) as months(month, check_status);
    insert into mart_recording_practice by name
    select * replace (
        'missing' as check_code, 'burglary' as breakdown_code, 'critical' as severity,
        cast(null as varchar) as direction_type
    ) from mart_recording_practice where check_status = 'ALERT';
    insert into mart_recording_practice by name
    select * replace ('force/dyfed-powys' as area_id, 'dyfed-powys' as area_code)
    from mart_recording_practice where check_code = 'report_lag' and check_status = 'ALERT'
"""


@dataclass
class Server:
    """A web server of this machine that answers with the given statuses in turn, then 200."""

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    got: list[dict] = field(default_factory=list)
    hang: threading.Event | None = None


@pytest.fixture
def server():
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if state.hang is not None:
                state.hang.wait(30)
            status = state.statuses.pop(0) if state.statuses else 200
            state.got.append({"path": self.path, "status": status, **json.loads(body)})
            # What a target says may hold the address it was called by.
            self.send_response(status)
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, *_):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = httpd.server_port
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield state
    if state.hang is not None:
        state.hang.set()
    httpd.shutdown()
    httpd.server_close()


def item(number: int, severity="warning", who="performance", kind="opened") -> News:
    title, body = f"Title {number}", f"Body {number}"
    return News(f"n{number}", 0, f"a{number}", kind, severity, who, MONTH, title, body)


def alerts(*routes: dict, **more) -> Alerts:
    return Alerts(
        routes=[{"name": "r", "url_variable": "TEST_ALERT_URL", **r} for r in routes or ({},)],
        **{"backoff_seconds": 0, **more},
    )


def messages(settings: Alerts, *news: News):
    return deliver.plan(news, set(), settings.routes, settings.digest_above)


# ----------------------------------------------------------------------------------------- planning


def test_a_route_takes_what_is_severe_enough_and_its_owners_act_on():
    settings = alerts({"severity": "warning", "owners": ["performance"]})
    found = messages(
        settings, item(1, "note"), item(2, "warning"), item(3, "critical", "suppliers"),
        item(4, "critical"),
    )  # fmt: skip
    assert [m.news_ids for m in found] == [("n4",), ("n2",)]


def test_above_the_limit_there_is_one_digest_and_at_it_there_is_none():
    settings = alerts(digest_above=3)
    assert len(messages(settings, *map(item, range(3)))) == 3
    (digest,) = messages(settings, *map(item, range(12)), item(99, "critical", kind="ended"))
    assert digest.title == "13 alerts: 12 opened, 1 ended"
    assert digest.severity == "critical" and len(digest.news_ids) == 13
    assert digest.body.startswith("1 critical, 12 warning.")
    assert "- and 3 more" in digest.body and "- Title 99 (a99)" in digest.body


def test_news_of_one_cause_is_one_message_and_counts_once_against_the_limit():
    lqt, other = "West Midlands, log quality team", "West Midlands, May 2021"
    news = [replace(item(n), cause=lqt) for n in (1, 2, 3)] + [replace(item(4), cause=other)]
    one, two = messages(alerts(digest_above=2), *news)
    assert one.news_ids == ("n1", "n2", "n3")
    assert one.title == f"{lqt} (warning): 3 opened"
    assert one.body.startswith("3 alerts that began together")
    assert all(f"Title {n} (a{n})\nBody {n}" in one.body for n in (1, 2, 3))
    assert (two.title, two.body) == ("Title 4", "Body 4")
    (digest,) = messages(alerts(digest_above=1), *news)
    assert digest.title == "4 alerts of 2 causes: 4 opened"
    assert f"- {lqt} (warning): 3 opened (a1, ...)" in digest.body
    assert "- Title 4 (a4)" in digest.body


def test_alerts_that_open_with_one_known_event_have_one_cause(home):
    settings, _, _ = home
    publish(settings, "20260101T000000Z-a", "select 1")
    folded, _ = run.update_book(settings, now=AT)
    causes = {a.check_code: a.cause for a in folded.alerts if a.area_code == "west-midlands"}
    assert causes["missing/burglary"] == "West Midlands Police, go live"
    # A unit's has the cause of its force's, and is as severe.
    unit = (
        "insert into mart_recording_practice by name select * replace ('npu/BE' as area_id, "
        "'npu' as area_type, 'BE' as area_code, 'Birmingham East' as area_name) "
        "from mart_recording_practice where check_code = 'missing'"
    )
    publish(settings, "20260102T000000Z-b", unit)
    folded, _ = run.update_book(settings, now=AT)
    (of_unit,) = [a for a in folded.alerts if a.area_type == "npu"]
    assert (of_unit.cause, of_unit.severity) == ("West Midlands Police, go live", "critical")
    with ledger_reader(settings) as con:
        assert ("West Midlands Police, go live",) in con.execute(
            "select cause from ledger.alert"
        ).fetchall()


def test_what_a_route_has_is_not_sent_to_it_again():
    settings = alerts({"name": "a"}, {"name": "b"})
    found = deliver.plan([item(1)], {("a", "n1")}, settings.routes, 5)
    assert [m.route_name for m in found] == ["b"]


# ----------------------------------------------------------------------------------------- sending


def send_all(settings: Alerts, *news: News, **more) -> list[deliver.Attempt]:
    recorded: list[deliver.Attempt] = []
    made = deliver.deliver(messages(settings, *news), settings, recorded.append, **more)
    assert recorded == made
    return made


def test_a_webhook_gets_the_message_and_no_record_holds_its_address(server, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("TEST_ALERT_URL", f"json://user:{SECRET}@127.0.0.1:{server.port}/{SECRET}")
    (attempt,) = send_all(alerts(), item(1, "critical"))
    assert attempt.outcome == "delivered", attempt
    (got,) = server.got
    assert (got["title"], got["message"], got["type"]) == ("Title 1", "Body 1", "failure")
    assert SECRET in got["path"]
    assert attempt.target == "json://…"
    assert SECRET not in str(attempt) + caplog.text


def test_a_target_that_recovers_is_reached_with_growing_pauses(server, monkeypatch):
    server.statuses = [503, 500]
    monkeypatch.setenv("TEST_ALERT_URL", f"json://127.0.0.1:{server.port}/{SECRET}")
    pauses: list[float] = []
    made = send_all(alerts(backoff_seconds=2), item(1), sleep=pauses.append)
    assert [(a.attempt_number, a.outcome) for a in made] == [
        (1, "failed"), (2, "failed"), (3, "delivered"),
    ]  # fmt: skip
    assert made[0].detail == "the target answered with status 503"
    assert pauses == [2, 4]
    assert SECRET not in str(made)


def test_a_target_that_says_no_is_not_asked_again(server, monkeypatch):
    server.statuses = [403] * 5
    monkeypatch.setenv("TEST_ALERT_URL", f"json://127.0.0.1:{server.port}")
    assert [a.outcome for a in send_all(alerts(), item(1))] == ["refused"]
    assert len(server.got) == 1


def test_a_target_that_hangs_is_ended(server, monkeypatch):
    server.hang = threading.Event()
    monkeypatch.setenv("TEST_ALERT_URL", f"json://127.0.0.1:{server.port}/?rto=30")
    (attempt,) = send_all(alerts(attempts=1, timeout_seconds=3), item(1))
    assert (attempt.outcome, attempt.detail) == ("failed", "no answer within 3 seconds")


def test_a_target_nobody_listens_at_fails_without_an_error(monkeypatch):
    monkeypatch.setenv("TEST_ALERT_URL", f"json://127.0.0.1:9/{SECRET}")
    made = send_all(alerts(attempts=2), item(1))
    assert [a.outcome for a in made] == ["failed", "failed"] and SECRET not in str(made)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (None, "not set"),
        (SECRET, "does not hold an address"),
        (f"nosuch://{SECRET}", "does not hold one address that Apprise knows"),
        (f"json://a/{SECRET}, json://b/{SECRET}", "does not hold one address"),
    ],
)
def test_an_address_that_cannot_be_used_is_tried_once_and_never_shown(monkeypatch, url, words):
    monkeypatch.delenv("TEST_ALERT_URL", raising=False)
    if url:
        monkeypatch.setenv("TEST_ALERT_URL", url)
    (attempt,) = send_all(alerts(), item(1), item(2))
    assert attempt.outcome == "not_configured" and words in attempt.detail
    assert SECRET not in str(attempt)


def test_messages_are_appended_to_a_file(tmp_path, monkeypatch):
    path = tmp_path / "alerts of today.jsonl"
    monkeypatch.setenv("TEST_ALERT_URL", path.as_uri())
    made = send_all(alerts(), item(1), item(2))
    assert [a.outcome for a in made] == ["delivered"] * 2
    titles = [json.loads(line)["title"] for line in path.read_text().splitlines()]
    assert titles == ["Title 1", "Title 2"]
    assert path.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("TEST_ALERT_URL", (tmp_path / "no" / "such").as_uri())
    (attempt, *_) = send_all(alerts(), item(3))
    assert attempt.detail == "the file could not be written: No such file or directory"


def test_all_deliveries_end_with_the_budget():
    now = [0.0]

    def slow(variable, what, timeout):
        now[0] += min(timeout, 6)
        return "failed", "slow"

    settings = alerts(budget_seconds=20, attempts=2, timeout_seconds=6)
    made = send_all(settings, *map(item, range(5)), send=slow, clock=lambda: now[0])
    assert now[0] <= 20 and 0 < len(made) < 10


def test_errors_of_sending_and_recording_stay_inside():
    def broken(*_):
        raise RuntimeError(SECRET)

    settings = alerts(attempts=2)
    made = send_all(settings, item(1), send=broken)
    assert [(a.outcome, a.detail) for a in made] == [("failed", "RuntimeError")] * 2
    made = deliver.deliver(messages(settings, item(1)), settings, broken, send=broken)
    assert len(made) == 2


def test_what_is_left_of_an_address_is_its_scheme():
    assert redacted(f"slack://{SECRET}/a") == "slack://…"
    assert redacted(SECRET) == "not readable"
    assert redacted(None) == "not set"


# ----------------------------------------------------------------------- the ledger and the console


def evaluation(version="20250101T000000Z-0") -> Evaluation:
    one = Finding(
        "report_lag", "force", "west-midlands", MONTH, "up", "warning", "performance",
        "The lag is longer than it was.", observed=5.0, expected=3.0,
        contributions=(("CONNECT", 4.0),),
    )  # fmt: skip
    return Evaluation(version, (one,), frozenset({one.cell}))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home whose book has one open alert, with one route to a file."""
    target = tmp_path / "told.jsonl"
    monkeypatch.setenv("TEST_ALERT_URL", target.as_uri())
    config = tmp_path / "plumbline.yml"
    route = {"name": "analysts", "url_variable": "TEST_ALERT_URL"}
    event = {
        "code": "go_live", "name": "Go-live", "kind": "recording_system", "action": "note",
        "first_day": dt.date(2021, 1, 1), "evidence": "x",
    }  # fmt: skip
    config.write_text(
        yaml.safe_dump(
            {
                "home": str(tmp_path / "home"),
                "alerts": {"routes": [route], "backoff_seconds": 0},
                "known_events": [event],
            }
        )
    )
    monkeypatch.delenv("PLUMBLINE_HOME", raising=False)
    monkeypatch.setenv("PLUMBLINE_CONFIG", str(config))
    settings = load_settings()
    with writer(settings) as con:
        folded = store.save(
            con, evaluation(), gap_months=1, at=dt.datetime.now(dt.UTC).replace(tzinfo=None)
        )
        snapshot_ledger(con, settings)
    return settings, target, folded.alerts[0].alert_id


def call(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["alerts", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_news_is_delivered_once_and_every_attempt_is_in_the_ledger(home):
    settings, target, _ = home
    made, missed = run.send_pending(settings)
    assert [a.outcome for a in made] == ["delivered"] and missed == {}
    assert run.send_pending(settings) == ([], {})
    assert len(target.read_text().splitlines()) == 1
    with ledger_reader(settings) as con:
        assert con.execute(
            "select route_name, target, outcome from ledger.alert_delivery"
        ).fetchall() == [("analysts", "file://…", "delivered")]


def test_what_did_not_get_through_is_tried_with_the_next_run(home, monkeypatch, tmp_path):
    settings, target, _ = home
    monkeypatch.setenv("TEST_ALERT_URL", (tmp_path / "no" / "such").as_uri())
    _, missed = run.send_pending(settings)
    assert "could not be written" in missed["analysts"]
    told = run.after_release(settings)
    assert "did not reach the route analysts" in told.problems[0]
    monkeypatch.setenv("TEST_ALERT_URL", target.as_uri())
    assert [a.outcome for a in run.after_release(settings).attempts] == ["delivered"]


def test_a_failed_run_is_told_to_the_engineers_once_and_later_where_they_were_not_reached(
    home, monkeypatch, tmp_path
):
    settings, target, _ = home
    run.send_pending(settings)
    target.unlink()
    monkeypatch.setenv("TEST_ALERT_URL", (tmp_path / "no" / "such").as_uri())
    (problem,) = run.tell_run_failed(settings, "run-1", "plumbline_run")
    assert "analysts was not reached" in problem and run.has_pending(settings)
    monkeypatch.setenv("TEST_ALERT_URL", target.as_uri())
    for _ in range(2):
        assert run.tell_run_failed(settings, "run-1", "plumbline_run") == []
    (line,) = target.read_text().splitlines()
    assert json.loads(line)["title"] == "Run failed: plumbline_run"
    assert not run.has_pending(settings)
    # What is noted of runs is no business of the book.
    with writer(settings) as con:
        assert store.save(con, evaluation(), gap_months=1, at=AT).news == ()


def test_while_another_process_writes_nothing_is_sent(home):
    settings, target, _ = home
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nfrom pathlib import Path\n"
            "from orchestration.settings import Settings\n"
            "from orchestration.warehouse import write_lock\n"
            "with write_lock(Settings(home=Path(sys.argv[1]))):\n"
            "    print('held', flush=True)\n    sys.stdin.read()\n",
            str(settings.home),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WarehouseBusy):
            run.send_pending(settings, wait_seconds=0)
        assert not target.exists()
    finally:
        holder.communicate("", timeout=30)
    assert [a.outcome for a in run.send_pending(settings)[0]] == ["delivered"]


def test_the_sensor_tells_what_is_waiting_and_then_has_nothing_to_do(home):
    import dagster as dg

    from orchestration.definitions import alerts_sensor

    settings, target, _ = home
    sensor = alerts_sensor(settings)
    assert "1 of 1" in sensor(dg.build_sensor_context()).skip_message
    assert "nothing is waiting" in sensor(dg.build_sensor_context()).skip_message
    assert len(target.read_text().splitlines()) == 1


def test_the_asset_says_what_is_open_and_what_was_not_assessed(home):
    import dagster as dg

    from orchestration.definitions import alerts_asset

    settings, _, _ = home

    def materialise():
        result = dg.materialize([alerts_asset(settings)])
        assert result.success
        return {c.check_name: c for c in result.get_asset_check_evaluations()}

    checks = materialise()
    assert not checks["nothing_open"].passed
    assert checks["nothing_open"].severity == dg.AssetCheckSeverity.WARN
    assert checks["nothing_open"].metadata["is_assessed"].value is False
    assert checks["book_and_delivery"].passed
    publish(settings, "20260101T000000Z-a", "select 1")
    checks = materialise()
    assert not checks["nothing_open"].passed
    assert checks["nothing_open"].severity == dg.AssetCheckSeverity.ERROR
    quiet = "update mart_recording_practice set check_status = 'PASS'"
    publish(settings, "20260102T000000Z-b", quiet)
    assert materialise()["nothing_open"].passed
    # A mart that breaks the contract is said so, and the run still succeeds.
    publish(settings, "20260103T000000Z-c", quiet.replace("PASS", "MAYBE"))
    checks = materialise()
    assert not checks["book_and_delivery"].passed and not checks["nothing_open"].passed
    (problem,) = checks["book_and_delivery"].metadata["problems"].value
    assert "status 'MAYBE' is none of" in problem


def publish(settings, name: str, sql: str) -> None:
    """A folder like a release, with the mart after a change to it."""
    path = settings.releases_dir / name
    path.mkdir(parents=True)
    with duckdb.connect(str(path / "plumbline.duckdb")) as con:
        con.execute(MART)
        con.execute(sql)
    link = settings.releases_dir / "current"
    link.unlink(missing_ok=True)
    link.symlink_to(name)


def test_the_findings_of_a_release_reach_the_book(home, tmp_path):
    settings, _, name = home
    path = tmp_path / "release-2"
    path.mkdir()
    assert run.MART == "mart_recording_practice"
    with duckdb.connect(str(path / "plumbline.duckdb")) as con:
        con.execute("create table other as select 1 as x")
    assert run.read_evaluation(path, "west-midlands") is None
    with duckdb.connect(str(path / "plumbline.duckdb")) as con:
        con.execute(MART)
    found = run.read_evaluation(path, "west-midlands")
    assert found.version == "release-2" and len(found.assessed) == 5
    by_severity = {f.severity: f for f in found.findings}
    lag, missing = by_severity["warning"], by_severity["critical"]
    assert (lag.check_code, lag.direction, lag.n) == ("report_lag", "up", 40)
    assert lag.contributions == (("Hours", 50.0),)
    assert lag.sentence == (
        "Did it change? West Midlands Police, Lag: higher than the periods before say."
    )
    assert (missing.check_code, missing.direction) == ("missing/burglary", "none")
    assert by_severity["note"].area_code == "dyfed-powys"
    with writer(settings) as con:
        folded = store.save(con, found, gap_months=1, at=dt.datetime(2021, 3, 1))
    assert name in [a.alert_id for a in folded.alerts] and len(folded.alerts) == 3
    # The alert that was known has ended meanwhile.
    assert [(n.severity, n.kind) for n in folded.news] == [
        ("critical", "opened"), ("warning", "ended"), ("note", "opened"),
    ]  # fmt: skip


def test_the_book_on_the_console(home):
    _, _, name = home
    assert name in call("list")
    assert json.loads(call("list", "--json"))[0]["state"] == "open"
    shown = call("show", name[:5])
    assert "The lag is longer than it was." in shown and "CONNECT 4" in shown
    assert "acknowledged" in call("ack", name, "--note", "asked the suppliers", "--by", "analyst")
    assert "none" in call("list")
    assert name in call("list", "--state", "acknowledged")
    assert "asked the suppliers" in call("show", name)
    assert "known event" in call("explain", name, code=2)
    assert "'nothing' is no known event of plumbline.yml (go_live)" in call(
        "explain", name, "--event", "nothing", code=2
    )
    assert "explained" in call("explain", name, "--event", "go_live", "--by", "analyst")
    assert "resolved" in call("resolve", name, "--note", "done")
    assert "open" in call("reopen", name)
    data = json.loads(call("show", name, "--json"))
    assert [a["kind"] for a in data["actions"]] == ["acknowledge", "explain", "resolve", "reopen"]
    assert "there is no alert 'zz'" in call("show", "zz", code=2)
    assert "there is no alert 'zz'" in call("ack", "zz", code=2)


def test_routes_are_tried_from_the_console(home, monkeypatch):
    _, target, _ = home
    assert "delivered" in call("test-delivery")
    assert "Plumbline: test of an alert route" in target.read_text()
    assert "no route is named x; there are: analysts" in call(
        "test-delivery", "--route", "x", code=2
    )
    monkeypatch.setenv("TEST_ALERT_URL", SECRET)
    said = call("test-delivery", code=1)
    assert "1 of 1 routes failed" in said and SECRET not in said
    assert "analysts: the variable does not hold an address" in call("deliver", code=1)
    monkeypatch.setenv("TEST_ALERT_URL", target.as_uri())
    assert "delivered" in call("deliver")


def test_a_webhook_is_tried_from_the_console_and_nothing_shows_its_address(
    home, server, monkeypatch, caplog
):
    settings, _, _ = home
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("TEST_ALERT_URL", f"json://user:{SECRET}@127.0.0.1:{server.port}/{SECRET}")
    said = call("test-delivery", "--json")
    assert [(r["outcome"], r["target"]) for r in json.loads(said)] == [("delivered", "json://…")]
    assert server.got[0]["title"] == "Plumbline: test of an alert route"
    server.statuses = [403]
    refused = call("test-delivery", code=1)
    assert "the target answered with status 403" in refused
    with ledger_reader(settings) as con:
        kept = con.execute("from ledger.alert_delivery").fetchall()
    assert len(kept) == 2 and SECRET not in said + refused + caplog.text + str(kept)


def test_no_route_is_said_so(tmp_path, monkeypatch):
    config = tmp_path / "plumbline.yml"
    config.write_text(f"home: {tmp_path / 'home'}\n")
    monkeypatch.setenv("PLUMBLINE_CONFIG", str(config))
    assert "no route is configured" in call("test-delivery", code=2)
    assert "there is no ledger" in call("list", code=2)


# ---------------------------------------------------------------------------------------- settings


def test_an_address_in_the_configuration_is_refused_and_not_repeated(tmp_path, monkeypatch):
    config = tmp_path / "plumbline.yml"
    config.write_text(f"alerts: {{routes: [{{name: a, url_variable: 'https://x/{SECRET}'}}]}}\n")
    with pytest.raises(SettingsError, match=r"url_variable") as error:
        load_settings(config=config)
    assert SECRET not in str(error.value)


def test_each_route_has_a_name_of_its_own():
    route = {"name": "a", "url_variable": "V"}
    with pytest.raises(ValueError, match="each route once: a"):
        Settings(alerts={"routes": [route, route]})
