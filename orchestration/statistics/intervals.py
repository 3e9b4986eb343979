"""Confidence intervals for counts, ratios of two rates, and proportions.

Every function takes scalars or arrays that broadcast together and returns an ``Interval`` of the
broadcast shape (numpy floats for scalars). A missing input (NaN) gives NaN in its place, so that a
month that was not supplied stays unknown and does not become a zero. Counts are whole numbers: an
estimate, a weighted sum or a suppressed range is not a count and is refused.

Belongs here: closed or numerically inverted intervals of one or two counts. Does not belong here:
models of series, standardisation, and what an interval means for a reader.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]
Method = Literal["exact", "midp"]


class Interval(NamedTuple):
    """An estimate with the limits of its two-sided confidence interval, in the same unit."""

    estimate: Array
    lower: Array
    upper: Array


def poisson_interval(counts: ArrayLike, level: float = 0.95) -> Interval:
    """Exact (Garwood) interval for the mean of a Poisson count.

    ``counts``: events observed, whole numbers from 0. Returns the interval of the expected count in
    the same unit; divide by an exposure for a rate. Coverage is at least ``level`` for every mean;
    the lower limit of 0 events is 0.

    Method: quantiles of chi-squared with 2x and 2x + 2 degrees of freedom, halved. Garwood,
    Biometrika 28 (1936) 437-442. Raises ValueError for a negative or broken count, or a level
    outside (0, 1).
    """
    tail = _tail(level)
    x = _counts(counts, "counts")
    with np.errstate(invalid="ignore"):
        lower = np.where(x > 0, special.gammaincinv(np.where(x > 0, x, 1.0), tail), 0.0 * x)
        upper = special.gammainccinv(x + 1.0, tail)
    return Interval(x[()], lower[()], upper[()])


def rate_ratio_interval(
    count_a: ArrayLike,
    exposure_a: ArrayLike,
    count_b: ArrayLike,
    exposure_b: ArrayLike,
    level: float = 0.95,
    method: Method = "exact",
) -> Interval:
    """Interval for (count_a / exposure_a) / (count_b / exposure_b), two independent Poisson counts.

    ``exposure_*``: population, days or anything proportional to it, above 0 and in one unit; 1
    and 1 compare the counts themselves. Given their total, count_a is binomial with odds
    ratio * exposure_a / exposure_b, so an interval of that probability gives one of the ratio.

    ``method``: ``exact`` is Clopper-Pearson (coverage at least ``level``; Przyborowski and
    Wilenski, Biometrika 31 (1940) 313-323); ``midp`` counts half of the observed outcome's
    probability in each tail (shorter, coverage close to ``level`` on average but not
    guaranteed; Berry and Armitage, The Statistician 44 (1995) 417-423).

    With count_b 0 the estimate and the upper limit are infinite; with count_a 0 the estimate
    and the lower limit are 0; with both 0 the estimate is NaN and the interval is 0 to
    infinity. Raises ValueError for a negative or broken count, an exposure that is not above 0,
    a level outside (0, 1) or another method.
    """
    tail = _tail(level)
    a, b, scale = _two_counts(count_a, exposure_a, count_b, exposure_b)
    lower_odds = _LOWER_ODDS[_method(method)]
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = lower_odds(a, b, tail), 1.0 / lower_odds(b, a, tail)
        estimate = a / b * scale
    return Interval(estimate[()], (lower * scale)[()], (upper * scale)[()])


def rate_ratio_p_value(
    count_a: ArrayLike,
    exposure_a: ArrayLike,
    count_b: ArrayLike,
    exposure_b: ArrayLike,
    method: Method = "exact",
) -> Array:
    """Two-sided p-value of equal rates: twice the smaller tail of the binomial, at most 1.

    Agrees with ``rate_ratio_interval``: below 1 - level exactly when the interval of the same
    method leaves out 1. Both counts 0 give 1. Inputs and errors as there.
    """
    a, b, scale = _two_counts(count_a, exposure_a, count_b, exposure_b)
    _method(method)
    probability = 1.0 / (1.0 + scale)  # of falling to a when the rates are equal
    high = _at_least(a, b, probability)
    low = _at_least(b, a, 1.0 - probability)
    if method == "midp":
        high = (high + _at_least(a + 1.0, b - 1.0, probability)) / 2.0
        low = (low + _at_least(b + 1.0, a - 1.0, 1.0 - probability)) / 2.0
    return np.minimum(1.0, 2.0 * np.minimum(high, low))[()]


def wilson_interval(successes: ArrayLike, trials: ArrayLike, level: float = 0.95) -> Interval:
    """Wilson score interval of a proportion, without continuity correction.

    ``successes`` out of ``trials``, whole numbers, 0 <= successes <= trials. Limits are
    fractions in [0, 1]. With 0 trials the estimate is NaN and the interval is 0 to 1. Wilson,
    JASA 22 (1927) 209-212. Raises ValueError as the others do, and where successes exceed
    trials.
    """
    x, n = _proportion(successes, trials)
    z = special.ndtri(1.0 - _tail(level))
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = x / n
        centre = (x + z * z / 2.0) / (n + z * z)
        half = z / (n + z * z) * np.sqrt(x * (n - x) / n + z * z / 4.0)
        # At the ends the limits are 0 and 1 by algebra; rounding would leave 1e-17 beside them.
        lower = np.where(x == 0, 0.0, np.maximum(centre - half, 0.0))
        upper = np.where(x == n, 1.0, np.minimum(centre + half, 1.0))
    return Interval(estimate[()], lower[()], upper[()])


def clopper_pearson_interval(
    successes: ArrayLike, trials: ArrayLike, level: float = 0.95
) -> Interval:
    """Exact interval of a proportion: coverage at least ``level``, longer than Wilson's.

    Inputs, limits and errors as for ``wilson_interval``. Clopper and Pearson, Biometrika 26
    (1934) 404-413.
    """
    tail = _tail(level)
    x, n = _proportion(successes, trials)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = x / n
    lower = _exact_lower_probability(x, n - x, tail)
    upper = 1.0 - _exact_lower_probability(n - x, x, tail)
    return Interval(estimate[()], lower[()], upper[()])


# ----------------------------------------------------------------------------------------- binomial


def _at_least(x: Array, y: Array, probability: Array) -> Array:
    """P(X >= x) for X binomial with x + y trials; x may be one beyond the trials (then 0)."""
    inner = (x > 0) & (y >= 0)
    value = special.betainc(np.where(inner, x, 1.0), np.where(inner, y + 1.0, 1.0), probability)
    found = np.where(inner, value, np.where(x <= 0, 1.0, 0.0))
    return np.where(np.isnan(x + y + probability), np.nan, found)


def _exact_lower_probability(x: Array, y: Array, tail: float) -> Array:
    """The probability at which x or more successes (and y failures) have probability ``tail``."""
    inner = x > 0
    value = special.betaincinv(np.where(inner, x, 1.0), np.where(inner, y + 1.0, 1.0), tail)
    return np.where(np.isnan(x + y), np.nan, np.where(inner, value, 0.0))


def _exact_lower_odds(x: Array, y: Array, tail: float) -> Array:
    """As ``_exact_lower_probability``, as odds; 0 where x is 0, which inverts to infinity."""
    probability = _exact_lower_probability(x, y, tail)
    return probability / (1.0 - probability)


def _midp_lower_odds(x: Array, y: Array, tail: float) -> Array:
    """The odds at which P(X > x) + P(X = x) / 2 is ``tail``; 0 where x is 0.

    Bisection on the logarithm of the odds, so that very small and very large ratios keep their
    relative precision. The exact lower limit is below the root.
    """
    exact = _exact_lower_probability(x, y, tail)
    inner = (x > 0) & (y > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(inner, special.logit(np.where(inner, exact, 0.5)), 0.0)
        high = np.where(inner, np.log(np.where(inner, x, 1.0) / np.where(inner, y, 1.0)), 0.0)

    def tail_at(log_odds: Array) -> Array:
        probability = special.expit(log_odds)
        return (_at_least(x, y, probability) + _at_least(x + 1.0, y - 1.0, probability)) / 2.0

    for _ in range(60):  # at a level near 0 the root may lie above the estimate: step up to it
        short = inner & (tail_at(high) < tail)
        if not short.any():
            break
        high = np.where(short, high + 1.0, high)
    for _ in range(200):
        middle = (low + high) / 2.0
        below = tail_at(middle) < tail
        low, high = np.where(below, middle, low), np.where(below, high, middle)
        if np.all((high - low < 1e-14 * np.maximum(1.0, np.abs(high))) | ~inner):
            break
    odds = np.exp((low + high) / 2.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # y = 0: the tail is probability**x / 2, so the root has a closed form.
        all_a = np.exp(np.log(2.0 * tail) / np.where(x > 0, x, 1.0))
        odds = np.where((y == 0) & (x > 0), all_a / (1.0 - all_a), odds)
    odds = np.where(x == 0, 0.0, odds)
    return np.where(np.isnan(x + y), np.nan, odds)


_LOWER_ODDS = {"exact": _exact_lower_odds, "midp": _midp_lower_odds}


# ------------------------------------------------------------------------------------------- inputs


def _method(method: str) -> str:
    if method not in _LOWER_ODDS:
        raise ValueError(f"method is {method!r}; choose exact or midp")
    return method


def _tail(level: float) -> float:
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; it lies between 0 and 1, for example 0.95")
    return (1.0 - level) / 2.0


def _counts(values: ArrayLike, name: str) -> Array:
    x = np.asarray(values, dtype=np.float64)
    known = x[~np.isnan(x)]
    if np.any(known < 0) or np.any(np.isinf(known)) or np.any(known != np.floor(known)):
        raise ValueError(f"{name} must be whole numbers from 0 (or missing)")
    return x


def _two_counts(
    count_a: ArrayLike, exposure_a: ArrayLike, count_b: ArrayLike, exposure_b: ArrayLike
) -> tuple[Array, Array, Array]:
    """The counts and exposure_b / exposure_a, broadcast together; NaN in one is NaN in all."""
    exposures = []
    for values, name in ((exposure_a, "exposure_a"), (exposure_b, "exposure_b")):
        exposure = np.asarray(values, dtype=np.float64)
        if np.any(exposure <= 0) or np.any(np.isinf(exposure)):
            raise ValueError(f"{name} must be above 0 and finite (or missing)")
        exposures.append(exposure)
    a, b, scale = np.broadcast_arrays(
        _counts(count_a, "count_a"), _counts(count_b, "count_b"), exposures[1] / exposures[0]
    )
    missing = np.isnan(a + b + scale)
    return (
        np.where(missing, np.nan, a),
        np.where(missing, np.nan, b),
        np.where(missing, np.nan, scale),
    )


def _proportion(successes: ArrayLike, trials: ArrayLike) -> tuple[Array, Array]:
    x, n = np.broadcast_arrays(_counts(successes, "successes"), _counts(trials, "trials"))
    if np.any(x > n):
        raise ValueError("successes must not exceed trials")
    missing = np.isnan(x + n)
    return np.where(missing, np.nan, x), np.where(missing, np.nan, n)
