"""How unequally events fall on areas, and rates of areas with few events.

Belongs here: the Gini coefficient and what chance alone would make of it, shares of the areas with
most events, and empirical-Bayes smoothed rates. Does not belong here: which areas there are, their
populations, and neighbourhood of areas (nothing here is spatial).

Counts and exposures are one-dimensional, one value for each area of one level.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.statistics.intervals import Interval, poisson_interval

Array = NDArray[np.float64]


class ChanceRange(NamedTuple):
    """Mean and limits of a measure where nothing but chance distributes the events."""

    mean: float
    lower: float
    upper: float


def gini(counts: ArrayLike) -> float:
    """Gini coefficient of counts over areas, corrected where there are fewer events than areas.

    0: every area has as many as the others; near 1: one area has all. With fewer events than areas
    even events in as many areas as there are events would not count as equal, so the line of
    equality is that of the most areas the events can fall on: Bernasco and Steenbeek, J. Quant.
    Criminology 33 (2017) 451-467. With at least as many events as areas it is the common
    coefficient. NaN without events. Raises ValueError for no areas or a broken count.
    """
    x = _counts(counts)
    return float(_gini(x[None, :])[0])


def gini_by_chance(
    events: int, exposures: ArrayLike, *, draws: int = 200, level: float = 0.95, seed: int = 0
) -> ChanceRange:
    """``gini`` of ``events`` that fall on areas in proportion to ``exposures`` by chance alone.

    Mean and the central ``level`` of ``draws`` multinomial draws, the same for the same ``seed``.
    A coefficient above it is more than chance makes of so few events. NaN without events. Raises
    ValueError for a negative number of events, no areas, or an exposure that is not above 0.
    """
    weight = _exposures(exposures)
    if events < 0 or draws < 1:
        raise ValueError("events must be 0 or more and draws 1 or more")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; it lies between 0 and 1, for example 0.95")
    if events == 0:
        return ChanceRange(np.nan, np.nan, np.nan)
    drawn = np.random.default_rng(seed).multinomial(events, weight / weight.sum(), size=draws)
    found = _gini(drawn.astype(np.float64))
    tail = (1.0 - level) / 2.0
    lower, upper = np.quantile(found, [tail, 1.0 - tail])
    return ChanceRange(float(found.mean()), float(lower), float(upper))


def top_areas(counts: ArrayLike, share: float = 0.1) -> NDArray[np.bool_]:
    """Which areas are the ``share`` of them (rounded up, at least one) with most events.

    Of equal counts the areas that come first are taken, so give them in a stable order. Raises
    ValueError for no areas, a broken count, or a share outside (0, 1].
    """
    x = _counts(counts)
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share is {share}; it lies above 0 and is at most 1")
    # A tenth of 30 areas is 3, whatever the rounding of 0.1 * 30.
    number = int(np.ceil(round(share * x.size, 9)))
    chosen = np.zeros(x.size, dtype=bool)
    chosen[np.argsort(-x, kind="stable")[:number]] = True
    return chosen


def smoothed_rates(counts: ArrayLike, exposures: ArrayLike, level: float = 0.95) -> Interval:
    """Empirical-Bayes rates of areas, drawn towards the rate of all by as much as chance explains.

    Marshall, Applied Statistics 40 (1991) 283-294, global estimator: with the rate of all m, the
    exposure-weighted variance of the areas' rates s2 and the mean exposure n, A = s2 - m / n (0
    where negative) is the variance between areas, and an area's rate is m + (r - m) * A / (A + m /
    its exposure). The interval is that of the gamma distribution with that mean (prior of mean m
    and variance A, Poisson counts); it takes m and A for known, so it is somewhat short with few
    areas. Where A is 0 nothing tells the areas apart: all have m, with its exact interval.

    ``exposures`` above 0, for example residents. Estimate and limits in events per unit of
    exposure. Raises ValueError for no areas, a broken count or exposure, or a level outside (0, 1).
    """
    x, n = _counts(counts), _exposures(exposures)
    if x.shape != n.shape:
        raise ValueError("counts and exposures must be one-dimensional and of one length")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; it lies between 0 and 1, for example 0.95")
    mean = x.sum() / n.sum()
    spread = (n * (x / n - mean) ** 2).sum() / n.sum()
    between = spread - mean / n.mean()
    if mean == 0.0 or between <= 0.0:
        whole = poisson_interval(x.sum(), level)
        return Interval(*(np.full(x.shape, limit / n.sum()) for limit in whole))
    shape, rate = mean**2 / between + x, mean / between + n
    tail = (1.0 - level) / 2.0
    return Interval(
        shape / rate,
        special.gammaincinv(shape, tail) / rate,
        special.gammainccinv(shape, tail) / rate,
    )


# ----------------------------------------------------------------------------------------- helpers


def _gini(counts: Array) -> Array:
    """Corrected coefficients of the rows of (draws, areas)."""
    n = counts.shape[1]
    total = counts.sum(axis=1)
    ordered = np.sort(counts, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = (2.0 * ordered @ np.arange(1.0, n + 1.0) / total - n - 1.0) / n
        scale = np.maximum(n / total, 1.0)
        return np.where(total > 0, scale * plain - scale + 1.0, np.nan)


def _counts(values: ArrayLike) -> Array:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size == 0:
        raise ValueError("counts must be one-dimensional, of at least one area")
    if not np.all(np.isfinite(x)) or np.any(x < 0) or np.any(x != np.floor(x)):
        raise ValueError("counts must be whole numbers from 0")
    return x


def _exposures(values: ArrayLike) -> Array:
    n = np.asarray(values, dtype=np.float64)
    if n.ndim != 1 or n.size == 0:
        raise ValueError("exposures must be one-dimensional, of at least one area")
    if not np.all(np.isfinite(n)) or np.any(n <= 0):
        raise ValueError("exposures must be above 0 and finite")
    return n
