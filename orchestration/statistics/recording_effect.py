"""How much of a change is recording: the methods on one scale, and what they leave of the change.

The scale is the *recording effect* g: what was counted in the current period over what the practice
of the baseline would have counted of the same events. 1 is no effect; 1.04 is 4% more. Belongs
here: the recorded change, g by interrupted time series, from records (like for like) and against
admissions, the change left after dividing by g, and the parts of a change. Does not belong here:
the models themselves (``segmented``, ``synthetic_control``, ``hospital_control``), which dates and
forces are used, and verdicts in words for a reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.statistics.hospital_control import over
from orchestration.statistics.intervals import Interval, clopper_pearson_interval
from orchestration.statistics.loglinear import FITTED
from orchestration.statistics.rates import LogRatio, count_ratio, t_quantile
from orchestration.statistics.segmented import Change, cautions, effect_over, one_series
from orchestration.statistics.segmented import segmented_fit as fit_segments

Array = NDArray[np.float64]


class Interruption(NamedTuple):
    """The effect of the changes on S series, over the periods measured.

    ``effect``: ratio to the same series without the changes (S,). ``is_fitted`` (S,) and
    ``reason``: why not. ``vif``: greatest variance inflation of a step or ramp;
    ``condition_number`` of the design; ``rho``, ``phi``; ``used``: periods of the fit; ``notes``:
    what to say beside it (S sentences, empty where there is nothing).
    """

    effect: Interval
    p_value: Array
    is_fitted: NDArray[np.bool_]
    reason: NDArray[np.str_]
    vif: Array
    condition_number: Array
    rho: Array
    phi: Array
    used: NDArray[np.int64]
    notes: NDArray[np.str_]


def recorded_change(
    current: ArrayLike,
    current_exposure: ArrayLike,
    baseline: ArrayLike,
    baseline_exposure: ArrayLike,
    phi: ArrayLike = np.nan,
    degrees_of_freedom: ArrayLike = np.inf,
    level: float = 0.95,
) -> Interval:
    """Ratio of two rates, by the rule that every mart goes by: ``rates.count_ratio``."""
    return count_ratio(
        current, current_exposure, baseline, baseline_exposure, phi, degrees_of_freedom, level
    ).interval


def like_for_like_effect(
    baseline_recorded: ArrayLike,
    baseline_kept: ArrayLike,
    current_recorded: ArrayLike,
    current_kept: ArrayLike,
    level: float = 0.95,
) -> Interval:
    """g from records of which a rule says whether the baseline's practice would have made them.

    The share kept before over the share kept now; ``*_kept`` of ``*_recorded`` are left by the
    rule. Whether a record is kept is binomial within the count: exact limits of either share
    (Clopper and Pearson), combined by ``hospital_control.over``. It carries chance, not whether the
    rule is right. NaN where a period has no records, infinite where none is kept now.
    """
    n, k, m, j = (
        np.asarray(v, dtype=np.float64)
        for v in (current_recorded, current_kept, baseline_recorded, baseline_kept)
    )
    empty = (n <= 0) | (m <= 0)
    now = clopper_pearson_interval(np.where(empty, 0.0, k), np.where(empty, 1.0, n), level)
    before = clopper_pearson_interval(np.where(empty, 0.0, j), np.where(empty, 1.0, m), level)
    found = over(before, now)
    return Interval(*(np.where(empty, np.nan, v)[()] for v in found))


def flag_range_effect(
    baseline_flagged: ArrayLike,
    baseline_unstated: ArrayLike,
    current_recorded: ArrayLike,
    current_kept: ArrayLike,
    current_unstated: ArrayLike,
    level: float = 0.95,
) -> Interval:
    """g where the records also say unequally whether a record counts: a range, no estimate.

    ``*_flagged``, ``current_recorded``: records that count; ``current_kept``: those of them that
    the rule leaves; ``*_unstated``: records the rule leaves of which nobody said. Of the unstated
    any number may count. Least: recorded over kept and unstated now, all unstated before being
    none; greatest: recorded over kept, times what the baseline would have had with all of its
    unstated. Each limit has the chance of its ratio of overlapping counts (delta method).
    """
    m, u, n, k, v = (
        np.asarray(x, dtype=np.float64)
        for x in (
            baseline_flagged,
            baseline_unstated,
            current_recorded,
            current_kept,
            current_unstated,
        )
    )
    least = _overlapping(k, n - k, v)
    kept = like_for_like_effect(np.ones_like(m), np.ones_like(m), n, k, level)
    missed = _overlapping(m, u, np.zeros_like(m))
    z = t_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        lower = np.exp(least.log - z * least.standard_error)
        above = np.hypot(np.log(kept.upper / kept.estimate), z * missed.standard_error)
        upper = kept.estimate * np.exp(missed.log + above)
    return Interval(np.full(np.shape(lower), np.nan)[()], np.asarray(lower)[()], upper[()])


def _overlapping(common: Array, only_above: Array, only_below: Array) -> LogRatio:
    """Log of (common + only_above) / (common + only_below), three independent Poisson counts."""
    above, below = common + only_above, common + only_below
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (
            common * (1.0 / above - 1.0 / below) ** 2
            + only_above / above**2
            + only_below / below**2
        )
        return LogRatio(np.log(above / below), np.sqrt(variance))


def interrupted_effect(
    counts: ArrayLike,
    exposures: ArrayLike,
    starts: Sequence[tuple[str, int]],
    measured: ArrayLike,
    left_out: ArrayLike,
    *,
    together: bool = True,
    period: int = 12,
    level: float = 0.95,
) -> Interruption:
    """g of S series by interrupted time series (``segmented``), over the periods ``measured``.

    ``counts`` (S, n), NaN where missing; ``exposures`` (n,), days; ``starts``: name and first
    period of each change, in order; ``measured`` (n,): periods whose ratio to the series without
    the changes is wanted; ``left_out`` (n,): lockdowns. ``together``: one change, at the last of
    the starts, the periods from the first to it left out, so that it holds all of them at once;
    else a step for each, and a ramp from the last. Quasi-Poisson with autoregressive errors; one
    pair of harmonics for quarters, two for months.

    What is measured must lie after the last start; otherwise, and where a fit is not possible,
    ``reason`` says so and the numbers are NaN.
    """
    y = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    series = y.shape[0]
    wanted = np.flatnonzero(np.asarray(measured, dtype=bool))
    dropped = np.array(left_out, dtype=bool)
    first, last = starts[0][1], starts[-1][1]
    if together:
        dropped[max(first, 0) : max(last, 0)] = True
        names = " and ".join(dict.fromkeys(name for name, _ in starts))
        changes = [Change(names, last)]
    else:
        changes = [Change(name, start, ramp=start == last) for name, start in starts]
    wanted = wanted[wanted >= last]
    if not wanted.size or first <= 0:
        why = "No period that is compared lies after the changes, with periods before them."
        return _no_interruption(series, why)
    fit = fit_segments(
        y,
        changes,
        exposures=exposures,
        harmonics=2 if period == 12 else 1,
        period=period,
        left_out=dropped,
        level=level,
    )
    found = effect_over(fit, wanted)
    fitted = np.asarray(fit.status) == FITTED
    own = [fit.names.index(name) for change in changes for name in change.columns]
    notes = []
    for index in range(series):
        said = cautions(one_series(fit, index)) if fitted[index] else ()
        notes.append(" ".join(s for s in said if "missing or left out" not in s))
    with np.errstate(invalid="ignore"):
        inflation = np.where(fitted, np.max(fit.collinearity.vif[:, own], axis=1), np.nan)
    return Interruption(
        found.ratio,
        found.p_value,
        fitted,
        fit.reason,
        inflation,
        np.where(fitted, fit.collinearity.condition_number, np.nan),
        fit.rho,
        fit.phi,
        fit.used.sum(axis=1),
        np.array(notes, dtype=str),
    )


def _no_interruption(series: int, reason: str) -> Interruption:
    nan = np.full(series, np.nan)
    return Interruption(
        Interval(nan, nan, nan),
        nan,
        np.zeros(series, dtype=bool),
        np.full(series, reason),
        nan,
        nan,
        nan,
        nan,
        np.zeros(series, dtype=np.int64),
        np.full(series, ""),
    )


def adjusted_change(recorded: Interval, effect: Interval) -> Interval:
    """The recorded change over g: ``hospital_control.over`` of the two, as independent.

    With a log-normal g it is what simulating g gives (361 over 333 and g 1.04, 0.99 to 1.09:
    1.04, 0.89 to 1.22). Where both are made of the same current count (a synthetic control) the
    chance in it cancels, and the interval is longer than it need be.
    """
    return over(recorded, effect)


def probability_above(ratio: Interval, level: float = 0.95) -> Array:
    """Probability that a ratio is above 1, taking its interval as one of a log-normal.

    From the distance to the limit on the side of 1 (intervals need not be symmetric). NaN where
    the estimate or that limit is unknown.
    """
    z = t_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        log, low, high = (np.log(np.asarray(v, dtype=np.float64)) for v in ratio)
        error = np.where(log >= 0, log - low, high - log) / z
        return np.where(error > 0, special.ndtr(log / error), np.nan)[()]


def simulated_counts(
    counts: ArrayLike, phi: ArrayLike, draws: int, generator: np.random.Generator
) -> Array:
    """What the counts (R, M) may be expected to be, ``draws`` times: (draws, R, M).

    Gamma with the mean count + 0.5 and phi (R,) times it for a variance: the posterior of a Poisson
    mean under Jeffreys' prior, scaled for over-dispersion. Its spread at a count of 0 is not 0.
    """
    x = np.asarray(counts, dtype=np.float64)
    scale = np.asarray(phi, dtype=np.float64)[:, None]
    shape = (np.maximum(x, 0.0) + 0.5) / scale
    return generator.standard_gamma(shape, size=(draws, *x.shape)) * scale
