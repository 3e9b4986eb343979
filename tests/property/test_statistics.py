"""What must hold of ratios, segmented fits, aoristic weights, adjustments and power, always."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestration.statistics.aoristic import aoristic_totals, aoristic_weights
from orchestration.statistics.intervals import Interval
from orchestration.statistics.multiplicity import adjusted_p_values
from orchestration.statistics.power import (
    events_needed,
    power_of_comparison,
    smallest_detectable_ratio,
)
from orchestration.statistics.rates import (
    byar_interval,
    change_of_ratio,
    dispersion,
    log_rate_ratio,
    log_risk_ratio,
    ratio_interval,
    ratio_p_value,
    verdict,
    zero_upper_bound,
)
from orchestration.statistics.segmented import Change, effect_over, segmented_fit, step_effect

counts = st.integers(1, 500_000)
exposures = st.floats(1e-3, 1e7)
phis = st.floats(0.1, 50)
levels = st.floats(0.5, 0.999)
degrees = st.one_of(st.just(np.inf), st.floats(1, 200))


# ------------------------------------------------------------------------------------------ ratios


@given(counts, exposures, counts, exposures, phis, levels, degrees)
def test_swapping_the_sides_gives_the_inverse(
    a: int, ea: float, b: int, eb: float, phi: float, level: float, df: float
) -> None:
    found = ratio_interval(log_rate_ratio(a, ea, b, eb, phi), level, df)
    other = ratio_interval(log_rate_ratio(b, eb, a, ea, phi), level, df)
    assume(np.isfinite(found.upper) and found.lower > 0)
    assert other.lower == pytest.approx(float(1 / found.upper), rel=1e-9)
    assert other.upper == pytest.approx(float(1 / found.lower), rel=1e-9)
    assert found.lower <= found.estimate <= found.upper


@given(counts, exposures, counts, exposures, phis, st.floats(0.01, 100))
def test_only_the_ratio_of_exposures_matters(
    a: int, ea: float, b: int, eb: float, phi: float, factor: float
) -> None:
    found = ratio_interval(log_rate_ratio(a, ea, b, eb, phi))
    scaled = ratio_interval(log_rate_ratio(a, ea * factor, b, eb * factor, phi))
    np.testing.assert_allclose(scaled, found, rtol=1e-9)


@given(counts, counts, phis, st.integers(2, 50))
def test_counts_and_dispersion_times_as_much_say_the_same(
    a: int, b: int, phi: float, factor: int
) -> None:
    """Counting everything in twos (victims in pairs) adds no information."""
    found = ratio_interval(log_rate_ratio(a, 1, b, 1, phi))
    scaled = ratio_interval(log_rate_ratio(a * factor, 1, b * factor, 1, phi * factor))
    np.testing.assert_allclose(scaled, found, rtol=1e-9)


@given(counts, counts, st.integers(1, 1000), phis)
def test_more_events_now_raise_the_estimate_and_the_lower_limit(
    a: int, b: int, more: int, phi: float
) -> None:
    found = ratio_interval(log_rate_ratio(a, 1, b, 1, phi))
    higher = ratio_interval(log_rate_ratio(a + more, 1, b, 1, phi))
    assert higher.estimate > found.estimate
    assert higher.lower > found.lower


@given(counts, counts, phis, phis)
def test_more_dispersion_is_wider(a: int, b: int, one: float, two: float) -> None:
    narrow, wide = (ratio_interval(log_rate_ratio(a, 1, b, 1, phi)) for phi in sorted((one, two)))
    assert wide.lower <= narrow.lower and narrow.upper <= wide.upper


@given(counts, exposures, counts, exposures, phis, levels, degrees)
def test_p_value_interval_and_verdict_agree(
    a: int, ea: float, b: int, eb: float, phi: float, level: float, df: float
) -> None:
    ratio = log_rate_ratio(a, ea, b, eb, phi)
    p, found = ratio_p_value(ratio, df), ratio_interval(ratio, level, df)
    assume(abs(p - (1 - level)) > 1e-9 and np.isfinite(found.upper) and found.lower > 0)
    expected = "not distinguishable from chance"
    if p < 1 - level:
        expected = "up" if ratio.log > 0 else "down"
    assert verdict(found) == expected


@given(counts, st.integers(0, 1000), counts, st.integers(0, 1000))
def test_risks_are_narrower_than_rates(a: int, rest_a: int, b: int, rest_b: int) -> None:
    """Trials bound the number of successes; with many trials the two meet."""
    risk = log_risk_ratio(a, a + rest_a, b, b + rest_b)
    rate = log_rate_ratio(a, a + rest_a, b, b + rest_b)
    assert risk.log == rate.log and risk.standard_error <= rate.standard_error
    rare = log_risk_ratio(a, a * 1e9, b, b * 1e9)
    assert rare.standard_error == pytest.approx(float(rate.standard_error))


@given(counts, counts, counts, counts)
def test_a_ratio_against_itself_has_not_changed(a: int, b: int, c: int, d: int) -> None:
    now, before = log_rate_ratio(a, 1, b, 1), log_rate_ratio(c, 1, d, 1)
    assert change_of_ratio(now, now).log == 0
    there, back = change_of_ratio(now, before), change_of_ratio(before, now)
    assert there.log == -back.log and there.standard_error == back.standard_error


@given(st.integers(0, 10**6), levels)
def test_byar_is_ordered_and_rises(count: int, level: float) -> None:
    found, more = byar_interval(count, level), byar_interval(count + 1, level)
    assert 0 <= found.lower <= found.estimate <= found.upper
    assert found.lower <= more.lower and found.upper < more.upper


@given(st.integers(1, 10**6), levels)
def test_more_trials_without_any_lower_the_bound(trials: int, level: float) -> None:
    assert 0 < zero_upper_bound(trials + 1, level) < zero_upper_bound(trials, level) <= 1


@given(st.floats(0.01, 100), st.floats(1, 3), st.floats(1, 3))
def test_verdict_of_an_inverse_is_the_opposite(ratio: float, down: float, up: float) -> None:
    words = {"up": "down", "down": "up"}
    found = Interval(*np.array([ratio, ratio / down, ratio * up]))
    inverse = Interval(1 / found.estimate, 1 / found.upper, 1 / found.lower)
    assume(found.lower != 1 and found.upper != 1)
    assert verdict(inverse) == words.get(str(verdict(found)), verdict(found))


# ------------------------------------------------------------------------------- series of counts


@st.composite
def series(draw: st.DrawFn) -> np.ndarray:
    """48 months, two in each hundred missing at most, none of them without events."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    found = 1.0 + rng.poisson(draw(st.floats(2, 5000)) * rng.gamma(30, 1 / 30, 48))
    found[rng.integers(0, 48, draw(st.integers(0, 1)))] = np.nan
    return found


