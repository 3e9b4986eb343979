"""Adjusted p-values: missing tests, shapes, and the false discoveries they let through."""

from __future__ import annotations

import numpy as np
import pytest

from orchestration.statistics.multiplicity import adjusted_p_values, discoveries


def test_by_hand() -> None:
    found = adjusted_p_values([0.01, 0.04, 0.03, 0.5])
    np.testing.assert_allclose(found, [0.04, 0.16 / 3, 0.16 / 3, 0.5])
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    np.testing.assert_allclose(
        adjusted_p_values([0.01, 0.04, 0.03, 0.5], "by"),
        np.minimum(np.array([0.04, 0.16 / 3, 0.16 / 3, 0.5]) * harmonic, 1),
    )


def test_tests_not_made_do_not_count() -> None:
    grid = np.array([[0.01, np.nan, 0.04], [0.03, 0.5, np.nan]])
    found = adjusted_p_values(grid)
    assert found.shape == grid.shape
    np.testing.assert_array_equal(np.isnan(found), np.isnan(grid))
    known = ~np.isnan(grid)
    np.testing.assert_allclose(found[known], adjusted_p_values(grid[known]))
    assert discoveries(grid, 0.06).tolist() == [[True, False, True], [True, False, False]]
    assert adjusted_p_values([]).shape == (0,)
    assert np.isnan(adjusted_p_values(np.nan)) and adjusted_p_values(0.2) == 0.2
    assert not discoveries([np.nan, np.nan]).any()


def test_false_discovery_rate_is_held() -> None:
    """200 families of 100 tests, 20 of them of something."""
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(200):
        p = np.r_[rng.random(80), rng.beta(0.05, 5, 20)]
        found = discoveries(p, 0.10)
        shares.append(found[:80].sum() / max(found.sum(), 1))
    assert 0.05 < np.mean(shares) < 0.10


def test_broken_inputs_are_refused_in_words() -> None:
    for bad in (-0.1, 1.1, np.inf):
        with pytest.raises(ValueError, match="between 0 and 1"):
            adjusted_p_values([0.5, bad])
    with pytest.raises(ValueError, match="method"):
        adjusted_p_values([0.5], "holm")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rate"):
        discoveries([0.5], 0)
