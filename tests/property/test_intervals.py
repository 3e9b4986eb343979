"""What must hold of every interval, whatever the counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from orchestration.statistics.intervals import (
    Interval,
    Method,
    clopper_pearson_interval,
    poisson_interval,
    rate_ratio_interval,
    rate_ratio_p_value,
    wilson_interval,
)

counts = st.integers(0, 500_000)
small = st.integers(0, 60)
exposures = st.floats(1e-3, 1e7)
levels = st.floats(0.5, 0.999)
methods = st.sampled_from(["exact", "midp"])


def ordered(found: Interval) -> bool:
    return bool(found.lower <= found.estimate <= found.upper)


# ---------------------------------------------------------------------------------------- one count


@given(counts, levels)
def test_poisson_limits_are_where_the_tails_are(count: int, level: float) -> None:
    found = poisson_interval(count, level)
    assert ordered(found)
    tail = (1 - level) / 2
    assert stats.poisson.cdf(count, found.upper) == pytest.approx(tail, rel=1e-7)
    if count:
        assert stats.poisson.sf(count - 1, found.lower) == pytest.approx(tail, rel=1e-7)
    else:
        assert found.lower == 0


@pytest.mark.parametrize("mean", [0.05, 0.7, 3.0, 11.4, 60.0])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_poisson_coverage_is_at_least_the_level(mean: float, level: float) -> None:
    outcomes = np.arange(400)
    found = poisson_interval(outcomes, level)
    covered = (found.lower <= mean) & (mean <= found.upper)
    assert stats.poisson.pmf(outcomes, mean)[covered].sum() >= level


@given(st.lists(counts, max_size=8), levels)
def test_arrays_equal_scalars(values: list[int], level: float) -> None:
    found = poisson_interval(values, level)
    assert found.lower.shape == (len(values),)
    for index, value in enumerate(values):
        alone = poisson_interval(value, level)
        assert (alone.lower, alone.upper) == (found.lower[index], found.upper[index])


# ------------------------------------------------------------------------------- ratio of two rates


@given(counts, exposures, counts, exposures, levels, methods)
def test_ratio_is_symmetric(
    a: int, ea: float, b: int, eb: float, level: float, method: Method
) -> None:
    """The interval of the inverse is the inverse of the interval."""
    assume(a + b > 0)
    found = rate_ratio_interval(a, ea, b, eb, level, method)
    assert ordered(found)
    other = rate_ratio_interval(b, eb, a, ea, level, method)
    with np.errstate(divide="ignore"):
        assert other.lower == pytest.approx(float(1 / found.upper), rel=1e-9)
        assert other.upper == pytest.approx(float(1 / found.lower), rel=1e-9)


@given(counts, counts, exposures, exposures, st.floats(0.01, 100), methods)
def test_only_the_ratio_of_exposures_matters(
    a: int, b: int, ea: float, eb: float, factor: float, method: Method
) -> None:
    found = rate_ratio_interval(a, ea, b, eb, method=method)
    scaled = rate_ratio_interval(a, ea * factor, b, eb * factor, method=method)
    np.testing.assert_allclose(scaled, found, rtol=1e-9)


@given(counts, exposures, counts, exposures, methods)
def test_higher_level_is_wider(a: int, ea: float, b: int, eb: float, method: Method) -> None:
    narrow = rate_ratio_interval(a, ea, b, eb, 0.8, method)
    wide = rate_ratio_interval(a, ea, b, eb, 0.99, method)
    assert wide.lower <= narrow.lower and narrow.upper <= wide.upper


@given(counts, exposures, counts, exposures, levels)
def test_midp_lies_within_exact(a: int, ea: float, b: int, eb: float, level: float) -> None:
    exact = rate_ratio_interval(a, ea, b, eb, level)
    midp = rate_ratio_interval(a, ea, b, eb, level, "midp")
    assert exact.lower <= midp.lower * (1 + 1e-12)
    assert midp.upper <= exact.upper * (1 + 1e-12)


@given(small, exposures, small, exposures, levels, methods)
def test_p_value_and_interval_agree(
    a: int, ea: float, b: int, eb: float, level: float, method: Method
) -> None:
    found = rate_ratio_interval(a, ea, b, eb, level, method)
    p = rate_ratio_p_value(a, ea, b, eb, method)
    assert 0 <= p <= 1
    assume(abs(p - (1 - level)) > 1e-7)
    assert (p < 1 - level) == (not found.lower <= 1 <= found.upper)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.6])
def test_ratio_coverage(ratio: float) -> None:
    """Exact coverage for two Poisson counts with means 12 * ratio and 12."""
    a, b = np.meshgrid(np.arange(120), np.arange(120), indexing="ij")
    weight = stats.poisson.pmf(a, 12 * ratio) * stats.poisson.pmf(b, 12)
    coverage = {}
    for method in ("exact", "midp"):
        found = rate_ratio_interval(a, 1, b, 1, method=method)
        coverage[method] = weight[(found.lower <= ratio) & (ratio <= found.upper)].sum()
    assert coverage["exact"] >= 0.95
    assert 0.94 <= coverage["midp"] <= coverage["exact"]


def test_published_figures_of_the_ratio() -> None:
    """All recorded crime, 359,439 against 260,839: far too many for chance, and so narrow."""
    found = rate_ratio_interval(359_439, 1, 260_839, 1)
    assert found.estimate == pytest.approx(1.3780, abs=5e-5)
    assert found.upper - found.lower < 0.015
    assert rate_ratio_p_value(48, 1, 51, 1) > 0.8


@pytest.mark.parametrize("method", ["exact", "midp"])
def test_zeros(method: Method) -> None:
    found = rate_ratio_interval([0, 3, 0], 1, [3, 0, 0], 1, method=method)
    assert found.estimate[0] == 0 and found.lower[0] == 0 and 0 < found.upper[0] < np.inf
    assert np.isinf(found.estimate[1]) and np.isinf(found.upper[1]) and found.lower[1] > 0
    assert np.isnan(found.estimate[2])
    assert (found.lower[2], found.upper[2]) == (0, np.inf)
    assert rate_ratio_p_value(0, 1, 0, 1, method) == 1


# -------------------------------------------------------------------------------------- proportions


@given(st.integers(0, 100_000), st.integers(0, 100_000), levels)
def test_proportions_lie_in_the_unit_interval(x: int, more: int, level: float) -> None:
    n = x + more
    assume(n > 0)
    for function in (wilson_interval, clopper_pearson_interval):
        found = function(x, n, level)
        assert found.lower >= 0 and found.upper <= 1
        assert ordered(found)
        mirrored = function(more, n, level)
        assert mirrored.lower == pytest.approx(float(1 - found.upper), abs=1e-9)


@given(st.integers(1, 3_000), levels, st.floats(0.01, 0.99))
def test_wilson_inverts_the_score_test(n: int, level: float, share: float) -> None:
    x = round(n * share)
    found = wilson_interval(x, n, level)
    z = stats.norm.ppf((1 + level) / 2)
    for limit in (found.lower, found.upper):
        if 0 < limit < 1:
            assert abs(x - n * limit) / np.sqrt(n * limit * (1 - limit)) == pytest.approx(z)


def test_no_trials_say_nothing() -> None:
    for function in (wilson_interval, clopper_pearson_interval):
        found = function(0, 0)
        assert np.isnan(found.estimate)
        assert (found.lower, found.upper) == (0, 1)


# ------------------------------------------------------------------------------------------- inputs


def test_missing_stays_missing() -> None:
    values = [5, np.nan, 0]
    for found in (
        poisson_interval(values),
        rate_ratio_interval(values, 1, 7, 1),
        rate_ratio_interval(7, 1, values, 1, method="midp"),
        wilson_interval(values, 9),
        clopper_pearson_interval(9, [12, np.nan, 9]),
    ):
        for part in found:
            assert list(np.isnan(part)) == [False, True, False]
    assert np.isnan(rate_ratio_p_value(5, np.nan, 5, 1))
    assert np.isnan(rate_ratio_interval(5, np.nan, 5, 1).upper)


@pytest.mark.parametrize("bad", [-1, 2.5, np.inf])
def test_what_is_no_count_is_refused(bad: float) -> None:
    for call in (
        lambda: poisson_interval([1, bad]),
        lambda: rate_ratio_interval(bad, 1, 1, 1),
        lambda: rate_ratio_p_value(1, 1, bad, 1),
        lambda: wilson_interval(bad, 10),
    ):
        with pytest.raises(ValueError, match="whole numbers"):
            call()


def test_other_bad_inputs_are_refused() -> None:
    for level in (0, 1, 95):
        with pytest.raises(ValueError, match="level"):
            poisson_interval(1, level)
    for exposure in (0, -1, np.inf):
        with pytest.raises(ValueError, match="exposure_b"):
            rate_ratio_interval(1, 1, 1, exposure)
    with pytest.raises(ValueError, match="method"):
        rate_ratio_interval(1, 1, 1, 1, method="wald")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="method"):
        rate_ratio_p_value(1, 1, 1, 1, method="wald")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="exceed"):
        wilson_interval(3, 2)
