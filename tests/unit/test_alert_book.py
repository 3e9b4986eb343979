"""The alert book, case by case: episodes, late data, what persons said, what is news."""

from __future__ import annotations

import datetime as dt

import pytest

from orchestration.alerts.book import Action, alert_id, find, fold, learn
from orchestration.alerts.findings import (
    Evaluation,
    Finding,
    FindingError,
    evaluation_from_rows,
    from_mapping,
)
from orchestration.alerts.news import SHOWN_AREA_TYPES, news_of
from orchestration.publish import disclosure

SERIES = ("report_lag", "force", "west-midlands")


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"{text}-01")


def finding(month: str, **more) -> Finding:
    given = {
        "direction": "up",
        "severity": "warning",
        "who_acts": "data quality",
        "sentence": "The lag from report to record is longer than it was.",
        **more,
    }
    return Finding(*SERIES, month=day(month), **given)


def seen(version: str, found: str = "", calm: str = "", **more) -> Evaluation:
    """An evaluation that found something in the months of ``found`` and nothing in ``calm``."""
    findings = tuple(finding(m, **more) for m in found.split())
    cells = {f.cell for f in findings} | {(*SERIES, day(m)) for m in calm.split()}
    return Evaluation(version, findings, frozenset(cells))


def known(*evaluations: Evaluation):
    state = {}
    for each in evaluations:
        state = learn(state, each)
    return state


def act(alert, kind: str, number: int = 1, **more) -> Action:
    return Action(
        f"a{number}", alert.alert_id, kind, *SERIES, alert.direction, alert.opened_month,
        alert.last_seen_month, "analyst", dt.datetime(2021, 1, number), **more,
    )  # fmt: skip


def test_consecutive_months_and_a_gap_as_long_as_stated_are_one_alert():
    state = known(seen("v1", "2021-01 2021-02 2021-04 2021-07", "2021-03 2021-05 2021-06"))
    first, second = fold(state, gap_months=1)
    assert (first.opened_month, first.last_seen_month) == (day("2021-01"), day("2021-04"))
    assert (first.closed_as, first.closed_month) == ("ended", day("2021-06"))
    assert first.state == "resolved"
    assert second.opened_month == day("2021-07")
    assert second.closed_as is None and second.state == "open"
    assert len(fold(state, gap_months=2)) == 1
    assert len(fold(state, gap_months=0)) == 3


def test_months_that_were_not_assessed_neither_end_nor_split_an_alert():
    (alert,) = fold(known(seen("v1", "2021-01 2021-09")), gap_months=0)
    assert alert.months == (day("2021-01"), day("2021-09")) and not alert.is_closed


def test_up_and_down_are_two_alerts():
    state = known(seen("v1", "2021-01"), seen("v2", "2021-02", direction="down"))
    assert {a.direction for a in fold(state)} == {"up", "down"}


def test_late_data_before_the_start_moves_it_and_leaves_the_name():
    state = known(seen("v1", "2021-03", "2021-02"))
    (before,) = fold(state)
    assert before.alert_id == alert_id(SERIES, "up", day("2021-03"))
    state = learn(state, seen("v2", "2021-02 2021-03"))
    (after,) = fold(state)
    assert after.opened_month == day("2021-02") and after.alert_id == before.alert_id


def test_two_alerts_that_turn_out_to_be_one_keep_both_names():
    state = known(seen("v1", "2021-01", "2021-02 2021-03 2021-04"), seen("v2", "2021-05"))
    first, second = fold(state)
    state = learn(state, seen("v3", "2021-02 2021-03 2021-04"))
    (joined,) = fold(state)
    assert joined.alert_id == first.alert_id
    assert find([joined], second.alert_id) is joined
    assert len(joined.months) == 5


def test_a_revision_that_removes_every_month_withdraws_the_alert():
    state = known(seen("v1", "2021-01 2021-02"))
    (before,) = fold(state)
    (after,) = fold(learn(state, seen("v2", "", "2021-01 2021-02")))
    assert after.alert_id == before.alert_id
    assert (after.closed_as, after.state, after.months) == ("withdrawn", "resolved", ())
    assert after.finding == before.finding
    # And it comes back as itself.
    (again,) = fold(known(seen("v1", "2021-01"), seen("v2", "", "2021-01"), seen("v3", "2021-01")))
    assert again.alert_id == before.alert_id and again.state == "open"


