"""Why an alert is there: its date, its parts, other series, and each branch of the rule."""

from __future__ import annotations

import datetime as dt
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.attribution import independent as ind
from orchestration.attribution import rule
from orchestration.attribution.contributions import (
    contributions,
    shown,
    spread,
    within_and_mix,
)
from orchestration.attribution.dating import departures
from orchestration.attribution.table import attribute, score
from orchestration.settings import load_settings, seed_rows

NOVEMBER = dt.date(2020, 11, 1)


# -------------------------------------------------------------------------------------------- parts

COUNTS = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 5000)), min_size=1, max_size=40
).filter(lambda pairs: sum(b for _, b in pairs) > 0)


@given(COUNTS, st.floats(1, 1e6), st.floats(0, 1e4))
def test_parts_sum_to_observed_less_expected(pairs, whole, expected) -> None:
    now, before = np.array(pairs, dtype=float).T
    observed = now.sum() / whole
    each, rest = contributions(observed, expected, now, before, whole)
    assert rest == 0
    assert each.sum() == pytest.approx(observed - expected, rel=1e-9, abs=1e-9 * (1 + expected))


@given(COUNTS)
def test_what_is_shown_keeps_the_sum_and_tells_no_small_part(pairs) -> None:
    now, before = np.array(pairs, dtype=float).T
    each, _ = contributions(now.sum(), before.sum(), now, before)
    parts = shown([str(i) for i in range(len(pairs))], now, before, each)
    assert sum(p.contribution for p in parts) == pytest.approx(each.sum(), abs=1e-6)
    assert sum(p.now for p in parts) == now.sum()
    alone = [p for p in parts if p.name]
    assert all(not 0 < count < 20 for p in alone for count in (p.now, p.before))
    together = [p for p in parts if not p.name]
    # One small part beside others is never the only one that is not shown.
    assert all(p.part_count > 1 or not alone for p in together)


def test_what_no_part_holds_is_said() -> None:
    each, rest = contributions(100.0, 50.0, [60.0, 20.0], [30.0, 20.0])
    assert each.tolist() == [30.0, 0.0]
    assert rest == 20.0
    with pytest.raises(ValueError, match="denominator"):
        contributions(1.0, 1.0, [1.0], [1.0], 0.0)


def test_a_change_within_the_parts_is_told_from_another_mix() -> None:
    # The same mix, both ratios doubled.
    within = within_and_mix([20, 80], [100, 200], [10, 40], [100, 200])
    assert within.within == pytest.approx(50 / 300) and within.mix == pytest.approx(0)
    assert within.within_share == pytest.approx(1)
    # The same ratios, more of the part with the high one.
    mix = within_and_mix([10, 120], [100, 300], [10, 80], [100, 200])
    assert mix.within == pytest.approx(0)
    assert mix.mix == pytest.approx(130 / 400 - 90 / 300)
    # A part that came has no ratio before: that is mix.
    assert within_and_mix([10, 5], [100, 10], [10, 0], [100, 0]).within == pytest.approx(0)


def test_a_change_is_as_wide_as_the_parts_that_moved_alike() -> None:
    assert spread([120, 130, 5], [100, 100, 3], 1) == 1
    assert spread([120, 90], [100, 100], 1) == 0.5
    assert math.isnan(spread([120, 1], [100, 1], 1))


# ------------------------------------------------------------------------------------------- dating


def test_a_step_is_dated_at_its_month_and_later_ones_are_named() -> None:
    rng = np.random.default_rng(7)
    level = np.r_[np.full(31, 200.0), np.full(6, 260.0), np.full(6, 400.0)]
    y = rng.poisson(level)[:, None]
    found = departures(y, np.full(y.shape, 200.0), [1.0], [1])
    assert abs(found.since[0] - 31) <= 1
    assert found.first[0] <= 31 <= found.last[0] <= 33
    assert found.later[0] == (37,)


def test_a_gap_before_the_change_belongs_to_its_range() -> None:
    y = np.full((30, 1), 100.0)
    y[20:] = 160.0
    y[17:20] = np.nan
    found = departures(y, np.full(y.shape, 100.0), [1.0], [1])
    assert (found.since[0], found.first[0], found.last[0]) == (20, 17, 20)


