"""Gini coefficients and smoothed rates against values worked out another way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from orchestration.statistics.concentration import (
    gini,
    gini_by_chance,
    smoothed_rates,
    top_areas,
)


def test_gini_is_half_the_mean_difference_over_the_mean() -> None:
    counts = np.array([3.0, 0.0, 12.0, 7.0, 7.0, 1.0])
    differences = np.abs(counts[:, None] - counts[None, :]).mean()
    assert gini(counts) == pytest.approx(differences / (2 * counts.mean()), abs=1e-12)


def test_gini_at_its_ends() -> None:
    assert gini([5, 5, 5, 5]) == pytest.approx(0)
    assert gini([0, 0, 0, 20]) == pytest.approx(0.75)
    # Three events on as many of ten areas: as equal as they can be.
    assert gini([1, 1, 1] + [0] * 7) == pytest.approx(0)
    assert gini([3] + [0] * 9) == pytest.approx(1 - 1 / 3)
    assert np.isnan(gini([0, 0]))


def test_chance_alone_is_told_from_concentration() -> None:
    rng = np.random.default_rng(7)
    inside = 0
    for number in range(60):
        counts = rng.multinomial(150, np.full(100, 0.01))
        found = gini_by_chance(150, np.ones(100), seed=number)
        inside += found.lower <= gini(counts) <= found.upper
    assert inside >= 51  # of 57 expected; fewer than 51 come about once in two hundred times
    assert gini([100] + [1] * 50 + [0] * 49) > gini_by_chance(150, np.ones(100)).upper
    assert gini_by_chance(150, np.ones(100)) == gini_by_chance(150, np.ones(100))
    assert np.isnan(gini_by_chance(0, [1, 1]).mean)


def test_the_top_tenth() -> None:
    assert top_areas([1, 9, 9, 2]).tolist() == [False, True, False, False]
    assert top_areas(np.arange(30)).sum() == 3
    assert top_areas(np.arange(31)).sum() == 4
    assert top_areas([4, 4, 4], 1.0).all()


def test_marshalls_formula_and_its_gamma() -> None:
    counts, people = np.array([1.0, 40.0, 3.0, 22.0]), np.array([900.0, 4000.0, 1500.0, 1100.0])
    mean = counts.sum() / people.sum()
    rates = counts / people
    between = np.average((rates - mean) ** 2, weights=people) - mean / people.mean()
    weight = between / (between + mean / people)
    found = smoothed_rates(counts, people)
    np.testing.assert_allclose(found.estimate, mean + weight * (rates - mean), rtol=1e-12)
    gamma = stats.gamma(mean**2 / between + counts, scale=1 / (mean / between + people))
    np.testing.assert_allclose(found.lower, gamma.ppf(0.025), rtol=1e-9)
    np.testing.assert_allclose(found.upper, gamma.ppf(0.975), rtol=1e-9)
    # Drawn towards the rate of all, those with few people most.
    assert np.all(np.abs(found.estimate - mean) <= np.abs(rates - mean))


def test_areas_that_chance_explains_have_one_rate() -> None:
    found = smoothed_rates([5, 5, 6, 4], [100, 100, 100, 100])
    np.testing.assert_allclose(found.estimate, 0.05)
    np.testing.assert_allclose(found.upper, stats.chi2.ppf(0.975, 42) / 2 / 400)
    assert smoothed_rates([0, 0], [1, 1]).estimate.tolist() == [0, 0]


def test_smoothed_intervals_cover_what_they_should() -> None:
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(60):
        people = rng.uniform(500, 3000, 100)
        true = rng.gamma(4.0, 0.005 / 4.0, 100)
        found = smoothed_rates(rng.poisson(true * people), people)
        covered.append((found.lower <= true) & (true <= found.upper))
    assert 0.93 <= np.mean(covered) <= 0.97


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gini([]), "at least one area"),
        (lambda: gini([1.5]), "whole numbers"),
        (lambda: gini([np.nan]), "whole numbers"),
        (lambda: gini_by_chance(-1, [1]), "0 or more"),
        (lambda: gini_by_chance(1, [1, 0]), "above 0"),
        (lambda: top_areas([1], 0), "share is 0"),
        (lambda: smoothed_rates([1, 2], [1]), "of one length"),
        (lambda: smoothed_rates([1], [1], 1.0), "level is 1.0"),
    ],
)
def test_broken_arguments(call, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
