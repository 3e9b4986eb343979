"""Adjusted p-values against R's p.adjust."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.statistics.multiplicity import adjusted_p_values

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("method", ["bh", "by"])
def test_p_adjust(shared: Path, method: str) -> None:
    path = shared / "reference" / "methods" / "bh" / "p_adjust.csv"
    if not path.is_file():
        pytest.skip(f"needs the reference output {path}, which is absent here")
    expected = pd.read_csv(path)
    found = adjusted_p_values(expected["p"], method)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, expected[method], rtol=1e-12)
