"""Ratios of over-dispersed counts, their dispersion, verdicts, and rules for small counts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from orchestration.statistics.intervals import Interval, rate_ratio_interval, rate_ratio_p_value
from orchestration.statistics.rates import (
    LEAST_MONTHS,
    LogRatio,
    byar_interval,
    change_of_ratio,
    count_ratio,
    dispersion,
    dispersion_of_chance,
    fisher_p_value,
    log_rate_ratio,
    log_risk_ratio,
    percentage_allowed,
    ratio_interval,
    ratio_p_value,
    series_dispersion,
    t_p_value,
    t_quantile,
    too_small_to_show,
    verdict,
    zero_upper_bound,
)

MONTHS = np.arange(48)
# Not a smooth curve: a December that two harmonics cannot draw.
SEASON = np.exp(0.1 * np.cos(2 * np.pi * MONTHS / 12) + 0.3 * (MONTHS % 12 == 11))


def overdispersed(mean: np.ndarray, phi: float, rho: float, series: int, seed: int) -> np.ndarray:
    """Counts of variance phi * mean whose logs' errors are autoregressive."""
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(series, mean.size))
    for month in range(1, mean.size):
        fresh = np.sqrt(1 - rho**2) * errors[:, month]
        errors[:, month] = rho * errors[:, month - 1] + fresh
    gamma = stats.gamma.ppf(stats.norm.cdf(errors), mean / (phi - 1)) * (phi - 1)
    return rng.poisson(gamma).astype(float)


# ------------------------------------------------------------------------------------------ ratios


def test_standard_error_of_an_overdispersed_ratio() -> None:
    found = log_rate_ratio(6900, 1, 5970, 1, phi=2.0)
    assert found.standard_error == pytest.approx(np.sqrt(2 * (1 / 6900 + 1 / 5970)))
    interval = ratio_interval(found)
    assert interval.estimate == pytest.approx(6900 / 5970)
    assert np.log(interval.upper / interval.lower) == pytest.approx(
        2 * 1.959964 * found.standard_error, rel=1e-6
    )


def test_days_as_exposure() -> None:
    """A leap year: 366 events in 366 days are as many as 365 in 365."""
    assert log_rate_ratio(366, 366, 365, 365).log == pytest.approx(0, abs=1e-15)


def test_risk_ratio_and_its_change() -> None:
    now, before = log_risk_ratio(50, 814, 90, 921), log_risk_ratio(60, 800, 80, 900)
    change = change_of_ratio(now, before)
    assert np.exp(change.log) == pytest.approx(50 / 814 / (90 / 921) / (60 / 800 / (80 / 900)))
    terms = 1 / 50 - 1 / 814 + 1 / 90 - 1 / 921 + 1 / 60 - 1 / 800 + 1 / 80 - 1 / 900
    assert change.standard_error == pytest.approx(np.sqrt(terms))
    assert log_risk_ratio(7, 7, 9, 9) == LogRatio(0.0, 0.0)


def test_no_events_have_no_interval_on_this_scale() -> None:
    found = ratio_interval(log_rate_ratio([0, 3, 0], 1, [3, 0, 0], 1))
    np.testing.assert_array_equal(found.estimate, [0, np.inf, np.nan])
    assert np.isnan(found.lower).all() and np.isnan(found.upper).all()
    assert np.isnan(ratio_p_value(log_rate_ratio([0, 3, 0], 1, [3, 0, 0], 1))).all()
    assert list(verdict(found)) == ["not assessed"] * 3
    assert np.isnan(ratio_interval(log_risk_ratio(0, 9, 2, 9)).upper)


