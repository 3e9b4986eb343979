"""The Farrington detector of 1996, as ``algo.farrington`` of R's surveillance runs it.

Farrington, Andrews, Beale and Catchpole, J. R. Statist. Soc. A 159 (1996) 547-563. Belongs here:
the original form, kept for comparison with published results. Does not belong here: what the
product raises alerts with (``farrington.farrington_flexible``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.detectors import baseline
from orchestration.detectors.baseline import Rows
from orchestration.detectors.counts import Array, Flags, series_by_time, time_points
from orchestration.detectors.reference_points import days_of, same_day_earlier

_EXPONENTS = {"2/3": 2 / 3, "1/2": 1 / 2, "none": 1.0}
_WEIGHTS_THRESHOLD = 1.0
_P_TREND = 0.05


class ClassicResult(NamedTuple):
    """``t`` (k,), counted from 1; the rest (k, series), or (k,) for one series.

    ``upperbound`` and ``score`` are 0 where ``limit54`` holds (as R's). ``expected``: mean count.
    ``p``: P(at least this count). ``phi``, ``trend`` and ``alarm`` as in ``FarringtonResult``.
    """

    t: NDArray[np.int64]
    upperbound: Array
    lowerbound: Array
    expected: Array
    score: Array
    p: Array
    phi: Array
    trend: Flags
    alarm: Flags


def farrington_classic(
    counts: ArrayLike,
    freq: int,
    *,
    dates: Sequence[object] | ArrayLike | None = None,
    range: Sequence[int] | ArrayLike | None = None,
    b: int = 5,
    w: int = 3,
    reweight: bool = True,
    alpha: float = 0.05,
    trend: bool = True,
    limit54: tuple[float, int] = (5, 4),
    powertrans: str = "2/3",
) -> ClassicResult:
    """Equal to R's algo.farrington (fitFun algo.farrington.fitGLM.fast); ``alpha`` is two-sided.

    Arguments as in ``farrington_flexible``; ``range`` is freq * b - w to the last unless given.
    Reference points before the series are left out. Missing counts (NaN) take no part, where R
    stops. Raises ValueError for options out of bounds.
    """
    y, is_bare = series_by_time(counts)
    periods, series = y.shape
    if powertrans not in _EXPONENTS:
        raise ValueError(f"powertrans is {powertrans!r}; choose 2/3, 1/2 or none")
    if b < 1 or w < 0 or freq < 1 or not 0 < alpha < 1:
        raise ValueError("freq and b must be 1 or more, w 0 or more, alpha between 0 and 1")
    if limit54[0] < 0 or limit54[1] <= 0:
        raise ValueError("limit54: cases from 0, periods from 1")
    days = days_of(dates, periods)
    if days is not None and freq not in (12, 52, 365):
        raise ValueError(f"with dates freq must be 12, 52 or 365, not {freq}")
    tested = time_points(range, max(freq * b - w, 1), periods)
    out = ClassicResult(
        tested,
        *(np.full((tested.size, series), np.nan) for _ in ClassicResult._fields[1:7]),
        *(np.zeros((tested.size, series), dtype=bool) for _ in ClassicResult._fields[7:]),
    )
    for i, t in enumerate(tested.tolist()):
        point = t - 1
        rows = _by_index(point, freq, b, w) if days is None else _by_date(point, freq, b, w, days)
        first = max(point - int(limit54[1]) + 1, 0)
        total = y[first : point + 1].sum(axis=0)
        if point - int(limit54[1]) + 1 < 0:
            total = np.full(series, np.nan)
        enough = total >= limit54[0]
        found = _at(y, rows, point, b, reweight, trend, alpha, _EXPONENTS[powertrans], enough)
        for field, values in zip(out[1:], found, strict=True):
            field[i] = values
    return ClassicResult(out[0], *(f[:, 0] for f in out[1:])) if is_bare else out


def _by_index(point: int, freq: int, b: int, w: int) -> NDArray[np.int64]:
    centres = point - freq * np.arange(b, 0, -1)
    rows = (centres[:, None] + np.arange(-w, w + 1)).ravel()
    return rows[rows >= 0]


def _by_date(point: int, freq: int, b: int, w: int, days: NDArray[np.int64]) -> NDArray[np.int64]:
    wanted: list[int] = []
    start = dt.date(1970, 1, 1) + dt.timedelta(days=int(days[point]))
    for reference in same_day_earlier(int(days[point]), b, is_weekly=False)[1:]:
        if freq == 12:
            date = dt.date(1970, 1, 1) + dt.timedelta(days=reference)
            for step in np.arange(-w, w + 1).tolist():
                month = date.year * 12 + date.month - 1 + step
                moved = dt.date(month // 12, month % 12 + 1, 1) + dt.timedelta(days=start.day - 1)
                wanted.append((moved - dt.date(1970, 1, 1)).days)
            continue
        length = 7 if freq == 52 else 1
        for step in np.arange(-w, w + 1).tolist():
            day = reference + step * length
            if freq == 52:
                off = (int(days[point]) - day) % 7
                day += off if off <= 3 else off - 7
            wanted.append(day)
    found = np.searchsorted(days, wanted)
    there = found < days.size
    there &= days[np.minimum(found, days.size - 1)] == wanted
    return found[there].astype(np.int64)


def _at(
    y: Array,
    rows: NDArray[np.int64],
    point: int,
    b: int,
    reweight: bool,
    trend: bool,
    alpha: float,
    exponent: float,
    enough: Flags,
) -> tuple[np.ndarray, ...]:
    """All series at one time point."""
    response = np.ascontiguousarray(y[rows].T)
    missing = np.isnan(response)
    prior = np.where(missing, 0.0, 1.0) if missing.any() else None
    response = np.where(missing, 0.0, response)
    shape = Rows(np.zeros(rows.size, dtype=np.int64), 1, (rows - point).astype(np.float64), 0)
    mean, variance, phi, p_trend, converged = _fit(response, prior, shape, reweight, trend)
    largest = np.where(missing, -np.inf, response).max(axis=1)
    with np.errstate(invalid="ignore"):
        keeps = converged & (p_trend < _P_TREND) & (mean <= largest) & (b >= 3) & trend
    again = np.flatnonzero(~keeps) if trend else np.array([], dtype=np.int64)
    if again.size:
        part = None if prior is None else prior[again]
        found = _fit(response[again], part, shape, reweight, False)
        mean[again], variance[again], phi[again] = found[0], found[1], found[2]
    z = float(special.ndtri(1 - alpha / 2))
    count = y[point]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        tau = phi + variance * phi * mean
        deviation = exponent * np.sqrt(mean ** (2 * exponent - 1) * tau)
        centre = mean**exponent
        upper = (centre + z * deviation) ** (1 / exponent)
        lower = np.fmax((centre - z * deviation) ** (1 / exponent), 0.0)
        p = special.ndtr((centre - count**exponent) / deviation)
        score = np.where(enough, (count - mean) / (upper - mean), 0.0)
        alarm = score > 1
    return np.where(enough, upper, 0.0), lower, mean, score, p, phi, keeps, alarm


def _fit(
    y: Array, prior: Array | None, shape: Rows, reweight: bool, trend: bool
) -> tuple[Array, Array, Array, Array, Flags]:
    """Mean and variance (of the log, at dispersion 1) at the tested point, phi, p of the trend."""
    logs = np.log(np.maximum(y, 1.0))
    first = last = baseline.fit(y, logs, shape, with_time=trend, prior=prior)
    plain = baseline.dispersion(first.weights, first.residuals(y), first.degrees)
    phi = np.fmax(plain, 1.0)
    if reweight:
        with np.errstate(invalid="ignore", divide="ignore"):
            s = 1.5 * (np.cbrt(y) ** 2 / np.sqrt(np.cbrt(first.mean)) - np.sqrt(first.mean))
            s /= np.sqrt(phi[:, None] * (1.0 - first.hat(shape)))
            omega = np.where(s > _WEIGHTS_THRESHOLD, 1.0 / (s * s), 1.0)
        there = np.ones_like(y) if prior is None else prior
        omega *= there
        omega *= (there.sum(axis=1) / omega.sum(axis=1))[:, None]
        last = baseline.fit(y, logs, shape, with_time=trend, prior=omega)
        plain = baseline.dispersion(last.weights, last.residuals(y), last.degrees)
        phi = np.fmax(plain, 1.0)
    predictor, variance = last.predict(shape)
    p_trend = np.full(len(y), np.nan)
    if trend:
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.abs(last.slope) / np.sqrt(plain / last.slope_information)
        p_trend = 2 * special.stdtr(last.degrees, -ratio)
    with np.errstate(over="ignore"):
        mean = np.maximum(np.exp(predictor), np.finfo(np.float64).eps)
    return mean, variance, phi, p_trend, first.is_converged
