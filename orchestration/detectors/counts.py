"""Tails and quantiles of Poisson and negative binomial counts, for whole arrays.

The negative binomial is given by its mean and ``phi``, variance over mean: size mean / (phi - 1),
probability 1 / phi; at phi 1 it is the Poisson. Belongs here: these distributions and the checks
of arguments that all detectors share. Does not belong here: a detector.

scipy's ``nbinom.ppf`` does not end, or ends the interpreter, for means beyond about 1e15 (scipy
1.17.1), which a baseline without events can reach; the quantiles here are a bounded search on the
incomplete beta function instead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Beyond this mean the quantile is that of the normal approximation with a correction for skew
#: (Cornish and Fisher), which is then within one part in ten million.
_LARGEST_SEARCHED = 1e8
_LEFT_CONTINUITY = 1 - 64 * np.finfo(np.float64).eps  # as R: a probability met within rounding


def series_by_time(counts: ArrayLike, name: str = "counts") -> tuple[Array, bool]:
    """``counts`` as (time, series), and whether one bare series was given.

    Raises ValueError for another number of dimensions, no time points, and negative or infinite
    values. NaN is a missing value.
    """
    given = _numbers(counts)
    if given.ndim not in (1, 2) or given.shape[0] == 0:
        raise ValueError(f"{name} must be (time,) or (time, series) with at least one time point")
    if np.any(given < 0) or np.any(np.isinf(given)):
        raise ValueError(f"{name} must be 0 or more and finite (NaN where missing)")
    return (given[:, None], True) if given.ndim == 1 else (given, False)


def as_counts(values: ArrayLike, shape: tuple[int, ...], name: str) -> Array:
    """``values`` (time,) or (time, series), as (time, series) of ``shape``. Raises ValueError."""
    given = _numbers(values)
    try:
        return np.broadcast_to(given[:, None] if given.ndim == 1 else given, shape)
    except ValueError:
        raise ValueError(f"{name} is {given.shape}; it does not fit counts {shape}") from None


def _numbers(values: ArrayLike) -> Array:
    to_numpy = getattr(values, "to_numpy", None)
    if to_numpy is not None:  # pandas, whose own missing value is no number
        values = to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(values, dtype=np.float64)


def time_points(given: object, first: int, periods: int) -> NDArray[np.int64]:
    """The time points to test, from 1: those given (one, or a list), or ``first`` to the last.

    Raises ValueError for what is no whole number, is there twice or is not in the series.
    """
    if given is None:
        return np.arange(first, periods + 1)
    asked = np.atleast_1d(np.asarray(given, dtype=np.float64))
    if asked.ndim != 1 or np.any(asked != np.floor(asked)):
        raise ValueError("range must be one list of whole time points")
    tested = asked.astype(np.int64)
    if tested.size and (tested.min() < 1 or tested.max() > periods):
        raise ValueError(f"range must lie within 1 and {periods}")
    if np.unique(tested).size != tested.size:
        raise ValueError("range holds a time point twice")
    return tested


def at_most(count: ArrayLike, mean: ArrayLike, phi: ArrayLike = 1.0) -> Array:
    """P(X <= count); 0 below 0, NaN where an argument is. Arrays broadcast."""
    count, mean, phi = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (count, mean, phi)))
    found = np.full(count.shape, np.nan)
    known = ~(np.isnan(count) | np.isnan(mean) | np.isnan(phi)) & (mean > 0) & np.isfinite(mean)
    found[known & (count < 0)] = 0.0
    known &= count >= 0
    scattered = known & (phi > 1)
    plain = known & ~scattered
    found[plain] = special.gammaincc(np.floor(count[plain]) + 1, mean[plain])
    found[scattered] = special.betainc(
        mean[scattered] / (phi[scattered] - 1),
        np.floor(count[scattered]) + 1,
        1 / phi[scattered],
    )
    return found


def at_least(count: ArrayLike, mean: ArrayLike, phi: ArrayLike = 1.0) -> Array:
    """P(X >= count), accurate in the far tail; 1 at 0, NaN where an argument is."""
    count, mean, phi = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (count, mean, phi)))
    found = np.full(count.shape, np.nan)
    known = ~(np.isnan(count) | np.isnan(mean) | np.isnan(phi)) & (mean > 0) & np.isfinite(mean)
    found[known & (count <= 0)] = 1.0
    known &= count > 0
    scattered = known & (phi > 1)
    plain = known & ~scattered
    found[plain] = special.gammainc(np.ceil(count[plain]), mean[plain])
    found[scattered] = special.betainc(
        np.ceil(count[scattered]),
        mean[scattered] / (phi[scattered] - 1),
        1 - 1 / phi[scattered],
    )
    return found


def quantile(probability: float, mean: ArrayLike, phi: ArrayLike = 1.0) -> Array:
    """Smallest whole number with P(X <= it) at least ``probability``; NaN where the mean is not
    finite or an argument is missing. Equal to R's qnbinom and qpois.
    """
    if not 0.0 < probability < 1.0:
        raise ValueError(f"probability is {probability}; it lies between 0 and 1")
    mean, phi = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (mean, phi)))
    found = np.full(mean.shape, np.nan)
    known = np.isfinite(mean) & (mean >= 0) & np.isfinite(phi)
    found[known & (mean == 0)] = 0.0
    known &= mean > 0
    if not known.any():
        return found
    m, f = mean[known], np.maximum(phi[known], 1.0)
    guess = _cornish_fisher(probability, m, f)
    searched = (m <= _LARGEST_SEARCHED) & (f <= _LARGEST_SEARCHED)
    if searched.any():
        guess[searched] = _search(probability, m[searched], f[searched], guess[searched])
    found[known] = guess
    return found


def _cornish_fisher(probability: float, mean: Array, phi: Array) -> Array:
    z = special.ndtri(probability)
    deviation = np.sqrt(mean * phi)
    skew = (2 * phi - 1) / deviation
    return np.maximum(np.floor(mean + deviation * (z + skew * (z * z - 1) / 6) + 0.5), 0.0)


def _search(probability: float, mean: Array, phi: Array, guess: Array) -> Array:
    """Bracket around the guess, then halve: about ten evaluations for ordinary means."""
    target = probability * _LEFT_CONTINUITY
    low, high = guess - 1.0, guess  # wanted: P(X <= low) < target <= P(X <= high)
    step = np.ones_like(guess)
    todo = np.arange(guess.size)
    while todo.size:  # up until it holds; each step twice as far as the last
        short = at_most(high[todo], mean[todo], phi[todo]) < target
        todo = todo[short]
        low[todo] = high[todo]
        high[todo] += step[todo]
        step[todo] *= 2
    step[:] = 1.0
    todo = np.flatnonzero(low >= 0)
    while todo.size:  # down until it does not
        far = at_most(low[todo], mean[todo], phi[todo]) >= target
        todo = todo[far]
        high[todo] = low[todo]
        low[todo] = np.maximum(low[todo] - step[todo], -1.0)
        step[todo] *= 2
        todo = todo[low[todo] >= 0]
    todo = np.flatnonzero(high - low > 1)
    while todo.size:
        middle = np.floor((low[todo] + high[todo]) / 2)
        holds = at_most(middle, mean[todo], phi[todo]) >= target
        high[todo[holds]] = middle[holds]
        low[todo[~holds]] = middle[~holds]
        todo = todo[high[todo] - low[todo] > 1]
    return high
