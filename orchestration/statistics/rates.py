"""Ratios on the log scale, over-dispersion, verdicts, and rules for small counts.

Belongs here: ratios of rates and of risks with a standard error of their logarithm, the dispersion
that monthly counts show, Byar's interval, what an interval lets one say, and which counts are too
small to say it about. Does not belong here: exact intervals (``intervals``), models of a series
with a change in it (``segmented``), and hiding of figures in what is published.

Functions take scalars or arrays that broadcast together; missing (NaN) in one is NaN in the result.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from orchestration.statistics.intervals import (
    Interval,
    poisson_interval,
    rate_ratio_interval,
    rate_ratio_p_value,
)
from orchestration.statistics.loglinear import (
    autoregression,
    fit_log_linear,
    seasonal,
    trend,
)

Array = NDArray[np.float64]
Season = Literal["harmonics", "calendar"]

UP = "up"
DOWN = "down"
NO_DIFFERENCE = "not distinguishable from chance"
NOT_ASSESSED = "not assessed"

LEAST_FOR_PERCENTAGE = 20
LEAST_SHOWN = 8
LEAST_MONTHS = 36


class LogRatio(NamedTuple):
    """The logarithm of a ratio and the standard error of that logarithm."""

    log: Array
    standard_error: Array


class Dispersion(NamedTuple):
    """How much more monthly counts scatter than a Poisson's; each of the shape of the series.

    ``phi``: variance over mean of one month's count about its trend and season, at least 1 (below
    it is as a rule chance, and would give intervals shorter than a Poisson's). ``phi_of_sums``: the
    same for the sum of a year, larger than ``phi`` where months resemble their neighbours, never
    smaller: the one to compare years with. ``raw``: ``phi`` before it was raised to 1. ``rho``:
    correlation of neighbouring months. ``degrees_of_freedom`` of the fit, ``months`` known.
    ``status``: ``fitted``, or why there is no figure (the others are NaN then).
    """

    phi: Array
    phi_of_sums: Array
    raw: Array
    rho: Array
    degrees_of_freedom: Array
    months: NDArray[np.int64]
    status: NDArray[np.str_]


class CountRatio(NamedTuple):
    """A ratio of two counts' rates: its interval, two-sided p-value of equal rates, and method.

    ``method``: ``exact`` or ``quasi_poisson``, for each ratio.
    """

    interval: Interval
    p_value: Array
    method: NDArray[np.str_]


# ------------------------------------------------------------------------------ ratios, log scale


def log_rate_ratio(
    count_a: ArrayLike,
    exposure_a: ArrayLike,
    count_b: ArrayLike,
    exposure_b: ArrayLike,
    phi: ArrayLike = 1.0,
) -> LogRatio:
    """(count_a / exposure_a) / (count_b / exposure_b) with the error of over-dispersed counts.

    ``phi``: variance over mean of the counts (1: Poisson, the Wald interval). The standard error of
    the logarithm is sqrt(phi * (1 / count_a + 1 / count_b)): quasi-Poisson, McCullagh and Nelder,
    Generalized Linear Models, 2nd ed. (1989), section 6.2. ``exposure_*`` above 0, in one unit.

    A count of 0 gives a logarithm of minus or plus infinity (NaN for two) with an infinite error:
    no interval on this scale, so use ``intervals.rate_ratio_interval``. Raises ValueError for a
    negative count, an exposure or a phi that is not above 0. Counts may be estimates.
    """
    a, b = _from_zero(count_a, "count_a"), _from_zero(count_b, "count_b")
    ea, eb = _above_zero(exposure_a, "exposure_a"), _above_zero(exposure_b, "exposure_b")
    scale = _above_zero(phi, "phi")
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(a / ea) - np.log(b / eb)
        error = np.sqrt(scale * (1.0 / a + 1.0 / b))
    return _together(log, error)


def log_risk_ratio(
    successes_a: ArrayLike, trials_a: ArrayLike, successes_b: ArrayLike, trials_b: ArrayLike
) -> LogRatio:
    """(successes_a / trials_a) / (successes_b / trials_b), a ratio of two proportions.

    The standard error of the logarithm is sqrt(1/a - 1/A + 1/b - 1/B): Katz, Baptista, Azen and
    Pike, Biometrics 34 (1978) 469-474. No successes on a side: as a count of 0 in
    ``log_rate_ratio``. Raises ValueError for a negative number, no trials, or successes above
    trials.
    """
    a, b = _from_zero(successes_a, "successes_a"), _from_zero(successes_b, "successes_b")
    n, m = _above_zero(trials_a, "trials_a"), _above_zero(trials_b, "trials_b")
    if np.any(a > n) or np.any(b > m):
        raise ValueError("successes must not exceed trials")
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(a / n) - np.log(b / m)
        error = np.sqrt(1.0 / a - 1.0 / n + 1.0 / b - 1.0 / m)
    return _together(log, error)


def change_of_ratio(now: LogRatio, before: LogRatio) -> LogRatio:
    """The ratio of two independent ratios, ``now`` over ``before``: their variances add.

    For example how a disproportionality changed between two periods (four terms in the error), or
    the change in a force over the change elsewhere.
    """
    with np.errstate(invalid="ignore"):
        log = np.asarray(now.log) - np.asarray(before.log)
    return _together(log, np.hypot(now.standard_error, before.standard_error))


def ratio_interval(
    ratio: LogRatio, level: float = 0.95, degrees_of_freedom: ArrayLike = np.inf
) -> Interval:
    """Interval exp(log -+ quantile * error) of a ratio.

    ``degrees_of_freedom``: of the phi behind the error where that was estimated (Student's t in
    place of the normal). The estimate of a ratio with a count of 0 is 0, infinite or NaN and its
    limits are NaN. Raises ValueError for a level outside (0, 1) or degrees of freedom not above 0.
    """
    half = t_quantile(level, degrees_of_freedom) * ratio.standard_error
    with np.errstate(invalid="ignore", over="ignore"):
        bounded = np.isfinite(half)
        lower = np.where(bounded, np.exp(ratio.log - half), np.nan)
        upper = np.where(bounded, np.exp(ratio.log + half), np.nan)
        estimate = np.broadcast_to(np.exp(ratio.log), lower.shape)
    return Interval(estimate[()], lower[()], upper[()])


def ratio_p_value(ratio: LogRatio, degrees_of_freedom: ArrayLike = np.inf) -> Array:
    """Two-sided p-value of a ratio of 1; below 1 - level exactly when the interval leaves out 1.

    NaN where a count is 0. Arguments as for ``ratio_interval``.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.asarray(ratio.log / np.asarray(ratio.standard_error))
    z = np.where(np.isinf(ratio.standard_error), np.nan, z)
    return t_p_value(z, degrees_of_freedom)


