"""Cumulative sums and likelihood ratios that add up small shifts, as R's surveillance runs them.

Rossi, Lampugnani and Marchi, Statistics in Medicine 18 (1999) 2111-2122 (CUSUM); Höhle and Paul,
Computational Statistics and Data Analysis 52 (2008) 4357-4368 (GLR). Belongs here: ``algo.cusum``
and ``algo.glrnb`` of surveillance 1.20.3. Does not belong here: the seasonal, two-sided form that
the product raises alerts with (``seasonal``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.detectors.baseline import fit_waves
from orchestration.detectors.counts import Array, Flags, series_by_time, time_points

Transformation = Literal[
    "standard", "rossi", "anscombe", "anscombe2nd", "pearsonNegBin", "anscombeNegBin", "none"
]
Direction = Literal["inc", "dec"]

_TRANSFORMATIONS = (
    "standard", "rossi", "anscombe", "anscombe2nd", "pearsonNegBin", "anscombeNegBin", "none",
)  # fmt: skip


class CusumResult(NamedTuple):
    """``t`` (k,), counted from 1; the rest (k, series), or (k,) for one series.

    ``m``: expected count. ``cusum``: the sum; not reset by an alarm. ``upperbound``: the count that
    would have raised one (R's approximation; for none and anscombeNegBin the room left below h).
    """

    t: NDArray[np.int64]
    m: Array
    cusum: Array
    upperbound: Array
    alarm: Flags


def cusum(
    counts: ArrayLike,
    *,
    range: Sequence[int] | ArrayLike,
    freq: int = 52,
    start: int = 1,
    k: float = 1.04,
    h: float = 2.26,
    m: ArrayLike | str | None = None,
    trans: Transformation = "standard",
    alpha: float = 0.1,
) -> CusumResult:
    """Upward CUSUM of standardised counts, equal to ``algo.cusum``.

    ``counts`` (time,) or (time, series), whole. ``range``: consecutive time points, from 1; those
    before it estimate the mean. ``m``: the mean (broadcast to (k, series)), None for the mean of
    the training, or ``"glm"`` for a Poisson model with one yearly wave (``freq`` periods a year,
    ``start`` the first point's place in it). ``k`` and ``h``: reference value and decision
    interval. ``alpha``: extra-Poisson variance of the two negative binomial transformations.
    Missing counts make the sum missing from there on, as in R. Raises ValueError for a range that
    leaves no training where a mean is estimated, and for another transformation.
    """
    y, is_bare = series_by_time(counts)
    tested = _range(range, y.shape[0])
    if trans not in _TRANSFORMATIONS:
        raise ValueError(f"trans is {trans!r}; choose one of {', '.join(_TRANSFORMATIONS)}")
    training = y[: tested[0] - 1]
    if (m is None or isinstance(m, str)) and len(training) == 0:
        raise ValueError("range leaves no time point to estimate the mean from")
    if m is None:
        mean = np.broadcast_to(training.mean(axis=0), (tested.size, y.shape[1]))
    elif isinstance(m, str):
        if m != "glm":
            raise ValueError(f"m is {m!r}; choose glm, numbers or None")
        mean = _yearly_wave(training, tested, freq, start)
    else:
        given = np.asarray(m, dtype=np.float64)
        mean = np.broadcast_to(
            given[:, None] if given.ndim == 1 and is_bare else given, (tested.size, y.shape[1])
        )
    x = y[tested - 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        standard = _standardised(x, mean, trans, alpha)
    sums = np.empty_like(x)
    total = np.zeros(x.shape[1])
    before = np.empty_like(x)
    for i in np.arange(tested.size):
        before[i] = total
        total = np.maximum(0.0, total + (standard[i] - k))
        sums[i] = total
    with np.errstate(invalid="ignore"):
        alarm = sums >= h
        bound = _count_bound(mean, before, sums, k, h, trans, alpha)
    bound = np.where(np.isnan(bound) | (bound < 0), 0.0, bound)
    fields = (np.array(mean), sums, bound, alarm)
    return CusumResult(tested, *(f[:, 0] if is_bare else f for f in fields))


def _range(given: Sequence[int] | ArrayLike, periods: int) -> NDArray[np.int64]:
    tested = time_points(given, 1, periods)
    if tested.size == 0 or np.any(np.diff(tested) != 1):
        raise ValueError("range must be consecutive time points, at least one")
    return tested


def _yearly_wave(training: Array, tested: NDArray[np.int64], freq: int, start: int) -> Array:
    """Means of the tested points by R's glm of the training: 1 + cosine + sine."""

    def columns(time: Array) -> Array:
        angle = 2 * np.pi / freq * time
        return np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)], axis=1)

    design = columns(start + np.arange(len(training), dtype=np.float64))
    new = columns(start + tested - 1.0)
    y = training.T
    known = ~np.isnan(y)
    found = fit_waves(np.where(known, y, 0.0), design, known.astype(np.float64))
    return np.exp(new @ found.coefficients.T)