def test_a_revision_that_no_longer_assesses_withdraws_nothing():
    state = known(seen("v1", "2021-01"), Evaluation("v2"))
    assert fold(state)[0].state == "open"


def test_a_revision_in_the_middle_splits_an_alert_and_both_keep_what_was_said():
    state = known(seen("v1", "2021-01 2021-02 2021-03 2021-04 2021-05"))
    (whole,) = fold(state)
    said = act(whole, "acknowledge")
    state = learn(state, seen("v2", "", "2021-02 2021-03 2021-04"))
    first, second = fold(state, [said])
    assert first.alert_id == whole.alert_id != second.alert_id
    assert first.last_action == second.last_action == said
    assert second.state == "acknowledged"


def test_a_resolved_alert_opens_again_only_for_later_months():
    state = known(seen("v1", "2021-02 2021-03"))
    said = act(fold(state)[0], "resolve")
    assert fold(state, [said])[0].closed_as == "resolved"
    state = learn(state, seen("v2", "2021-01 2021-02 2021-03"))
    assert fold(state, [said])[0].state == "resolved"
    state = learn(state, seen("v3", "2021-04"))
    (alert,) = fold(state, [said])
    assert (alert.state, alert.reopened_month) == ("open", day("2021-04"))
    # A person can open it again, too, and the last word counts.
    assert fold(state, [said, act(alert, "explain", 2)])[0].state == "explained"
    assert fold(state, [said, act(alert, "reopen", 3)])[0].state == "open"


def test_an_explained_alert_stays_explained_while_it_goes_on_and_when_it_ends():
    state = known(seen("v1", "2021-02"))
    said = act(fold(state)[0], "explain", known_event_code="connect_go_live")
    state = learn(state, seen("v2", "2021-03", "2021-04 2021-05"))
    (alert,) = fold(state, [said])
    assert (alert.state, alert.closed_as) == ("explained", "ended")
    assert alert.last_action.known_event_code == "connect_go_live"


def test_of_one_cell_the_latest_version_stands_whenever_it_comes():
    late, early = seen("v2", "2021-01", severity="note"), seen("v1", "2021-01", severity="critical")
    assert fold(known(late, early)) == fold(known(early, late))
    assert fold(known(late, early))[0].severity == "note"


# ------------------------------------------------------------------------------------------- news


def kinds(news) -> list[str]:
    return [n.kind for n in news]


def test_what_is_news_over_the_life_of_an_alert():
    told, state, said = [], {}, []

    def after(evaluation: Evaluation) -> list[str]:
        nonlocal state
        state = learn(state, evaluation)
        news = news_of(fold(state, said), told)
        told.extend(news)
        return kinds(news)

    assert after(seen("v1", "2021-01")) == ["opened"]
    assert after(seen("v1", "2021-01")) == []
    assert after(seen("v2", "2021-02")) == []
    assert after(seen("v3", "2021-03", severity="critical")) == ["worsened"]
    assert after(seen("v4", "2021-04")) == []
    assert after(seen("v5", "", "2021-05")) == []
    assert after(seen("v6", "", "2021-06")) == ["ended"]
    assert after(seen("v7", "2021-08")) == ["opened"]
    assert after(seen("v8", "", "2021-08")) == ["withdrawn"]
    assert after(seen("v9", "2021-08")) == ["reopened"]
    said.append(act(fold(state)[1], "acknowledge"))
    assert after(seen("w0", "2021-09", severity="critical")) == []
    said.append(act(fold(state, said)[1], "resolve", 2))
    assert after(seen("w1", "2021-09")) == []
    assert after(seen("w2", "2021-10")) == ["reopened"]
    assert after(seen("w2", "2021-10")) == []


def test_an_alert_that_had_ended_when_first_noticed_is_no_news():
    assert news_of(fold(known(seen("v1", "2019-01", "2019-02 2019-03"))), []) == ()


def test_the_worst_comes_first_and_the_words_hold_the_evidence():
    one = finding("2021-01", observed=1234.5, expected=900, upper=1100, score=1.7, p=0.0004)
    two = Finding(
        "duplicates", "force", "west-midlands", day("2021-01"), "none", "critical", "suppliers",
        "Keys came twice.", contributions=(("CONNECT", 40.0),), known_event_code="connect_go_live",
    )  # fmt: skip
    first, second = news_of(
        fold(known(Evaluation("v1", (one, two), frozenset({one.cell, two.cell})))), []
    )
    assert first.title == "New (critical): duplicates, force west-midlands, January 2021"
    assert "CONNECT: 40." in first.body
    assert "Coincides with the known event connect_go_live." in first.body
    assert "observed 1,234, expected 900, upper limit 1,100, score 1.7, p 0.0004" in second.body
    assert f"plumbline alerts show {second.alert_id}" in second.body