def count_ratio(
    count_a: ArrayLike,
    exposure_a: ArrayLike,
    count_b: ArrayLike,
    exposure_b: ArrayLike,
    phi: ArrayLike = np.nan,
    degrees_of_freedom: ArrayLike = np.inf,
    level: float = 0.95,
) -> CountRatio:
    """Rate of a over rate of b: exact, or quasi-Poisson where the counts are over-dispersed.

    The exact conditional interval and p-value (``intervals``) where ``phi`` is unknown (NaN) or not
    above 1, and where a count is 0; else those of ``log_rate_ratio`` with ``phi`` and Student's t
    with ``degrees_of_freedom``, of the fit that phi is from. That one is an approximation, shorter
    than the exact one for small counts and phi just above 1, and over-dispersion never makes a
    ratio surer: each limit and the p-value are the more cautious of the two.

    Counts, exposures and errors as for ``intervals.rate_ratio_interval``; phi above 0 (or NaN).
    """
    exact = rate_ratio_interval(count_a, exposure_a, count_b, exposure_b, level)
    p_value = rate_ratio_p_value(count_a, exposure_a, count_b, exposure_b)
    scale = np.asarray(phi, dtype=np.float64)
    ratio = log_rate_ratio(
        count_a, exposure_a, count_b, exposure_b, np.where(np.isnan(scale), 1.0, scale)
    )
    degrees = np.asarray(degrees_of_freedom, dtype=np.float64)
    degrees = np.where(np.isnan(degrees), np.inf, degrees)
    wide = ratio_interval(ratio, level, degrees)
    dispersed = (scale > 1.0) & np.isfinite(np.asarray(wide.lower + wide.upper))
    lower = np.where(dispersed, np.fmin(wide.lower, exact.lower), exact.lower)
    upper = np.where(dispersed, np.fmax(wide.upper, exact.upper), exact.upper)
    p = np.where(dispersed, np.fmax(ratio_p_value(ratio, degrees), p_value), p_value)
    estimate = np.broadcast_to(exact.estimate, lower.shape)
    method = np.where(dispersed, "quasi_poisson", "exact")
    return CountRatio(Interval(estimate[()], lower[()], upper[()]), p[()], method[()])


