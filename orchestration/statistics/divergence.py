"""Since when two series of counts have parted: one step in the logarithm of their ratio.

Belongs here: finding and dating a step in how many events one source records for each of another,
where both should move together. Does not belong here: ratios of two periods (``rates``), how much
a known change did (``segmented``), and why two sources part.

The model of one series is, for each period, log(a / b) = season + step, weighted by what chance
alone makes of its counts. The step's date is where it explains most (the largest F statistic of
all dates, Andrews, Econometrica 61 (1993) 821-856), and its p-value that of the largest of all
dates, by simulation under no step with the series' own gaps, weights and autocorrelation (Davison
and Hinkley, Bootstrap Methods and their Application (1997), section 4.2). The interval of the date
is the set of dates that fit nearly as well (Hansen, Econometrica 68 (2000) 575-603: a likelihood
ratio of at most 7.35 at 95%).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orchestration.statistics.intervals import Interval
from orchestration.statistics.rates import t_quantile

Array = NDArray[np.float64]

STEP = "step"
DRIFT = "drift"
TOO_SHORT = "too short"

#: Share of the periods that must lie on either side of a date (Andrews 1993: 15%).
TRIM = 0.15
#: A fit of season and step with fewer spare periods than this tells nothing.
LEAST_SPARE = 8


class Onset(NamedTuple):
    """A step in each series' log ratio; arrays of the shape of the series.

    ``first``: index of the first period after the step, -1 where none was sought; ``earliest`` and
    ``latest``: the dates that fit nearly as well. ``ratio``: ratio after the step over before it,
    an ``Interval`` with phi (at least 1) and autocorrelation taken in; it is of the date that fits
    best, so its size is if anything overstated. ``p_value`` of no step at any date. ``shape``:
    ``step``; ``drift`` where a steady drift fits as well, with its one parameter fewer, so that no
    date can be told; ``too short``. ``phi``, ``rho``: scatter over chance, and correlation of
    neighbouring periods, about the fit. ``periods``: known.
    """

    first: NDArray[np.int64]
    earliest: NDArray[np.int64]
    latest: NDArray[np.int64]
    ratio: Interval
    p_value: Array
    shape: NDArray[np.str_]
    phi: Array
    rho: Array
    periods: NDArray[np.int64]


def onset_of_divergence(
    counts_a: ArrayLike,
    counts_b: ArrayLike,
    spread_b: ArrayLike = 0.0,
    *,
    period: int = 12,
    level: float = 0.95,
    replicates: int = 999,
    seed: int = 1993,
) -> Onset:
    """Since when ``counts_a`` have stepped away from ``counts_b``.

    ``counts_*`` (S, n): n consecutive periods, from 0, NaN where either is unknown or to be left
    out; estimates are taken. ``spread_b``: variance of counts_b beyond chance (rounding),
    broadcasts to it. ``period``: periods a year. A half is added to every count, so that none has
    no logarithm (Haldane, Annals of Human Genetics 20 (1956) 309-311).

    The p-value is at least 1 / (replicates + 1); simulation is seeded, the same counts give the
    same result, whatever else is in the array. Raises ValueError for a negative count or spread, a
    level outside (0, 1), or fewer than 19 replicates.
    """
    a, b = np.broadcast_arrays(
        np.asarray(counts_a, dtype=np.float64), np.asarray(counts_b, dtype=np.float64)
    )
    spread = np.broadcast_to(np.asarray(spread_b, dtype=np.float64), a.shape)
    if a.ndim != 2:
        raise ValueError("counts are series by periods: two dimensions")
    if np.any(a < 0) or np.any(b < 0) or np.any(spread < 0):
        raise ValueError("counts and spreads must not be below 0")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; it lies between 0 and 1, for example 0.95")
    if replicates < 19:
        raise ValueError(f"replicates are {replicates}; a p-value of 0.05 takes at least 19")
    known = ~np.isnan(a + b)
    with np.errstate(invalid="ignore"):
        log = np.log((a + 0.5) / (b + 0.5))
        variance = 1.0 / (a + 0.5) + 1.0 / (b + 0.5) + spread / (b + 0.5) ** 2
    noise = np.random.default_rng(seed).normal(size=(replicates, a.shape[1]))
    found = [_one(log[i], variance[i], known[i], period, level, noise) for i in range(a.shape[0])]
    columns = list(zip(*found, strict=True)) if found else [[] for _ in range(11)]
    first, earliest, latest = (np.array(c, dtype=np.int64) for c in columns[:3])
    estimate, lower, upper, p_value, phi, rho = (
        np.array(c, dtype=np.float64) for c in columns[3:9]
    )
    return Onset(
        first,
        earliest,
        latest,
        Interval(estimate, lower, upper),
        p_value,
        np.array(columns[9], dtype="<U9"),
        phi,
        rho,
        np.array(columns[10], dtype=np.int64),
    )


def _one(
    log: Array,
    variance: Array,
    known: NDArray[np.bool_],
    period: int,
    level: float,
    noise: Array,
) -> tuple[int, int, int, float, float, float, float, float, float, str, int]:
    """The step of one series; the order of ``onset_of_divergence``."""
    at = np.flatnonzero(known)
    n = at.size
    season = np.eye(period)[at % period]
    season = season[:, season.any(axis=0)]
    spare = n - season.shape[1] - 1
    least = max(3, int(np.ceil(TRIM * n)))
    if spare < LEAST_SPARE or n < 2 * least + 1:
        nan = np.nan
        return -1, -1, -1, nan, nan, nan, nan, nan, nan, TOO_SHORT, n
    weight = 1.0 / np.sqrt(variance[at])
    basis = np.linalg.qr(season * weight[:, None])[0]

    def apart(columns: Array) -> Array:
        """What the season leaves of weighted columns."""
        return columns - basis @ (basis.T @ columns)

    # A step at the k-th known period, for every k with enough on either side of it.
    dates = np.arange(least, n - least + 1)
    steps = apart((np.arange(n)[:, None] >= dates) * weight[:, None])
    size = (steps**2).sum(axis=0)
    y = apart((log[at] * weight)[:, None])[:, 0]
    total = float(y @ y)
    explained = (steps.T @ y) ** 2 / size
    best = int(explained.argmax())
    rest = total - explained[best]
    phi = rest / spare
    residuals = y - steps[:, best] * (steps[:, best] @ y) / size[best]
    rho = _correlation(residuals, at, spare)

    errors = _autoregressive(noise, rho)[:, at]
    errors = errors - (errors @ basis) @ basis.T
    left = (errors**2).sum(axis=1)
    most = ((errors @ steps) ** 2 / size).max(axis=1)
    simulated = most / (left - most)
    p_value = (1.0 + np.count_nonzero(simulated >= explained[best] / rest)) / (len(noise) + 1.0)

    longer = (1.0 + rho) / (1.0 - rho)
    error = np.sqrt(max(phi, 1.0) * longer / size[best])
    estimate = float(steps[:, best] @ y) / size[best]
    half = float(t_quantile(level, spare)) * error
    near = (explained[best] - explained) / (phi * longer) <= _critical(level)
    drift = apart(((at - at.mean()) * weight)[:, None])[:, 0]
    by_drift = float(drift @ y) ** 2 / float(drift @ drift)
    is_step = explained[best] - by_drift > phi * np.log(n)
    return (
        int(at[dates[best]]),
        int(at[dates[near].min()]),
        int(at[dates[near].max()]),
        float(np.exp(estimate)),
        float(np.exp(estimate - half)),
        float(np.exp(estimate + half)),
        float(p_value),
        float(phi),
        rho,
        STEP if is_step else DRIFT,
        n,
    )


def _correlation(residuals: Array, at: NDArray[np.int64], spare: int) -> float:
    """Correlation of neighbouring periods, from 0 to 0.9, less the bias of a short series.

    Residuals lean to the other side of their neighbours, by about (1 + 3 rho) / n (Kendall,
    Biometrika 41 (1954) 403-404); below 0 it is taken as none, which is the cautious side.
    """
    neighbours = np.flatnonzero(np.diff(at) == 1)
    if neighbours.size < 4:
        return 0.0
    products = float((residuals[neighbours] * residuals[neighbours + 1]).mean())
    raw = products / float((residuals**2).mean())
    return float(np.clip(raw + (1.0 + 3.0 * raw) / spare, 0.0, 0.9))


def _autoregressive(noise: Array, rho: float) -> Array:
    """Standard normal noise with correlation ``rho`` between neighbours, along the last axis."""
    if rho == 0.0:
        return noise
    out = noise.copy()
    fresh = np.sqrt(1.0 - rho**2)
    for t in range(1, noise.shape[1]):
        out[:, t] = rho * out[:, t - 1] + fresh * noise[:, t]
    return out


def _critical(level: float) -> float:
    """Quantile of the likelihood ratio of a date: -2 log(1 - sqrt(level)), Hansen (2000)."""
    return float(-2.0 * np.log(1.0 - np.sqrt(level)))
