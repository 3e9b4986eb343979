"""Synthetic control: weights, effect, placebos, intervals, and worlds with a known effect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from orchestration.statistics.intervals import Interval
from orchestration.statistics.synthetic_control import (
    FITTED,
    MISSING,
    NOT_CHOSEN,
    SMALL,
    TOO_FEW_DONORS,
    TOO_FEW_EVENTS,
    TOO_FEW_PERIODS,
    USED,
    SyntheticControl,
    cautions,
    simplex_weights,
    synthetic_control,
    synthetic_controls,
)

UNITS, BEFORE, BETWEEN, AFTER = 42, 23, 5, 4
PERIODS = BEFORE + BETWEEN + AFTER
PRE = np.arange(PERIODS) < BEFORE
POST = np.arange(PERIODS) >= BEFORE + BETWEEN
OTHERS = np.arange(1, UNITS)


def world(
    rng: np.random.Generator,
    *,
    effect: float = 1.0,
    units: int = UNITS,
    loadings: tuple[float, float] | None = None,
    largest: bool = False,
) -> np.ndarray:
    """Counts (periods, units) of a factor model; unit 0 has the effect in the periods after.

    Two common random walks with loadings, a shock after the fit that units feel differently
    (standard deviation 0.1: a lockdown), drift of each unit, chance of each quarter, Poisson.
    """
    levels = rng.uniform(3.5 if largest else 6.0, 9.0, units)
    if largest:
        levels[0] = 9.0
    weights = rng.normal(size=(units, 2))
    if loadings:
        weights[0] = loadings
    factors = np.cumsum(rng.normal(0, 0.05, (PERIODS, 2)), axis=0)
    shock = np.where(np.arange(PERIODS) >= BEFORE, 0.1, 0.0)
    logs = levels + factors @ weights.T + np.outer(shock, rng.normal(size=units))
    logs += rng.normal(0, 0.05, (PERIODS, 1))  # all alike: days, a national rule
    logs += np.cumsum(rng.normal(0, 0.02, (PERIODS, units)), axis=0)
    logs += rng.normal(0, 0.02, (PERIODS, units))
    logs[POST, 0] += np.log(effect)
    return rng.poisson(np.exp(logs)).astype(float)


def worlds(number: int, seed: int, **options: object) -> list[SyntheticControl]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        counts = world(rng, **options)  # type: ignore[arg-type]
        found.append(synthetic_control(counts, 0, np.arange(1, counts.shape[1]), PRE, POST))
    return found


def covered(results: list[SyntheticControl], truth: float, which: str = "effect") -> float:
    intervals = [getattr(r, which) for r in results]
    return float(np.mean([i.lower <= truth <= i.upper for i in intervals]))


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    return world(np.random.default_rng(3), effect=1.4)


@pytest.fixture(scope="module")
def result(counts: np.ndarray) -> SyntheticControl:
    return synthetic_control(counts, 0, OTHERS, PRE, POST)


# ------------------------------------------------------------------------------------------ weights


def test_weights_are_optimal() -> None:
    """No donor lowers the error further, whatever the scale and shape: the duality gap is nil."""
    rng = np.random.default_rng(0)
    for case in range(300):
        m, j = rng.integers(2, 30), rng.integers(1, 60)
        donors = rng.normal(0, 10.0 ** rng.uniform(-3, 2), (m, j))
        if case % 3 == 0:  # nearly of rank two
            donors = rng.normal(size=(m, 2)) @ rng.normal(size=(2, j))
            donors += 1e-6 * rng.normal(size=(m, j))
        if case % 5 == 0:
            donors[:, -1] = donors[:, 0]
        target = rng.normal(size=m) * 10.0 ** rng.uniform(-4, 2)
        if case % 4 == 0:  # within the hull
            target = donors @ rng.dirichlet(np.ones(j))
        w = simplex_weights(target, donors)
        assert w.min() >= 0
        assert w.sum() == pytest.approx(1, abs=1e-12)
        slope = donors.T @ (donors @ w - target)
        size = ((donors - target[:, None]) ** 2).sum(axis=0).max()
        assert w @ slope - slope.min() <= 1e-12 * size


def test_weights_agree_with_a_general_solver() -> None:
    rng = np.random.default_rng(1)
    donors, target = rng.normal(0, 0.2, (23, 12)), rng.normal(0, 0.1, 23)
    found = optimize.minimize(
        lambda w: ((donors @ w - target) ** 2).sum(),
        np.full(12, 1 / 12),
        jac=lambda w: 2 * donors.T @ (donors @ w - target),
        bounds=[(0, 1)] * 12,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert simplex_weights(target, donors) == pytest.approx(found.x, abs=1e-6)


def test_a_donor_equal_to_the_target_has_all_the_weight() -> None:
    donors = np.random.default_rng(2).normal(size=(5, 4))
    assert simplex_weights(donors[:, 2], donors).tolist() == [0, 0, 1, 0]


def test_weights_within_the_hull_are_found_again() -> None:
    donors = np.random.default_rng(2).normal(size=(20, 6))
    wanted = np.array([0.5, 0.3, 0.2, 0, 0, 0])
    assert simplex_weights(donors @ wanted, donors) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize(
    ("target", "donors"),
    [
        (np.zeros(3), np.zeros((4, 2))),
        (np.zeros(3), np.zeros((3, 0))),
        (np.zeros((3, 1)), np.zeros((3, 2))),
        (np.array([0, np.nan, 0]), np.zeros((3, 2))),
    ],
)
def test_broken_weights_are_refused(target: np.ndarray, donors: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be"):
        simplex_weights(target, donors)


# ------------------------------------------------------------------------------------------- effect


def test_a_known_effect_without_chance_is_found_exactly() -> None:
    """A mean of three donors, larger than any and twice as high: levels do not matter."""
    logs = np.random.default_rng(4).normal(6, 0.2, (PERIODS, 8))
    unit = 3.0 + logs[:, :3] @ np.array([0.5, 0.3, 0.2])
    counts = np.exp(np.column_stack([unit, logs]))
    counts[POST, 0] *= 1.25
    found = synthetic_control(counts, 0, np.arange(1, 9), PRE, POST)
    assert found.effect.estimate == pytest.approx(1.25, rel=1e-9)
    assert found.pre_rmspe == pytest.approx(0, abs=1e-9)
    assert found.gaps[~POST] == pytest.approx(np.ones(PERIODS - AFTER), rel=1e-9)
    assert found.gaps[POST] == pytest.approx(np.full(AFTER, 1.25), rel=1e-9)
    raw = synthetic_control(counts, 0, np.arange(1, 9), PRE, POST, demeaned=False)
    assert raw.pre_rmspe > 1
    assert any("Poor fit" in text for text in cautions(raw, [str(i) for i in range(9)]))


def test_the_effect_is_of_sums(counts: np.ndarray, result: SyntheticControl) -> None:
    assert result.status == FITTED
    assert result.effect.estimate == pytest.approx(
        counts[POST, 0].sum() / result.synthetic[POST].sum()
    )
    gaps = np.log(counts[:, 0] / result.synthetic)
    assert result.pre_rmspe == pytest.approx(np.sqrt((gaps[PRE] ** 2).mean()))
    assert result.post_rmspe == pytest.approx(np.sqrt((gaps[POST] ** 2).mean()))
    logs = np.log(counts) - np.log(counts)[PRE].mean(axis=0)
    expected = np.exp(np.log(counts[PRE, 0]).mean() + logs[:, 1:] @ result.weights)
    assert result.synthetic == pytest.approx(expected)


def test_what_all_units_share_and_their_sizes_cancel(
    counts: np.ndarray, result: SyntheticControl
) -> None:
    rng = np.random.default_rng(5)
    scaled = counts * rng.uniform(1, 5, UNITS) * rng.uniform(0.9, 1.1, (PERIODS, 1))
    found = synthetic_control(scaled, 0, OTHERS, PRE, POST)
    assert found.pre_rmspe == pytest.approx(result.pre_rmspe)
    assert found.weights == pytest.approx(result.weights, abs=1e-8)
    # Only the weight of one quarter in the sum has changed.
    assert found.effect.estimate == pytest.approx(result.effect.estimate, rel=5e-3)


def test_exposure_makes_rates(counts: np.ndarray, result: SyntheticControl) -> None:
    population = np.random.default_rng(6).uniform(1e4, 1e6, counts.shape)
    found = synthetic_control(counts * population, 0, OTHERS, PRE, POST, exposures=population)
    assert found.weights == pytest.approx(result.weights, abs=1e-8)
    assert found.gaps == pytest.approx(result.gaps)


def test_nothing_after_changes_the_weights(counts: np.ndarray, result: SyntheticControl) -> None:
    other = counts.copy()
    other[~PRE] = np.random.default_rng(7).uniform(100, 10_000, other[~PRE].shape)
    assert synthetic_control(other, 0, OTHERS, PRE, POST).weights.tolist() == (
        result.weights.tolist()
    )


def test_leave_one_out_is_a_fit_without_the_donor(
    counts: np.ndarray, result: SyntheticControl
) -> None:
    top = int(np.argmax(result.weights))
    without = synthetic_control(counts, 0, np.delete(OTHERS, top), PRE, POST)
    assert result.leave_one_out[top] == pytest.approx(float(without.effect.estimate))
    no_weight = result.weights == 0
    assert np.all(result.leave_one_out[no_weight] == result.effect.estimate)
    assert np.ptp(result.leave_one_out) > 0


# ----------------------------------------------------------------------------------------- placebos


def test_a_placebo_is_a_donor_against_the_other_donors(
    counts: np.ndarray, result: SyntheticControl
) -> None:
    alone = synthetic_control(counts, 7, np.delete(OTHERS, 6), PRE, POST)
    assert result.placebo_effects[6] == pytest.approx(float(alone.effect.estimate))
    assert result.placebo_pre_rmspe[6] == pytest.approx(alone.pre_rmspe)
    assert result.placebo_post_rmspe[6] == pytest.approx(alone.post_rmspe)


def test_ranks_and_p_values(result: SyntheticControl) -> None:
    assert result.compared == UNITS
    effects = np.append(result.placebo_effects, result.effect.estimate)
    assert result.rank_of_effect == 43 - stats.rankdata(effects)[-1]
    assert result.rank_of_distance == 43 - stats.rankdata(np.abs(np.log(effects)))[-1]
    ratios = np.append(
        result.placebo_post_rmspe / result.placebo_pre_rmspe, result.post_rmspe / result.pre_rmspe
    )
    assert result.rank_of_rmspe_ratio == 43 - stats.rankdata(ratios)[-1]
    assert result.p_value_of_rise == result.rank_of_effect / 42
    assert result.p_value_of_rmspe_ratio == result.rank_of_rmspe_ratio / 42
    tied = replace(result, placebo_effects=np.full(41, float(result.effect.estimate)))
    assert (tied.rank_of_effect, tied.p_value) == (42, 1.0)


def test_the_interval_inverts_the_placebo_test(
    counts: np.ndarray, result: SyntheticControl
) -> None:
    """A ratio inside is not rejected when the effect is divided by it, one outside is."""
    assert result.attained_level == pytest.approx(40 / 42)
    for at, rejected in (
        (result.effect.lower * 1.001, False),
        (result.effect.upper / 1.001, False),
        (result.effect.lower / 1.001, True),
        (result.effect.upper * 1.001, True),
    ):
        divided = counts.copy()
        divided[POST, 0] /= at
        p = synthetic_control(divided, 0, OTHERS, PRE, POST).p_value
        assert (p <= 0.05) == rejected


def test_the_conformal_interval_inverts_its_test(
    counts: np.ndarray, result: SyntheticControl
) -> None:
    """The test written out: weights from all periods, all cyclic shifts of the gaps."""
    used = PRE | POST
    y = np.log(counts[used])
    y -= y.mean(axis=0)
    post = POST[used]

    def p_value(log_ratio: float) -> float:
        own = np.log(counts[used, 0]) - log_ratio * post
        own = own - own.mean()
        gaps = np.abs(own - y[:, 1:] @ simplex_weights(own, y[:, 1:]))
        shifts = [np.roll(gaps, k)[post].mean() for k in range(gaps.size)]
        return float(np.mean(np.array(shifts) >= shifts[0] * (1 - 1e-12)))

    lower, upper = np.log(result.conformal.lower), np.log(result.conformal.upper)
    for at, rejected in (
        (np.log(result.effect.estimate), False),
        (lower + 2e-4, False),
        (upper - 2e-4, False),
        (lower - 2e-4, True),
        (upper + 2e-4, True),
    ):
        assert (p_value(float(at)) <= 0.05) == rejected


# --------------------------------------------------------------------------------- simulated worlds


def test_coverage_with_a_known_effect() -> None:
    """40 of 42: the level that 41 donors attain. The shock and the drift are in the placebos.

    In 2,000 worlds: 95.0% (placebo), 93.7% (conformal). Of 200, three standard errors are 4.6%.
    """
    results = worlds(200, 11, effect=1.4)
    assert covered(results, 1.4) == pytest.approx(0.952, abs=0.046)
    assert covered(results, 1.4, "conformal") == pytest.approx(0.937, abs=0.052)
    # It is not covered by being endless, and no effect is refused in most worlds.
    assert np.median([r.effect.upper / r.effect.lower for r in results]) < 2
    assert np.mean([r.p_value <= 0.05 for r in results]) > 0.5


def test_p_values_are_uniform_without_an_effect() -> None:
    results = worlds(200, 12)
    for ranks in (
        np.array([r.rank_of_effect for r in results]),
        np.array([r.rank_of_distance for r in results]),
        np.array([r.rank_of_rmspe_ratio for r in results]),
    ):
        observed = np.bincount((ranks - 1) // 7, minlength=6)  # sixths of 42
        assert stats.chisquare(observed).pvalue > 0.01
    assert np.mean([r.p_value <= 0.05 for r in results]) <= 0.08


def test_the_largest_unit_by_effect_and_by_ratio_of_gaps() -> None:
    """Why the interval compares effects: the ratio finds too much where the unit is large.

    In 2,000 worlds without an effect: coverage 97.1%, and 13% among the top 5% of the ratios.
    """
    results = worlds(100, 13, largest=True)
    assert covered(results, 1.0) >= 0.93
    assert np.mean([r.p_value_of_rmspe_ratio <= 0.05 for r in results]) > 0.09


def test_a_unit_beyond_its_donors_is_not_covered_and_is_told() -> None:
    results = worlds(60, 14, loadings=(4.0, 4.0))
    assert covered(results, 1.0) < 0.8
    names = [str(i) for i in range(UNITS)]
    said = [" ".join(cautions(r, names)) for r in results]
    told = ["Poor fit" in s or "beyond every donor" in s or "than any donor" in s for s in said]
    assert np.mean(told) > 0.95


def test_few_donors_give_no_interval() -> None:
    (found,) = worlds(1, 15, units=12)
    assert (found.effect.lower, found.effect.upper, found.attained_level) == (0, np.inf, 1)
    said = cautions(found, [str(i) for i in range(12)])
    assert any("11 donors are too few for a 95% interval; 19" in text for text in said)
    counts = world(np.random.default_rng(15), units=20)
    just = synthetic_control(counts, 0, np.arange(1, 20), PRE, POST)
    assert np.isfinite(just.effect.upper)
    assert just.attained_level == pytest.approx(0.95)
    eighty = synthetic_control(counts, 0, np.arange(1, 20), PRE, POST, level=0.8)
    assert eighty.effect.upper < just.effect.upper


def test_few_periods_give_no_conformal_interval(counts: np.ndarray) -> None:
    found = synthetic_control(counts, 0, OTHERS, PRE & (np.arange(PERIODS) >= 10), POST)
    assert (found.conformal.lower, found.conformal.upper) == (0, np.inf)
    assert np.isfinite(found.effect.upper)


# --------------------------------------------------------------------------------------- many units


def test_many_units_are_each_as_alone(counts: np.ndarray) -> None:
    chosen = [0, 5, 6]
    together = synthetic_controls(counts, chosen, OTHERS, PRE, POST)
    for unit, found in zip(chosen, together, strict=True):
        alone = synthetic_control(counts, unit, OTHERS, PRE, POST)
        assert found.treated == unit
        assert unit not in found.donors
        assert found.effect == alone.effect
    rows = np.ones((2, UNITS), dtype=bool)
    rows[1, 10:] = False
    first, second = synthetic_controls(counts, [0, 5], rows, PRE, POST)
    assert (first.donors.size, second.donors.size) == (41, 9)
    with pytest.raises(ValueError, match="one row for each"):
        synthetic_controls(counts, [0], rows, PRE, POST)


# -------------------------------------------------------------------------------- gaps and refusals


def test_donors_that_cannot_be_used_are_left_out(counts: np.ndarray) -> None:
    y = counts.copy()
    y[3, 1] = np.nan
    y[-1, 2] = 0
    y[-1, 3] = -2  # a correction larger than the quarter
    y[:, 4] = 15
    y[BEFORE + 1, 5] = np.nan  # between: not needed
    found = synthetic_control(y, 0, np.arange(1, 30), PRE, POST)
    assert found.unit_status[:6].tolist() == [NOT_CHOSEN, MISSING, SMALL, SMALL, SMALL, USED]
    assert found.unit_status[30] == NOT_CHOSEN
    assert found.donors.tolist() == list(range(5, 30))
    said = cautions(found, [f"force {i}" for i in range(UNITS)])
    assert (
        "Not usable as donors (missing or too small): force 1, force 2, force 3, force 4." in said
    )


def test_what_happened_after_chooses_no_donor(counts: np.ndarray) -> None:
    y = counts.copy()
    y[POST, 1] = 1
    assert synthetic_control(y, 0, OTHERS, PRE, POST).unit_status[1] == USED


def test_a_period_the_unit_lacks_is_left_out(counts: np.ndarray) -> None:
    y = counts.copy()
    y[[2, PERIODS - 1], 0] = np.nan
    y[2, 9] = np.nan
    found = synthetic_control(y, 0, OTHERS, PRE, POST)
    assert found.status == FITTED
    assert (found.before.sum(), found.after.sum()) == (22, 3)
    assert found.unit_status[9] == USED


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"before": PRE & (np.arange(PERIODS) < 7)}, TOO_FEW_PERIODS),
        ({"after": np.zeros(PERIODS, dtype=bool)}, TOO_FEW_PERIODS),
        ({"donors": [1, 2, 3, 4]}, TOO_FEW_DONORS),
        ({"least_mean": 1e6}, TOO_FEW_EVENTS),
    ],
)
def test_refusals_say_why(counts: np.ndarray, change: dict, status: str) -> None:
    arguments = {"donors": OTHERS, "before": PRE, "after": POST} | change
    found = synthetic_control(counts, 0, **arguments)
    assert found.status == status
    assert found.reason.endswith(".")
    assert cautions(found, []) == (found.reason,)
    assert np.isnan(found.effect.estimate)
    assert np.isnan(found.p_value)
    assert found.rank_of_effect == 0
    assert np.isnan(found.synthetic).all()


def test_a_small_treated_unit_is_not_fitted(counts: np.ndarray) -> None:
    y = counts.copy()
    y[4, 0] = 0
    assert synthetic_control(y, 0, OTHERS, PRE, POST).status == TOO_FEW_EVENTS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": np.ones(3)}, "periods, units"),
        ({"counts": np.full((PERIODS, UNITS), np.inf)}, "finite"),
        ({"treated": UNITS}, "index"),
        ({"treated": -1}, "index"),
        ({"before": PRE[:-1]}, "before"),
        ({"after": POST.astype(int)}, "after"),
        ({"after": PRE}, "both before and after"),
        ({"donors": np.ones(3, dtype=bool)}, "mask"),
        ({"donors": [1, UNITS]}, "indices"),
        ({"donors": [1.5]}, "indices"),
        ({"exposures": np.ones(PERIODS)}, "exposures"),
        ({"exposures": 0.0}, "exposures"),
        ({"level": 1.0}, "level"),
    ],
)
def test_broken_inputs_are_refused(counts: np.ndarray, change: dict, message: str) -> None:
    arguments = {
        "counts": counts,
        "treated": 0,
        "donors": OTHERS,
        "before": PRE,
        "after": POST,
    } | change
    with pytest.raises(ValueError, match=message):
        synthetic_control(**arguments)


# ----------------------------------------------------------------------------------------- cautions


def test_cautions_name_what_is_doubtful(result: SyntheticControl) -> None:
    names = [f"force {i}" for i in range(UNITS)]

    def said(**changes: object) -> str:
        return " ".join(cautions(replace(result, **changes), names))  # type: ignore[arg-type]

    weights = np.zeros(41)
    weights[4] = 0.6
    assert "force 5 has 60% of the weight" in said(weights=weights)
    assert "differ by 20% in a usual period" in said(pre_rmspe=0.2)
    median = float(np.median(result.placebo_pre_rmspe))
    assert "2.5 times that of the median donor" in said(pre_rmspe=2.5 * median)
    assert "In 6 of 23 periods before" in said(outside_share=6 / 23)
    assert "beyond every donor" not in said(outside_share=2 / 23)
    assert "rose faster than any donor" in said(trend=0.01)
    assert "rose more slowly, or fell faster, than any donor" in said(trend=-0.01)
    without = np.full(41, 1.4)
    without[9] = 0.9
    turned = said(
        effect=Interval(np.float64(1.4), np.float64(1.1), np.float64(1.8)), leave_one_out=without
    )
    assert "Without force 10 the effect would be x0.90 instead of x1.40" in turned