def dispersion_of_chance(
    count_a: ArrayLike,
    exposure_a: ArrayLike,
    count_b: ArrayLike,
    exposure_b: ArrayLike,
    level: float = 0.95,
) -> Array:
    """The phi at which the interval of ``log_rate_ratio`` just holds 1.

    With counts that scatter so much more than a Poisson's, the ratio would not be distinguishable
    from chance: how much over-dispersion a finding stands, where phi itself cannot be estimated. At
    or below 1 the ratio is no finding in the first place. NaN where a count is 0. Errors as there.
    """
    ratio = log_rate_ratio(count_a, exposure_a, count_b, exposure_b)
    with np.errstate(invalid="ignore"):
        z = np.asarray(ratio.log / ratio.standard_error / t_quantile(level))
    return np.where(np.isinf(ratio.standard_error), np.nan, z**2)[()]


def fisher_p_value(
    successes_a: ArrayLike, trials_a: ArrayLike, successes_b: ArrayLike, trials_b: ArrayLike
) -> Array:
    """Two-sided p-value of equal proportions by Fisher's exact test, for small tables.

    Sums the tables no likelier than the one observed (scipy.stats.fisher_exact). One table at a
    time: meant for dozens, not millions. Whole numbers; errors as for ``log_risk_ratio``.
    """
    a, b = _from_zero(successes_a, "successes_a"), _from_zero(successes_b, "successes_b")
    n, m = _above_zero(trials_a, "trials_a"), _above_zero(trials_b, "trials_b")
    if any(np.any(v != np.floor(v)) for v in (v[~np.isnan(v)] for v in (a, b, n, m))):
        raise ValueError("successes and trials must be whole numbers (or missing)")
    if np.any(a > n) or np.any(b > m):
        raise ValueError("successes must not exceed trials")

    def one(a: float, n: float, b: float, m: float) -> float:
        if np.isnan(a + n + b + m):
            return np.nan
        return float(stats.fisher_exact([[int(a), int(n - a)], [int(b), int(m - b)]]).pvalue)

    return np.vectorize(one, otypes=[np.float64])(a, n, b, m)[()]


