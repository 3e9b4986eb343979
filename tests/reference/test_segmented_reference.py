"""The segmented model against R: glm (quasi-Poisson), MASS::glm.nb and sandwich::NeweyWest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.statistics.segmented import Change, SegmentedFit, segmented_fit, step_effect

pytestmark = pytest.mark.shared

TERMS = {
    "(Intercept)": "intercept",
    "t": "trend",
    "post": "change: step",
    "tp": "change: ramp",
    "c1": "cosine 1",
    "s1": "sine 1",
}
LOCKDOWN = slice(84, 94)  # months 85 to 94
# R's glm stops when the deviance rests, one step before the coefficients do, and takes its weights
# from the step before: with months left out its errors and dispersion are 1e-6 off their limit.
ERRORS_RTOL = {"all": 1e-8, "exclude_85_94": 4e-6}


def reference(shared: Path, name: str) -> pd.DataFrame:
    path = shared / "reference" / "methods" / "its" / f"syn_vwi_step95__{name}.csv"
    if not path.is_file():
        pytest.skip(f"needs the reference output {path}, which is absent here")
    return pd.read_csv(path).set_index("term").loc[list(TERMS)]


def fit(shared: Path, name: str, **options: object) -> SegmentedFit:
    series = pd.read_csv(shared / "reference" / "methods" / "series" / "syn_vwi_monthly_step.csv")
    left_out = np.zeros(len(series), dtype=bool)
    left_out[LOCKDOWN] = name != "all"
    found = segmented_fit(
        series["observed"],
        [Change("change", 94)],
        harmonics=1,
        left_out=left_out,
        gaps="closed",
        small_sample=False,
        **options,  # type: ignore[arg-type]
    )
    assert found.status == "fitted"
    return found


def in_order(found: SegmentedFit) -> tuple[np.ndarray, np.ndarray]:
    index = [found.names.index(name) for name in TERMS.values()]
    return found.coefficients[index], found.standard_errors[index]


@pytest.mark.parametrize("name", ["all", "exclude_85_94"])
def test_quasi_poisson(shared: Path, name: str) -> None:
    expected, found = reference(shared, name), fit(shared, name, errors="model")
    coefficients, errors = in_order(found)
    np.testing.assert_allclose(coefficients, expected["quasi_est"], rtol=1e-9)
    np.testing.assert_allclose(errors, expected["quasi_se"], rtol=ERRORS_RTOL[name])
    assert found.phi == pytest.approx(expected["quasi_dispersion"].iloc[0], rel=ERRORS_RTOL[name])


@pytest.mark.parametrize("name", ["all", "exclude_85_94"])
def test_newey_west(shared: Path, name: str) -> None:
    expected, found = reference(shared, name), fit(shared, name, errors="newey_west", lags=3)
    coefficients, errors = in_order(found)
    np.testing.assert_allclose(coefficients, expected["poisson_est"], rtol=1e-9)
    np.testing.assert_allclose(errors, expected["poisson_nw3_se"], rtol=ERRORS_RTOL[name])


@pytest.mark.parametrize("name", ["all", "exclude_85_94"])
def test_negative_binomial(shared: Path, name: str) -> None:
    expected = reference(shared, name)
    found = fit(shared, name, family="negative_binomial", errors="model")
    coefficients, errors = in_order(found)
    np.testing.assert_allclose(coefficients, expected["nb_est"], rtol=1e-9)
    np.testing.assert_allclose(errors, expected["nb_se"], rtol=1e-9)
    assert found.theta == pytest.approx(expected["nb_theta"].iloc[0], rel=1e-9)


def test_lockdown_moves_the_step(shared: Path) -> None:
    """A true step of 15.5%: 20.8% with the months of the lockdown, 8.7% without them."""
    for name, percent in (("all", 20.8), ("exclude_85_94", 8.7)):
        step = step_effect(fit(shared, name), "change").ratio
        assert 100 * (step.estimate - 1) == pytest.approx(percent, abs=0.05)