def test_no_date_without_a_change_on_that_side_or_before_it_is_allowed() -> None:
    y = np.full((30, 3), 100.0)
    y[20:, 1] = 60.0
    y[20:, 2] = 160.0
    found = departures(y, np.full(y.shape, 100.0), [1.0] * 3, [1, 1, 1], [1, 1, 25])
    assert found.since.tolist() == [-1, -1, -1]


# ------------------------------------------------------------------------------- independent series


def test_series_move_or_do_not_or_are_too_small_to_say() -> None:
    found = ind.compare(
        [500, 400, 6, 300, 0, 55],
        [365] * 6,
        [400, 400, 5, 400, 0, 40],
        [365, 365, 365, 365, 365, 365],
        [1.3, 1.3, 1.3, 1.3, 1.3, 1.3],
    )
    assert found.verdict.tolist() == [
        ind.MOVED_UP,
        ind.DID_NOT_MOVE,
        ind.COULD_NOT_SHOW,
        ind.MOVED_DOWN,
        ind.NOT_ASSESSED,
        ind.COULD_NOT_SHOW,
    ]
    assert found.detectable[1] < 1.3 < found.detectable[2]


def test_a_series_is_unclear_between_one_and_five_in_a_hundred() -> None:
    found = ind.compare([460], [365], [400], [365], [2.0])
    assert 0.01 < found.p_value[0] < 0.05
    assert found.verdict[0] == ind.UNCLEAR


def test_over_dispersion_makes_a_series_less_sure() -> None:
    sure = ind.compare([480], [365], [400], [365], [1.5])
    loose = ind.compare([480], [365], [400], [365], [1.5], 6.0, 30.0)
    assert sure.verdict[0] == ind.MOVED_UP
    assert loose.verdict[0] != ind.MOVED_UP


# ----------------------------------------------------------------------------------------- the rule


def event(kind: str = "recording_practice", name: str = "The team", **changed) -> rule.Event:
    return rule.Event("team", name, kind, NOVEMBER, NOVEMBER, **changed)


def series(verdict: str, name: str = "admissions", bears: bool = True) -> rule.Series:
    return rule.Series(name, name, verdict, bears_on_check=bears)


STILL, UP, SMALL = (series(v) for v in (ind.DID_NOT_MOVE, ind.MOVED_UP, ind.COULD_NOT_SHOW))


@pytest.mark.parametrize(
    ("evidence", "attribution", "reason"),
    [
        ({"subject": "supply"}, "recording", "supply"),
        ({"subject": "volume", "events": [("covers", event())]}, "recording", "known_event"),
        (
            {"subject": "content", "events": [("covers", event("reporting"))]},
            "recording",
            "known_event",
        ),
        ({"subject": "volume", "events": [("covers", event("crime"))]}, "crime", "known_event"),
        (
            {"subject": "volume", "events": [("covers", event()), ("covers", event("crime"))]},
            "cannot_tell",
            "events_of_both",
        ),
        (
            {"subject": "volume", "events": [("covers", event())], "independents": [UP]},
            "cannot_tell",
            "known_event_and_independents",
        ),
        # How reports become records is no matter of crime, whatever moved.
        (
            {"subject": "process", "events": [("covers", event())], "independents": [UP]},
            "recording",
            "known_event",
        ),
        ({"subject": "volume", "is_lockdown": True}, "cannot_tell", "lockdown"),
        ({"subject": "mix", "is_lockdown": True}, "cannot_tell", "lockdown"),
        ({"subject": "field", "within_share": 0.8}, "recording", "within_codes"),
        ({"subject": "field", "within_share": 0.79}, "cannot_tell", "no_evidence"),
        ({"subject": "process", "independents": [STILL]}, "recording", "independents_stable"),
        ({"subject": "content", "independents": [STILL]}, "recording", "independents_stable"),
        ({"subject": "content", "independents": [SMALL]}, "cannot_tell", "independents_too_small"),
        (
            {"subject": "content", "independents": [series(ind.DID_NOT_MOVE, bears=False)]},
            "cannot_tell",
            "no_evidence",
        ),
        ({"subject": "volume", "by_practice": 0.5}, "recording", "practice_origins"),
        ({"subject": "volume", "by_practice": 0.49}, "cannot_tell", "no_evidence"),
        (
            {"subject": "volume", "independents": [UP], "spread": 0.9},
            "crime",
            "independents_moved",
        ),
        (
            {"subject": "volume", "independents": [UP], "spread": 0.89},
            "cannot_tell",
            "independents_moved_only",
        ),
        (
            {"subject": "volume", "independents": [UP, STILL], "spread": 1.0},
            "cannot_tell",
            "independents_disagree",
        ),
        ({"subject": "mix", "events": [("possible", event())]}, "cannot_tell", "not_dated"),
        ({"subject": "mix", "events": [("coincides", event())]}, "cannot_tell", "coincidence"),
        # Neither series that did not move nor origins say anything of which crimes there are.
        (
            {"subject": "mix", "independents": [STILL], "by_practice": 0.9},
            "cannot_tell",
            "no_evidence",
        ),
        ({"subject": "volume", "independents": [STILL]}, "cannot_tell", "no_evidence"),
        ({"subject": "unknown"}, "cannot_tell", "no_evidence"),
    ],
)
def test_each_branch_of_the_rule(evidence: dict, attribution: str, reason: str) -> None:
    given_ = {k: tuple(v) if isinstance(v, list) else v for k, v in evidence.items()}
    found = rule.decide(rule.Evidence(direction=1, **given_))
    assert (found.attribution, found.reason_code) == (attribution, reason)
    assert found.reason


