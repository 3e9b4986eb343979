"""The effect of a change at a known date: recovered, covered, and told apart or not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from orchestration.statistics.segmented import (
    Change,
    cautions,
    effect_over,
    estimate_correlation,
    one_series,
    segmented_fit,
    step_effect,
)

N, START = 48, 30
T = np.arange(N)
AFTER = T >= START


def truth(level: float = 200.0, step: float = 0.0, ramp: float = 0.0) -> np.ndarray:
    season = 0.1 * np.cos(2 * np.pi * T / 12) - 0.05 * np.sin(4 * np.pi * T / 12)
    return level * np.exp(0.003 * T + season + AFTER * (step + ramp * (T - START)))


def draw(mean: np.ndarray, phi: float, rho: float, series: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(series, mean.size))
    for month in range(1, mean.size):
        fresh = np.sqrt(1 - rho**2) * errors[:, month]
        errors[:, month] = rho * errors[:, month - 1] + fresh
    gamma = stats.gamma.ppf(stats.norm.cdf(errors), mean / (phi - 1)) * (phi - 1)
    return rng.poisson(gamma).astype(float)


def test_a_change_without_noise_is_found_exactly() -> None:
    counts = np.round(truth(1e9, 0.144, 0.01))
    fit = segmented_fit(counts, [Change("CONNECT", START)])
    step = step_effect(fit, "CONNECT")
    assert step.ratio.estimate == pytest.approx(np.exp(0.144), rel=1e-7)
    assert step.p_value < 1e-12
    first_year = effect_over(fit, range(START, START + 12)).ratio.estimate
    expected = truth(1, 0.144, 0.01)[30:42].sum() / truth(1)[30:42].sum()
    assert first_year == pytest.approx(expected, rel=1e-7)
    np.testing.assert_allclose(fit.counterfactual.estimate, truth(1e9), rtol=1e-6)
    np.testing.assert_allclose(fit.fitted.estimate, counts, rtol=1e-6)
    before = fit.fitted.upper[:START], fit.counterfactual.upper[:START]
    np.testing.assert_array_equal(*before)


def test_exposure_is_an_offset() -> None:
    days = np.where(T % 12 == 1, 28.0, 31.0)
    change = [Change("x", START)]
    counts = draw(truth(), 2.0, 0.0, 1, seed=1)[0]
    plain = segmented_fit(counts, change)
    scaled = segmented_fit(counts, change, exposures=31.0)
    np.testing.assert_allclose(scaled.coefficients[1:], plain.coefficients[1:], atol=1e-9)
    assert scaled.coefficients[0] == pytest.approx(plain.coefficients[0] - np.log(31))
    np.testing.assert_allclose(scaled.fitted.upper, plain.fitted.upper, rtol=1e-8)
    exact = segmented_fit(np.round(1e8 * days * truth(1.0, 0.2)), change, exposures=days)
    assert step_effect(exact, "x").ratio.estimate == pytest.approx(np.exp(0.2), rel=1e-6)


def test_months_left_out_and_dummied_tell_the_same_step() -> None:
    """A dummy for each month of a lockdown takes that month out of the fit."""
    counts = draw(truth(step=0.15), 2.0, 0.0, 1, seed=2)[0]
    lockdown = np.isin(T, [12, 13, 14])
    counts[lockdown] /= 2
    counts = np.round(counts)
    left_out = segmented_fit(counts, [Change("x", START)], left_out=lockdown, errors="model")
    dummied = segmented_fit(
        counts,
        [Change("x", START)],
        dummies={f"lockdown {m}": np.equal(T, m) for m in (12, 13, 14)},
        errors="model",
    )
    for name in ("x: step", "x: ramp", "trend"):
        a, b = left_out.names.index(name), dummied.names.index(name)
        assert left_out.coefficients[a] == pytest.approx(dummied.coefficients[b], rel=1e-6)
        assert left_out.standard_errors[a] == pytest.approx(dummied.standard_errors[b], rel=1e-5)
    # The months left out are predicted, as they would have been.
    assert (left_out.fitted.estimate[lockdown] > 1.5 * counts[lockdown]).all()
    assert not left_out.used[lockdown].any() and left_out.used.sum() == N - 3


@pytest.mark.parametrize(
    ("phi", "rho", "least"), [(1.0001, 0.0, 0.93), (2.0, 0.0, 0.93), (3.0, 0.4, 0.89)]
)
def test_coverage_of_a_known_step(phi: float, rho: float, least: float) -> None:
    """400 series of four years; the step, the first year and the counterfactual are covered."""
    counts = draw(truth(step=0.144, ramp=0.005), phi, rho, 400, seed=3)
    fit = segmented_fit(counts, [Change("x", START)])
    assert (fit.status == "fitted").all()
    without, year = truth(), slice(START, START + 12)
    true_year = truth(step=0.144, ramp=0.005)[year].sum() / without[year].sum()
    covered = {
        "step": (step_effect(fit, "x").ratio, np.exp(0.144)),
        "year": (effect_over(fit, T[year]).ratio, true_year),
        "counterfactual": (
            type(fit.counterfactual)(*(part[:, 40] for part in fit.counterfactual)),
            without[40],
        ),
    }
    for name, (found, value) in covered.items():
        share = np.mean((found.lower <= value) & (value <= found.upper))
        assert least <= share <= 0.99, name


def test_other_errors_in_short_series_are_too_small() -> None:
    """Why the autoregressive ones are the default."""
    counts = draw(truth(), 3.0, 0.4, 400, seed=4)
    share = {}
    for errors in ("autoregressive", "newey_west", "model"):
        ratio = step_effect(segmented_fit(counts, [Change("x", START)], errors=errors), "x").ratio
        share[errors] = np.mean((ratio.lower <= 1) & (ratio.upper >= 1))
    assert share["newey_west"] < 0.85 < share["autoregressive"]
    assert share["model"] < share["autoregressive"]


def test_negative_binomial_covers_too() -> None:
    counts = draw(truth(60.0, step=0.2), 2.0, 0.0, 400, seed=5)
    fit = segmented_fit(counts, [Change("x", START)], family="negative_binomial")
    ratio = step_effect(fit, "x").ratio
    share = np.mean((ratio.lower <= np.exp(0.2)) & (ratio.upper >= np.exp(0.2)))
    assert 0.92 <= share <= 0.99
    assert (fit.theta > 0).all()


def test_many_series_are_as_if_alone() -> None:
    counts = draw(truth(), 2.0, 0.3, 5, seed=6)
    counts[1, 4] = np.nan
    many = segmented_fit(counts, [Change("x", START)])
    for index in range(5):
        alone = segmented_fit(counts[index], [Change("x", START)])
        picked = one_series(many, index)
        np.testing.assert_allclose(picked.covariance, alone.covariance, rtol=1e-8)
        np.testing.assert_allclose(picked.fitted.lower, alone.fitted.lower, rtol=1e-9)
        np.testing.assert_allclose(picked.collinearity.vif, alone.collinearity.vif)
        assert step_effect(picked, "x").p_value == pytest.approx(step_effect(alone, "x").p_value)
        assert effect_over(many, [40]).p_value[index] == pytest.approx(
            effect_over(alone, [40]).p_value, rel=1e-6
        )
        assert cautions(picked) == cautions(alone)


# ------------------------------------------------------------------------------- honest failures


def status(counts: np.ndarray, *changes: Change, **options: object) -> tuple[str, str]:
    fit = segmented_fit(counts, changes, **options)  # type: ignore[arg-type]
    assert np.isnan(fit.coefficients).all() and np.isnan(fit.fitted.estimate).all()
    assert np.isnan(fit.collinearity.condition_number) and np.isnan(fit.ljung_box_p)
    assert cautions(fit) == (str(fit.reason),)
    return str(fit.status), str(fit.reason)


def test_states_in_words() -> None:
    counts = draw(truth(), 2.0, 0.0, 1, seed=7)[0]
    late = Change("CONNECT", 44)
    assert status(counts, late) == (
        "too few points",
        "Only 4 periods from CONNECT can be used; 6 are needed.",
    )
    assert status(counts, Change("CONNECT", 8))[1] == (
        "Only 8 periods before CONNECT can be used; 12 are needed."
    )
    assert status(counts, Change("A", 20), Change("B", 23))[1] == (
        "Only 3 periods from A to B can be used; 6 are needed."
    )
    for outside in (-5, 0, N, N + 9):
        assert status(counts, Change("A", outside))[0] == "too few points"
    assert status(counts, Change("A", START), Change("B", START)) == (
        "collinear",
        "The step of B cannot be told apart from the rest of the model in the periods used.",
    )
    lockdown = np.isin(T, [12, 13])
    assert status(
        counts, Change("A", START), left_out=lockdown, dummies={"lockdown": lockdown}
    ) == (
        "collinear",
        "The lockdown cannot be told apart from the rest of the model in the periods used.",
    )
    assert status(np.zeros(N), Change("A", START)) == (
        "no events",
        "There are no events in the periods used.",
    )
    assert status(np.full(N, np.nan), Change("A", START)) == (
        "too few points",
        "Only 0 periods before A can be used; 12 are needed.",
    )
    some = np.isin(T, [0, 1, 4, 7, 9, 14, 17, 20, 25, 27, 31, 35, 38, 40, 45])
    assert status(counts, Change("A", START), left_out=~some, least_before=2, least_after=2) == (
        "too few points",
        "15 periods can be used for 8 coefficients; 8 more than coefficients are needed.",
    )


def test_separation_in_words() -> None:
    counts = draw(truth(), 2.0, 0.0, 1, seed=8)[0]
    counts[AFTER] = 0
    assert status(counts, Change("A", START)) == (
        "separated",
        "There are no events in the periods of the ramp of A, so no ratio can be estimated.",
    )


def test_a_failure_among_many_leaves_the_others() -> None:
    counts = draw(truth(), 2.0, 0.0, 3, seed=9)
    counts[1] = 0
    fit = segmented_fit(counts, [Change("x", START)])
    assert list(fit.status) == ["fitted", "no events", "fitted"]
    assert list(fit.reason) == ["", "There are no events in the periods used.", ""]
    assert list(np.isnan(step_effect(fit, "x").ratio.lower)) == [False, True, False]
    assert list(np.isnan(effect_over(fit, [35]).p_value)) == [False, True, False]


# --------------------------------------------------------------------------- what can be told apart


def test_collinearity_of_changes_close_in_time() -> None:
    """A lockdown that ends as a system goes live, and a team founded months before."""
    counts = draw(truth(step=0.1), 2.0, 0.0, 1, seed=10)[0]
    alone = segmented_fit(counts, [Change("CONNECT", START)])
    close = segmented_fit(
        counts,
        [Change("team", START - 6, ramp=False), Change("CONNECT", START)],
        dummies={"lockdown": (T >= START - 6) & (T < START - 1)},
    )
    assert alone.collinearity.condition_number < close.collinearity.condition_number
    i, j = close.names.index("team: step"), close.names.index("CONNECT: step")
    assert close.collinearity.vif[j] > alone.collinearity.vif[alone.names.index("CONNECT: step")]
    assert close.collinearity.correlation[i, j] == pytest.approx(
        np.corrcoef(T >= START - 6, T >= START)[0, 1]
    )
    r2 = 1 - 1 / close.collinearity.vif[i]
    others = np.delete(close.design, i, axis=1)
    y = close.design[:, i]
    residual = y - others @ np.linalg.lstsq(others, y, rcond=None)[0]
    assert r2 == pytest.approx(1 - residual.var() / y.var())
    assert abs(estimate_correlation(close)[i, close.names.index("lockdown")]) > 0.7
    text = " ".join(cautions(close))
    assert "step of team can hardly be told apart from the lockdown" in text
    assert not any("told apart" in sentence for sentence in cautions(alone))


def test_cautions_of_residuals_and_gaps() -> None:
    counts = draw(truth(), 8.0, 0.8, 1, seed=11)[0]
    counts[3] = np.nan
    text = cautions(segmented_fit(counts, [Change("x", START)], errors="model"))
    assert any("autocorrelated" in sentence for sentence in text)
    assert any("1 of 48 periods" in sentence for sentence in text)
    text = cautions(segmented_fit(counts, [Change("x", START)]))
    assert not any("autocorrelated" in sentence for sentence in text)
    even = np.full(N, 50.0) + T % 2
    fit = segmented_fit(even, [Change("x", START)], family="negative_binomial")
    assert any("Poisson" in sentence for sentence in cautions(fit))


def test_trend_and_season_alone() -> None:
    fit = segmented_fit(draw(truth(), 2.0, 0.0, 2, seed=12), [])
    np.testing.assert_array_equal(fit.fitted.lower, fit.counterfactual.lower)
    assert cautions(one_series(fit, 0)) == ()


def test_effect_of_one_change_among_two() -> None:
    counts = np.round(truth(1e8, 0.2) * np.exp(0.1 * (T >= 18)))
    fit = segmented_fit(counts, [Change("A", 18, ramp=False), Change("B", START)])
    at = range(36, 48)
    assert effect_over(fit, at, ["A"]).ratio.estimate == pytest.approx(np.exp(0.1), rel=1e-6)
    assert effect_over(fit, at, ["B"]).ratio.estimate == pytest.approx(np.exp(0.2), rel=1e-6)
    assert effect_over(fit, at).ratio.estimate == pytest.approx(np.exp(0.3), rel=1e-6)
    assert effect_over(fit, [5]).ratio.estimate == 1


# ------------------------------------------------------------------------------------------- inputs


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"changes": [Change("A", 20), Change("A", 30)]}, "used twice"),
        ({"changes": [Change("A", 20, step=False, ramp=False)]}, "neither"),
        ({"dummies": {"trend": np.ones(N)}}, "used twice"),
        ({"dummies": {"lockdown": np.ones(3)}}, "one finite value"),
        ({"left_out": [True]}, "left_out"),
        ({"exposures": 0}, "exposures"),
        ({"family": "gaussian"}, "family"),
        ({"errors": "exact"}, "errors"),
        ({"level": 95}, "level"),
        ({"harmonics": 9}, "harmonics"),
        ({"counts": np.ones((2, 2, N))}, "series, periods"),
        ({"counts": np.full(N, 0.5)}, "whole numbers"),
        ({"lags": 99, "errors": "newey_west"}, "lags"),
    ],
)
def test_broken_inputs_are_refused_in_words(options: dict, words: str) -> None:
    arguments = {"counts": np.full(N, 9.0), "changes": [Change("A", START)]} | options
    with pytest.raises(ValueError, match=words):
        segmented_fit(**arguments)  # type: ignore[arg-type]


def test_broken_questions_are_refused_in_words() -> None:
    fit = segmented_fit(draw(truth(), 2.0, 0.0, 2, seed=13), [Change("A", START, step=False)])
    with pytest.raises(ValueError, match="with a step"):
        step_effect(fit, "A")
    with pytest.raises(ValueError, match="'B'"):
        effect_over(fit, [40], ["B"])
    for periods in ([], [48], [-1], [1.5]):
        with pytest.raises(ValueError, match="periods"):
            effect_over(fit, periods)
    with pytest.raises(ValueError, match="one_series"):
        cautions(fit)
