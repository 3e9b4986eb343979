"""Intervals against outputs of R (exact conditional, mid-p, Garwood, Wilson, Clopper-Pearson)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.statistics.intervals import (
    clopper_pearson_interval,
    poisson_interval,
    rate_ratio_interval,
    rate_ratio_p_value,
    wilson_interval,
)

pytestmark = pytest.mark.shared


def table(shared: Path, name: str) -> pd.DataFrame:
    path = shared / "reference" / "methods" / "ratio" / name
    if not path.is_file():
        pytest.skip(f"needs the reference output {path}, which is absent here")
    return pd.read_csv(path)


def close(found: object, expected: pd.Series, rtol: float, atol: float = 0.0) -> None:
    np.testing.assert_allclose(found, expected.to_numpy(float), rtol=rtol, atol=atol)


def test_garwood(shared: Path) -> None:
    expected = table(shared, "single_poisson_ci.csv")
    found = poisson_interval(expected["x"])
    close(found.lower, expected["garwood_lo"], 1e-12)
    close(found.upper, expected["garwood_hi"], 1e-12)


def test_rate_ratio_exact(shared: Path) -> None:
    expected = table(shared, "two_poisson.csv")
    arguments = (expected["x1"], expected["e1"], expected["x0"], expected["e0"])
    found = rate_ratio_interval(*arguments)
    close(found.estimate, expected["rate_ratio"], 1e-14)
    close(found.lower, expected["exact_lo"], 1e-12)
    close(found.upper, expected["exact_hi"], 1e-12)
    # R's own tail sums round to 0 below about 1e-15.
    close(rate_ratio_p_value(*arguments), expected["exact_p_central"], 1e-10, 1e-14)


def test_rate_ratio_midp(shared: Path) -> None:
    """R found these limits by root search with a tolerance, hence the looser comparison."""
    expected = table(shared, "two_poisson.csv")
    arguments = (expected["x1"], expected["e1"], expected["x0"], expected["e0"])
    found = rate_ratio_interval(*arguments, method="midp")
    close(found.lower, expected["midp_lo"], 1e-8)
    close(found.upper, expected["midp_hi"], 1e-8)
    close(rate_ratio_p_value(*arguments, method="midp"), expected["midp"], 1e-10, 1e-14)


def test_proportions(shared: Path) -> None:
    expected = table(shared, "proportions.csv")
    wilson = wilson_interval(expected["x"], expected["n"])
    close(wilson.estimate, expected["p"], 1e-14)
    close(wilson.lower, expected["wilson_lo"], 1e-12)
    close(wilson.upper, expected["wilson_hi"], 1e-12)
    exact = clopper_pearson_interval(expected["x"], expected["n"])
    close(exact.lower, expected["cp_lo"], 1e-12)
    close(exact.upper, expected["cp_hi"], 1e-12)