def test_figures_below_the_level_of_the_force_are_not_sent():
    one = Finding(
        "flag_share", "neighbourhood", "n1", day("2021-01"), "up", "warning", "data quality",
        "3 of 4 knife offences bore the flag.", observed=3, expected=1, contributions=(("a", 3),),
    )  # fmt: skip
    (item,) = news_of(fold(known(Evaluation("v1", (one,), frozenset({one.cell})))), [])
    assert "3" not in item.body.replace(item.alert_id, "") and "data quality" in item.body
    assert SHOWN_AREA_TYPES == disclosure.SHOWN_AREA_TYPES


# --------------------------------------------------------------------------------------- contract


def test_a_finding_survives_the_ledger():
    whole = finding(
        "2021-03", observed=1.5, expected=1.0, lower=0.5, upper=1.2, score=2.5, p=0.01, q=0.05,
        n=40, since_month=day("2021-02"), contributions=(("a", 1.0), ("b", 0.5)),
        known_event_code="connect_go_live",
    )  # fmt: skip
    assert Finding.from_json(whole.to_json()) == whole
    assert Finding.from_json(finding("2021-03").to_json()) == finding("2021-03")


def test_rows_of_a_mart_become_an_evaluation():
    base = dict(zip(("check_code", "area_type", "area_code"), SERIES, strict=True))
    rows = [
        {**base, "month": dt.datetime(2021, 1, 1), "status": "no_finding"},
        {**base, "month": day("2021-02"), "status": "not_assessed"},
        {
            **base, "month": day("2021-03"), "status": "finding", "direction": "up",
            "severity": "note", "who_acts": "suppliers", "sentence": "So.",
            "observed": float("nan"), "n": 3.0, "contributions": {"a": 2},
        },
    ]  # fmt: skip
    made = evaluation_from_rows("v1", rows)
    assert made.assessed == {(*SERIES, day("2021-01")), (*SERIES, day("2021-03"))}
    (only,) = made.findings
    assert (only.observed, only.n, only.contributions) == (None, 3, (("a", 2.0),))
    with pytest.raises(FindingError, match="status 'fail' is none of"):
        evaluation_from_rows("v1", [{**rows[0], "status": "fail"}])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"direction": "sideways"}, "direction"),
        ({"severity": "high"}, "severity"),
        ({"p": 1.5}, "p 1.5 does not lie in 0 to 1"),
        ({"who_acts": ""}, "who_acts is empty"),
        ({"since_month": day("2021-05")}, "lies after it"),
    ],
)
def test_a_finding_that_breaks_the_contract_is_refused(wrong, words):
    with pytest.raises(FindingError, match=words):
        finding("2021-04", **wrong)


def test_an_evaluation_that_contradicts_itself_is_refused():
    one = finding("2021-01")
    with pytest.raises(FindingError, match="was not assessed"):
        Evaluation("v1", (one,))
    with pytest.raises(FindingError, match="two findings"):
        Evaluation("v1", (one, one), frozenset({one.cell}))
    with pytest.raises(FindingError, match="needs a version"):
        Evaluation("")
    with pytest.raises(FindingError, match="first day"):
        Finding(*SERIES, dt.date(2021, 1, 2), "up", "note", "x", "y")


def test_an_alert_is_found_by_the_beginning_of_its_name():
    alerts = fold(known(seen("v1", "2021-01 2021-05", "2021-02 2021-03")))
    assert find(alerts, alerts[0].alert_id[:8]) is alerts[0]
    with pytest.raises(LookupError, match="there is no alert"):
        find(alerts, "zzz")
    with pytest.raises(LookupError, match="there is no alert"):
        find(alerts, "")


def test_a_finding_is_never_taken_for_none_by_a_row_without_status():
    with pytest.raises(KeyError):
        evaluation_from_rows("v1", [{"check_code": "a"}])


def test_from_mapping_reads_named_pairs():
    row = {**dict.fromkeys(("check_code", "area_type", "area_code", "who_acts", "sentence"), "a")}
    row |= {"month": "2021-01-01", "severity": "note", "contributions": '[{"name":"x","value":1}]'}
    assert from_mapping(row).contributions == (("x", 1.0),)
    assert from_mapping(row).direction == "none"
