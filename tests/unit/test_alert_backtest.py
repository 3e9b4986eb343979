"""The back-test: limits of discoveries, episodes and labels counted, changes put in and judged."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from orchestration.alerts import backtest
from orchestration.alerts.backtest import (
    ALERT,
    EFFECTS,
    NOT_ASSESSED,
    PASS,
    WATCH,
    Check,
    Effect,
    Label,
    Ledger,
    discovery_limits,
    happened,
    judge_again,
    label_results,
    openings,
    put_in,
    together,
)
from orchestration.alerts.backtest_report import month_name, read_checks, run
from orchestration.months import first_of_month, month_number
from orchestration.progress import silent
from orchestration.settings import seed_rows
from orchestration.statistics.multiplicity import adjusted_p_values

NAN = float("nan")
CHECKS = {
    "share": Check("share", "both", False, False, 0.01, 0.10, NAN, 0.0),
    "rate": Check("rate", "both", False, False, 0.01, 0.10, NAN, 0.0),
    "count": Check("count", "both", False, False, 0.01, 0.10, NAN, 0.0),
    "among": Check("among", "both", True, False, 0.01, 0.10, NAN, 0.0),
    "doubled_volume": Check("doubled_volume", "up", False, False, NAN, NAN, 1.8, 0.0),
    "missing_days": Check("missing_days", "up", False, False, NAN, NAN, 0.10, 0.0),
    "up_only": Check("up_only", "up", False, False, 0.01, 0.10, NAN, 0.0),
}
FIRST = month_number(dt.date(2016, 1, 1))


def world(seed: int = 1, periods: int = 60, series: int = 24, **level: float) -> Ledger:
    """Counts, shares, rates, shares of one whole, and rules, without a change; judged."""
    random = np.random.default_rng(seed)
    codes = ["share", "rate", "count", "among", "doubled_volume", "missing_days", "up_only"]
    kinds = ["share", "rate", "count", "share", "rule", "rule", "share"]
    columns: dict[str, list] = {name: [] for name in Ledger._fields}
    number = 0
    for code, kind in sorted(zip(codes, kinds, strict=True)):
        if code == "among":
            whole = random.poisson(400.0, (periods, series)).astype(float)
            xs, ns = whole, np.repeat(whole.sum(axis=1, keepdims=True), series, axis=1)
        elif code == "missing_days":
            xs, ns = np.zeros((periods, series)), np.full((periods, series), 30.0)
        else:
            ns = random.poisson(level.get("n", 900.0), (periods, series)).astype(float)
            xs = random.binomial(ns.astype(int), 0.3).astype(float)
            if code == "doubled_volume":
                xs = random.poisson(ns).astype(float)
        for i in range(series):
            columns["series"].append(np.full(periods, number))
            columns["check"].append(np.full(periods, code))
            columns["breakdown"].append(np.full(periods, "all"))
            columns["area"].append(np.full(periods, f"force/{i}"))
            columns["source"].append(np.full(periods, "police_uk"))
            columns["month"].append(FIRST + np.arange(periods))
            columns["width"].append(np.ones(periods, dtype=int))
            columns["kind"].append(np.full(periods, kind))
            columns["x"].append(xs[:, i])
            columns["n"].append(ns[:, i])
            columns["weight"].append(np.ones(periods))
            columns["p"].append(np.zeros(periods))
            columns["status"].append(np.full(periods, PASS, dtype="<U12"))
            columns["direction"].append(np.zeros(periods, dtype=np.int8))
            columns["detector"].append(np.full(periods, "rule", dtype="<U13"))
            number += 1
    return judged(Ledger(*(np.concatenate(columns[name]) for name in Ledger._fields)))


def judged(ledger: Ledger) -> Ledger:
    """With p, direction and status as the mart has them."""
    tested = ledger.kind != "rule"
    found = judge_again(ledger._replace(p=np.where(tested, 0.0, NAN)), CHECKS)
    p, q = found["p_value"], found["q_value"]
    ratio = ledger.x / ledger.n
    from_ratio = np.array([CHECKS[c].alert_from for c in ledger.check.tolist()])
    up_only = (ledger.check == "up_only") & (found["direction"] < 0)
    with np.errstate(invalid="ignore"):
        status = np.where(p <= 0.01, np.where(q <= 0.10, ALERT, WATCH), PASS)
        status = np.where(up_only, PASS, status)
        status = np.where(np.isnan(p) & tested, NOT_ASSESSED, status)
        status = np.where(~tested & (ratio >= from_ratio), ALERT, status)
    detector = np.where(tested, found["detector"], "rule")
    return ledger._replace(
        p=p,
        status=status,
        direction=found["direction"].astype(np.int8),
        detector=detector,
    )


@pytest.fixture(scope="module")
def calm() -> Ledger:
    return world()


def test_a_p_up_to_its_limit_is_a_discovery_in_its_place() -> None:
    random = np.random.default_rng(3)
    for trial in range(30):
        size = int(random.integers(1, 30))
        p = random.random(size) ** (1 + trial % 4)
        limits = discovery_limits(p, np.zeros(size), 0.10)
        for i in range(size):
            for value, is_one in ((limits[i] * 0.999999, True), (limits[i] * 1.000001, False)):
                other = p.copy()
                other[i] = value
                assert (adjusted_p_values(other)[i] <= 0.10) == is_one


def test_limits_are_of_each_family_and_say_what_the_rates_say() -> None:
    random = np.random.default_rng(4)
    p = random.random(400) ** 4
    p[::17] = np.nan
    family = np.repeat([0, 1, 2, 3], 100)
    limits = discovery_limits(p, family, 0.10)
    for one in range(4):
        q = adjusted_p_values(p[family == one][~np.isnan(p[family == one])])
        mine = (p <= limits)[family == one][~np.isnan(p[family == one])]
        np.testing.assert_array_equal(mine, q <= 0.10)
    assert np.isnan(limits[::17]).all()


def test_an_episode_outlasts_one_assessed_period_without_it(calm: Ledger) -> None:
    part = Ledger(*(column[:12].copy() for column in calm))
    status = np.full(12, PASS, dtype="<U12")
    status[[2, 3, 5, 9]] = ALERT  # 4 assessed without: one episode; 6 to 8: a new one
    direction = np.full(12, 1, dtype=np.int8)
    found = openings(part._replace(status=status, direction=direction))
    assert found.tolist() == [2, 9]
    status[[6, 7, 8]] = NOT_ASSESSED  # says nothing
    assert openings(part._replace(status=status, direction=direction)).tolist() == [2]
    direction[5] = -1
    assert openings(part._replace(status=status, direction=direction)).tolist() == [2, 5, 9]


def test_alerts_are_counted_against_labels(calm: Ledger) -> None:
    rows = np.flatnonzero(calm.check == "share")
    status = np.full(calm.status.size, PASS, dtype="<U12")
    first = rows[0]
    status[first + 30] = status[first + 31] = ALERT  # begins in its label, and goes on after it
    status[first + 50] = ALERT  # nothing is known of it
    ledger = calm._replace(status=status, direction=np.ones(status.size, dtype=np.int8))
    labels = [
        Label("moved", "event", "force/0", FIRST + 29, FIRST + 30, part="share"),
        Label("unseen", "event", "force/1", FIRST + 29, FIRST + 30, source="police_uk"),
        Label("other", "event", "force/0", FIRST + 45, FIRST + 55, checks=("rate", "count")),
        Label("elsewhere", "hold-out", "force/99", FIRST, FIRST + 10),
    ]
    whole = happened(ledger, labels, FIRST, FIRST + 59, ledger.check)["share"]
    assert (whole.opened, whole.opened_labelled, whole.opened_outside) == (2, 1, 1)
    assert whole.alert_periods == 2  # of the month after the label, and of the false one
    assert whole.assessed == 24 * 60 - 2 - 2
    assert (whole.labels, whole.labels_found, whole.delays) == (2, 1, (1,))
    early = happened(ledger, labels, FIRST, FIRST + 20, ledger.check)["share"]
    assert (early.opened, early.labels) == (0, 0)
    moved, unseen, other, elsewhere = label_results(ledger, labels, FIRST, FIRST + 59)
    assert (moved.alerted, moved.first_month, moved.delay) == (("share",), FIRST + 30, 1)
    assert (unseen.assessed, unseen.alerted, unseen.delay) == (7, (), None)
    assert (other.assessed, other.alerted) == (2, ())
    assert elsewhere.assessed == 0


def changes_of(ledger: Ledger, **options) -> backtest.PutIn:
    options = {"changes": 12} | options
    return together(
        [found for _, found in put_in(ledger, CHECKS, (), FIRST, FIRST + 59, **options)]
    )


@pytest.mark.parametrize("code", ["share", "rate", "count", "among"])
def test_a_change_is_judged_as_the_whole_run_would_with_it(calm: Ledger, code: str) -> None:
    """Doubling is not drawn, so the same change can be made in the whole run."""
    if code == "share":  # odds are drawn: all of it lost is not
        effect = Effect("gone", "spike", -1.0)
    else:
        effect = Effect("doubled_once", "spike", 1.0)
    found = changes_of(calm, effects=[effect], only=[code], changes=4, horizon=2)
    assert found.row.size == 4 and found.is_found.any()
    for i, row in enumerate(found.row.tolist()):
        x, n = calm.x.copy(), calm.n.copy()
        x[row] *= 1 + effect.size
        if code == "among":
            n[(calm.check == code) & (calm.month == calm.month[row])] += x[row] - calm.x[row]
        again = judged(calm._replace(x=x, n=n))
        sign = np.sign(effect.size)
        alerts = (again.status[row : row + 2] == ALERT) & (again.direction[row : row + 2] == sign)
        assert found.is_found[i] == alerts.any()
        if alerts.any():
            assert found.delay[i] == alerts.argmax()


def test_large_changes_are_found_at_once_and_none_without(calm: Ledger) -> None:
    found = changes_of(calm, effects=[e for e in EFFECTS if e.code.endswith("50")])
    for code in ("share", "rate", "count", "among"):
        for effect in ("step_up_50", "step_down_50"):
            which = (found.check == code) & (found.effect == effect)
            got = backtest.summary(found, which)
            assert got["pod"].value > 0.9 and got["delay"] == 0, (code, effect)
    assert found.is_found_without.mean() < 0.05
    down = found.effect == "step_down_50"
    assert not (down & (found.check == "up_only")).any()


def test_rules_have_what_they_can_have(calm: Ledger) -> None:
    found = changes_of(calm)
    doubled = found.check == "doubled_volume"
    assert set(found.effect[doubled].tolist()) == {"step_up_15", "step_up_50", "doubled_once"}
    assert found.is_found[doubled & (found.effect == "doubled_once")].mean() > 0.8
    assert not found.is_found[doubled & (found.effect == "step_up_15")].any()
    half = found.check == "missing_days"
    assert set(found.effect[half].tolist()) == {"halved_once"} and found.is_found[half].all()


def test_the_seed_says_all_whatever_else_is_asked(calm: Ledger) -> None:
    one = changes_of(calm, only=["rate"])
    among_others = changes_of(calm, only=["rate", "share"])
    mine = among_others.check == "rate"
    for a, b in zip(one, among_others, strict=True):
        np.testing.assert_array_equal(a, b[mine])
    other = changes_of(calm, only=["rate"], seed=1)
    assert (other.row != one.row).any()


def test_nothing_is_put_beside_alerts_or_labels_nor_beyond_the_span(calm: Ledger) -> None:
    status = calm.status.copy()
    noisy = (calm.area == "force/0") & (calm.month == FIRST + 40)
    status[noisy] = ALERT
    labels = [Label("known", "event", "force/1", FIRST, FIRST + 59)]
    parts = [
        found
        for _, found in put_in(
            calm._replace(status=status), CHECKS, labels, FIRST + 20, FIRST + 49,
            effects=EFFECTS[:1], changes=500, only=["rate", "doubled_volume"],
        )
    ]  # fmt: skip
    row = together(parts).row
    month, area = calm.month[row] - FIRST, calm.area[row]
    assert month.min() >= 20 and month.max() == 44
    assert not (area == "force/1").any()
    after = month[area == "force/0"]
    assert not ((after > 40) & (after <= 52)).any() and (after <= 40).any()


def test_the_report_leaves_out_what_is_not_assessed(calm: Ledger) -> None:
    report = run(
        calm, CHECKS, (), first=None, last=None, only=["share", "missing_days"],
        effects=EFFECTS, changes=3, seed=0, horizon=6, progress=silent,
    )  # fmt: skip
    checks = {row["check"]: row for row in report.figures("check")}
    assert set(checks) == {"share", "missing_days"}
    assert checks["share"]["ppv"]["value"] is None  # nothing is labelled
    assert checks["share"]["fpr"]["total"] == checks["share"]["assessed"] > 1000
    shown = dict(report.tables())
    assert all(row["PPV"] == "-" for row in shown["By check"])
    assert report.as_json()["from"] == month_name(FIRST) == "2016-01"
    assert len(report.by_effect()) >= 8


def test_rules_that_changes_reach_are_in_the_catalogue() -> None:
    rules = {r["check_code"] for r in seed_rows("recording_checks") if r["detector_type"] == "rule"}
    assert rules >= backtest.OF_VOLUME | backtest.OF_DAYS
    assert set(read_checks()) == {r["check_code"] for r in seed_rows("recording_checks")}
    named = {c for r in seed_rows("recording_holdouts") for c in r["check_codes"].split()}
    assert set(read_checks()) >= named
    ends = [
        [dt.date.fromisoformat(r[name]) for name in ("first_month", "last_month")]
        for r in seed_rows("recording_holdouts")
    ]
    assert all(month_number(a) <= month_number(b) for a, b in ends)


def test_months_are_those_of_numpy() -> None:
    days = [dt.date(1900, 2, 1), dt.date(1969, 12, 1), dt.date(1970, 1, 1), dt.date(2021, 12, 1)]
    numbers = [month_number(day) for day in days]
    assert numbers == [int(np.datetime64(day, "M").astype(np.int64)) for day in days]
    assert [first_of_month(number) for number in numbers] == days
