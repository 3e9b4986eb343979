"""The judgement of recording checks, in worlds with and without a change."""

import numpy as np
import pytest
from scipy import stats

from orchestration import recording_checks
from orchestration.recording_checks import (
    LEAST_BASELINE,
    adjust_by_family,
    judge_counts,
    judge_ledger,
    judge_ratios,
)


def _world(seed, periods=60, series=400, share=0.1, trials=400):
    rng = np.random.default_rng(seed)
    n = np.full((periods, series), float(trials))
    return rng.binomial(trials, share, n.shape).astype(float), n


def test_no_period_is_judged_by_what_came_after():
    x, n = _world(1, series=5)
    whole = judge_ratios(x, n, is_part=True)
    until = judge_ratios(x[:40], n[:40], is_part=True)
    np.testing.assert_array_equal(whole.p_value[:40], until.p_value)
    assert np.isnan(whole.p_value[:LEAST_BASELINE]).all()
    assert not np.isnan(whole.p_value[LEAST_BASELINE:]).any()


@pytest.mark.parametrize(("share", "trials"), [(0.1, 400), (0.005, 200), (0.99, 100)])
def test_false_alarms_keep_to_their_level(share, trials):
    x, n = _world(2, share=share, trials=trials)
    p = judge_ratios(x, n, is_part=True).p_value[LEAST_BASELINE:]
    assert np.mean(p <= 0.01) < 0.012
    x, n = _world(3, share=share, trials=trials)
    p = judge_ratios(x, n, is_part=False).p_value[LEAST_BASELINE:]
    assert np.mean(p <= 0.01) < 0.012


def test_months_that_scatter_raise_few_alarms_either():
    rng = np.random.default_rng(4)
    n = np.full((60, 400), 2000.0)
    shares = np.clip(rng.normal(0.2, 0.02, n.shape), 0.01, 0.99)
    x = rng.binomial(2000, shares).astype(float)
    p = judge_ratios(x, n, is_part=True).p_value[LEAST_BASELINE:]
    assert np.mean(p <= 0.01) < 0.02


def test_a_step_is_found_and_named():
    x, n = _world(5, series=200)
    rng = np.random.default_rng(6)
    x[40:] = rng.binomial(400, 0.2, x[40:].shape)
    found = judge_ratios(x, n, is_part=True)
    assert np.mean(found.p_value[40] <= 0.01) > 0.95
    assert np.all(found.direction[41:46] == 1)
    assert np.mean(found.is_persistent[45]) > 0.9


def test_a_small_step_takes_months_together():
    x, n = _world(7, series=200)
    rng = np.random.default_rng(8)
    x[40:] = rng.binomial(400, 0.135, x[40:].shape)
    found = judge_ratios(x, n, is_part=True)
    assert np.mean(found.p_value[40] <= 0.01) < 0.5
    assert np.mean(found.p_value[45] <= 0.01) > 0.7


def test_what_never_was_and_then_is_has_an_exact_test():
    x, n = np.zeros((14, 1)), np.full((14, 1), 300.0)
    x[13] = 8
    found = judge_ratios(x, n, is_part=True)
    p = stats.hypergeom(300 * 14, 8, 300).sf(7)
    assert found.p_value[13, 0] == pytest.approx(2 * p, rel=1e-9)
    assert found.direction[13, 0] == 1
    assert found.p_value[12, 0] == 1


def test_periods_without_weight_make_no_limits():
    x, n = _world(9, series=1)
    odd = x.copy()
    odd[20:24] = 300
    w = np.ones_like(x)
    w[20:24] = 0
    clean = judge_ratios(np.where(w == 0, np.nan, x), n, is_part=True)
    found = judge_ratios(odd, n, is_part=True, weights=w)
    assert found.p_value[22, 0] < 1e-6
    late = slice(30, None)  # the six together may hold no odd period either
    np.testing.assert_allclose(found.expected[late], clean.expected[late])
    np.testing.assert_allclose(found.p_value[late], clean.p_value[late])


def test_missing_periods_have_no_result():
    x, n = _world(10, series=1)
    x[30] = np.nan
    n[31] = 0
    found = judge_ratios(x, n, is_part=False)
    assert np.isnan(found.p_value[30:32]).all()
    assert not np.isnan(found.p_value[32:]).any()


def test_counts_of_a_short_history_are_judged_where_months_do_not_differ_more_than_chance():
    rng = np.random.default_rng(11)
    y = rng.poisson([[3.0, 1000.0]], (20, 2)).astype(float)
    y[15] = 40, 2000
    found = judge_counts(y)
    assert found.p_value[15, 0] < 0.001 and found.detector[15, 0] == "short history"
    assert np.isnan(found.p_value[15, 1]) and found.detector[15, 1] == "too short"
    assert np.isnan(found.expected[15, 1])


