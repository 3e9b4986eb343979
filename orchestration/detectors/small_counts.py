"""Exact tests of small counts: the last periods against the same periods of earlier years.

Belongs here: the conditional (binomial) test of two Poisson counts laid over whole series, and the
same for counts with more scatter than Poisson (``phi``), which is no longer exact. Does not belong
here: a model of season and trend, which from about 20 a month on sees more (``farrington``,
``seasonal``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.detectors.counts import (
    Array,
    Flags,
    as_counts,
    series_by_time,
    time_points,
)


class ExactResult(NamedTuple):
    """``t`` (k,), counted from 1; the rest (k, series), or (k,) for one series.

    ``current``: events of the last periods; ``earlier``: of the same periods of the years before;
    ``expected``: current events if nothing had changed; ``ratio``: current over expected (infinite
    where nothing is expected, NaN where nothing happened in either). ``p``: P(at least as many
    current ones, given all), ``p_lower``: P(at most as many). ``alarm``, ``alarm_lower``: at or
    below alpha. ``is_assessed``: whether any period could be compared.
    """

    t: NDArray[np.int64]
    current: Array
    earlier: Array
    expected: Array
    ratio: Array
    p: Array
    p_lower: Array
    alarm: Flags
    alarm_lower: Flags
    is_assessed: Flags


def exact_same_period(
    counts: ArrayLike,
    freq: int,
    *,
    periods: int = 3,
    years: int = 3,
    exposure: ArrayLike | None = None,
    prior_weights: ArrayLike | None = None,
    phi: ArrayLike = 1.0,
    alpha: float = 0.01,
    range: Sequence[int] | ArrayLike | None = None,
) -> ExactResult:
    """The last ``periods`` counts against the same periods of each of the ``years`` before.

    ``counts`` (time,) or (time, series), whole, NaN where missing. ``exposure`` (time,) or as
    counts: days or persons at risk, equal unless given. ``prior_weights`` (time,) or as counts: 0
    leaves a time point out (any above 0 keeps it). A period of the year whose current count is
    missing drops out of every year; one missing in an earlier year only drops out of that one, with
    its exposure. ``phi`` (series,) or one number, from 1: variance over mean; above 1 the events
    count as so many fewer independent ones. ``alpha``: of each tail. ``range``: time points from 1,
    those with all years before them unless given. Given the sum, the current count is binomial with
    the share of exposure (Przyborowski and Wilenski, Biometrika 31 (1940) 313-323). Raises
    ValueError for shapes that do not fit, exposure not above 0, phi below 1 and time points without
    the years.
    """
    y, is_bare = series_by_time(counts)
    length = y.shape[0]
    if freq < 1 or years < 1 or not 1 <= periods <= freq or not 0 < alpha < 1:
        raise ValueError("freq, years 1 or more; periods 1 to freq; alpha between 0 and 1")
    at_risk = np.ones_like(y) if exposure is None else as_counts(exposure, y.shape, "exposure")
    if np.any(~(at_risk > 0)):
        raise ValueError("exposure must be above 0")
    scatter = np.broadcast_to(np.asarray(phi, dtype=np.float64), (y.shape[1],))
    if np.any(~(scatter >= 1)):
        raise ValueError("phi must be 1 or more")
    known = ~np.isnan(y)
    if prior_weights is not None:
        known &= as_counts(prior_weights, y.shape, "prior_weights") > 0
    first = years * freq + periods
    tested = time_points(range, first, length)
    if tested.size and (tested.min() < first or tested.max() > length):
        raise ValueError(f"range must lie within {first} and {length}")

    shape = (tested.size, y.shape[1])
    current, earlier, now, before = (np.zeros(shape) for _ in np.arange(4))
    filled = np.where(known, y, 0.0)
    for back in np.arange(periods):
        row = tested - 1 - back
        here = known[row]
        matched = np.zeros(shape, dtype=bool)
        for year in np.arange(1, years + 1):
            then = row - year * freq
            both = here & known[then]
            earlier += np.where(both, filled[then], 0.0)
            before += np.where(both, at_risk[then], 0.0)
            matched |= both
        current += np.where(matched, filled[row], 0.0)
        now += np.where(matched, at_risk[row], 0.0)
    return _tested(tested, current, earlier, now, before, scatter, alpha, is_bare)


def exact_rolling_year(
    counts: ArrayLike,
    freq: int,
    *,
    years: int = 3,
    exposure: ArrayLike | None = None,
    prior_weights: ArrayLike | None = None,
    phi: ArrayLike = 1.0,
    alpha: float = 0.01,
    range: Sequence[int] | ArrayLike | None = None,
) -> ExactResult:
    """The last year against the ``years`` before it: for counts too small for a part of a year.

    Arguments, result and errors as ``exact_same_period`` with a whole year of periods.
    """
    return exact_same_period(
        counts,
        freq,
        periods=freq,
        years=years,
        exposure=exposure,
        prior_weights=prior_weights,
        phi=phi,
        alpha=alpha,
        range=range,
    )


def _tested(
    tested: NDArray[np.int64],
    current: Array,
    earlier: Array,
    now: Array,
    before: Array,
    phi: Array,
    alpha: float,
    is_bare: bool,
) -> ExactResult:
    is_assessed = (now > 0) & (before > 0)
    total = current + earlier
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(is_assessed, now / (now + before), np.nan)
        expected = earlier * now / before
        ratio = current / expected
    p = np.where(is_assessed, 1.0, np.nan)
    p_lower = p.copy()
    x, rest = current / phi, (total - current) / phi
    some = is_assessed & (current > 0)
    p[some] = special.betainc(x[some], rest[some] + 1, share[some])
    some = is_assessed & (current < total)
    p_lower[some] = special.betainc(rest[some], x[some] + 1, 1 - share[some])
    with np.errstate(invalid="ignore"):
        alarm, alarm_lower = p <= alpha, p_lower <= alpha
    blank = [np.where(is_assessed, a, np.nan) for a in (current, earlier, expected, ratio)]
    fields = (*blank, p, p_lower, alarm, alarm_lower, is_assessed)
    return ExactResult(tested, *(f[:, 0] if is_bare else f for f in fields))