def _standardised(x: Array, m: Array, trans: str, alpha: float) -> Array:
    if trans == "rossi":
        return (x - 3 * m + 2 * np.sqrt(x * m)) / (2 * np.sqrt(m))
    if trans == "standard":
        return (x - m) / np.sqrt(m)
    if trans == "anscombe":
        return 3 / 2 * (np.cbrt(x) ** 2 - np.cbrt(m) ** 2) / m ** (1 / 6)
    if trans == "anscombe2nd":
        return (np.cbrt(x) ** 2 - (np.cbrt(m) ** 2 - m ** (-1 / 3) / 9)) / (2 / 3 * m ** (1 / 6))
    if trans == "pearsonNegBin":
        return (x - m) / np.sqrt(m + alpha * m * m)
    if trans == "anscombeNegBin":
        up = 1.5 * np.cbrt(x) ** 2 * _tabled(alpha * x) - 1.5 * np.cbrt(m) ** 2 * _tabled(alpha * m)
        return up / (m + alpha * m * m) ** (1 / 6)
    return np.array(x)


def _tabled(at: Array) -> Array:
    """R's table of 2F1(1/3, 2/3; 5/3; -at): the nearest hundredth up to 10, then between whole
    numbers up to 100; NaN beyond."""

    def exact(z: Array) -> Array:
        return special.hyp2f1(1 / 3, 2 / 3, 5 / 3, -z)

    near = np.ceil(at * 100 - 0.5) / 100
    low = np.floor(at)
    part = at - low
    between = exact(low) * (1 - part) + exact(low + 1) * part
    return np.where(at <= 10, exact(near), np.where(at <= 100, between, np.nan))


def _count_bound(
    m: Array, before: Array, sums: Array, k: float, h: float, trans: str, alpha: float
) -> Array:
    room = h + k - before
    if trans == "rossi":
        root = np.sqrt(m)
        inner = 4 * m**2 + 2 * m**1.5 * room
        return 2 * room * root + 5 * m - 2 * np.sqrt(inner)
    if trans == "standard":
        return np.ceil(np.sqrt(m) * room + m)
    if trans in ("anscombe", "anscombe2nd"):
        centre = np.cbrt(m) ** 2
        if trans == "anscombe2nd":
            centre = centre - np.cbrt(m) / 9
        return np.maximum(2 / 3 * m ** (1 / 6) * room + centre, 0.0) ** 1.5
    if trans == "pearsonNegBin":
        return np.sqrt(m + alpha * m * m) * room + m
    return h - sums


class GlrResult(NamedTuple):
    """``t`` (k,), counted from 1; the rest (k, series), or (k,) for one series.

    ``mu0``: expected count. ``statistic``: the (generalised) likelihood ratio since the start or
    the last alarm, which starts it anew. ``alarm``: it reached ``c.ARL``.
    """

    t: NDArray[np.int64]
    mu0: Array
    statistic: Array
    alarm: Flags


def glrnb(
    counts: ArrayLike,
    mu0: ArrayLike,
    *,
    range: Sequence[int] | ArrayLike,
    c_ARL: float = 5.0,
    alpha: float = 0.0,
    Mtilde: int = 1,
    M: int = -1,
    theta: float | None = None,
    dir: Direction = "inc",
) -> GlrResult:
    """Change of the mean by an unknown factor (GLR) or by exp(``theta``) (LR), equal to
    ``algo.glrnb`` with change "intercept" and ret "value".

    ``counts`` (time,) or (time, series), whole, none missing. ``mu0``: expected counts of the
    ``range`` (consecutive time points from 1), broadcast to (k, series). ``alpha``: extra-Poisson
    variance, mean + alpha * mean**2; 0 for Poisson. ``M``: how far back a change may lie, -1
    without limit. ``Mtilde``: periods needed to estimate it. ``dir``: inc or dec (GLR only; LR
    follows the sign of ``theta``). Raises ValueError for missing counts and broken options.
    """
    y, is_bare = series_by_time(counts)
    tested = _range(range, y.shape[0])
    x = y[tested - 1]
    given = np.asarray(mu0, dtype=np.float64)
    mean = np.array(
        np.broadcast_to(given[:, None] if given.ndim == 1 and is_bare else given, x.shape)
    )
    if np.isnan(x).any():
        raise ValueError("counts in the range must not be missing")
    if np.any(~(mean > 0)):
        raise ValueError("mu0 must be above 0")
    if dir not in ("inc", "dec"):
        raise ValueError(f"dir is {dir!r}; choose inc or dec")
    if alpha < 0 or Mtilde < 1 or (M != -1 and Mtilde > M):
        raise ValueError("alpha 0 or more, Mtilde 1 or more, M -1 or at least Mtilde")
    sign = 1 if dir == "inc" else -1
    statistic = np.zeros(x.shape)
    alarm = np.zeros(x.shape, dtype=bool)
    if theta is not None:
        total = np.zeros(x.shape[1])
        for n in np.arange(tested.size):
            total = np.maximum(0.0, total + _ratio(x[n], mean[n], alpha, theta))
            statistic[n] = total
            alarm[n] = total > c_ARL
            total = np.where(alarm[n], 0.0, total)
    else:
        since = np.zeros(x.shape[1], dtype=np.int64)  # first period of the running chart
        for n in np.arange(tested.size):
            found = _glr(x, mean, int(n), since, alpha, Mtilde, M, sign)
            statistic[n] = found
            alarm[n] = found >= c_ARL
            since = np.where(alarm[n], n + 1, since)
    statistic = np.where(np.isnan(statistic) | (statistic < 0), 0.0, statistic)
    fields = (mean, statistic, alarm)
    return GlrResult(tested, *(f[:, 0] if is_bare else f for f in fields))


