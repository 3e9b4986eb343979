"""What holds of the detectors whatever the counts."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from orchestration.detectors.changepoints import bocpd, pelt
from orchestration.detectors.charts import xmr
from orchestration.detectors.counts import at_least, at_most, quantile
from orchestration.detectors.farrington import farrington_flexible
from orchestration.detectors.small_counts import exact_same_period

MONTHS = 64
series = arrays.arrays(
    np.float64,
    (MONTHS, 3),
    elements=st.one_of(st.integers(0, 60).map(float), st.just(float("nan"))),
)


@settings(deadline=None, max_examples=40)
@given(series, st.sampled_from(["delta", "nbPlugin", "muan", "predictive"]))
def test_farrington_bounds_hold_the_mean_and_alarms_their_p(counts: np.ndarray, how: str) -> None:
    found = farrington_flexible(
        counts, 12, b=3, w=1, noPeriods=4, thresholdMethod=how, alpha=0.01, range=[50, 63, 64]
    )  # type: ignore[arg-type]
    assessed = found.is_assessed
    assert np.all(np.isfinite(found.expected[assessed]))
    assert np.all(found.phi[assessed] >= 1)
    assert not np.any(found.alarm & found.alarm_lower)
    assert not np.any((found.alarm | found.alarm_lower) & ~assessed)
    for p in (found.p, found.p_lower):
        known = p[~np.isnan(p)]
        assert np.all((known >= 0) & (known <= 1))
    if how != "delta":
        tested = assessed & ~np.isnan(found.p)
        assert np.array_equal(found.alarm[tested], found.p[tested] <= 0.01)


@settings(deadline=None, max_examples=25)
@given(series)
def test_farrington_is_the_same_in_any_company(counts: np.ndarray) -> None:
    options = {"b": 3, "w": 1, "noPeriods": 4, "thresholdMethod": "nbPlugin", "range": [64]}
    whole = farrington_flexible(counts, 12, mode="r_compat", **options)  # type: ignore[arg-type]
    turned = farrington_flexible(counts[:, ::-1], 12, mode="r_compat", **options)  # type: ignore[arg-type]
    for name in ("upperbound", "expected", "p", "phi"):
        np.testing.assert_allclose(
            getattr(whole, name)[:, ::-1], getattr(turned, name), rtol=1e-8, err_msg=name
        )


@settings(deadline=None, max_examples=60)
@given(
    st.floats(1e-3, 1e5),
    st.floats(1.0, 50.0),
    st.sampled_from([0.001, 0.01, 0.5, 0.99, 0.999]),
)
def test_a_quantile_is_the_smallest_that_reaches(mean: float, phi: float, level: float) -> None:
    found = quantile(level, mean, phi)
    assert at_most(found, mean, phi) >= level * (1 - 1e-12)
    assert found == 0 or at_most(found - 1, mean, phi) < level
    assert abs(at_most(found, mean, phi) + at_least(found + 1, mean, phi) - 1) < 1e-9


@settings(deadline=None, max_examples=40)
@given(series)
def test_exact_tails_overlap_by_one_count(counts: np.ndarray) -> None:
    found = exact_same_period(counts, 12)
    known = found.is_assessed
    assert np.all(found.p[known] + found.p_lower[known] >= 1 - 1e-12)
    assert not np.any(found.alarm & found.alarm_lower)


@settings(deadline=None, max_examples=25)
@given(arrays.arrays(np.float64, 40, elements=st.integers(0, 30).map(float)))
def test_a_dearer_change_never_gives_more_of_them(counts: np.ndarray) -> None:
    cheap, dear = pelt(counts, penalty=4.0), pelt(counts, penalty=12.0)
    assert dear.starts.size <= cheap.starts.size  # type: ignore[union-attr]
    np.testing.assert_allclose(bocpd(counts).probability.sum(), 1.0)


@settings(deadline=None, max_examples=40)
@given(
    arrays.arrays(np.float64, 30, elements=st.integers(0, 500).map(float)),
    st.integers(-200, 200),
)
def test_a_chart_moves_with_its_values(values: np.ndarray, shift: int) -> None:
    first, second = xmr(values), xmr(values + shift)
    np.testing.assert_allclose(second.upl, first.upl + shift, atol=1e-6)
    mirrored = xmr(-values)
    assert np.array_equal(mirrored.outside_limits, first.outside_limits)
