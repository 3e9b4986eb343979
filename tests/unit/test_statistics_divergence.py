"""Since when two series have parted: false alarms, dates and their intervals, gaps and drifts."""

from __future__ import annotations

import numpy as np
import pytest

from orchestration.statistics.divergence import DRIFT, STEP, TOO_SHORT, onset_of_divergence

MONTHS = np.arange(48)
SEASON = np.exp(0.2 * np.cos(2 * np.pi * MONTHS / 12))


def worlds(police: np.ndarray, hospital: float, series: int, seed: int, rho: float = 0.0):
    """Counts whose ratio scatters more than chance makes it, with memory."""
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(series, 48))
    for t in range(1, 48):
        errors[:, t] = rho * errors[:, t - 1] + np.sqrt(1 - rho**2) * errors[:, t]
    common = SEASON * np.exp(rng.normal(0, 0.1, size=(series, 48)))
    return (
        rng.poisson(police * common * np.exp(0.05 * errors)).astype(float),
        rng.poisson(hospital * common).astype(float),
    )


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_series_that_move_together_rarely_seem_to_part(rho: float) -> None:
    found = onset_of_divergence(*worlds(np.full(48, 2000.0), 30, 400, 11, rho), replicates=199)
    share = (found.p_value <= 0.05).mean()
    assert 0.02 <= share <= 0.09
    # Of the few, most would give no date.
    assert ((found.p_value <= 0.05) & (found.shape == STEP)).mean() <= share


def test_a_step_is_found_with_its_date_and_size() -> None:
    police = 2000.0 * np.where(MONTHS >= 31, 1.4, 1.0)
    found = onset_of_divergence(*worlds(police, 30, 200, 12), replicates=199)
    assert (found.p_value <= 0.05).mean() > 0.9
    assert (found.shape == STEP).mean() > 0.75
    inside = (found.earliest <= 31) & (found.latest >= 31)
    assert inside.mean() >= 0.93
    covered = (found.ratio.lower <= 1.4) & (found.ratio.upper >= 1.4)
    assert covered.mean() >= 0.90
    assert abs(np.median(found.first) - 31) <= 1
    assert (found.earliest <= found.first).all() and (found.first <= found.latest).all()


def test_a_drift_has_no_date() -> None:
    police = 20000.0 * np.exp(0.01 * MONTHS)
    found = onset_of_divergence(*worlds(police, 300, 100, 13), replicates=199)
    assert (found.p_value <= 0.05).mean() > 0.9
    assert (found.shape == DRIFT).mean() > 0.9


def test_gaps_are_left_out_and_dates_are_of_the_calendar() -> None:
    a, b = worlds(20000.0 * np.where(MONTHS >= 31, 1.5, 1.0), 400, 3, 14)
    a[0, 20:30] = np.nan
    b[1, 5] = np.nan
    found = onset_of_divergence(a, b)
    assert list(found.first) == [31, 31, 31]
    assert list(found.periods) == [38, 47, 48]
    # Whatever else is asked with it.
    alone = onset_of_divergence(a[:1], b[:1])
    assert alone.p_value[0] == found.p_value[0] and alone.ratio.upper[0] == found.ratio.upper[0]


def test_more_spread_says_less() -> None:
    a, b = worlds(2000.0 * np.where(MONTHS >= 31, 1.2, 1.0), 30, 1, 15)
    plain = onset_of_divergence(a, b)
    rounded = onset_of_divergence(a, b, np.where(MONTHS >= 31, 4000.0, 0.0))
    width = np.log(rounded.ratio.upper / rounded.ratio.lower)
    assert (width > np.log(plain.ratio.upper / plain.ratio.lower)).all()


def test_too_short_a_series_says_so() -> None:
    found = onset_of_divergence(np.full((2, 18), 50.0), np.full((2, 18), 5.0))
    assert list(found.shape) == [TOO_SHORT] * 2 and list(found.first) == [-1, -1]
    assert np.isnan(found.p_value).all() and np.isnan(found.ratio.lower).all()
    quarters = np.random.default_rng(1).poisson(50, size=(1, 20)).astype(float)
    assert onset_of_divergence(quarters, quarters + 3, period=4).shape[0] != TOO_SHORT
    assert onset_of_divergence(np.empty((0, 0)), np.empty((0, 0))).p_value.shape == (0,)


def test_none_has_a_logarithm_too() -> None:
    a = np.random.default_rng(2).poisson(40, size=(1, 48)).astype(float)
    b = np.random.default_rng(3).poisson(1, size=(1, 48)).astype(float)
    assert (b == 0).any()
    assert np.isfinite(onset_of_divergence(a, b).p_value).all()


def test_broken_inputs() -> None:
    good = np.full((1, 48), 9.0)
    with pytest.raises(ValueError, match="below 0"):
        onset_of_divergence(-good, good)
    with pytest.raises(ValueError, match="two dimensions"):
        onset_of_divergence(good[0], good[0])
    with pytest.raises(ValueError, match="level"):
        onset_of_divergence(good, good, level=1.0)
    with pytest.raises(ValueError, match="19"):
        onset_of_divergence(good, good, replicates=9)