def t_quantile(level: float, degrees_of_freedom: ArrayLike = np.inf) -> Array:
    """Two-sided quantile of Student's t; the normal's where the degrees of freedom are infinite."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; it lies between 0 and 1, for example 0.95")
    df = _degrees(degrees_of_freedom)
    upper = (1.0 + level) / 2.0
    finite = np.where(np.isinf(df), 1.0, df)
    return np.where(np.isinf(df), special.ndtri(upper), special.stdtrit(finite, upper))[()]


def t_p_value(statistic: ArrayLike, degrees_of_freedom: ArrayLike = np.inf) -> Array:
    """Two-sided p-value of a t statistic (of a normal one where the degrees are infinite)."""
    df = _degrees(degrees_of_freedom)
    below = -np.abs(np.asarray(statistic, dtype=np.float64))
    finite = np.where(np.isinf(df), 1.0, df)
    return (2.0 * np.where(np.isinf(df), special.ndtr(below), special.stdtr(finite, below)))[()]


def byar_interval(counts: ArrayLike, level: float = 0.95) -> Interval:
    """Byar's approximate interval for the mean of a Poisson count.

    What English public health profiles publish; close to the exact interval of
    ``intervals.poisson_interval`` above about 10 events, and given here so that such figures can be
    reproduced. The lower limit of 0 events is 0. Breslow and Day, Statistical Methods in Cancer
    Research II (IARC 1987), p. 69. Inputs and errors as for ``intervals.poisson_interval``.
    """
    x = np.asarray(poisson_interval(counts, level).estimate)  # checks counts and level
    z = special.ndtri((1.0 + level) / 2.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        below = 1.0 - 1.0 / (9.0 * x) - z / (3.0 * np.sqrt(x))
        lower = np.where(x == 0, 0.0, x * np.maximum(below, 0.0) ** 3)
    lower = np.where(np.isnan(x), np.nan, lower)
    upper = (x + 1.0) * (1.0 - 1.0 / (9.0 * (x + 1.0)) + z / (3.0 * np.sqrt(x + 1.0))) ** 3
    return Interval(x[()], lower[()], upper[()])


# -------------------------------------------------------------------------------- over-dispersion


def dispersion(
    counts: ArrayLike,
    exposures: ArrayLike = 1.0,
    *,
    season: Season = "calendar",
    harmonics: int = 2,
    period: int = 12,
    least_months: int = LEAST_MONTHS,
) -> Dispersion:
    """Dispersion of monthly counts about their trend and season.

    ``counts`` (..., n): n consecutive months before the change in question, NaN where missing or
    to be left out (a lockdown); ``exposures``: days, population or both, broadcasts to it. A step
    within the series would count as scatter, so give a stretch without one.

    ``season``: ``calendar``, a factor for each year (each ``period`` months from the first) and
    one for each month of it, whatever the shape of the season; without gaps the chi-squared test of
    the table of years by months. A steady trend is no scatter there either, being the same within
    each year. ``harmonics``: a log-linear trend and that many pairs of cosine and sine. It has more
    degrees of freedom (30 in 36 months against 22) and works where a calendar month has no events,
    but counts as scatter what the curve misses of the season, which in large counts is most of it.

    phi is Pearson's chi-squared over its degrees of freedom in the quasi-Poisson fit: McCullagh and
    Nelder, Generalized Linear Models, 2nd ed. (1989), section 4.5. ``phi_of_sums`` is that of the
    sum of one period under autoregressive errors of first order (``loglinear.autoregression``):
    phi * (1 + 2 * sum of (1 - l / period) * rho ** l).

    Fewer than ``least_months`` known months give the status ``too few points``, others as in
    ``loglinear.fit_log_linear``. Raises ValueError for a broken count, an exposure not above 0,
    another season, or more harmonics than half the period.
    """
    y = np.asarray(counts, dtype=np.float64)
    n, shape = y.shape[-1], y.shape[:-1]
    if season == "harmonics":
        columns = [np.ones(n), trend(n), seasonal(n, harmonics, period)]
    elif season == "calendar":
        columns = [np.eye(-(-n // period))[np.arange(n) // period]]
        columns.append(np.eye(period)[np.arange(n) % period][:, 1:])
    else:
        raise ValueError(f"season is {season!r}; choose harmonics or calendar")
    design = np.column_stack(columns)
    offset = np.log(np.broadcast_to(_above_zero(exposures, "exposures"), y.shape))
    fit = fit_log_linear(
        y.reshape(-1, n),
        design,
        offset.reshape(-1, n),
        least_degrees=max(1, least_months - design.shape[1]),
    )
    rho, unbiased = autoregression(fit, design)
    lag = np.arange(1.0, period)
    longer = 1.0 + 2.0 * ((1.0 - lag / period) * rho[:, None] ** lag).sum(axis=1)
    phi = np.maximum(fit.phi, 1.0)
    found = (
        phi,
        np.maximum(np.maximum(unbiased, 1.0) * longer, phi),
        fit.phi,
        rho,
        fit.degrees_of_freedom,
        (~np.isnan(y + offset)).sum(axis=-1),
        fit.status,
    )
    return Dispersion(*(np.reshape(part, shape)[()] for part in found))


def series_dispersion(
    counts: ArrayLike,
    exposures: ArrayLike = 1.0,
    *,
    period: int = 12,
    least_months: int = LEAST_MONTHS,
) -> tuple[Dispersion, NDArray[np.str_]]:
    """``dispersion`` of many series of unequal length: by calendar, else by harmonics.

    ``counts`` (S, n), NaN outside of a series as where missing. Returns with it the season that was
    used for each: ``calendar``; ``harmonics`` where that cannot be fitted (a calendar month without
    events, or too few months for its columns); ``none`` where neither can, with the status of the
    first. Series are taken together by the first and last month that they have, because columns
    for years that a series does not reach cannot be fitted. Of quarters (``period`` 4) twelve are
    as long as 36 months. Errors as for ``dispersion``.
    """
    y = np.asarray(counts, dtype=np.float64)
    scale = np.broadcast_to(_above_zero(exposures, "exposures"), y.shape)
    series, n = y.shape
    parts = {
        name: np.full(series, np.nan)
        for name in ("phi", "phi_of_sums", "raw", "rho", "degrees_of_freedom")
    }
    status = np.full(series, "too few points", dtype="<U16")
    season = np.full(series, "none", dtype="<U9")
    known = ~np.isnan(y)
    has = known.any(axis=1)
    first, last = np.zeros(series, dtype=np.int64), np.zeros(series, dtype=np.int64)
    if has.any():
        first[has] = known[has].argmax(axis=1)
        last[has] = n - known[has, ::-1].argmax(axis=1)
    for start, stop in {(int(a), int(b)) for a, b in zip(first[has], last[has], strict=True)}:
        left = np.flatnonzero(has & (first == start) & (last == stop))
        if stop - start < least_months:
            continue
        choices: tuple[Season, ...] = ("calendar", "harmonics")
        for name in choices:
            found = dispersion(
                y[left, start:stop],
                scale[left, start:stop],
                season=name,
                period=period,
                least_months=least_months,
            )
            fitted = np.asarray(found.status) == "fitted"
            if name == "calendar":
                status[left] = found.status
            for part, values in parts.items():
                values[left[fitted]] = np.asarray(getattr(found, part))[fitted]
            season[left[fitted]], status[left[fitted]] = name, "fitted"
            left = left[~fitted]
            if not left.size:
                break
    months = known.sum(axis=1)
    return Dispersion(**parts, months=months, status=status), season


# ------------------------------------------------------------------------------- what can be said


def verdict(interval: Interval, null: float = 1.0) -> NDArray[np.str_]:
    """What an interval says of a ratio, in words, of its shape.

    ``up`` where it lies wholly above ``null``, ``down`` where wholly below, ``not distinguishable
    from chance`` where it holds ``null``, ``not assessed`` where a limit or the estimate is
    unknown. It says nothing of the cause: recording and crime both move a ratio.
    """
    estimate, lower, upper = np.broadcast_arrays(*interval)
    found = np.full(estimate.shape, NO_DIFFERENCE, dtype=f"<U{len(NO_DIFFERENCE)}")
    found[lower > null] = UP
    found[upper < null] = DOWN
    found[np.isnan(estimate + lower) | np.isnan(upper)] = NOT_ASSESSED
    return found[()]


def percentage_allowed(
    count_a: ArrayLike, count_b: ArrayLike, least: int = LEAST_FOR_PERCENTAGE
) -> NDArray[np.bool_]:
    """Whether a change between two counts may be given as a percentage: both are ``least`` or more.

    Below that one event more or less moves it by 5 percentage points and more, so counts and
    their interval are given instead. False where a count is missing.
    """
    a, b = _from_zero(count_a, "count_a"), _from_zero(count_b, "count_b")
    return np.asarray((a >= least) & (b >= least))[()]


def too_small_to_show(counts: ArrayLike, least: int = LEAST_SHOWN) -> NDArray[np.bool_]:
    """Whether a count of patients is 1 to ``least`` - 1, which hospital statistics do not show.

    NHS England's rule for hospital and emergency care statistics below national level: 1 to 7 are
    hidden, 0 is shown. False where missing. It is the first step only: totals must not give a
    hidden cell away, which the publisher of a table sees to.
    """
    x = _from_zero(counts, "counts")
    return np.asarray((x > 0) & (x < least))[()]


def zero_upper_bound(trials: ArrayLike, level: float = 0.95) -> Array:
    """One-sided upper bound of a proportion of which 0 in ``trials`` were seen.

    1 - (1 - level) ** (1 / trials): at that proportion, none in so many would be seen with
    probability 1 - level (about 3 / trials at 95%; Hanley and Lippman-Hand, JAMA 249 (1983)
    1743-1745). 1 for no trials. Raises ValueError for negative trials or a level outside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; it lies between 0 and 1, for example 0.95")
    n = _from_zero(trials, "trials")
    with np.errstate(divide="ignore"):
        return (-np.expm1(np.log1p(-level) / n))[()]


# ------------------------------------------------------------------------------------------ inputs


def _from_zero(values: ArrayLike, name: str) -> Array:
    x = np.asarray(values, dtype=np.float64)
    if np.any(x < 0) or np.any(np.isinf(x)):
        raise ValueError(f"{name} must be 0 or more and finite (or missing)")
    return x


def _above_zero(values: ArrayLike, name: str) -> Array:
    x = np.asarray(values, dtype=np.float64)
    if np.any(x <= 0) or np.any(np.isinf(x)):
        raise ValueError(f"{name} must be above 0 and finite (or missing)")
    return x


def _degrees(values: ArrayLike) -> Array:
    df = np.asarray(values, dtype=np.float64)
    if np.any(df <= 0):
        raise ValueError("degrees of freedom must be above 0 (infinite: a known dispersion)")
    return df


def _together(log: Array, error: Array) -> LogRatio:
    """NaN in one of the two is NaN in both, but for infinite errors of an unknown logarithm."""
    log, error = np.broadcast_arrays(log, error)
    log = np.where(np.isnan(error), np.nan, log)
    error = np.where(np.isnan(log) & ~np.isinf(error), np.nan, error)
    return LogRatio(log[()], error[()])
