"""The recorded change over the change in hospital admissions: what records show beyond injuries.

Belongs here: what published counts of patients, rounded and with small ones hidden, allow the true
count to be; the change between two of them with its interval; and the recorded change divided by
it. Does not belong here: reading the tabulations, hiding counts of our own, and what the result is
called for a reader.

No police system touches an admission for assault, so a rise in recorded violence that admissions do
not share is recording, or reporting, or violence that does not injure. Florence, Shepherd, Brennan
and Simon, BMJ 342 (2011) d3313, set the two beside each other. The method assumes that, but for
recording, recorded offences would have changed by the same factor as admissions: that what is
measured (sharp object, any assault) stands for the offences, that care was sought and given as
before (in 2020 and 2021 hospitals were not what they had been), and that both are of the same
people: admissions count where a patient lives, records where the offence was. For offences that
injure nobody (theft, damage) it is no control at all.

**Rounding and hiding.** A published 25 is a count of 23 to 27, an asterisk one of 1 to 7. The
counts are not simulated within these bounds: how counts spread over 1 to 7 is not known, and the
rounded months of one year err together as well as apart. The limits are the worst case instead:
the lower limit of the interval at the counts that make the change smallest, the upper limit at
those that make it greatest. That holds its level whatever the true counts are, and costs little
where it matters: a year's total, rounded once, is known to within 2 events (0.4% of 555), and sums
of rounded months are cut down to it (``bounds_of_sum``). Only long sums without a published total
get much wider than a simulation would have them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orchestration.statistics.intervals import Interval, rate_ratio_interval
from orchestration.statistics.rates import LEAST_FOR_PERCENTAGE, log_rate_ratio, ratio_interval

Array = NDArray[np.float64]


class Bounds(NamedTuple):
    """Smallest and greatest number of events that a published figure allows, whole numbers."""

    lower: Array
    upper: Array


class HospitalChange(NamedTuple):
    """A ratio of admissions now over before, or that of an area over that of the rest.

    ``ratio``: at the middle of the bounds, with limits for chance, rounding and hiding together.
    ``chance``: limits for chance alone, as if the middle were the count. ``least``, ``greatest``:
    the ratio at the counts that make it smallest and greatest, each with its limits for chance.
    """

    ratio: Interval
    chance: Interval
    least: Interval
    greatest: Interval


class HospitalControlled(NamedTuple):
    """The recorded change over the hospital change, a ratio.

    ``effect``: limits for the uncertainty of both, with rounding and hiding; ``chance``: without
    them. ``recorded`` and ``hospital`` are what it was made of.
    """

    effect: Interval
    chance: Interval
    recorded: Interval
    hospital: HospitalChange


def exactly(counts: ArrayLike) -> Bounds:
    """Bounds of counts that are neither rounded nor hidden (national figures)."""
    x = np.asarray(counts, dtype=np.float64)
    return Bounds(x[()], x[()])


def bounds_of_sum(cells: Bounds, total: Bounds | None = None) -> Bounds:
    """Bounds of a sum over the last axis, such as the months of a year.

    ``total``: bounds of the published total of the same cells, of the shape of the sum, where there
    is one. Totals are summed before they are rounded, so they bound the sum more closely than the
    cells; what both allow is returned. NaN where they contradict each other (the table was changed
    between the two) or a cell is missing; a total that is missing (NaN) bounds nothing.
    """
    lower, upper = _bounds(cells, "cells")
    low, high = lower.sum(axis=-1), upper.sum(axis=-1)
    if total is not None:
        at_least, at_most = _bounds(total, "total")
        low = np.where(np.isnan(at_least), low, np.maximum(low, at_least))
        high = np.where(np.isnan(at_most), high, np.minimum(high, at_most))
    broken = ~(low <= high)
    return Bounds(np.where(broken, np.nan, low)[()], np.where(broken, np.nan, high)[()])


def hospital_change(
    now: Bounds, before: Bounds, *, phi: ArrayLike = 1.0, level: float = 0.95
) -> HospitalChange:
    """Admissions now over admissions before, of one area. Scalars or arrays that broadcast.

    ``phi``: variance over mean of the counts compared (``rates.dispersion`` of the area's months;
    their rounding adds 2 over their mean to it). At 1 the limits for chance are the exact
    conditional ones of two Poisson counts (``intervals.rate_ratio_interval``), so a hidden 1 to 7
    is allowed; above 1 those of the logarithm (``rates.log_rate_ratio``), which need counts above 0
    (NaN otherwise). Both periods have the same exposure: compare equal months. Raises ValueError
    for bounds that are not whole numbers from 0 in order, or a phi below 1.
    """
    a, b = _bounds(now, "now"), _bounds(before, "before")
    scale = _phi(phi)
    least = _ratio(a.lower, b.upper, scale, level)
    greatest = _ratio(a.upper, b.lower, scale, level)
    return _change(_ratio(_middle(a), _middle(b), scale, level), least, greatest)


def change_against_rest(
    now: Bounds,
    before: Bounds,
    whole_now: Bounds,
    whole_before: Bounds,
    *,
    phi: ArrayLike = 1.0,
    phi_of_rest: ArrayLike = 1.0,
    level: float = 0.95,
) -> HospitalChange:
    """The change in an area over that in the rest of the whole it is part of.

    The rest is the whole less the area, so one count serves both: a true count at the top of the
    area's bounds is missing from the rest, and the worst case takes it so. Chance of the two
    changes is independent and is combined by ``over``; ``phi`` is that of the area,
    ``phi_of_rest`` that of the rest. Arguments and errors as for ``hospital_change``, and
    ValueError where an area exceeds its whole.
    """
    a, b = _bounds(now, "now"), _bounds(before, "before")
    w, v = _bounds(whole_now, "whole_now"), _bounds(whole_before, "whole_before")
    if np.any(a.upper > w.lower) or np.any(b.upper > v.lower):
        raise ValueError("an area has more events than the whole it is part of")
    scale, rest = _phi(phi), _phi(phi_of_rest)

    def at(x1: Array, x0: Array, y1: Array, y0: Array) -> Interval:
        return over(_ratio(x1, x0, scale, level), _ratio(y1 - x1, y0 - x0, rest, level))

    return _change(
        at(_middle(a), _middle(b), _middle(w), _middle(v)),
        at(a.lower, b.upper, w.upper, v.lower),
        at(a.upper, b.lower, w.lower, v.upper),
    )


def hospital_controlled(recorded: Interval, hospital: HospitalChange) -> HospitalControlled:
    """The recorded change over the hospital change.

    ``recorded``: a ratio with its interval, of the same periods and the same level, and of the same
    kind: of one area beside ``hospital_change``; against other areas (the rest of the country,
    donors of a synthetic control) beside ``change_against_rest``. It may come from any method:
    ``rates.ratio_interval`` of two counts carries their chance only, a placebo interval how far
    areas drift apart.

    Limits: ``over`` at the hospital counts that make the effect smallest and greatest, so the level
    holds for every true count within the bounds. A result of 1 means that records rose as
    admissions did.
    """
    effect = Interval(
        recorded.estimate / hospital.ratio.estimate,
        over(recorded, hospital.greatest).lower,
        over(recorded, hospital.least).upper,
    )
    return HospitalControlled(effect, over(recorded, hospital.chance), recorded, hospital)


def over(numerator: Interval, denominator: Interval) -> Interval:
    """A ratio of two independent ratios above 0, from their intervals of one level.

    The distances from estimates to limits, on the log scale, are added as squares, each side for
    itself, so that intervals need be neither symmetric nor of one method: the method of variance
    estimates recovery, Zou and Donner, Statistics in Medicine 27 (2008) 1693-1702. A limit of 0
    below or infinity above makes that of the result so; NaN stays NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        n, m = (Interval(*(np.log(np.asarray(v)) for v in i)) for i in (numerator, denominator))
        below = np.hypot(n.estimate - n.lower, m.upper - m.estimate)
        above = np.hypot(n.upper - n.estimate, m.estimate - m.lower)
        log = n.estimate - m.estimate
        return Interval(np.exp(log)[()], np.exp(log - below)[()], np.exp(log + above)[()])