def test_a_count_that_never_was_is_a_pass_after_a_year():
    found = judge_counts(np.zeros((20, 1)))
    assert np.isnan(found.p_value[:12]).all()
    assert np.all(found.p_value[12:] == 1)


def test_families_are_adjusted_apart():
    q = adjust_by_family([0.01, 0.04, np.nan, 0.04], ["a", "a", "a", "b"])
    np.testing.assert_allclose(q, [0.02, 0.04, np.nan, 0.04])
    with pytest.raises(ValueError, match="both"):
        adjust_by_family([0.1], ["a", "b"])


def _ledger(**changes):
    periods = 16
    month = np.arange("2019-01", "2020-05", dtype="datetime64[M]")
    columns = {
        "series": np.zeros(periods, int),
        "month": month,
        "month_count": np.ones(periods, int),
        "detector_type": np.full(periods, "share"),
        "numerator": np.full(periods, 20.0),
        "denominator": np.full(periods, 100.0),
        "weight": np.ones(periods),
        "is_to_assess": np.ones(periods, bool),
        "family": np.arange(periods),
        "peers": np.full(periods, -1),
    }
    return columns | changes


def test_a_ledger_keeps_its_rows_and_leaves_out_what_is_not_to_be_assessed():
    to_assess = np.ones(16, bool)
    to_assess[14] = False
    order = np.random.default_rng(12).permutation(16)
    given = {k: v[order] for k, v in _ledger(is_to_assess=to_assess).items()}
    found = judge_ledger(**given)
    back = np.argsort(order)
    assert list(np.isnan(found["p_value"][back])) == [True] * 12 + [False, False, True, False]
    assert found["history_count"][back][15] == 15
    np.testing.assert_allclose(found["value_lower"], 0.1333, atol=1e-4)
    np.testing.assert_array_equal(found["q_value"], found["p_value"])


def test_a_rule_is_not_judged_and_quarters_are_not_counted():
    found = judge_ledger(**_ledger(detector_type=np.full(16, "rule")))
    assert np.isnan(found["p_value"]).all() and np.isnan(found["value_lower"]).all()
    with pytest.raises(ValueError, match="quarters"):
        judge_ledger(**_ledger(detector_type=np.full(16, "count"), month_count=np.full(16, 3)))
    with pytest.raises(ValueError, match="twice"):
        judge_ledger(**_ledger(month=np.full(16, "2020-01-01", dtype="datetime64[D]")))


def test_an_empty_ledger_is_empty():
    found = judge_ledger(**{k: v[:0] for k, v in _ledger().items()})
    assert all(v.shape == (0,) for v in found.values())


def _forces(seed, drift, own=0.0):
    """Forty forces of very different size whose log odds drift together and each by itself."""
    rng = np.random.default_rng(seed)
    periods, forces = 40, 40
    n = np.tile(rng.integers(2000, 60000, forces), (periods, 1)).astype(float)
    steps = np.cumsum(rng.normal(0, drift, (periods, forces)), axis=0)
    odds = -1.5 - 0.02 * np.arange(periods)[:, None] + steps
    odds[30:, 0] += own
    return rng.binomial(n.astype(int), 1 / (1 + np.exp(-odds))).astype(float), n


def test_what_all_forces_share_is_no_finding_and_how_far_they_drift_neither():
    peers = np.zeros(40, dtype=int)
    flagged, alone = [], []
    for seed in range(5):
        x, n = _forces(seed, drift=0.03)
        quarters = {"longest": 12, "least": 8, "latest": 4}
        found = judge_ratios(x, n, is_part=True, peers=peers, **quarters)
        flagged.append(np.mean(found.p_value[12:] <= 0.01))
        found = judge_ratios(x, n, is_part=True, **quarters)
        alone.append(np.mean(found.p_value[12:] <= 0.01))
    assert np.mean(flagged) < 0.012
    assert np.mean(alone) > 0.3


def test_a_force_that_leaves_its_peers_is_found():
    found = [
        judge_ratios(*_forces(seed, 0.01, own=0.8), is_part=True, peers=np.zeros(40, dtype=int))
        for seed in range(10)
    ]
    assert np.mean([f.p_value[30, 0] < 0.001 and f.direction[30, 0] == 1 for f in found]) > 0.9


def test_few_peers_are_no_comparison():
    x, n = _forces(1, 0.01)
    few = judge_ratios(x[:, :19], n[:, :19], is_part=True, peers=np.zeros(19, dtype=int))
    assert np.isnan(few.p_value).all()
    assert few.history_count[30, 0] == 30
    with pytest.raises(ValueError, match="parts"):
        judge_ratios(x, n, is_part=False, peers=np.zeros(40, dtype=int))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="denominator"):
        judge_ratios(np.ones((3, 1)), np.ones((3, 2)), is_part=True)
    with pytest.raises(ValueError, match="weights"):
        judge_ratios(np.ones((3, 1)), np.ones((3, 1)), is_part=True, weights=np.ones((2, 1)))
    with pytest.raises(ValueError, match="peers"):
        judge_ratios(np.ones((3, 1)), np.ones((3, 1)), is_part=True, peers=[1, 2])


