"""Log-linear baselines of one shape, fitted to many cases at once as R's ``glm`` fits them.

A case is one series at one time point. All cases of a batch have the same rows: a level (season)
and a time each. The columns are one intercept per level and, if wanted, time; the normal equations
of such a design are solved in closed form (level by level, time last), so that a step costs a few
passes over the rows and no matrix is factorised.

``fit_waves`` fits columns that all cases share (waves and trend), by normal equations.

Belongs here: the fits, their hat values, dispersion and the variance of a prediction. Does not
belong here: which rows make a baseline, and what a fit says about a count
(``orchestration.statistics.loglinear`` fits general designs, to the limit rather than as R).

R's ``glm`` starts at counts + 0.1, stops when the deviance changes by less than 1e-8 of itself, and
takes weights, hat values and dispersion from the step before the last; so does this, because
outputs are compared with R's to nine digits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from orchestration.detectors.counts import Array, Flags

_MOST_STEPS = 25
_TOLERANCE = 1e-8
_SMALLEST_MEAN = np.finfo(np.float64).eps  # R's log link does not go below
_ALIASED = 1e-11  # part of time that the levels must leave, as R's tolerance


class Rows(NamedTuple):
    """The rows of a baseline. ``level`` (n,): 0 to levels - 1. ``time`` (n,): periods, with the
    predicted time point at 0. ``current``: the level of the prediction."""

    level: np.ndarray
    levels: int
    time: Array
    current: int


class Fit(NamedTuple):
    """One fit per case (C cases, n rows, L levels).

    ``is_converged`` (C,); ``mean`` (C, n); ``weights`` (C, n): working weights of the last step,
    prior weights included; ``level_weights``, ``level_time`` and ``level_effect`` (C, L): sums of
    weights, weighted mean time, and intercepts at time 0; ``slope`` and ``slope_information`` (C,):
    of time, 0 and infinite without it; ``degrees`` (C,): rows with weight minus columns.
    """

    is_converged: Flags
    mean: Array
    weights: Array
    level_weights: Array
    level_time: Array
    level_effect: Array
    slope: Array
    slope_information: Array
    degrees: Array

    def hat(self, rows: Rows) -> Array:
        """Leverages (C, n)."""
        spread = np.take(1.0 / np.maximum(self.level_weights, 1e-300), rows.level, axis=1)
        from_centre = rows.time - np.take(self.level_time, rows.level, axis=1)
        spread += from_centre * from_centre / self.slope_information[:, None]
        spread *= self.weights
        spread[spread > 1 - 10 * np.finfo(np.float64).eps] = 1.0
        return spread

    def residuals(self, counts: Array) -> Array:
        """Working residuals (C, n)."""
        return (counts - self.mean) / self.mean

    def predict(self, rows: Rows, time: Array | float = 0.0) -> tuple[Array, Array]:
        """Linear predictor of the current level at ``time`` and its variance at dispersion 1."""
        level = rows.current
        from_centre = time - self.level_time[:, level]
        predictor = self.level_effect[:, level] + self.slope * time
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = 1.0 / self.level_weights[:, level]
            variance += from_centre * from_centre / self.slope_information
        return predictor, variance


def fit(
    counts: Array,
    log_counts: Array,
    rows: Rows,
    *,
    with_time: bool,
    prior: Array | None = None,
    offset: Array | None = None,
) -> Fit:
    """Quasi-Poisson fit of each case. ``counts`` (C, n) whole numbers; ``log_counts`` their logs,
    0 where the count is 0; ``prior`` (C, n) weights from 0 (a row left out); ``offset`` (C, n).

    A level without weight has no effect and costs no degree of freedom. A case whose time cannot
    be told from its levels, or whose deviance becomes infinite, has not converged.
    """
    cases, n = counts.shape
    levels = rows.levels
    centre = rows.time.mean()
    time = rows.time - centre
    is_in = np.zeros((n, levels))
    is_in[np.arange(n), rows.level] = 1.0
    if with_time:
        of_weights = np.hstack([is_in, is_in * time[:, None], (time * time)[:, None]])
        of_targets = np.hstack([is_in, time[:, None]])
    else:
        of_weights = of_targets = is_in

    mean_all = np.empty((cases, n))
    weights_all = np.empty((cases, n))
    level_weights = np.empty((cases, levels))
    level_time = np.zeros((cases, levels))
    effect = np.empty((cases, levels))
    slope = np.zeros(cases)
    information = np.full(cases, np.inf)
    converged = np.zeros(cases, dtype=bool)

    todo = np.arange(cases)
    y, log_y, p, o = counts, log_counts, prior, offset
    mean = y + 0.1
    eta = np.log(mean)
    total = _total(y, p)
    before = _deviance(y, log_y, eta, mean, p, total)
    for step in range(_MOST_STEPS):
        target = eta * mean if o is None else (eta - o) * mean
        target += y
        target -= mean
        weights = mean
        if p is not None:
            weights = mean * p
            target *= p
        sums = weights @ of_weights
        targets = target @ of_targets
        own = sums[:, :levels]
        safe = np.where(own > 0, own, 1.0)
        level_target = targets[:, :levels] / safe
        if with_time:
            centred = sums[:, levels : 2 * levels] / safe
            info = sums[:, 2 * levels] - np.einsum(
                "cl,cl->c", centred, sums[:, levels : 2 * levels]
            )
            aliased = info <= _ALIASED * sums[:, 2 * levels]
            info[aliased] = np.inf
            b = (targets[:, levels] - np.einsum("cl,cl->c", centred, targets[:, :levels])) / info
            a = level_target - b[:, None] * centred
            eta = np.take(a, rows.level, axis=1)
            eta += b[:, None] * time
        else:
            a = level_target
            eta = np.take(a, rows.level, axis=1)
        if o is not None:
            eta += o
        previous = mean
        mean = np.exp(eta)
        np.maximum(mean, _SMALLEST_MEAN, out=mean)
        deviance = _deviance(y, log_y, eta, mean, p, total)
        with np.errstate(invalid="ignore"):
            rests = np.abs(deviance - before) / (np.abs(deviance) + 0.1) < _TOLERANCE
        broken = ~np.isfinite(deviance)
        if with_time:
            broken |= aliased
            rests &= ~aliased
        ends = rests | broken if step < _MOST_STEPS - 1 else np.ones_like(rests)
        before = deviance
        if not ends.any():
            continue
        where = todo[ends]
        converged[where] = rests[ends]
        mean_all[where] = mean[ends]
        used = previous[ends]
        weights_all[where] = used if p is None else used * p[ends]
        level_weights[where] = own[ends]
        if with_time:
            level_time[where] = centred[ends] + centre
            slope[where] = b[ends]
            information[where] = info[ends]
            effect[where] = a[ends] - (b[ends] * centre)[:, None]
        else:
            effect[where] = a[ends]
        if ends.all():
            break
        left = ~ends
        todo, y, log_y, mean, eta = todo[left], y[left], log_y[left], mean[left], eta[left]
        p = None if p is None else p[left]
        o = None if o is None else o[left]
        total, before = total[left], before[left]

    if prior is None:
        degrees = np.full(cases, float(n - levels - with_time))
    else:
        degrees = (prior > 0).sum(axis=1) - (level_weights > 0).sum(axis=1) - float(with_time)
    return Fit(
        converged,
        mean_all,
        weights_all,
        level_weights,
        level_time,
        effect,
        slope,
        information,
        degrees,
    )


def _total(counts: Array, prior: Array | None) -> Array:
    return counts.sum(axis=1) if prior is None else np.einsum("cn,cn->c", counts, prior)


def _deviance(
    counts: Array, log_counts: Array, eta: Array, mean: Array, prior: Array | None, total: Array
) -> Array:
    """Half the deviance would do for the rule, but R's 0.1 is added to the whole."""
    gap = log_counts - eta
    if prior is None:
        return 2.0 * (np.einsum("cn,cn->c", counts, gap) + mean.sum(axis=1) - total)
    gap *= prior
    return 2.0 * (np.einsum("cn,cn->c", counts, gap) + np.einsum("cn,cn->c", mean, prior) - total)


