"""Aoristic weights against the R package aoristic: burglaries and edge cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from orchestration.statistics.aoristic import HOURS, aoristic_totals, aoristic_weights

pytestmark = pytest.mark.shared


def table(shared: Path, name: str) -> pd.DataFrame:
    path = shared / "reference" / "methods" / "aoristic" / name
    if not path.is_file():
        pytest.skip(f"needs the reference output {path}, which is absent here")
    return pd.read_csv(path)


def times(events: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return tuple(pd.to_datetime(events[c]).to_numpy("datetime64[s]") for c in ("from", "to"))


@pytest.mark.parametrize("prefix", ["", "edge_"])
def test_weights(shared: Path, prefix: str) -> None:
    events = table(shared, f"{prefix}events.csv")
    long = table(shared, f"{prefix}weights_long.csv")
    expected = np.zeros((len(events), HOURS))
    row = pd.Index(events["id"]).get_indexer(long["id"])
    expected[row, long["hour_of_week"] - 1] = long["weight"]
    found = aoristic_weights(*times(events))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found > 0, expected > 0)


def test_totals(shared: Path) -> None:
    events, expected = table(shared, "events.csv"), table(shared, "totals_168.csv")
    found = aoristic_totals(*times(events))
    np.testing.assert_allclose(found, expected["total"], rtol=0, atol=1e-11)
