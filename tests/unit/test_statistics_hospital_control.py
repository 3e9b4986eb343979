"""Hospital control: bounds of published counts, worst cases, and worlds with a known ratio."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from orchestration.statistics.hospital_control import (
    Bounds,
    bounds_of_sum,
    cautions,
    change_against_rest,
    exactly,
    hospital_change,
    hospital_controlled,
    over,
)
from orchestration.statistics.intervals import Interval, rate_ratio_interval
from orchestration.statistics.rates import (
    change_of_ratio,
    log_rate_ratio,
    ratio_interval,
)

RATIO = Interval(np.float64(1.4), np.float64(1.1), np.float64(1.8))


def published(counts: np.ndarray) -> Bounds:
    """Bounds of counts as they are published: 1 to 7 hidden, the rest to the nearest 5."""
    rounded = 5 * np.round(counts / 5)
    hidden = (counts >= 1) & (counts <= 7)
    lower = np.where(counts == 0, 0, np.where(hidden, 1, rounded - 2))
    upper = np.where(counts == 0, 0, np.where(hidden, 7, rounded + 2))
    return Bounds(lower, upper)


def near(found: Interval, expected: Interval, rel: float = 1e-9) -> None:
    for part, wanted in zip(found, expected, strict=True):
        assert part == pytest.approx(wanted, rel=rel)


# ------------------------------------------------------------------------------------------- bounds


def test_months_are_cut_down_to_the_published_total() -> None:
    """Twelve months of 25 may be 276 to 324; a total of 305 says 303 to 307."""
    months = Bounds(np.full(12, 23.0), np.full(12, 27.0))
    assert bounds_of_sum(months) == (276, 324)
    assert bounds_of_sum(months, Bounds(303, 307)) == (303, 307)
    assert bounds_of_sum(months, Bounds(323, 327)) == (323, 324)


def test_bounds_of_many_sums() -> None:
    lower = np.array([[1.0, 8], [1, 8], [np.nan, 8]])
    upper = np.array([[7.0, 12], [7, 12], [np.nan, 12]])
    found = bounds_of_sum(Bounds(lower, upper), Bounds([np.nan, 50.0, 9.0], [np.nan, 54.0, 11.0]))
    # No total; a total that contradicts its cells; a cell that is missing.
    assert found.lower.tolist()[0] == 9
    assert found.upper.tolist()[0] == 19
    assert np.isnan(found.lower[1:]).all()
    assert np.isnan(found.upper[1:]).all()


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (Bounds(3, 2), "above the upper"),
        (Bounds(-1, 2), "whole numbers"),
        (Bounds(1.5, 2), "whole numbers"),
        (Bounds(1, np.inf), "whole numbers"),
    ],
)
def test_broken_bounds_are_refused(bounds: Bounds, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        hospital_change(bounds, exactly(5))


# ------------------------------------------------------------------------------------------- change


def test_an_exact_count_has_the_exact_interval() -> None:
    found = hospital_change(exactly(500), exactly(555))
    near(found.ratio, rate_ratio_interval(500, 1, 555, 1))
    assert found.ratio == found.chance == found.least == found.greatest


def test_overdispersed_counts() -> None:
    found = hospital_change(exactly(500), exactly(555), phi=1.5)
    near(found.ratio, ratio_interval(log_rate_ratio(500, 1, 555, 1, 1.5)))


def test_limits_are_those_of_the_worst_counts() -> None:
    """Every pair of counts that the figures allow lies within, and the extremes are reached."""
    now, before = Bounds(23, 27), Bounds(1, 7)
    found = hospital_change(now, before)
    each = [rate_ratio_interval(a, 1, b, 1) for a, b in product(range(23, 28), range(1, 8))]
    assert found.ratio.lower == min(i.lower for i in each)
    assert found.ratio.upper == max(i.upper for i in each)
    assert found.ratio.estimate == 25 / 4
    assert (found.least.estimate, found.greatest.estimate) == (23 / 7, 27)


def test_against_the_rest_one_count_serves_both() -> None:
    now, before = Bounds(8, 12), Bounds(13, 17)
    found = change_against_rest(now, before, exactly(100), exactly(90))
    each = [
        over(rate_ratio_interval(a, 1, b, 1), rate_ratio_interval(100 - a, 1, 90 - b, 1))
        for a, b in product(range(8, 13), range(13, 18))
    ]
    assert found.ratio.lower == pytest.approx(min(i.lower for i in each))
    assert found.ratio.upper == pytest.approx(max(i.upper for i in each))
    assert found.ratio.estimate == pytest.approx((10 / 15) / (90 / 75))


def test_the_rest_has_its_own_dispersion() -> None:
    """With counts not rounded: the four-term error of the logarithm."""
    found = change_against_rest(
        exactly(500), exactly(555), exactly(4049), exactly(4674), phi=1.4, phi_of_rest=1.7
    )
    expected = change_of_ratio(
        log_rate_ratio(500, 1, 555, 1, 1.4), log_rate_ratio(3549, 1, 4119, 1, 1.7)
    )
    near(found.ratio, ratio_interval(expected))


def test_an_area_within_its_whole() -> None:
    with pytest.raises(ValueError, match="more events than the whole"):
        change_against_rest(Bounds(8, 12), exactly(5), exactly(11), exactly(50))


@pytest.mark.parametrize("phi", [0.5, np.inf])
def test_broken_dispersion_is_refused(phi: float) -> None:
    with pytest.raises(ValueError, match="phi"):
        hospital_change(exactly(5), exactly(5), phi=phi)


def test_missing_counts_and_none() -> None:
    found = hospital_change(Bounds([np.nan, 0.0], [np.nan, 0.0]), exactly(5))
    assert np.isnan(found.ratio.estimate[0])
    assert np.isnan(found.ratio.lower[0])
    assert (found.ratio.estimate[1], found.ratio.lower[1]) == (0, 0)
    assert found.ratio.upper[1] > 0.5
    none_before = hospital_change(exactly(5), Bounds(0, 0))
    assert none_before.ratio.upper == np.inf


# --------------------------------------------------------------------------------- ratio of ratios


def test_over_adds_errors_of_symmetric_logs() -> None:
    a, b = log_rate_ratio(500, 1, 400, 1), log_rate_ratio(300, 1, 350, 1)
    near(over(ratio_interval(a), ratio_interval(b)), ratio_interval(change_of_ratio(a, b)))


def test_over_takes_each_side_for_itself() -> None:
    found = over(RATIO, Interval(np.float64(1.0), np.float64(1.0), np.float64(1.0)))
    near(found, RATIO)
    endless = over(RATIO, Interval(np.float64(1.0), np.float64(0.0), np.float64(1.1)))
    assert endless.upper == np.inf
    assert endless.lower > 1
    unknown = over(RATIO, Interval(np.float64(np.nan), np.float64(0.9), np.float64(1.1)))
    assert np.isnan(unknown.lower)


def test_the_recorded_change_over_the_hospital_change() -> None:
    hospital = hospital_change(Bounds(508, 512), Bounds(553, 557))
    found = hospital_controlled(RATIO, hospital)
    assert found.effect.estimate == pytest.approx(1.4 / (510 / 555))
    near(found.chance, over(RATIO, hospital.chance))
    # Worst case: the limits at the extremes, not the extremes taken for chance.
    assert found.effect.lower == over(RATIO, hospital.greatest).lower
    assert found.effect.upper == over(RATIO, hospital.least).upper
    assert found.effect.lower < found.chance.lower < found.chance.upper < found.effect.upper
    # A year's total is rounded so little that it hardly matters.
    assert np.log(found.effect.upper / found.effect.lower) < 1.03 * np.log(
        found.chance.upper / found.chance.lower
    )


# --------------------------------------------------------------------------------- simulated worlds


@pytest.mark.parametrize(
    ("before", "now", "months"),
    [(555.0, 500.0, 1), (50.0, 45.0, 1), (12.0, 12.0, 1), (5.0, 8.0, 1), (45.0, 40.0, 12)],
)
def test_coverage_of_rounded_and_hidden_counts(before: float, now: float, months: int) -> None:
    rng = np.random.default_rng(21)
    x0, x1 = (rng.poisson(mean, (2000, months)).astype(float) for mean in (before, now))
    found = hospital_change(bounds_of_sum(published(x1)), bounds_of_sum(published(x0))).ratio
    inside = (found.lower <= now / before) & (now / before <= found.upper)
    assert np.nanmean(inside) >= 0.95


def test_hidden_counts_taken_for_their_middle_are_not_covered() -> None:
    """The reason for the worst case: 4 for every 1 to 7 fails, by month and in the sum."""
    rng = np.random.default_rng(22)
    x0, x1 = rng.poisson(6.0, (2000, 12)), rng.poisson(9.0, (2000, 12))
    bounds = [bounds_of_sum(published(x.astype(float))) for x in (x1, x0)]
    found = hospital_change(*bounds)
    naive, full = found.chance, found.ratio
    assert np.mean((naive.lower <= 1.5) & (naive.upper >= 1.5)) < 0.93
    assert np.mean((full.lower <= 1.5) & (full.upper >= 1.5)) >= 0.95


def test_coverage_of_the_recorded_over_the_hospital_change() -> None:
    """Recorded offences rise by recording alone, and admissions fall: the true ratio is 1.3."""
    rng = np.random.default_rng(23)
    size = 2000
    h0, h1 = rng.poisson(555.0, size).astype(float), rng.poisson(500.0, size).astype(float)
    r0 = rng.poisson(8000.0, size).astype(float)
    r1 = rng.poisson(8000.0 * 1.3 * 500 / 555, size).astype(float)
    hospital = hospital_change(published(h1), published(h0))
    found = hospital_controlled(ratio_interval(log_rate_ratio(r1, 1, r0, 1)), hospital)
    coverage = np.mean((found.effect.lower <= 1.3) & (found.effect.upper >= 1.3))
    assert 0.95 <= coverage <= 0.98
    alone = np.mean((found.chance.lower <= 1.3) & (found.chance.upper >= 1.3))
    assert 0.93 <= alone <= coverage


# ----------------------------------------------------------------------------------------- cautions


def test_cautions() -> None:
    def said(now: Bounds, before: Bounds, recorded: Interval = RATIO) -> str:
        return " ".join(
            cautions(hospital_controlled(recorded, hospital_change(now, before)), now, before)
        )

    assert said(exactly(5000), exactly(5550)) == ""
    assert "as few as 8 admissions" in said(Bounds(8, 12), Bounds(28, 32))
    few = said(Bounds(12, 84), Bounds(12, 84))
    assert "times as wide as chance alone" in few
    assert "Most of the uncertainty is that of the admissions" in few
    assert "not known" in said(Bounds(np.nan, np.nan), exactly(5))
    with pytest.raises(ValueError, match="one result"):
        many = hospital_controlled(RATIO, hospital_change(exactly([5, 6]), exactly(5)))
        cautions(many, exactly(5), exactly(5))