def dispersion(weights: Array, residuals: Array, degrees: Array) -> Array:
    """Sum of weights times squared working residuals over the degrees of freedom (C,)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.einsum("cn,cn->c", weights, residuals * residuals) / degrees
    return np.where(degrees > 0, found, np.nan)


class WaveFit(NamedTuple):
    """One fit per case of the same columns (C cases, n rows, p columns).

    ``is_converged`` (C,); ``coefficients`` (C, p); ``unscaled`` (C, p, p): covariance at dispersion
    1; ``mean`` and ``weights`` (C, n): working weights of the last step; ``degrees`` (C,).
    NaN where the columns cannot be told apart in the rows with weight.
    """

    is_converged: Flags
    coefficients: Array
    unscaled: Array
    mean: Array
    weights: Array
    degrees: Array


def fit_waves(
    counts: Array, design: Array, prior: Array | None = None, *, start: Array | None = None
) -> WaveFit:
    """Quasi-Poisson fit of log(mean) = design @ coefficients for each case, as R's ``glm``.

    ``counts`` (C, n), 0 or more, none missing (weight 0 leaves a row out); ``design`` (n, p);
    ``prior`` (C, n) weights from 0; ``start`` (C, n): means to begin at, where they are finite
    (counts + 0.1 unless given).
    """
    cases, n = counts.shape
    columns = design.shape[1]
    prior = np.ones((cases, n)) if prior is None else prior
    rows, others = np.tril_indices(columns)
    products = design[:, rows] * design[:, others]
    log_counts = np.log(np.where(counts > 0, counts, 1.0))
    total = _total(counts, prior)
    mean = counts + 0.1
    if start is not None:
        mean = np.where(np.isfinite(start).all(axis=1)[:, None], start, mean)
    eta = np.log(mean)
    coefficients = np.full((cases, columns), np.nan)
    information = np.zeros((cases, columns, columns))
    weights = prior * mean
    before = _deviance(counts, log_counts, eta, mean, prior, total)
    converged = np.zeros(cases, dtype=bool)
    degrees = (prior > 0).sum(axis=1) - float(columns)
    todo = np.flatnonzero(degrees >= 0)
    for _ in range(_MOST_STEPS):
        if todo.size == 0:
            break
        y, p, m, e = counts[todo], prior[todo], mean[todo], eta[todo]
        w = p * m
        half = w @ products
        left = np.empty((todo.size, columns, columns))
        left[:, rows, others] = left[:, others, rows] = half
        right = (p * (e * m + y - m)) @ design
        b, sound = _solve(half, right)
        e = b @ design.T
        with np.errstate(over="ignore", invalid="ignore"):
            m = np.maximum(np.exp(e), _SMALLEST_MEAN)
            now = _deviance(y, log_counts[todo], e, m, p, total[todo])
            rests = np.abs(now - before[todo]) / (np.abs(now) + 0.1) < _TOLERANCE
        coefficients[todo], information[todo], weights[todo] = b, left, w
        mean[todo], eta[todo], before[todo] = m, e, now
        converged[todo] = rests & sound
        todo = todo[~rests & sound & np.isfinite(now)]
    unscaled = np.full_like(information, np.nan)
    there = np.flatnonzero(np.isfinite(coefficients).all(axis=1))
    if there.size:
        unscaled[there] = np.linalg.inv(information[there])
    return WaveFit(converged, coefficients, unscaled, mean, weights, degrees)


def _solve(half: Array, right: Array) -> tuple[Array, Flags]:
    """Solutions (C, p) of symmetric equations, and which could be solved.

    ``half`` (C, p (p + 1) / 2): the lower triangle, row by row; ``right`` (C, p). Cholesky of the
    equations scaled to a diagonal of 1, all cases at once for each of the few columns: a column
    that is a combination of those before it, or has no weight, leaves no pivot (NaN).
    """
    columns = right.shape[1]
    at = np.zeros((columns, columns), dtype=np.int64)
    at[np.tril_indices(columns)] = np.arange(half.shape[1])
    a = np.ascontiguousarray(half.T)
    diagonal = a[np.diag(at)]
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    sound = (diagonal > 0).all(axis=0)
    lower = np.zeros((columns, columns, len(half)))
    x = right.T / scale
    with np.errstate(invalid="ignore"):
        for j in range(columns):
            below = a[at[j:, j]] / (scale[j:] * scale[j])
            if j:
                below -= (lower[j:, :j] * lower[j, :j]).sum(axis=1)
            sound &= below[0] > _ALIASED
            lower[j:, j] = below / np.sqrt(np.where(below[0] > _ALIASED, below[0], 1.0))
        for j in range(columns):
            x[j] = (x[j] - (lower[j, :j] * x[:j]).sum(axis=0)) / lower[j, j]
        for j in reversed(range(columns)):
            x[j] = (x[j] - (lower[j + 1 :, j] * x[j + 1 :]).sum(axis=0)) / lower[j, j]
    return np.where(sound, x / scale, np.nan).T, sound