@settings(max_examples=25, deadline=None)
@given(series(), st.integers(2, 9), st.floats(0.1, 100))
def test_a_fit_scales_with_counts_and_not_with_units(
    months: np.ndarray, factor: int, unit: float
) -> None:
    change = [Change("x", 30)]
    found = segmented_fit(months, change, least_phi=1e-9)
    times = segmented_fit(months * factor, change, least_phi=1e-9)
    assert times.phi == pytest.approx(factor * found.phi, rel=1e-6)
    np.testing.assert_allclose(step_effect(times, "x").ratio, step_effect(found, "x").ratio, 1e-6)
    units = segmented_fit(months, change, exposures=unit, least_phi=1e-9)
    np.testing.assert_allclose(
        effect_over(units, range(30, 42)).ratio, effect_over(found, range(30, 42)).ratio, 1e-6
    )
    np.testing.assert_allclose(units.counterfactual, found.counterfactual, 1e-6)


@settings(max_examples=25, deadline=None)
@given(series(), st.floats(-0.02, 0.02))
def test_a_trend_in_the_exposure_is_a_trend_in_the_rate(months: np.ndarray, slope: float) -> None:
    change = [Change("x", 30)]
    found = segmented_fit(months, change)
    grown = segmented_fit(months, change, exposures=np.exp(slope * np.arange(48)))
    trend = found.names.index("trend")
    assert grown.coefficients[trend] == pytest.approx(found.coefficients[trend] - slope, abs=1e-6)
    np.testing.assert_allclose(step_effect(grown, "x").ratio, step_effect(found, "x").ratio, 1e-6)


@settings(max_examples=25, deadline=None)
@given(series())
def test_totals_of_fitted_counts_are_those_observed(months: np.ndarray) -> None:
    """The likelihood equations of an intercept, of a step and of the trend."""
    found = segmented_fit(months, [Change("x", 30)])
    residuals = np.where(found.used, months - found.fitted.estimate, 0.0)
    scale = np.nansum(months)
    assert residuals.sum() / scale == pytest.approx(0, abs=1e-8)
    assert residuals[30:].sum() / scale == pytest.approx(0, abs=1e-8)
    assert residuals @ np.arange(48) / scale == pytest.approx(0, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(series(), st.integers(2, 9))
def test_dispersion_scales_with_counts(months: np.ndarray, factor: int) -> None:
    one, many = dispersion(months), dispersion(months * factor)
    assert many.raw == pytest.approx(factor * one.raw, rel=1e-6)
    assert many.rho == pytest.approx(one.rho, abs=1e-6)


# --------------------------------------------------------------------------------------- aoristic

seconds = st.integers(0, 10**9)
lengths = st.one_of(
    st.none(), st.integers(-10_000, 10_000), st.integers(0, 700_000), st.integers(0, 4_000_000)
)
events = st.lists(st.tuples(st.one_of(st.none(), seconds), lengths), max_size=25)


def as_times(found: list[tuple[int | None, int | None]]) -> tuple[np.ndarray, np.ndarray]:
    missing = np.datetime64("NaT")
    start = [missing if a is None else np.datetime64(a, "s") for a, _ in found]
    end = [missing if None in (a, b) else np.datetime64(a + b, "s") for a, b in found]
    return np.array(start, dtype="M8[s]"), np.array(end, dtype="M8[s]")


@given(events)
def test_each_event_weighs_one(found: list) -> None:
    start, end = as_times(found)
    weights = aoristic_weights(start, end)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), ~np.isnat(start), atol=1e-12)