def _ratio(x: Array, mean: Array, alpha: float, theta: float) -> Array:
    if alpha == 0:
        return theta * x + (1 - np.exp(theta)) * mean
    return theta * x + (x + 1 / alpha) * np.log(
        (1 + alpha * mean) / (1 + alpha * mean * np.exp(theta))
    )


def _glr(
    x: Array,
    mean: Array,
    n: int,
    since: NDArray[np.int64],
    alpha: float,
    least: int,
    window: int,
    sign: int,
) -> Array:
    """The statistic of every series at period n. R's window of the Poisson chart differs from that
    of the others: it starts one period later and a change needs ``least`` + 1 periods."""
    windowed_poisson = alpha == 0 and window > 0
    needed = least + 1 if windowed_poisson else least
    earliest = since if window == -1 else np.maximum(since, n - window)
    starts = np.arange(int(earliest.min()), n - needed + 2)
    found = np.zeros(x.shape[1])
    if starts.size == 0:
        return found
    may = starts[:, None] >= earliest  # (starts, series)
    if alpha == 0:
        # Sums from each start to n, latest start first, as R adds them.
        sums = np.cumsum(x[starts[0] : n + 1][::-1], axis=0)[::-1][: starts.size]
        means = np.cumsum(mean[starts[0] : n + 1][::-1], axis=0)[::-1][: starts.size]
        with np.errstate(divide="ignore", invalid="ignore"):
            kappa = sign * np.maximum(0.0, sign * np.log(sums / means))
            value = kappa * sums + (1 - np.exp(kappa)) * means
        value = np.where(may & ~np.isnan(value), value, -np.inf)
    else:
        value = np.where(may, _negative_binomial(x, mean, n, starts, may, alpha, sign), -np.inf)
    best = value.max(axis=0)
    return np.where(may.any(axis=0), np.maximum(best, -1e99), 0.0)


def _negative_binomial(
    x: Array, mean: Array, n: int, starts: NDArray[np.int64], may: Flags, alpha: float, sign: int
) -> Array:
    """Log likelihood ratios (starts, series). R takes each start's estimate from the one before by
    Newton steps, which may leave for infinity; copied, so that what it then says is said too."""
    found = np.full((starts.size, x.shape[1]), -np.inf)
    estimate = np.full(x.shape[1], 0.5)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for i, start in enumerate(starts.tolist()):
            here = np.flatnonzero(may[i])
            xs, ms = x[start : n + 1, here], mean[start : n + 1, here]
            old, new = np.full(here.size, 0.4), estimate[here]
            for _ in np.arange(1000):
                moves = np.flatnonzero((new > -18) & (np.abs(new - old) > 1e-6))
                if moves.size == 0:
                    break
                xm, mm, at = xs[:, moves], ms[:, moves], new[moves]
                grown = np.exp(at) * mm
                score = ((xm - grown) / (1 + alpha * grown)).sum(axis=0)
                information = np.exp(at) * (mm * (alpha * xm + 1) / (1 + alpha * grown) ** 2).sum(
                    axis=0
                )
                old[moves] = at
                new[moves] = at + score / information
            # C's fmax of a number and a NaN is the number.
            kappa = sign * np.fmax(0.0, sign * new)
            estimate[here] = kappa
            found[i, here] = _ratio(xs, ms, alpha, kappa).sum(axis=0)
    return np.where(np.isnan(found), -np.inf, found)