def cautions(result: HospitalControlled, now: Bounds, before: Bounds) -> tuple[str, ...]:
    """What to say beside one result, as sentences; may be none. ``now``, ``before``: admissions.

    Speaks of: admissions that are not known; fewer than 20 in a period; rounding and hiding that
    widen the interval by more than half; a hospital change whose own interval is wider than the
    recorded one, so that the result is as uncertain as the admissions are few.
    """
    if np.ndim(result.effect.estimate):
        raise ValueError("cautions are of one result")
    if np.isnan(result.effect.estimate) or np.isnan(result.effect.lower):
        return ("The admissions of a period are not known, or contradict each other.",)
    found = []
    fewest = min(float(now.lower), float(before.lower))
    if fewest < LEAST_FOR_PERCENTAGE:
        found.append(f"One period may have as few as {fewest:.0f} admissions.")
    with np.errstate(divide="ignore"):
        full, chance = (
            float(np.log(i.upper) - np.log(i.lower)) for i in (result.effect, result.chance)
        )
        hospital = float(np.log(result.hospital.ratio.upper / result.hospital.ratio.lower))
        recorded = float(np.log(result.recorded.upper / result.recorded.lower))
    if np.isfinite(chance) and full > 1.5 * chance:
        found.append(
            f"Rounding and hidden counts make the interval {full / chance:.1f} times as wide as "
            "chance alone."
        )
    if hospital > recorded:
        found.append(
            "Most of the uncertainty is that of the admissions, not of the recorded change."
        )
    return tuple(found)


# ------------------------------------------------------------------------------------------ parts


def _ratio(now: Array, before: Array, phi: Array, level: float) -> Interval:
    """Of counts that may end in a half (the middle of bounds)."""
    plain = rate_ratio_interval(np.floor(now), 1.0, np.floor(before), 1.0, level)
    scaled = ratio_interval(log_rate_ratio(now, 1.0, before, 1.0, phi), level)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.asarray(now / before)
    return Interval(
        estimate[()],
        np.where(phi == 1.0, plain.lower, scaled.lower)[()],
        np.where(phi == 1.0, plain.upper, scaled.upper)[()],
    )


def _change(middle: Interval, least: Interval, greatest: Interval) -> HospitalChange:
    return HospitalChange(
        Interval(middle.estimate, least.lower, greatest.upper), middle, least, greatest
    )


def _middle(bounds: Bounds) -> Array:
    return (bounds.lower + bounds.upper) / 2.0


def _phi(values: ArrayLike) -> Array:
    phi = np.asarray(values, dtype=np.float64)
    if np.any(phi < 1.0) or np.any(np.isinf(phi)):
        raise ValueError("phi must be 1 or more and finite (or missing)")
    return phi


def _bounds(bounds: Bounds, name: str) -> Bounds:
    lower, upper = (np.asarray(v, dtype=np.float64) for v in bounds)
    for values in (lower, upper):
        known = values[~np.isnan(values)]
        if np.any(known < 0) or np.any(np.isinf(known)) or np.any(known != np.floor(known)):
            raise ValueError(f"{name} must be bounded by whole numbers from 0 (or missing)")
    if np.any(lower > upper):
        raise ValueError(f"{name} has a lower bound above the upper one")
    return Bounds(lower, upper)