def test_an_event_covers_its_checks_when_it_can_have_begun_then() -> None:
    months = (dt.date(2020, 10, 1), dt.date(2020, 12, 1))
    assert rule.relation(event(), *months) == rule.COVERS
    assert rule.relation(event(is_about_check=False), *months) == rule.COINCIDES
    assert rule.relation(event(is_dated=False), *months) == rule.POSSIBLE
    assert rule.relation(event(), *months, is_dated=False) == rule.POSSIBLE
    assert rule.relation(event(), dt.date(2020, 12, 1), dt.date(2021, 2, 1)) is None


def test_a_score_is_one_where_the_check_begins_to_alert() -> None:
    assert score(0.01, 0.10, 0.01, 0.10) == 1
    assert score(0.0001, 0.10, 0.01, 0.10) == 1
    assert score(0.0001, 0.001, 0.01, 0.10) == 2
    assert score(0.02, 0.001, 0.01, 0.10) < 1
    assert score(None, None, None, None, 1.8, 1.8) == 1
    assert score(None, None, 0.01, 0.10) is None


# ---------------------------------------------------------------------------------- from end to end


def test_an_alert_is_explained_from_its_rows() -> None:
    months = [dt.date(2018 + (m + 3) // 12, (m + 3) % 12 + 1, 1) for m in range(36)]
    key = {"check_code": "log_review_crimes", "breakdown_code": "all", "area_id": "force/x"}
    onset = months.index(NOVEMBER)
    found = {m: (40 if i < onset else 120) for i, m in enumerate(months)}
    periods = [
        key
        | {
            "month": m,
            "month_count": 1,
            "detector_type": "share",
            "numerator_count": found[m],
            "denominator_count": 2000,
            "expected": 0.02,
            "not_assessed_reason": None,
            "baseline_weight": 1.0,
            "is_lockdown": False,
            "is_restricted": False,
        }
        for m in months
    ]
    month = months[onset + 1]
    alert = key | {
        "month": month,
        "source_type": "force_records",
        "force_code": "x",
        "detector_type": "share",
        "numerator_count": 120,
        "denominator_count": 2000,
        "observed_value": 120 / 2000,
        "expected_value": (40 * onset + 120) / (2000 * (onset + 1)),
        "p_value": 1e-8,
        "q_value": 1e-6,
        "direction_type": "up",
        "is_persistent": False,
        "alert_since_month": NOVEMBER,
        "baseline_first_month": months[0],
        "is_held_to_peers": False,
        "watch_p_value": 0.01,
        "alert_q_value": 0.10,
        "alert_from": None,
        "subject_type": "process",
        "independent_codes": "robbery",
    }
    parts = [
        key
        | {
            "month": m,
            "dimension_code": "offence_code",
            "part_code": code,
            "numerator_count": found[m] * share // 4,
            "denominator_count": 1000,
        }
        for m in months
        for code, share in (("8N", 3), ("105A", 1))
    ]
    robbery = [
        {
            "series_code": "robbery",
            "source_type": "force_records",
            "force_code": "x",
            "month": m,
            "month_count": 1,
            "event_count": 700 + i % 12,
            "day_count": 30,
            "is_lockdown": False,
        }
        for i, m in enumerate(months)
    ]
    events = [
        {
            "force_code": of,
            "event_code": f"team_{of}",
            "event_name": "The team",
            "event_type": "recording_practice",
            "first_date": NOVEMBER,
            "last_date": None,
            "checks": "log_review_crimes",
            "is_dated": True,
            "evidence": "paper",
        }
        for of in ("x", "y")
    ]
    (result,) = attribute([alert], periods, parts, robbery, events, ["log_quality_review"])
    assert result["attribution_code"] == "recording"
    assert (result["known_event_code"], result["known_event_relation"]) == ("team_x", "covers")
    assert result["since_month"] == NOVEMBER
    assert result["since_from_month"] <= NOVEMBER <= result["since_to_month"]
    assert result["contribution_method"] == "baseline"
    by_part = {p["part"]: p["contribution"] for p in json.loads(result["contributions"])}
    assert list(by_part) == ["8N", "105A"]
    difference = alert["observed_value"] - alert["expected_value"]
    assert sum(by_part.values()) == pytest.approx(difference, rel=1e-12)
    assert by_part["8N"] == pytest.approx(0.75 * difference)
    (other,) = json.loads(result["independents"])
    assert other["verdict"] == ind.DID_NOT_MOVE and other["bears_on_check"]
    assert "Recording: a known change of recording" in result["attribution_text"]
    # Without the event the same alert is one within the same offences.
    (result,) = attribute([alert], periods, parts, robbery, [], [])
    assert (result["attribution_code"], result["reason_code"]) == ("recording", "within_codes")


def test_a_level_of_counts_that_lasts_is_taken_apart_since_it_began() -> None:
    months = [dt.date(2018 + (m + 3) // 12, (m + 3) % 12 + 1, 1) for m in range(40)]
    key = {"check_code": "knife_flag", "breakdown_code": "all", "area_id": "force/x"}
    # A year's wave, and a fifth more from the 33rd month on; the last month is a low one.
    level = [400 + 60 * math.cos(2 * math.pi * m / 12) for m in range(40)]
    counts = [round(v * (1.2 if m >= 33 else 1)) for m, v in enumerate(level)]
    counts[-1] = 330
    periods = [
        key
        | {
            "month": m,
            "month_count": 1,
            "detector_type": "count",
            "numerator_count": count,
            "denominator_count": None,
            "expected": None,
            "not_assessed_reason": None,
            "baseline_weight": 1.0,
            "is_lockdown": False,
            "is_restricted": False,
        }
        for m, count in zip(months, counts, strict=True)
    ]
    alert = key | {
        "month": months[-1],
        "source_type": "force_records",
        "force_code": "x",
        "detector_type": "count",
        "numerator_count": 330,
        "denominator_count": None,
        "observed_value": 330.0,
        "expected_value": 350.0,
        "p_value": 1e-6,
        "q_value": 1e-4,
        "direction_type": "up",
        "is_persistent": True,
        "alert_since_month": months[34],
        "baseline_first_month": months[0],
        "is_held_to_peers": False,
        "watch_p_value": 0.01,
        "alert_q_value": 0.10,
        "alert_from": None,
        "subject_type": "content",
        "independent_codes": "",
    }
    parts = [
        key
        | {
            "month": m,
            "dimension_code": "system",
            "part_code": "connect" if i >= 33 else "legacy",
            "numerator_count": count,
            "denominator_count": None,
        }
        for i, (m, count) in enumerate(zip(months, counts, strict=True))
    ]
    (result,) = attribute([alert], periods, parts, [], [], [])
    assert result["since_month"] == months[33]
    assert result["contribution_method"] == "since the change"
    by_part = {p["part"]: p["contribution"] for p in json.loads(result["contributions"])}
    assert sum(by_part.values()) == pytest.approx(result["difference"], rel=1e-9)
    assert result["difference"] > 0 and by_part["connect"] == sum(counts[33:])


def test_every_check_has_a_subject_and_events_name_checks_that_exist() -> None:
    checks = {r["check_code"] for r in seed_rows("recording_checks")}
    subjects = {r["check_code"]: r["subject_type"] for r in seed_rows("recording_check_subjects")}
    assert checks <= set(subjects)
    assert set(subjects.values()) <= set(rule.SUBJECTS)
    named = {c for e in load_settings().known_events for c in e.checks.replace(",", " ").split()}
    assert named <= checks | {"all"}
