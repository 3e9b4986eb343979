"""The alert book: the order and number of evaluations do not matter, and nothing is told twice."""

from __future__ import annotations

import datetime as dt
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.alerts.book import Action, Alert, find, fold, join_known, learn
from orchestration.alerts.findings import SEVERITIES, Evaluation, Finding
from orchestration.alerts.news import news_of

MONTHS = [dt.date(2020 + i // 12, i % 12 + 1, 1) for i in range(9)]
SERIES = [("lag", "force", "wmp"), ("lag", "neighbourhood", "n1")]

#: One cell as an evaluation sees it: not assessed, nothing found, or directions with severities.
cell_results = st.one_of(
    st.none(),
    st.dictionaries(
        st.sampled_from(["up", "down"]),
        st.sampled_from(SEVERITIES),
        max_size=2,
    ),
)
worlds = st.fixed_dictionaries(
    {
        series: st.lists(cell_results, min_size=len(MONTHS), max_size=len(MONTHS))
        for series in SERIES
    }
)


def finding(series, month, direction, severity, observed=1.0) -> Finding:
    return Finding(
        *series,
        month=month,
        direction=direction,
        severity=severity,
        who_acts="data quality",
        sentence="Something is unlike what it was.",
        observed=observed,
    )


def evaluation(version: str, world, months=MONTHS) -> Evaluation:
    findings, assessed = [], set()
    for series, results in world.items():
        for month, result in zip(MONTHS, results, strict=True):
            if result is None or month not in months:
                continue
            assessed.add((*series, month))
            findings += [finding(series, month, d, s) for d, s in result.items()]
    return Evaluation(version, tuple(findings), frozenset(assessed))


def known_after(evaluations):
    known = {}
    for each in evaluations:
        known = learn(known, each)
    return known


def without_versions(alerts: tuple[Alert, ...]):
    return [
        (
            *(a.alert_id, a.ids, a.state, a.opened_month, a.last_seen_month, a.months, a.finding),
            *(a.closed_as, a.closed_month, a.reopened_month),
        )
        for a in alerts
    ]


def month_by_month(world, growing: bool):
    """One evaluation a month: of that month alone, or of all that had been by then."""
    return [
        evaluation(f"v{i:03}", world, set(MONTHS[: i + 1] if growing else [month]))
        for i, month in enumerate(MONTHS)
    ]


@settings(max_examples=60, deadline=None)
@given(worlds, st.integers(0, 2), st.booleans())
def test_month_by_month_gives_what_one_evaluation_gives(world, gap, growing):
    replayed = fold(known_after(month_by_month(world, growing)), gap_months=gap)
    once = fold(learn({}, evaluation("v999", world)), gap_months=gap)
    assert without_versions(replayed) == without_versions(once)


@settings(max_examples=60, deadline=None)
@given(st.lists(worlds, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_matters(several, random):
    evaluations = [evaluation(f"v{i}", world) for i, world in enumerate(several)]
    shuffled = [*evaluations, *random.choices(evaluations, k=3)]
    random.shuffle(shuffled)
    assert known_after(shuffled) == known_after(evaluations)
    assert fold(known_after(shuffled)) == fold(known_after(evaluations))


@settings(max_examples=60, deadline=None)
@given(worlds, worlds, worlds)
def test_joining_is_associative_and_idempotent_also_within_one_version(one, two, three):
    # The same version thrice, with different content: an accident whose outcome is still settled.
    a, b, c = (known_after([evaluation("v1", w)]) for w in (one, two, three))
    for cell in set(a) & set(b) & set(c):
        x, y, z = a[cell], b[cell], c[cell]
        assert join_known(x, y) == join_known(y, x)
        assert join_known(join_known(x, y), z) == join_known(x, join_known(y, z))
        assert join_known(join_known(x, y), y) == join_known(x, y)


@settings(max_examples=60, deadline=None)
@given(st.lists(worlds, min_size=1, max_size=4), st.integers(0, 2))
def test_no_month_is_in_two_alerts_and_no_name_is_given_twice(several, gap):
    alerts = fold(
        known_after(evaluation(f"v{i}", w) for i, w in enumerate(several)), gap_months=gap
    )
    names = list(itertools.chain.from_iterable(a.ids for a in alerts))
    assert len(names) == len(set(names))
    months = [(a.key, m) for a in alerts for m in a.months]
    assert len(months) == len(set(months))
    # Every finding that stands is in an alert: none is lost.
    standing = {
        (series, d, m)
        for series in SERIES
        for d in ("up", "down")
        for m in MONTHS
        if _stands(several, series, m, d)
    }
    assert {(k[0], k[1], m) for k, m in months} == standing


def _stands(several, series, month, direction) -> bool:
    results = [w[series][MONTHS.index(month)] for w in several]
    assessed = [r for r in results if r is not None]
    return bool(assessed) and direction in assessed[-1]


@settings(max_examples=60, deadline=None)
@given(st.lists(worlds, min_size=2, max_size=5), st.integers(0, 2))
def test_every_name_ever_given_leads_to_one_alert_for_good(several, gap):
    known, given_names = {}, set()
    for number, world in enumerate(several):
        known = learn(known, evaluation(f"v{number}", world))
        alerts = fold(known, gap_months=gap)
        for name in given_names:
            assert name in find(alerts, name).ids
        given_names |= {a.alert_id for a in alerts}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(worlds, min_size=2, max_size=5),
    st.sampled_from(["acknowledge", "explain", "resolve"]),
    st.data(),
)
def test_what_a_person_said_is_kept_through_revisions(several, kind, data):
    known = learn({}, evaluation("v0", several[0]))
    alerts = fold(known)
    if not alerts:
        return
    chosen = data.draw(st.sampled_from(alerts))
    said = Action(
        "a1", chosen.alert_id, kind, chosen.check_code, chosen.area_type, chosen.area_code,
        chosen.direction, chosen.opened_month, chosen.last_seen_month, "analyst",
        dt.datetime(2021, 3, 1),
    )  # fmt: skip
    for number, world in enumerate(several[1:], 1):
        known = learn(known, evaluation(f"v{number}", world))
        after = find(fold(known, [said, said]), chosen.alert_id)
        assert after.last_action == said
        if kind == "explain":
            assert after.state == "explained"
        elif kind == "acknowledge":
            assert after.state == ("resolved" if after.is_closed else "acknowledged")
        else:
            later = [m for m in after.months if m > chosen.last_seen_month]
            assert after.reopened_month == (later[0] if later else None)
            assert (after.state == "open") == (bool(later) and not after.is_closed)


@settings(max_examples=120, deadline=None)
@given(st.lists(worlds, min_size=1, max_size=6), st.integers(0, 2))
def test_news_is_told_once_whatever_is_done_again(several, gap):
    known, told = {}, []
    for number, world in enumerate(several):
        each = evaluation(f"v{number}", world)
        known = learn(known, each)
        alerts = fold(known, gap_months=gap)
        news = news_of(alerts, told)
        told += news
        # The same evaluation once more, and nothing but it: no news.
        assert news_of(fold(learn(known, each), gap_months=gap), told) == ()
        # What is open and nobody looked at was told.
        for alert in alerts:
            if alert.state == "open" and not alert.is_closed:
                assert any(n.alert_id in alert.ids for n in told)
    assert len({n.news_id for n in told}) == len(told)
