"""Fits of many series at once: likelihood equations, states that are no exception, covariances."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from orchestration.statistics.loglinear import (
    autocorrelation,
    autoregression,
    autoregressive_covariance,
    fit_log_linear,
    newey_west_covariance,
    seasonal,
    trend,
)

N = 60
DESIGN = np.column_stack([np.ones(N), trend(N) / N, seasonal(N, 2)])


def counts(series: int = 6, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.normal([3.0, 0.5, 0.2, 0.1, 0.1, 0.0], 0.1, (series, 6)) @ DESIGN.T)
    found = rng.poisson(mean * rng.gamma(20, 1 / 20, mean.shape)).astype(float)
    found[rng.random(found.shape) < 0.1] = np.nan
    return found


def test_the_score_is_zero() -> None:
    y, offset = counts(), np.log(np.linspace(20, 31, N))
    fit = fit_log_linear(y, DESIGN, offset)
    assert (fit.status == "fitted").all()
    score = np.nan_to_num(fit.residuals) @ DESIGN
    np.testing.assert_allclose(score, 0, atol=1e-7)
    assert np.isnan(fit.residuals).sum() == np.isnan(y).sum()
    assert np.isfinite(fit.mean).all()  # of the months left out too
    assert list(fit.degrees_of_freedom) == list((~np.isnan(y)).sum(axis=1) - 6)
    np.testing.assert_allclose(np.nansum(fit.pearson**2, axis=1) / fit.degrees_of_freedom, fit.phi)


def test_a_series_is_fitted_as_if_alone() -> None:
    y = counts()
    for negative_binomial in (False, True):
        together = fit_log_linear(y, DESIGN, negative_binomial=negative_binomial)
        alone = fit_log_linear(y[2:3], DESIGN, negative_binomial=negative_binomial)
        for a, b in zip(together, alone, strict=True):
            if a.dtype.kind == "f":
                np.testing.assert_allclose(a[2], b[0], rtol=1e-8)


def test_negative_binomial_has_the_greatest_likelihood() -> None:
    y = counts(1)
    fit = fit_log_linear(y, DESIGN, negative_binomial=True)
    known = ~np.isnan(y[0])

    def loss(parameters: np.ndarray) -> float:
        theta, mean = np.exp(parameters[0]), np.exp(DESIGN @ parameters[1:])[known]
        return -stats.nbinom.logpmf(y[0][known], theta, theta / (theta + mean)).sum()

    best = optimize.minimize(
        loss, [np.log(10), 3.0, 0, 0, 0, 0, 0], method="BFGS", options={"gtol": 1e-6}
    )
    at = np.r_[np.log(fit.theta), fit.coefficients[0]]
    assert loss(at) <= best.fun + 1e-9
    np.testing.assert_allclose(at, best.x, atol=2e-4)


def test_no_extra_variation_is_a_poisson() -> None:
    even = np.tile([10.0, 11, 10, 9, 10, 10], (1, 10))
    found = fit_log_linear(even, DESIGN, negative_binomial=True)
    assert np.isinf(found.theta[0])
    np.testing.assert_allclose(found.coefficients, fit_log_linear(even, DESIGN).coefficients)


def test_states_are_no_exceptions() -> None:
    y = counts(6)
    empty = np.zeros(N)
    empty[40:] = 1
    design = np.column_stack([DESIGN, empty])
    y[0, :40] = np.nan  # the last column is then the first
    y[1] = 0
    y[2, 40:] = 0  # nothing where the last column is 1
    y[3, 7:] = np.nan
    y[4] = np.nan
    for negative_binomial in (False, True):
        fit = fit_log_linear(y, design, negative_binomial=negative_binomial)
        assert list(fit.status) == [
            "collinear",
            "no events",
            "separated",
            "too few points",
            "too few points",
            "fitted",
        ]
        assert np.isnan(fit.coefficients[:5]).all() and np.isfinite(fit.coefficients[5]).all()
        assert np.isnan(fit.mean[:5]).all() and np.isnan(fit.phi[:5]).all()
        for covariance in (
            newey_west_covariance(fit, design),
            autoregressive_covariance(fit, design)[0],
        ):
            assert np.isnan(covariance[:5]).all() and np.isfinite(covariance[5]).all()


def test_sparse_and_huge_counts_are_fitted() -> None:
    rng = np.random.default_rng(3)
    y = np.stack([rng.poisson(0.3, N), rng.poisson(3e7, N), rng.poisson(5, N) ** 4]).astype(float)
    fit = fit_log_linear(y, DESIGN)
    assert (fit.status == "fitted").all()
    np.testing.assert_allclose((fit.residuals @ DESIGN) / y.sum(axis=1)[:, None], 0, atol=1e-9)


def test_newey_west_without_lags_is_whites() -> None:
    y = np.nan_to_num(counts(3), nan=20.0)
    fit = fit_log_linear(y, DESIGN)
    found = newey_west_covariance(fit, DESIGN, lags=0, small_sample=False)
    scores = fit.residuals[:, :, None] * DESIGN
    white = fit.unscaled @ (np.swapaxes(scores, 1, 2) @ scores) @ fit.unscaled
    np.testing.assert_allclose(found, white)
    np.testing.assert_allclose(
        newey_west_covariance(fit, DESIGN, lags=0), white * N / (N - 6), rtol=1e-12
    )
    both = [newey_west_covariance(fit, DESIGN, gaps=gaps) for gaps in ("kept", "closed")]
    np.testing.assert_allclose(*both)  # no gaps, no difference


def test_newey_west_counts_lags_in_months_unless_told() -> None:
    y = counts(1)
    fit = fit_log_linear(y, DESIGN)
    kept = newey_west_covariance(fit, DESIGN)
    closed = newey_west_covariance(fit, DESIGN, gaps="closed")
    assert not np.allclose(kept, closed)
    known = ~np.isnan(y[0])
    alone = fit_log_linear(y[:, known], DESIGN[known])
    np.testing.assert_allclose(closed, newey_west_covariance(alone, DESIGN[known]), rtol=1e-7)
    for bad in (-1, N):
        with pytest.raises(ValueError, match="lags"):
            newey_west_covariance(fit, DESIGN, bad)
    with pytest.raises(ValueError, match="gaps"):
        newey_west_covariance(fit, DESIGN, gaps="wide")  # type: ignore[arg-type]


def test_autoregression_undoes_the_bias_of_residuals() -> None:
    """Expectations by the matrices written out, for a design with months left out."""
    observed = np.ones(N, dtype=bool)
    observed[[5, 20, 21, 22, 40]] = False
    rng = np.random.default_rng(8)
    y = np.where(observed, rng.poisson(400, (400, N)), np.nan)
    fit = fit_log_linear(y, DESIGN)
    rough = autocorrelation(fit.pearson, 1)[:, 0]
    assert rough.mean() < -0.05  # independent months look unlike their neighbours
    root = np.sqrt(fit.weights[0])
    q = np.linalg.qr(root[:, None] * DESIGN)[0]
    residual_maker = np.diag(observed.astype(float)) - q @ q.T
    beside = np.abs(np.subtract.outer(np.arange(N), np.arange(N))) == 1
    distance = np.abs(np.subtract.outer(np.arange(N), np.arange(N)))
    for value in (0.3, 0.6):
        spread = residual_maker @ value ** distance.astype(float) @ residual_maker
        expected = (spread * beside).sum() / 2 / np.trace(spread)
        # Residuals of exactly that correlation, found by mixing two vectors of residuals.
        e = residual_maker @ rng.normal(size=N)
        smooth = residual_maker @ np.convolve(e, np.ones(9), "same")

        def beyond(
            part: float, e: np.ndarray = e, smooth: np.ndarray = smooth, aim: float = expected
        ) -> float:
            v = e + part * smooth
            return (v[1:] * v[:-1]).sum() / (v @ v) - aim

        errors = e + optimize.brentq(beyond, -0.2, 5) * smooth
        residuals = np.where(observed, errors * np.sqrt(fit.mean[0]), np.nan)
        found = autoregression(fit._replace(residuals=np.tile(residuals, (400, 1))), DESIGN)
        assert found.rho[0] == pytest.approx(value, abs=5e-3)
        assert found.phi[0] == pytest.approx(errors @ errors / np.trace(spread), rel=1e-2)


def test_autoregressive_covariance_without_correlation_is_the_models() -> None:
    fit = fit_log_linear(counts(40), DESIGN)
    covariance, found = autoregressive_covariance(fit, DESIGN)
    plain = found.rho == 0
    assert plain.any() and (~plain).any()
    scale = np.maximum(found.phi, 1.0)[:, None, None]
    np.testing.assert_allclose(covariance[plain], (fit.unscaled * scale)[plain], rtol=1e-9)
    np.testing.assert_allclose(found.phi[plain], fit.phi[plain], rtol=1e-9)


def test_autocorrelation() -> None:
    values = np.random.default_rng(9).normal(size=50)
    found = autocorrelation(values, 3)
    by_hand = [(values[lag:] * values[:-lag]).sum() / (values**2).sum() for lag in (1, 2, 3)]
    np.testing.assert_allclose(found, by_hand)
    values[10] = np.nan
    assert np.isfinite(autocorrelation(values, 3)).all()
    assert np.isnan(autocorrelation([1.0, np.nan, 1.0, np.nan], 1)[0])
    assert np.isnan(autocorrelation([1.0, 2.0], 3)[1:]).all()


def test_columns() -> None:
    assert seasonal(24, 6).shape == (24, 11)  # the sine of six cycles a year is 0 every month
    assert seasonal(24, 0).shape == (24, 0)
    assert trend(3).tolist() == [1, 2, 3]
    for bad in (-1, 7):
        with pytest.raises(ValueError, match="harmonics"):
            seasonal(24, bad)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.ones(N), DESIGN), "series, periods"),
        ((np.ones((2, N + 1)), DESIGN), "series, periods"),
        ((np.full((1, N), 0.5), DESIGN), "whole numbers"),
        ((np.full((1, N), -1), DESIGN), "whole numbers"),
        ((np.ones((1, N)), DESIGN * np.nan), "finite"),
        ((np.ones((1, N)), DESIGN, -np.inf), "exposures"),
    ],
)
def test_broken_inputs_are_refused_in_words(arguments: tuple, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fit_log_linear(*arguments)
