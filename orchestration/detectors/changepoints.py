"""When did a level change: PELT (all changes at once) and BOCPD (how sure is the last date).

Belongs here: dating changes that a detector found. Does not belong here: deciding that there was
one. Both take what was expected without a change (season, trend, days), so that a season is not
dated as a change, and the scatter ``phi``, so that noise is not.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.detectors.counts import Array, series_by_time

Cost = Literal["poisson", "negative_binomial", "normal"]


class Segmentation(NamedTuple):
    """One series. ``starts`` (m,): index from 0 of the first point of every segment after the
    first, so empty without a change. ``levels`` (m + 1,): ratio of observed to expected in each
    (mean, for normal). ``cost``: that of the whole, penalties included."""

    starts: NDArray[np.int64]
    levels: Array
    cost: float


def pelt(
    values: ArrayLike,
    *,
    cost: Cost = "poisson",
    expected: ArrayLike | None = None,
    phi: ArrayLike = 1.0,
    penalty: float | None = None,
    min_size: int = 2,
) -> list[Segmentation] | Segmentation:
    """The segmentation of least cost, exactly, with pruning.

    ``values`` (time,) or (time, series); NaN where missing (they belong to a segment and cost
    nothing). ``expected``, as values: mean at level 1; 1 unless given. ``cost``: twice the negative
    log likelihood of one level per segment: ``poisson`` divided by ``phi`` (variance over mean,
    per series), ``negative_binomial`` with that variance at the series' mean and a variance that
    grows with its square (it takes no ``expected``), ``normal`` a shift of the mean with the
    standard deviation of first differences. ``penalty``: per change,
    2 log(n) unless given. ``min_size``: least points of a segment.

    Killick, Fearnhead and Eckley, J. Am. Statist. Assoc. 107 (2012) 1590-1598. Returns one result
    per series, or one for one bare series. Raises ValueError for another cost, shapes that do not
    fit, expected values not above 0 and negative counts.
    """
    if cost not in ("poisson", "negative_binomial", "normal"):
        raise ValueError(f"cost is {cost!r}; choose poisson, negative_binomial or normal")
    if min_size < 1 or (penalty is not None and penalty < 0):
        raise ValueError("min_size is 1 or more, penalty 0 or more")
    if cost == "normal":
        given = np.asarray(values, dtype=np.float64)
        is_bare = given.ndim == 1
        y = given[:, None] if is_bare else given
        if y.ndim != 2 or np.isinf(y).any():
            raise ValueError("values must be (time,) or (time, series), finite or NaN")
    else:
        y, is_bare = series_by_time(values, "values")
    if expected is not None and cost == "negative_binomial":
        raise ValueError("negative_binomial takes no expected; use poisson with phi")
    e = _expected(expected, y)
    scatter = np.broadcast_to(np.asarray(phi, dtype=np.float64), (y.shape[1],))
    if np.any(~(scatter > 0)):
        raise ValueError("phi must be above 0")
    found = [
        _segment(y[:, i], e[:, i], cost, max(float(scatter[i]), 1.0), penalty, min_size)
        for i in range(y.shape[1])
    ]
    return found[0] if is_bare else found


def _expected(expected: ArrayLike | None, y: Array) -> Array:
    if expected is None:
        return np.ones_like(y)
    given = np.asarray(expected, dtype=np.float64)
    try:
        e = np.broadcast_to(given[:, None] if given.ndim == 1 else given, y.shape)
    except ValueError:
        raise ValueError(f"expected is {given.shape}; it does not fit values {y.shape}") from None
    if np.any(~(e > 0)):
        raise ValueError("expected must be above 0")
    return e


def _segment(
    y: Array, e: Array, cost: Cost, phi: float, penalty: float | None, least: int
) -> Segmentation:
    n = y.size
    known = ~np.isnan(y)
    penalty = 2.0 * np.log(max(int(known.sum()), 2)) if penalty is None else penalty
    y0 = np.where(known, y, 0.0)
    e0 = np.where(known, e, 0.0)
    sums = np.concatenate([[0.0], np.cumsum(y0)])
    means = np.concatenate([[0.0], np.cumsum(e0)])
    counts = np.concatenate([[0.0], np.cumsum(known)])
    if cost == "normal":
        steps = np.diff(y[known])
        # Robust to the changes themselves: half the median square of a normal difference.
        deviation = (
            np.median(np.abs(steps)) / (np.sqrt(2) * special.ndtri(0.75)) if steps.size else 0
        )
        variance = deviation * deviation if deviation > 0 else 1.0
        squares = np.concatenate([[0.0], np.cumsum(y0 * y0)])

        def between(starts: NDArray[np.int64], end: int) -> Array:
            s, c = sums[end] - sums[starts], counts[end] - counts[starts]
            return (squares[end] - squares[starts] - s * s / np.maximum(c, 1.0)) / variance

    else:
        mean = y0.sum() / max(e0.sum(), 1e-300)
        typical = mean * e0[known].mean() if known.any() else 1.0
        size = typical / (phi - 1) if phi > 1 else np.inf

        def between(starts: NDArray[np.int64], end: int) -> Array:
            s, m = sums[end] - sums[starts], means[end] - means[starts]
            level = s / np.maximum(m, 1e-300)
            if cost == "poisson" or not np.isfinite(size):
                return -2.0 * (special.xlogy(s, level) - s) / phi
            # log p = s log(q) + points * size * log(1 - q), q = mean / (mean + size).
            points = np.maximum(counts[end] - counts[starts], 1.0)
            average = s / points
            share = average / (average + size)
            return -2.0 * (special.xlogy(s, share) + points * size * np.log1p(-share))

    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    last = np.zeros(n + 1, dtype=np.int64)
    candidates = np.array([0], dtype=np.int64)
    beaten = np.full(n + 1, n + 1, dtype=np.int64)  # the first end at which a start was beaten
    for end in range(least, n + 1):
        enter = end - least
        if enter >= least:
            candidates = np.append(candidates, enter)
        total = best[candidates] + between(candidates, end)
        at = int(np.argmin(total))
        best[end] = total[at] + penalty
        last[end] = candidates[at]
        # A start worse by more than a penalty is never best again once this end is itself a start.
        worse = candidates[total > best[end]]
        beaten[worse] = np.minimum(beaten[worse], end)
        candidates = candidates[beaten[candidates] > end - least]
    starts: list[int] = []
    end = n
    while end > 0:
        end = int(last[end])
        if end > 0:
            starts.append(end)
    bounds = [0, *reversed(starts), n]
    levels = np.empty(len(bounds) - 1)
    for i, (first, stop) in enumerate(pairwise(bounds)):
        below = known[first:stop].sum() if cost == "normal" else means[stop] - means[first]
        levels[i] = (sums[stop] - sums[first]) / below if below > 0 else np.nan
    return Segmentation(np.array(bounds[1:-1], dtype=np.int64), levels, float(best[n]))


class RunLengths(NamedTuple):
    """Every array has a last axis of series, left out for one bare series.

    ``probability`` (n + 1,): that the level held now began at index i (from 0); n: that it begins
    with the next point. ``changed`` (): that it began after the first point. ``start`` (): the most
    likely index; ``start_lower``, ``start_upper``: the shortest range of indices with at least the
    asked probability, among starts after the first, NaN where such a start has less than a tenth.
    ``level`` (): posterior mean ratio of observed to expected since the most likely start.
    """

    probability: Array
    changed: Array
    start: NDArray[np.int64]
    start_lower: Array
    start_upper: Array
    level: Array


def bocpd(
    counts: ArrayLike,
    *,
    expected: ArrayLike | None = None,
    phi: ArrayLike = 1.0,
    hazard: float = 1 / 60,
    prior_events: float = 1.0,
    coverage: float = 0.9,
) -> RunLengths:
    """Bayesian online change point detection for counts, run over all series at once.

    ``counts`` (time,) or (time, series), NaN where missing. ``expected``, as counts: mean at level
    1; the mean of the series unless given. ``phi``: variance over mean, per series; the likelihood
    is tempered by it. ``hazard``: probability of a change at each point (1/60: once in five years
    of months). ``prior_events``: the weight of the prior of every new level, in events; its mean is
    1. ``coverage`` of the range of dates. Adams and MacKay, arXiv:0710.3742 (2007), with a gamma
    prior of the level. Raises ValueError for shapes that do not fit and options out of bounds.
    """
    y, is_bare = series_by_time(counts)
    if not 0 < hazard < 1 or not 0 < coverage < 1 or not prior_events > 0:
        raise ValueError("hazard and coverage lie between 0 and 1, prior_events above 0")
    n, series = y.shape
    if expected is None:
        with np.errstate(invalid="ignore"):
            average = np.where(np.isnan(y), 0, y).sum(axis=0) / np.maximum(
                (~np.isnan(y)).sum(axis=0), 1
            )
        e = np.broadcast_to(np.where(average > 0, average, 1.0), y.shape)
    else:
        e = _expected(expected, y)
    scatter = np.maximum(np.broadcast_to(np.asarray(phi, dtype=np.float64), (series,)), 1.0)
    log_stay, log_change = np.log1p(-hazard), np.log(hazard)
    shape = np.full((n + 1, series), prior_events)
    rate = np.full((n + 1, series), prior_events)
    log_p = np.full((n + 1, series), -np.inf)
    log_p[0] = 0.0
    for t in range(n):
        known = ~np.isnan(y[t])
        events = np.where(known, y[t], 0.0) / scatter
        risk = np.where(known, e[t], 0.0) / scatter
        live = slice(0, t + 1)
        a, r = shape[live], rate[live]
        # What the level's own factor of the likelihood leaves: the rest is common to all starts.
        evidence = (
            special.gammaln(a + events)
            - special.gammaln(a)
            + a * np.log(r)
            - (a + events) * np.log(r + risk)
        )
        log_p[live] += evidence
        shape[live] += events
        rate[live] += risk
        log_p[live] -= special.logsumexp(log_p[live], axis=0)
        log_p[t + 1] = log_change
        log_p[live] += log_stay
    probability = np.exp(log_p)
    probability /= probability.sum(axis=0)
    # The start that is still to come says nothing about the past.
    past = probability[:n] / probability[:n].sum(axis=0)
    start = past.argmax(axis=0)
    changed = 1.0 - past[0]
    low, high = np.full(series, np.nan), np.full(series, np.nan)
    for i in np.flatnonzero(changed >= 0.1):
        low[i], high[i] = _shortest(past[1:, i] / past[1:, i].sum(), coverage)
    level = (shape / rate)[start, np.arange(series)]
    fields = (probability, changed, start, low + 1, high + 1, level)
    if is_bare:
        return RunLengths(*(f[..., 0] for f in fields))
    return RunLengths(*fields)


def _shortest(probability: Array, coverage: float) -> tuple[int, int]:
    sums = np.concatenate([[0.0], np.cumsum(probability)])
    ends = np.searchsorted(sums, sums[:-1] + coverage - 1e-12)
    fits = ends <= probability.size
    length = np.where(fits, ends - np.arange(probability.size), probability.size + 1)
    first = int(np.argmin(length))
    return first, int(min(ends[first], probability.size)) - 1
