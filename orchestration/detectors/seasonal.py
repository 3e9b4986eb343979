"""Persistent steps in seasonal counts: two-sided scan (GLR) and CUSUM with limits that hold.

A chart of raw counts calls every season a change, and one of standardised counts calls the error of
its own baseline one: on 900 a month the usual CUSUM raises false alarms in a third of the months
(``docs/detectors.md``). Here the baseline has waves and a trend, ends before the window that is
searched, and its error is part of the variance.

Belongs here: the detector of a level that changed and stayed. Does not belong here: a single odd
count (``farrington``), and the date of a change (``changepoints``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.detectors import baseline
from orchestration.detectors.counts import (
    Array,
    Flags,
    as_counts,
    at_least,
    at_most,
    series_by_time,
    time_points,
)

# Numbers per product of a batch: the linear algebra library then stays on one thread.
_PRODUCT_AT_ONCE = 250_000
_DRAWS = 400_000
_SEED = 20_130_401  # of the limits only: the same limits in every run


class ShiftResult(NamedTuple):
    """``t`` (k,), counted from 1; the rest (k, series), or (k,) for one series; NaN where no
    baseline could be fitted.

    ``expected``: mean of the count at t. ``phi``: variance over mean, 1 or more. ``p``,
    ``p_lower``: of a step up and down that began within the window and lasts, allowing for every
    start tried. ``alarm``, ``alarm_lower``: at or below alpha. ``since``, ``since_lower``: the time
    point (from 1) at which the most unlikely stretch began; ``ratio``, ``ratio_lower``: observed
    over expected since then. ``cusum``, ``cusum_lower``: two one-sided sums over the window, of the
    normal scores of each count given those before it, less k; ``alarm_cusum`` and
    ``alarm_cusum_lower``: at or above ``h``, the limit that P(false alarm) is alpha for.
    """

    t: NDArray[np.int64]
    expected: Array
    phi: Array
    p: Array
    p_lower: Array
    alarm: Flags
    alarm_lower: Flags
    since: Array
    since_lower: Array
    ratio: Array
    ratio_lower: Array
    cusum: Array
    cusum_lower: Array
    alarm_cusum: Flags
    alarm_cusum_lower: Flags
    h: Array


def seasonal_shift(
    counts: ArrayLike,
    freq: int,
    *,
    range: Sequence[int] | ArrayLike | None = None,
    b: int = 5,
    window: int = 12,
    least: int = 2,
    waves: int = 2,
    trend: bool = True,
    k: float = 0.5,
    alpha: float = 0.01,
    reweight: bool = True,
    weightsThreshold: float = 2.58,
    prior_weights: ArrayLike | None = None,
    cusum: bool = True,
) -> ShiftResult:
    """Did the level change within the last ``window`` periods, and stay?

    ``counts`` (time,) or (time, series), whole, NaN where missing. For each time point the ``b``
    years before the window give a quasi-Poisson baseline of ``waves`` yearly waves and, with
    ``trend``, a trend; what is unusual in them weighs less (as in ``farrington_flexible``, on both
    sides) and ``prior_weights`` (time,) or as counts, 0 to 1, from the start; a weight of 0 in the
    window leaves that count out of the search.

    Scan: for every start from ``least`` to ``window`` periods ago, the tail of a negative binomial
    for the sum since then, whose variance holds the scatter and the error of the baseline, taken as
    Student's t because the scatter is estimated. The most unlikely start counts, times the number
    of independent tests the nested sums amount to at this alpha (simulated once for normal sums).
    CUSUM: each count of the window is held to its distribution given those before it, and the
    normal scores are summed, less ``k``, upwards and downwards. ``alpha`` is of each tail and each
    method. ``range``: time points from 1; those with a whole baseline unless given. ``cusum``: the
    CUSUM, too (NaN and no alarm without: it takes a third of the time).

    Raises ValueError for options out of bounds and time points without a baseline.
    """
    y, is_bare = series_by_time(counts)
    periods, series = y.shape
    if freq < 2 or b < 1 or window < 1 or not 1 <= least <= window or waves < 0:
        raise ValueError("freq 2 or more, b and window 1 or more, least 1 to window, waves 0 up")
    if not 0 < alpha < 0.5 or not k >= 0:
        raise ValueError("alpha lies between 0 and a half, k is 0 or more")
    prior = np.ones_like(y)
    if prior_weights is not None:
        prior = np.array(as_counts(prior_weights, y.shape, "prior_weights"))
        if np.any(~(prior >= 0)) or np.any(prior > 1):
            raise ValueError("prior_weights must lie between 0 and 1")
    prior[np.isnan(y)] = 0.0
    filled = np.where(np.isnan(y), 0.0, y)
    length = b * freq
    first = length + window
    tested = time_points(range, first, periods)
    if tested.size and (tested.min() < first or tested.max() > periods):
        raise ValueError(f"range must lie within {first} and {periods}")

    # Time runs from the last point back; the waves repeat, so all points share the columns.
    time = np.arange(-length - window + 1, 1, dtype=np.float64)
    design = _columns(time, freq, waves, trend, time[:length].mean())
    limits = _limits(window, least, k, alpha)

    names = ShiftResult._fields[1:]
    out = {
        name: np.zeros((tested.size, series), dtype=bool)
        if name.startswith("alarm")
        else np.full((tested.size, series), np.nan)
        for name in names
    }
    out["h"][:] = limits.h
    options = (alpha, least, k, reweight, weightsThreshold, cusum)
    cases = tested.size * series
    columns = design.shape[1]
    batch = max(1, _PRODUCT_AT_ONCE // (time.size * columns * (columns + 1) // 2))
    for start in np.arange(0, cases, batch):
        case = np.arange(start, min(start + batch, cases))
        at, which = case // series, case % series
        rows = tested[at][:, None] - 1 + time.astype(np.int64)
        found = _shift(
            filled[rows, which[:, None]],
            prior[rows, which[:, None]],
            design,
            length,
            limits,
            *options,
        )
        for name, values in found.items():
            if name.startswith("since"):
                values = tested[at] - values
            out[name][at, which] = values
    fields = (out[name][:, 0] if is_bare else out[name] for name in names)
    return ShiftResult(tested, *fields)


def seasonal_scatter(
    counts: ArrayLike, freq: int, *, waves: int = 2, prior_weights: ArrayLike | None = None
) -> Array:
    """Variance over mean of each series (series,), 1 or more, around yearly waves and a trend.

    ``counts`` (time, series), NaN where missing; ``prior_weights`` as counts. NaN where fewer than
    ten degrees of freedom are left or no model could be fitted.
    """
    y, _ = series_by_time(counts)
    prior = np.ones_like(y) if prior_weights is None else np.asarray(prior_weights, np.float64)
    prior = np.where(np.isnan(y), 0.0, prior).T
    time = np.arange(y.shape[0], dtype=np.float64)
    design = _columns(time, freq, waves, True, time.mean())
    known = np.where(np.isnan(y), 0.0, y).T
    found = baseline.fit_waves(known, design, prior)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        residuals = (known - found.mean) / found.mean
        phi = np.maximum(baseline.dispersion(found.weights, residuals, found.degrees), 1.0)
    return np.where(found.is_converged & (found.degrees >= 10), phi, np.nan)


def _columns(time: Array, freq: int, waves: int, trend: bool, centre: float) -> Array:
    columns = [np.ones_like(time)]
    for wave in range(1, waves + 1):
        angle = 2 * np.pi * wave * time / freq
        columns.append(np.cos(angle))
        if 2 * wave < freq:
            columns.append(np.sin(angle))
    if trend:
        columns.append((time - centre) / freq)
    return np.stack(columns, axis=1)


class _Limits(NamedTuple):
    tests: float
    h: float


@lru_cache(maxsize=64)
def _limits(window: int, least: int, k: float, alpha: float) -> _Limits:
    """How many independent tests the nested sums amount to at ``alpha``, and the CUSUM's limit.

    By simulation of independent standard normal residuals with a fixed seed.
    """
    random = np.random.default_rng(_SEED)
    smallest = np.empty(_DRAWS)
    ends = np.empty(_DRAWS)
    scale = np.sqrt(np.arange(1, window + 1, dtype=np.float64))
    for start in range(0, _DRAWS, 50_000):
        part = slice(start, start + 50_000)
        z = random.standard_normal((50_000, window))
        sums = np.cumsum(z[:, ::-1], axis=1) / scale
        smallest[part] = special.ndtr(-sums[:, least - 1 :].max(axis=1))
        total = np.zeros(50_000)
        for column in z.T:
            total = np.maximum(0.0, total + column - k)
        ends[part] = total
    level = float(np.quantile(smallest, alpha))
    return _Limits(max(alpha / level, 1.0), float(np.quantile(ends, 1 - alpha)))


def _shift(
    y: Array,
    prior: Array,
    design: Array,
    length: int,
    limits: _Limits,
    alpha: float,
    least: int,
    k: float,
    reweight: bool,
    threshold: float,
    cusum: bool,
) -> dict[str, np.ndarray]:
    cases = len(y)
    old, new = y[:, :length], y[:, length:]
    x = design[:length]
    weights = prior[:, :length]
    found = baseline.fit_waves(old, x, weights)
    is_fitted = found.is_converged & (found.degrees > 0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        residuals = (old - found.mean) / found.mean
        phi = np.fmax(baseline.dispersion(found.weights, residuals, found.degrees), 1.0)
        if reweight:
            one, other = np.tril_indices(x.shape[1])
            products = x[:, one] * x[:, other] * np.where(one == other, 1.0, 2.0)
            leverage = found.weights * (found.unscaled[:, one, other] @ products.T)
            root = np.cbrt(old)
            s = 1.5 * (root * root / np.sqrt(np.cbrt(found.mean)) - np.sqrt(found.mean))
            s /= np.sqrt(phi[:, None] * np.maximum(1 - leverage, 1e-12))
            omega = weights * np.where(np.abs(s) > threshold, 1.0 / (s * s), 1.0)
            omega = np.where(np.isfinite(omega), omega, weights)
            omega *= (weights.sum(axis=1) / np.maximum(omega.sum(axis=1), 1e-300))[:, None]
            found = baseline.fit_waves(old, x, omega, start=found.mean)
            residuals = (old - found.mean) / found.mean
            phi = np.fmax(baseline.dispersion(found.weights, residuals, found.degrees), 1.0)
            is_fitted &= found.is_converged
        ahead = design[length:]
        mean = np.exp(found.coefficients @ ahead.T)
        covariance = np.einsum("np,cpq,mq->cnm", ahead, found.unscaled, ahead, optimize=True)
        covariance *= phi[:, None, None]
    is_fitted &= np.isfinite(mean).all(axis=1) & np.isfinite(covariance).all(axis=(1, 2))
    mean = np.where(is_fitted[:, None], mean, 1.0)
    covariance[~is_fitted] = 0.0
    phi = np.where(is_fitted, phi, 1.0)
    there = prior[:, length:] > 0
    expected_now = mean[:, -1].copy()
    mean = np.where(there, mean, 0.0)
    new = np.where(there, new, 0.0)

    # Sums from each start to the end, latest start first.
    observed = np.cumsum(new[:, ::-1], axis=1)[:, least - 1 :]
    total = np.cumsum(mean[:, ::-1], axis=1)[:, least - 1 :]
    shared = covariance * mean[:, :, None] * mean[:, None, :]
    corner = np.cumsum(np.cumsum(shared[:, ::-1, ::-1], axis=1), axis=2)
    error = np.einsum("cnn->cn", corner)[:, least - 1 :]
    known = np.cumsum(there[:, ::-1], axis=1)[:, least - 1 :] >= least
    with np.errstate(invalid="ignore", divide="ignore"):
        scatter = phi[:, None] + error / total
        p = np.where(known, at_least(observed, total, scatter), np.nan)
        p_lower = np.where(known, at_most(observed, total, scatter), np.nan)
        ratio = observed / total
        # phi is itself estimated: a normal tail becomes that of Student's t.
        degrees = np.where(found.degrees > 0, found.degrees, np.nan)[:, None]
        p, p_lower = (special.stdtr(degrees, special.ndtri(tail)) for tail in (p, p_lower))

    up = down = np.full(cases, np.nan)
    if cusum:
        up, down = _sums(new, mean, shared, phi, there, k)

    result: dict[str, np.ndarray] = {
        "expected": np.where(is_fitted, expected_now, np.nan),
        "phi": np.where(is_fitted, phi, np.nan),
        "cusum": np.where(is_fitted, up, np.nan),
        "cusum_lower": np.where(is_fitted, down, np.nan),
    }
    for end, values in (("", p), ("_lower", p_lower)):
        values = np.where(is_fitted[:, None], values, np.nan)
        some = ~np.isnan(values).all(axis=1)
        best = np.where(np.isnan(values), np.inf, values).argmin(axis=1)
        smallest = values[np.arange(cases), best]
        combined = np.where(some, np.minimum(smallest * limits.tests, 1.0), np.nan)
        result[f"p{end}"] = combined
        with np.errstate(invalid="ignore"):
            result[f"alarm{end}"] = combined <= alpha
        result[f"since{end}"] = np.where(some, best + least - 1.0, np.nan)
        result[f"ratio{end}"] = np.where(some, ratio[np.arange(cases), best], np.nan)
        with np.errstate(invalid="ignore"):
            result[f"alarm_cusum{end}"] = result[f"cusum{end}"] >= limits.h
    return result


def _sums(
    new: Array, mean: Array, shared: Array, phi: Array, there: Flags, k: float
) -> tuple[Array, Array]:
    """The two one-sided sums (C,). Arguments (C, window); ``shared`` (C, window, window): the
    covariance of the means; ``phi`` (C,)."""
    cases = len(new)
    chol = shared + np.einsum("cn,nm->cnm", phi[:, None] * mean, np.eye(mean.shape[1]))
    chol += np.einsum("cn,nm->cnm", (~there).astype(np.float64), np.eye(mean.shape[1]))
    lower = np.linalg.cholesky(chol)
    z = np.linalg.solve(lower, (new - mean)[:, :, None])[:, :, 0]
    # Each count given those before it, as the normal score of its place (half of its own
    # probability below): small counts are skewed, and the sum of their residuals would drift up.
    deviation = np.einsum("cnn->cn", lower)
    given = np.maximum(new - deviation * z, 0.05 * np.where(there, mean, 1.0))
    scatter = np.maximum(deviation * deviation / given, 1.0)
    below, above = at_most(new, given, scatter), at_least(new, given, scatter)
    with np.errstate(invalid="ignore"):
        middle = np.clip((below + 1.0 - above) / 2, 0.0, 1.0)
        z = np.where(middle > 0.5, -special.ndtri((above + 1.0 - below) / 2), special.ndtri(middle))
    z = np.clip(z, -40.0, 40.0)
    up, down = np.zeros(cases), np.zeros(cases)
    for i in range(z.shape[1]):  # a count left out changes neither sum
        up = np.where(there[:, i], np.maximum(0.0, up + z[:, i] - k), up)
        down = np.where(there[:, i], np.maximum(0.0, down - z[:, i] - k), down)
    return up, down
