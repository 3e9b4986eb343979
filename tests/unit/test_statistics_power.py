"""Events needed and smallest changes detectable, against published and exact figures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from orchestration.statistics.intervals import rate_ratio_p_value
from orchestration.statistics.power import (
    events_needed,
    power_of_comparison,
    smallest_detectable_ratio,
)


def test_events_needed_per_period() -> None:
    """At 80% power and equal exposure; twice as many at a dispersion of 2."""
    ratio = [1.04, 1.06, 1.084, 1.155, 1.25, 1.50, 2.0]
    needed = [10_009, 4_493, 2_320, 706, 284, 80, 25]
    np.testing.assert_array_equal(events_needed(ratio), needed)
    np.testing.assert_allclose(events_needed(ratio, phi=2.0), 2 * np.array(needed), atol=1)


def test_smallest_detectable_rise() -> None:
    rise = 100 * (smallest_detectable_ratio([9, 90, 333, 864, 6500]) - 1)
    np.testing.assert_array_equal(np.round(rise), [195, 47, 23, 14, 5])


def test_smallest_detectable_fall() -> None:
    fall = smallest_detectable_ratio([9, 90, 864], direction="fall")
    assert np.isnan(fall[0])  # by this test; by the exact one a fall to none is found
    assert rate_ratio_p_value(0, 1, 9, 1) < 0.05
    assert (np.diff([0.0, *fall[1:], 1.0]) > 0).all()
    np.testing.assert_allclose(power_of_comparison([90, 864], fall[1:]), 0.8)


def test_exact_power_is_near() -> None:
    """The exact test of two Poisson counts, summed over what may be observed."""
    ratio = float(smallest_detectable_ratio(90))
    now, before = np.meshgrid(np.arange(60, 240), np.arange(30, 160), indexing="ij")
    weight = stats.poisson.pmf(now, 90 * ratio) * stats.poisson.pmf(before, 90)
    p = rate_ratio_p_value(now, 1, before, 1, method="midp")
    assert weight[p < 0.05].sum() == pytest.approx(0.8, abs=0.02)


def test_exposure_and_edges() -> None:
    assert events_needed(1.0) == np.inf
    assert np.isnan(events_needed(np.nan))
    assert np.isnan(smallest_detectable_ratio([np.nan, 50])).tolist() == [True, False]
    # Twice the months after: fewer events needed before.
    assert events_needed(1.2, exposure_ratio=2.0) < events_needed(1.2)
    assert power_of_comparison(100, 1.0) == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: events_needed(0), "ratio"),
        (lambda: events_needed(1.2, 1.0), "power"),
        (lambda: events_needed(1.2, 0.01), "power"),
        (lambda: events_needed(1.2, level=0), "level"),
        (lambda: power_of_comparison(0, 1.2), "base_count"),
        (lambda: smallest_detectable_ratio(9, phi=-1), "phi"),
        (lambda: smallest_detectable_ratio(9, direction="change"), "direction"),
    ],
)
def test_broken_inputs_are_refused_in_words(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()  # type: ignore[operator]