def _mixed_ledger(seed, series=60, periods=40):
    """Counts, shares and rates in turn, one group of peers among the shares."""
    rng = np.random.default_rng(seed)
    name = np.repeat(np.arange(series), periods)
    month = np.tile(np.datetime64("2018-01") + np.arange(periods), series)
    kind = np.array(["count", "share", "rate"])[name % 3]
    n = rng.poisson(300.0, name.size).astype(float)
    x = rng.binomial(n.astype(int), 0.2).astype(float)
    x[rng.random(x.size) < 0.02] = np.nan
    return {
        "series": rng.permutation(series)[name],
        "month": month.astype("datetime64[D]"),
        "month_count": np.ones(name.size, dtype=int),
        "detector_type": kind,
        "numerator": x,
        "denominator": n,
        "weight": (rng.random(x.size) > 0.05).astype(float),
        "is_to_assess": rng.random(x.size) > 0.05,
        "family": month.astype("datetime64[M]").astype(int),
        "peers": np.where(kind == "share", 1, -1),
    }


def test_series_in_parts_are_judged_as_all_at_once(monkeypatch):
    given = _mixed_ledger(21, series=72)
    whole = judge_ledger(**given)
    monkeypatch.setattr(recording_checks, "SERIES_AT_ONCE", 5)
    parts = judge_ledger(**given)
    assert (~np.isnan(whole["p_value"])).sum() > 1000
    for field, values in whole.items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(parts[field], values, rtol=1e-9)
        else:
            np.testing.assert_array_equal(parts[field], values)


def test_what_is_asked_for_is_judged_as_when_all_is():
    given = _mixed_ledger(22, series=72) | {"family": np.zeros(72 * 40, dtype=int)}
    given["is_to_assess"][:] = True
    whole = judge_ledger(**given)
    asked = np.random.default_rng(1).random(72 * 40) < 0.1
    some = judge_ledger(**given | {"is_to_assess": asked})
    for field in ("observed", "expected", "lower_limit", "upper_limit", "p_value"):
        np.testing.assert_allclose(some[field][asked], whole[field][asked], rtol=1e-9)
        assert np.isnan(some[field][~asked]).all()


def _step(seed, at=20, series=50, after=0.2, periods=48):
    x, n = _world(seed, periods=periods, series=series)
    rng = np.random.default_rng(seed + 1000)
    x[at:] = rng.binomial(400, after, x[at:].shape)
    return x, n


def test_a_level_that_lasted_a_year_is_what_later_months_are_held_to():
    x, n = _step(31)
    found = judge_ratios(x, n, is_part=True)
    assert np.mean(found.p_value[20:30] <= 0.01) > 0.95
    late = found.p_value[34:]
    assert not np.isnan(late).any()
    assert np.mean(late <= 0.01) < 0.03
    assert np.all(found.first_period[:31] == 0)
    assert np.mean(np.abs(found.first_period[36] - 20) <= 1) > 0.95


def test_after_the_new_baseline_a_second_step_is_seen():
    x, n = _step(32)
    x[40:] = np.random.default_rng(33).binomial(400, 0.1, x[40:].shape)
    found = judge_ratios(x, n, is_part=True)
    assert np.mean((found.p_value[40] <= 0.01) & (found.direction[40] == -1)) > 0.8


def test_months_of_no_weight_make_no_new_baseline():
    x, n = _step(34, series=20)
    w = np.ones_like(x)
    w[22:26] = 0
    found = judge_ratios(x, n, is_part=True, weights=w)
    # Twelve that weigh are there after sixteen: none is left without limits.
    assert np.all(found.first_period[35] == 0)
    assert not np.isnan(found.p_value[36:]).any()


def test_counts_are_held_to_their_season_at_the_new_level():
    rng = np.random.default_rng(35)
    t = np.arange(96)
    mean = 200 * (1 + 0.3 * np.cos(2 * np.pi * t / 12))
    mean[48:] *= 1.6
    y = rng.poisson(mean[:, None], (96, 40)).astype(float)
    found = judge_counts(y)
    assert np.mean(found.p_value[48:52] <= 0.01) > 0.95
    assert np.mean(found.p_value[64:] <= 0.01) < 0.05
    assert np.all(found.first_period[64] >= 48)


