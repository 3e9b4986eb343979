"""Ratios on the log scale, Byar's interval and Fisher's test against outputs of R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.statistics.rates import (
    byar_interval,
    fisher_p_value,
    log_rate_ratio,
    log_risk_ratio,
    ratio_interval,
)

pytestmark = pytest.mark.shared


def table(shared: Path, name: str) -> pd.DataFrame:
    path = shared / "reference" / "methods" / "ratio" / name
    if not path.is_file():
        pytest.skip(f"needs the reference output {path}, which is absent here")
    return pd.read_csv(path)


def close(found: object, expected: pd.Series, rtol: float) -> None:
    np.testing.assert_allclose(found, expected.to_numpy(float), rtol=rtol)


def test_wald(shared: Path) -> None:
    """A phi of 1; R gives no interval for a count of 0 and nor does this."""
    expected = table(shared, "two_poisson.csv")
    found = ratio_interval(log_rate_ratio(*(expected[c] for c in ("x1", "e1", "x0", "e0"))))
    close(found.estimate, expected["rate_ratio"], 1e-14)
    close(found.lower, expected["wald_lo"], 1e-12)
    close(found.upper, expected["wald_hi"], 1e-12)


def test_byar(shared: Path) -> None:
    expected = table(shared, "single_poisson_ci.csv")
    found = byar_interval(expected["x"])
    close(found.lower, expected["byar_lo"], 1e-12)
    close(found.upper, expected["byar_hi"], 1e-12)


def test_risk_ratio(shared: Path) -> None:
    expected = table(shared, "risk_ratio.csv")
    arguments = tuple(expected[c] for c in ("x1", "n1", "x0", "n0"))
    found = ratio_interval(log_risk_ratio(*arguments))
    close(found.estimate, expected["rr"], 1e-14)
    close(found.lower, expected["lo"], 1e-12)
    close(found.upper, expected["hi"], 1e-12)
    close(fisher_p_value(*arguments), expected["fisher_p"], 1e-12)