@given(events, st.integers(0, 10**6))
def test_totals_are_sums_in_any_order_and_grouping(found: list, seed: int) -> None:
    start, end = as_times(found)
    rng = np.random.default_rng(seed)
    order, groups = rng.permutation(len(found)), rng.integers(0, 3, len(found))
    weights = aoristic_weights(start, end)
    total = aoristic_totals(start, end)
    np.testing.assert_allclose(total, weights.sum(axis=0), atol=1e-11)
    np.testing.assert_allclose(aoristic_totals(start[order], end[order]), total, atol=1e-11)
    by_group = aoristic_totals(start, end, groups, 3)
    np.testing.assert_allclose(by_group.sum(axis=0), total, atol=1e-11)
    for group in range(3):
        np.testing.assert_allclose(by_group[group], weights[groups == group].sum(0), atol=1e-11)


@given(seconds, st.integers(120, 604_799))
def test_each_minute_weighs_the_same(start: int, length: int) -> None:
    """Against a count of the minutes one by one."""
    minutes = length // 60
    stamps = np.datetime64(start, "s").astype("M8[m]") + np.arange(minutes)
    since_sunday = (stamps.astype(int) + 4 * 1440) % 10080
    expected = np.bincount(since_sunday // 60, minlength=168) / minutes
    begin = np.array([start], dtype="M8[s]")
    found = aoristic_weights(begin, begin + np.timedelta64(length, "s"))[0]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(events, st.integers(-50, 50))
def test_a_week_later_is_the_same_hour(found: list, weeks: int) -> None:
    start, end = as_times(found)
    shift = np.timedelta64(weeks * 7, "D")
    np.testing.assert_array_equal(
        aoristic_totals(start + shift, end + shift), aoristic_totals(start, end)
    )


# ------------------------------------------------------------------------------ many tests at once

p_values = st.lists(st.one_of(st.just(np.nan), st.floats(0, 1)), min_size=1, max_size=40)
adjustments = st.sampled_from(["bh", "by"])


@given(p_values, adjustments, st.randoms(use_true_random=False))
def test_adjustment_ignores_order(values: list[float], method: str, random: object) -> None:
    order = list(range(len(values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    p = np.array(values)
    found = adjusted_p_values(p, method)  # type: ignore[arg-type]
    np.testing.assert_allclose(adjusted_p_values(p[order], method), found[order])  # type: ignore[arg-type]


@given(p_values)
def test_adjusting_raises_and_keeps_the_order(values: list[float]) -> None:
    p = np.array(values)
    bh, by = adjusted_p_values(p), adjusted_p_values(p, "by")
    known = ~np.isnan(p)
    assert (bh[known] >= p[known] * (1 - 1e-12)).all() and (by[known] >= bh[known] - 1e-15).all()
    assert (by[known] <= 1).all()
    order = np.argsort(p[known], kind="stable")
    assert (np.diff(bh[known][order]) >= 0).all()


# ------------------------------------------------------------------------------------------- power


@given(st.floats(0.2, 5), st.floats(0.5, 0.99), st.floats(1, 10), st.floats(0.2, 5))
def test_events_needed_have_the_power(ratio: float, power: float, phi: float, k: float) -> None:
    assume(abs(np.log(ratio)) > 0.01)
    needed = events_needed(ratio, power, phi=phi, exposure_ratio=k)
    assert power_of_comparison(needed, ratio, phi=phi, exposure_ratio=k) >= power - 1e-9
    if needed > 1:
        assert power_of_comparison(needed - 1, ratio, phi=phi, exposure_ratio=k) <= power


@given(st.floats(5, 1e6), st.floats(1, 10), st.sampled_from(["rise", "fall"]))
def test_smallest_detectable_has_the_power_and_shrinks(
    base: float, phi: float, direction: str
) -> None:
    found = smallest_detectable_ratio(base, direction=direction, phi=phi)  # type: ignore[arg-type]
    more = smallest_detectable_ratio(base * 2, direction=direction, phi=phi)  # type: ignore[arg-type]
    if np.isnan(found):
        assert direction == "fall" and base / phi < 17
        return
    assert power_of_comparison(base, found, phi=phi) == pytest.approx(0.8)
    assert abs(np.log(more)) < abs(np.log(found))
    assert (found > 1) == (direction == "rise")
