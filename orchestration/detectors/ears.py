"""EARS C1, C2 and C3: counts held to the few just before them.

For feeds with less than two years of history, which have no season to compare with. Fricker,
Hegler and Dunfee, Statistics in Medicine 27 (2008) 3407-3429. Belongs here: the three, equal to
``earsC`` of R's surveillance 1.20.3. Does not belong here: which series get them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.detectors.counts import Array, Flags, series_by_time, time_points

Method = Literal["C1", "C2", "C3"]
_ALPHA = {"C1": 0.001, "C2": 0.001, "C3": 0.025}
_LAG = {"C1": 0, "C2": 2, "C3": 2}
_EARLIEST = {"C1": 0, "C2": 2, "C3": 4}


class EarsResult(NamedTuple):
    """``t`` (k,), counted from 1; the rest (k, series), or (k,) for one series.

    ``expected`` and ``sigma``: mean and standard deviation of the baseline, at least ``minSigma``.
    ``lowerbound``: the same distance below as above (C1 and C2; NaN for C3). ``score``: the
    standardised count, for C3 the sum of what exceeds 1 over three periods. ``p``: P of the normal
    beyond the score. ``alarm``: above the upper bound.
    """

    t: NDArray[np.int64]
    upperbound: Array
    lowerbound: Array
    expected: Array
    sigma: Array
    score: Array
    p: Array
    alarm: Flags


def ears(
    counts: ArrayLike,
    *,
    method: Method = "C1",
    baseline: int = 7,
    minSigma: float = 0.0,
    alpha: float | None = None,
    range: Sequence[int] | ArrayLike | None = None,
) -> EarsResult:
    """C1: the ``baseline`` counts just before; C2: those, two periods earlier; C3: C2 over three.

    ``counts`` (time,) or (time, series), NaN where missing (what rests on a missing count is not
    assessed). ``alpha``: one-sided, 0.001 (C3: 0.025) unless given. ``minSigma``: least standard
    deviation, for sparse counts. ``range``: time points from 1; all that have a baseline unless
    given. Raises ValueError for a baseline under 3, a negative ``minSigma``, another method, and
    time points without a baseline.
    """
    if method not in _ALPHA:
        raise ValueError(f"method is {method!r}; choose C1, C2 or C3")
    if baseline < 3:
        raise ValueError(f"baseline is {baseline}; 3 or more")
    if minSigma < 0:
        raise ValueError(f"minSigma is {minSigma}; 0 or more")
    alpha = _ALPHA[method] if alpha is None else alpha
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; it lies between 0 and 1")
    y, is_bare = series_by_time(counts)
    periods = y.shape[0]
    first = baseline + _EARLIEST[method] + 1
    tested = np.sort(time_points(range, first, periods))
    if tested.size and (tested.min() < first or tested.max() > periods):
        raise ValueError(f"range must lie within {first} and {periods} for {method}")
    z = float(special.ndtri(1 - alpha))
    if tested.size == 0:
        empty = np.empty((0, y.shape[1]))
        fields = (empty,) * 6 + (empty.astype(bool),)
        return EarsResult(tested, *(f[:, 0] if is_bare else f for f in fields))

    windows = sliding_window_view(y, baseline, axis=0)  # (start, series, baseline)
    mean_of, sigma_of = windows.mean(axis=-1), windows.std(axis=-1, ddof=1)

    def at(t: NDArray[np.int64]) -> tuple[Array, Array]:
        start = t - 1 - _LAG[method] - baseline
        return mean_of[start], np.maximum(sigma_of[start], minSigma)

    expected, sigma = at(tested)
    count = y[tested - 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        score = (count - expected) / sigma
        upper, lower = expected + z * sigma, np.maximum(expected - z * sigma, 0.0)
        if method == "C3":
            earlier = np.zeros_like(score)
            for back in (1, 2):
                mean_then, sigma_then = at(tested - back)
                earlier += np.maximum((y[tested - 1 - back] - mean_then) / sigma_then - 1, 0.0)
            upper = np.maximum(count + sigma * (z - earlier), 0.0)
            score = np.maximum(score - 1, 0.0) + earlier
            lower = np.full_like(upper, np.nan)
        p = special.ndtr(-score)
        alarm = count > upper
    fields = (upper, lower, expected, sigma, score, p, alarm)
    return EarsResult(tested, *(f[:, 0] if is_bare else f for f in fields))