def test_a_burst_after_a_handful_of_months_is_found():
    y = np.array([[3, 3, 3, 4, 3, 4, 41]], dtype=float).T
    found = judge_counts(y)
    assert np.isnan(found.p_value[:4]).all()
    assert found.p_value[6, 0] < 1e-10 and found.direction[6, 0] == 1
    assert found.expected[6, 0] == pytest.approx(20 / 6)
    exact = stats.binom(61, 1 / 7).sf(40)
    assert found.p_value[6, 0] == pytest.approx(2 * exact, rel=1e-9)


def test_growth_of_one_code_is_no_migration_and_an_exchange_is():
    rng = np.random.default_rng(36)
    kept = rng.poisson(2400, (40, 30)).astype(float)
    grown = rng.poisson(2000, (40, 30)).astype(float)
    grown[30:] = rng.poisson(3000, (10, 30))
    moves = np.ones(30, dtype=bool)
    found = judge_ratios(kept, kept + grown, is_part=True, is_migration=moves)
    assert np.mean(found.p_value[30:] <= 0.01) < 0.02
    assert np.mean(judge_ratios(kept, kept + grown, is_part=True).p_value[30:36] <= 0.01) > 0.95
    lost = kept.copy()
    lost[30:] = rng.poisson(1900, (10, 30))
    swapped = rng.poisson(2000, (40, 30)).astype(float)
    swapped[30:] = rng.poisson(2500, (10, 30))
    found = judge_ratios(lost, lost + swapped, is_part=True, is_migration=moves)
    assert np.mean((found.p_value[32] <= 0.01) & (found.direction[32] == -1)) > 0.95
    with pytest.raises(ValueError, match="migrate"):
        judge_ratios(kept, grown, is_part=False, is_migration=moves)
    with pytest.raises(ValueError, match="is_migration"):
        judge_ratios(kept, kept + grown, is_part=True, is_migration=[True])


def test_the_month_of_a_baseline_is_named():
    x, n = _step(37, series=1)
    months = np.datetime64("2018-04") + np.arange(48)
    given = _ledger() | {
        name: np.full(48, value)
        for name, value in (
            ("series", 0), ("month_count", 1), ("detector_type", "share"), ("weight", 1.0),
            ("is_to_assess", True), ("peers", -1),
        )
    }  # fmt: skip
    given |= {"month": months, "numerator": x[:, 0], "denominator": n[:, 0], "family": months}
    given["family"] = np.arange(48)
    began = judge_ledger(**given)["baseline_month"]
    assert np.isnat(began[:12]).all()
    assert began[20] == np.datetime64("2018-04")
    assert began[40] == np.datetime64("2019-12")


def _quiet(seed, periods=48):
    """Counts, shares and rates as recording has them where nothing changes: season, lengths of
    months, scatter beyond chance."""
    rng = np.random.default_rng(seed)
    kinds = np.array(["count"] * 6 + ["share"] * 48 + ["rate"] * 8)
    t = np.arange(periods)
    months = np.datetime64("2018-04") + t
    days = np.diff((np.datetime64("2018-04") + np.arange(periods + 1)).astype("datetime64[D]"))
    shape = days.astype(float) / 30.4 * (1 + 0.1 * np.cos(2 * np.pi * (t - 3) / 12))
    x, n = np.empty((kinds.size, periods)), np.full((kinds.size, periods), np.nan)
    for i, kind in enumerate(kinds):
        scatter = rng.normal(0, rng.choice([0.0, 0.02, 0.05]), periods)
        if kind == "count":
            mean, phi = np.exp(rng.uniform(-1, 10)) * shape, rng.choice([1.3, 2.0])
            x[i] = rng.negative_binomial(mean / (phi - 1), 1 / phi)
            continue
        n[i] = rng.poisson(np.exp(rng.uniform(3.4, 10.5)) * shape)
        if kind == "share":
            odds = rng.uniform(-7.5, 2.0) + scatter
            x[i] = rng.binomial(n[i].astype(int), 1 / (1 + np.exp(-odds)))
        else:
            x[i] = rng.poisson(n[i] * np.exp(rng.uniform(-6, 1) + scatter))
    size = x.size
    return {
        "series": np.repeat(np.arange(kinds.size), periods),
        "month": np.tile(months, kinds.size),
        "month_count": np.ones(size, dtype=int),
        "detector_type": np.repeat(kinds, periods),
        "numerator": x.ravel(),
        "denominator": n.ravel(),
        "weight": np.ones(size),
        "is_to_assess": np.ones(size, dtype=bool),
        "family": np.tile(t, kinds.size),
        "peers": np.full(size, -1),
    }


def test_where_nothing_changes_at_most_one_month_in_two_hundred_is_an_alert():
    alerts = assessed = 0
    for seed in range(8):
        found = judge_ledger(**_quiet(seed))
        assessed += np.sum(~np.isnan(found["p_value"]))
        alerts += np.sum((found["p_value"] <= 0.01) & (found["q_value"] <= 0.10))
    assert assessed > 15_000
    assert alerts <= assessed / 200