def test_estimated_dispersion_widens_by_students_t() -> None:
    found = log_rate_ratio(300, 1, 250, 1, phi=1.5)
    normal, t = ratio_interval(found), ratio_interval(found, degrees_of_freedom=22)
    assert t.lower < normal.lower and t.upper > normal.upper
    assert t_quantile(0.95, 22) == pytest.approx(stats.t.ppf(0.975, 22))
    assert t_quantile(0.95) == pytest.approx(stats.norm.ppf(0.975))
    assert ratio_p_value(found, 22) > ratio_p_value(found)
    assert t_p_value([1.0, -1.0], [5, np.inf])[1] == pytest.approx(2 * stats.norm.sf(1))


def test_fisher_for_small_tables() -> None:
    assert fisher_p_value(4, 16, 9, 27) == pytest.approx(0.734879, abs=1e-6)
    found = fisher_p_value([4, np.nan, 0], 16, [9, 9, 0], 27)
    assert np.isnan(found[1]) and found[2] == 1
    with pytest.raises(ValueError, match="whole"):
        fisher_p_value(1.5, 3, 1, 3)


def test_byar_is_close_to_the_exact_interval() -> None:
    found = byar_interval([0, 20, np.nan])
    assert found.lower[0] == 0 and np.isnan(found.lower[2])
    assert (found.lower[1], found.upper[1]) == pytest.approx((12.2, 30.9), abs=0.05)
    assert byar_interval(1, 0.999).lower == 0  # the cube of a negative number is no limit
    with pytest.raises(ValueError, match="whole numbers"):
        byar_interval(0.5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: log_rate_ratio(-1, 1, 1, 1), "count_a"),
        (lambda: log_rate_ratio(1, 1, 1, 0), "exposure_b"),
        (lambda: log_rate_ratio(1, 1, 1, 1, phi=0), "phi"),
        (lambda: log_risk_ratio(2, 1, 1, 1), "exceed"),
        (lambda: log_risk_ratio(1, 1, 0, 0), "trials_b"),
        (lambda: ratio_interval(LogRatio(0.0, 1.0), 95), "level"),
        (lambda: ratio_interval(LogRatio(0.0, 1.0), degrees_of_freedom=0), "degrees"),
        (lambda: fisher_p_value(3, 2, 1, 2), "exceed"),
        (lambda: dispersion(np.ones(36), season="weather"), "season"),
        (lambda: dispersion(np.ones(36), season="harmonics", harmonics=7), "harmonics"),
        (lambda: dispersion(np.ones(36), exposures=0), "exposures"),
        (lambda: dispersion(np.full(36, 0.5)), "whole numbers"),
        (lambda: too_small_to_show(-1), "counts"),
        (lambda: zero_upper_bound(10, 1.0), "level"),
    ],
)
def test_bad_inputs_are_refused_in_words(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()  # type: ignore[operator]


# -------------------------------------------------------------------------------------- dispersion


def test_dispersion_of_a_table_is_its_chi_squared() -> None:
    counts = overdispersed(100 * SEASON[:36], 2.0, 0.0, 1, seed=1)[0]
    found = dispersion(counts)
    test = stats.chi2_contingency(counts.reshape(3, 12), correction=False)
    assert found.raw == pytest.approx(test.statistic / test.dof, rel=1e-9)
    assert found.degrees_of_freedom == test.dof == 22
    assert found.months == 36 and found.status == "fitted"


def test_a_steady_trend_and_any_season_are_no_scatter() -> None:
    counts = np.round(1e6 * SEASON * np.exp(0.01 * MONTHS))
    assert dispersion(counts).raw < 0.01
    assert dispersion(counts, season="harmonics").raw > 100  # the curve misses December


def test_dispersion_is_that_of_the_counts() -> None:
    independent = dispersion(overdispersed(200 * SEASON[:36], 2.5, 0.0, 300, seed=2))
    assert independent.phi.mean() == pytest.approx(2.5, rel=0.05)
    smooth = 200 * np.exp(0.1 * np.cos(2 * np.pi * MONTHS / 12))
    curve = dispersion(overdispersed(smooth, 2.5, 0.0, 300, seed=3), season="harmonics")
    assert curve.phi.mean() == pytest.approx(2.5, rel=0.05)
    poisson = dispersion(np.random.default_rng(4).poisson(50, (300, 36)))
    assert (poisson.phi >= 1).all() and (poisson.raw < 1).any()
    alike = dispersion(overdispersed(200 * SEASON, 5.0, 0.6, 300, seed=5))
    assert alike.rho.mean() > independent.rho.mean() + 0.2
    assert alike.phi_of_sums.mean() > 1.5 * alike.phi.mean()
    for found in (independent, curve, poisson, alike):
        assert (found.phi_of_sums >= found.phi).all()


def test_dispersion_says_why_there_is_none() -> None:
    counts = np.random.default_rng(6).poisson(30, (4, 40)).astype(float)
    counts[1, :5] = np.nan
    counts[2] = 0
    counts[3, ::12] = 0
    found = dispersion(counts)
    assert list(found.status) == ["fitted", "too few points", "no events", "separated"]
    assert list(found.months) == [40, 35, 40, 40]
    assert list(np.isnan(found.phi)) == list(np.isnan(found.phi_of_sums)) == [False] + [True] * 3
    assert dispersion(counts[3], season="harmonics").status == "fitted"


@pytest.mark.parametrize(("rho", "least", "most"), [(0.0, 0.93, 0.985), (0.4, 0.89, 0.97)])
def test_coverage_of_a_year_against_the_year_before(rho: float, least: float, most: float) -> None:
    """No change in truth: dispersion from three years, the third compared with the fourth."""
    counts = overdispersed(150 * SEASON, 3.0, rho, 1000, seed=7)
    phi = dispersion(counts[:, :36])
    now, before = counts[:, 36:].sum(axis=1), counts[:, 24:36].sum(axis=1)
    found = ratio_interval(
        log_rate_ratio(now, 1, before, 1, phi.phi_of_sums),
        degrees_of_freedom=phi.degrees_of_freedom,
    )
    covered = np.mean((found.lower <= 1) & (found.upper >= 1))
    assert least <= covered <= most
    # What a Poisson would have claimed of the same counts.
    naive = rate_ratio_interval(now, 1, before, 1)
    assert np.mean((naive.lower <= 1) & (naive.upper >= 1)) < 0.85


# ---------------------------------------------------------------------------------- words and rules


def test_verdicts() -> None:
    found = verdict(
        Interval(
            np.array([1.2, 0.8, 1.1, 1.0, np.nan, np.inf]),
            np.array([1.1, 0.7, 1.0, np.nan, 0.0, 1.3]),
            np.array([1.3, 0.9, 1.3, 1.1, np.inf, np.inf]),
        )
    )
    assert list(found) == [
        "up",
        "down",
        "not distinguishable from chance",
        "not assessed",
        "not assessed",
        "up",
    ]
    assert verdict(Interval(*np.array([3.0, 2.0, 4.0]))) == "up"
    assert verdict(Interval(*np.array([3.0, 2.0, 4.0])), null=3.5).startswith("not dist")
    assert verdict(rate_ratio_interval(80, 1, 90, 1)) == "not distinguishable from chance"
    assert verdict(rate_ratio_interval(864, 1, 748, 1)) == "up"


def test_rules_for_small_counts() -> None:
    assert list(percentage_allowed([19, 20, 500, np.nan], [20, 20, 4, 50])) == [
        False,
        True,
        False,
        False,
    ]
    assert list(too_small_to_show([0, 1, 7, 8, np.nan])) == [False, True, True, False, False]


def test_upper_bound_of_none() -> None:
    assert zero_upper_bound(95) == pytest.approx(3 / 95, rel=0.03)
    assert (1 - zero_upper_bound(95)) ** 95 == pytest.approx(0.05)
    assert zero_upper_bound(0) == 1
    assert np.isnan(zero_upper_bound(np.nan))


# ------------------------------------------------------------------ exact, or as scattered as it is


def test_a_ratio_of_counts_is_exact_without_over_dispersion() -> None:
    exact = rate_ratio_interval([80, 4, 0, 0], 244, [90, 9, 5, 0], 243)
    p = rate_ratio_p_value([80, 4, 0, 0], 244, [90, 9, 5, 0], 243)
    for phi in (np.nan, 1.0, 0.5):
        found = count_ratio([80, 4, 0, 0], 244, [90, 9, 5, 0], 243, phi, np.nan)
        np.testing.assert_array_equal(found.interval, exact)
        np.testing.assert_array_equal(found.p_value, p)
        assert set(found.method) == {"exact"}


def test_over_dispersion_widens_and_never_narrows() -> None:
    a = np.array([1, 3, 40, 361, 6856])
    b = np.array([2, 4, 50, 333, 5936])
    exact = rate_ratio_interval(a, 1, b, 1)
    for phi in (1.0001, 1.5, 4.0):
        found = count_ratio(a, 1, b, 1, phi, 22)
        assert set(found.method) == {"quasi_poisson"}
        assert (found.interval.lower <= exact.lower).all()
        assert (found.interval.upper >= exact.upper).all()
        assert (found.p_value >= rate_ratio_p_value(a, 1, b, 1)).all()
    wide = ratio_interval(log_rate_ratio(6856, 1, 5936, 1, 4.0), degrees_of_freedom=22)
    assert found.interval.lower[-1] == wide.lower and found.interval.upper[-1] == wide.upper
    # A count of 0 has no logarithm: the exact interval stands, whatever the dispersion.
    nothing = count_ratio([0, 7], 1, [7, 0], 1, 4.0, 22)
    assert list(nothing.method) == ["exact", "exact"]
    assert nothing.interval.lower[0] == 0 and np.isinf(nothing.interval.upper[1])
    # Each ratio by its own dispersion.
    mixed = count_ratio([361, 361], 1, [333, 333], 1, [np.nan, 3.0], [np.nan, 22])
    assert list(mixed.method) == ["exact", "quasi_poisson"]
    assert np.isnan(count_ratio(np.nan, 1, 5, 1).interval.lower)


def test_dispersion_of_chance_is_where_the_interval_holds_one() -> None:
    phi = dispersion_of_chance([6856, 361, 0], [244, 244, 1], [5936, 333, 3], [243, 244, 1])
    assert phi[0] > 1 > phi[1] and np.isnan(phi[2])
    found = ratio_interval(log_rate_ratio(6856, 244, 5936, 243, phi[0]))
    assert found.lower == pytest.approx(1.0)


def test_dispersion_of_series_of_unequal_length() -> None:
    """Each as if it had been given alone; what the calendar cannot fit, the waves do."""
    long = overdispersed(100 * SEASON, 2.5, 0.2, 2, seed=5)
    quiet = np.where(np.arange(48) % 12 == 3, 0.0, overdispersed(6 * SEASON, 1.5, 0.0, 1, seed=6))
    padded = np.full((5, 60), np.nan)
    padded[:2, 6:54] = long
    padded[2, 12:60] = quiet
    padded[3, : LEAST_MONTHS - 1] = 10
    found, season = series_dispersion(padded)
    alone = dispersion(long)
    np.testing.assert_allclose(found.phi_of_sums[:2], alone.phi_of_sums)
    np.testing.assert_allclose(found.degrees_of_freedom[:2], alone.degrees_of_freedom)
    assert found.phi[2] == dispersion(quiet[0], season="harmonics").phi
    assert list(season) == ["calendar", "calendar", "harmonics", "none", "none"]
    assert list(found.status) == ["fitted"] * 3 + ["too few points"] * 2
    assert list(found.months) == [48, 48, 48, LEAST_MONTHS - 1, 0]
    assert np.isnan(found.phi[3:]).all()
    assert series_dispersion(np.empty((3, 0)))[0].phi.shape == (3,)
