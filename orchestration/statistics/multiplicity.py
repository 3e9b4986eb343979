"""Many tests at once: p-values adjusted for the false discovery rate.

Belongs here: adjustments that take the p-values of one family of tests. Does not belong here: the
tests themselves, and which tests make a family (all series and areas of one run do).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Array = NDArray[np.float64]
Adjustment = Literal["bh", "by"]


def adjusted_p_values(p_values: ArrayLike, method: Adjustment = "bh") -> Array:
    """Adjusted p-values of one family, in the shape given; NaN (not tested) stays NaN.

    Rejecting those at or below q keeps the expected share of false ones among the rejected at or
    below q. ``bh``: Benjamini and Hochberg, J. R. Statist. Soc. B 57 (1995) 289-300, for tests that
    are independent or positively dependent; ``by``: Benjamini and Yekutieli, Annals of Statistics
    29 (2001) 1165-1188, whatever their dependence. Tests that were not made (NaN) do not count
    towards the size of the family. Raises ValueError for a p-value outside [0, 1] or another
    method. Equal to R's p.adjust (by scipy.stats.false_discovery_control).
    """
    if method not in ("bh", "by"):
        raise ValueError(f"method is {method!r}; choose bh or by")
    p = np.asarray(p_values, dtype=np.float64)
    known = ~np.isnan(p)
    if np.any(p[known] < 0) or np.any(p[known] > 1):
        raise ValueError("p-values must lie between 0 and 1 (or be missing)")
    found = np.full(p.shape, np.nan)
    if known.any():
        found[known] = stats.false_discovery_control(p[known], method=method)
    return found[()]


def discoveries(
    p_values: ArrayLike, rate: float = 0.10, method: Adjustment = "bh"
) -> NDArray[np.bool_]:
    """Which tests of one family to reject at the false discovery ``rate``; False where NaN.

    Arguments and errors as for ``adjusted_p_values``; ValueError also for a rate outside (0, 1).
    """
    if not 0.0 < rate < 1.0:
        raise ValueError(f"rate is {rate}; it lies between 0 and 1, for example 0.10")
    return np.asarray(adjusted_p_values(p_values, method) <= rate)[()]
