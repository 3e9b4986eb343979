"""How many events it takes to see a change, and how small a change the events at hand can show.

Belongs here: power of comparing the counts of two periods. Does not belong here: intervals and
tests of counts observed (``intervals``, ``rates``).

All of it is the normal approximation to the log of the ratio, variance
phi * (1 / b + 1 / (b * ratio * exposure_ratio)) with b the events expected in the base period: the
two-sided test of ``rates.log_rate_ratio``, without its far tail. Below about 10 events in a period
it is a guide only. Source: Breslow and Day, Statistical Methods in Cancer Research II (IARC 1987),
section 7.3, with the variance times phi.

Functions take scalars or arrays that broadcast together; missing (NaN) in one is NaN in the
result. ``ratio``: rate now over rate in the base period. ``exposure_ratio``: exposure (days,
population) now over that of the base period. ``phi``: variance over mean of the counts, as
``rates.dispersion`` finds it. ``level``: 1 minus the size of the test.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]
Direction = Literal["rise", "fall"]


def events_needed(
    ratio: ArrayLike,
    power: float = 0.80,
    *,
    phi: ArrayLike = 1.0,
    exposure_ratio: ArrayLike = 1.0,
    level: float = 0.95,
) -> Array:
    """Events needed in the base period to find a true ``ratio`` with the given ``power``.

    Whole number, rounded up; infinite for a ratio of 1, which no number of events finds. The
    other period then holds ratio * exposure_ratio times as many. Raises ValueError for a ratio,
    phi or exposure ratio not above 0, or a power or level outside (0, 1).
    """
    r, k, f = (
        _above_zero(ratio, "ratio"),
        _above_zero(exposure_ratio, "exposure_ratio"),
        _above_zero(phi, "phi"),
    )
    with np.errstate(divide="ignore"):
        needed = _distance(power, level) ** 2 * f * (1.0 + 1.0 / (r * k)) / np.log(r) ** 2
    return np.ceil(needed)[()]


def power_of_comparison(
    base_count: ArrayLike,
    ratio: ArrayLike,
    *,
    phi: ArrayLike = 1.0,
    exposure_ratio: ArrayLike = 1.0,
    level: float = 0.95,
) -> Array:
    """Probability of finding a true ``ratio`` when ``base_count`` events are expected before.

    Counts only rejections on the side of the truth, so a ratio of 1 has half of 1 - level. Errors
    as for ``events_needed``, and for a base count not above 0.
    """
    b, r, k, f = (
        _above_zero(base_count, "base_count"),
        _above_zero(ratio, "ratio"),
        _above_zero(exposure_ratio, "exposure_ratio"),
        _above_zero(phi, "phi"),
    )
    error = np.sqrt(f / b * (1.0 + 1.0 / (r * k)))
    return special.ndtr(np.abs(np.log(r)) / error - _quantile(level))[()]


def smallest_detectable_ratio(
    base_count: ArrayLike,
    power: float = 0.80,
    *,
    direction: Direction = "rise",
    phi: ArrayLike = 1.0,
    exposure_ratio: ArrayLike = 1.0,
    level: float = 0.95,
) -> Array:
    """The ratio nearest to 1 that is found with the given ``power`` at ``base_count`` events.

    Above 1 for a ``rise`` (minus 1: the smallest detectable rise), below 1 for a ``fall``. NaN
    where this test finds no fall, however deep: below 17 events times phi at the defaults. (The
    exact test of ``intervals`` still finds a fall to nearly none there.) Errors as for
    ``events_needed``, and for a base count not above 0 or another direction.
    """
    if direction not in ("rise", "fall"):
        raise ValueError(f"direction is {direction!r}; choose rise or fall")
    b, k, f = np.broadcast_arrays(
        _above_zero(base_count, "base_count"),
        _above_zero(exposure_ratio, "exposure_ratio"),
        _above_zero(phi, "phi"),
    )
    sign = 1.0 if direction == "rise" else -1.0
    scale = _distance(power, level) * np.sqrt(f / b)
    # The size x of the change in logs solves x = scale * sqrt(1 + exp(-+x) / k).
    if direction == "rise":
        high = scale * np.sqrt(1.0 + 1.0 / k)
    else:
        # Its right side is convex: x minus it is greatest where the slope is 1, found by a
        # quadratic in exp(x) / k. Where even that is negative no fall is found.
        high = np.log(k * (2.0 / scale**2 + np.sqrt(4.0 / scale**4 + 4.0 / scale**2)))

    def short(x: Array) -> Array:
        return x < scale * np.sqrt(1.0 + np.exp(-sign * x) / k)

    missing = np.isnan(scale + k) | (high <= 0) | (short(high) & (direction == "fall"))
    low, high = np.zeros_like(scale), np.maximum(high, 0.0)
    for _ in range(100):
        middle = (low + high) / 2.0
        below = short(middle)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(missing, np.nan, np.exp(sign * high))[()]


def _distance(power: float, level: float) -> float:
    """Distance of the truth from 1, in standard errors, that gives the power."""
    if not 0.0 < power < 1.0:
        raise ValueError(f"power is {power}; it lies between 0 and 1, for example 0.80")
    distance = _quantile(level) + float(special.ndtri(power))
    if distance <= 0:
        raise ValueError(f"power is {power}, which is no more than the test has at a ratio of 1")
    return distance


def _quantile(level: float) -> float:
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; it lies between 0 and 1, for example 0.95")
    return float(special.ndtri((1.0 + level) / 2.0))


def _above_zero(values: ArrayLike, name: str) -> Array:
    x = np.asarray(values, dtype=np.float64)
    if np.any(x <= 0) or np.any(np.isinf(x)):
        raise ValueError(f"{name} must be above 0 and finite (or missing)")
    return x
