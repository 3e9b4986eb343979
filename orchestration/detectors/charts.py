"""Control charts: XmR with the NHS rules, and Laney's p' and u' for ratios.

Belongs here: limits and the points that are special causes, equal to NHSRplotthedots 0.2.2 and
qicharts2 0.8.1. Does not belong here: drawing, and alerts on large counts (a chart of raw counts
knows no season: ``farrington`` or ``seasonal``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from orchestration.detectors.counts import Array, Flags, series_by_time

Chart = Literal["p", "pp", "u", "up"]

_LIMIT = 2.66  # three standard deviations of a mean moving range: 3 / 1.128
_RANGE_LIMIT = 3.267  # largest moving range of one process, in mean moving ranges
_RANGE_TO_DEVIATION = 1.128
_SHORT_GROUP = 13
_RUN = 7

COMMON = "Common Cause"


class XmrResult(NamedTuple):
    """Every array has the shape of the values. ``assurance`` (series,) or one text.

    ``outside_limits``, ``close_to_limits``: flags. ``relative_to_mean``: -1, 0 or 1.
    ``special_cause_type``: Above UCL, Below LCL, 7 Point Trend (Increasing) or (Decreasing),
    2 in 3 Above or Below CL, 7 Points Above or Below CL, or Common Cause; of several the first in
    this order. ``point_type``: common_cause, special_cause_improvement, special_cause_concern, or
    special_cause_neutral_high or _low. ``is_short_group``: limits from fewer than 13 points.
    ``assurance``: of the last group against the target: consistent_pass, consistent_fail,
    inconsistent, or empty without a target.
    """

    rebase_group: NDArray[np.int64]
    mean: Array
    lpl: Array
    upl: Array
    outside_limits: Flags
    relative_to_mean: NDArray[np.int8]
    close_to_limits: Flags
    special_cause_type: NDArray[np.str_]
    point_type: NDArray[np.str_]
    is_short_group: Flags
    assurance: NDArray[np.str_]


def xmr(
    values: ArrayLike,
    *,
    improvement_direction: int = -1,
    screen_outliers: bool = True,
    fix_after_n_points: int | None = None,
    rebase_at: Sequence[int] | int | None = None,
    target: float | None = None,
) -> XmrResult:
    """Individuals chart with moving range limits and the rules of "making data count".

    ``values`` (time,) or (time, series), any numbers, NaN where missing. ``improvement_direction``:
    -1 where less is better, 1 where more is, 0 neither. ``screen_outliers``: moving ranges from
    3.267 of their mean are left out once. ``fix_after_n_points``: limits of a group from its first
    so many points, 12 or more. ``rebase_at``: time points, from 1, at which limits start anew.
    Raises ValueError for options out of bounds. Source: NHS England, Making Data Count;
    NHSRplotthedots 0.2.2.
    """
    given = np.asarray(values, dtype=np.float64)
    if given.ndim not in (1, 2) or given.shape[0] == 0:
        raise ValueError("values must be (time,) or (time, series) with at least one time point")
    if improvement_direction not in (-1, 0, 1):
        raise ValueError(f"improvement_direction is {improvement_direction}; -1, 0 or 1")
    if fix_after_n_points is not None and fix_after_n_points < 12:
        raise ValueError(f"fix_after_n_points is {fix_after_n_points}; 12 or more")
    y = given[:, None] if given.ndim == 1 else given
    periods = y.shape[0]
    at = [rebase_at] if isinstance(rebase_at, int) else list(rebase_at or ())
    if any(not 1 <= t <= periods for t in at):
        raise ValueError(f"rebase_at must lie within 1 and {periods}")
    starts = sorted({0} | {t - 1 for t in at})
    if 1 in at:  # R counts a group from the point itself, and none before it
        offset = 1
    else:
        offset = 0
    group = np.zeros(periods, dtype=np.int64)
    mean, low, high, near = (np.empty_like(y) for _ in range(4))
    types = np.full(y.shape, COMMON, dtype="<U26")
    outside = np.zeros(y.shape, dtype=bool)
    close = np.zeros(y.shape, dtype=bool)
    side = np.zeros(y.shape, dtype=np.int8)
    short = np.zeros(y.shape, dtype=bool)
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], periods], strict=True)):
        part = slice(start, end)
        group[part] = number + offset
        middle, width = _limits(y[part], fix_after_n_points, screen_outliers)
        mean[part], low[part], high[part] = middle, middle - width, middle + width
        near[part] = 2 / 3 * width
        with np.errstate(invalid="ignore"):
            outside[part] = (y[part] > high[part]) | (y[part] < low[part])
            side[part] = np.nan_to_num(np.sign(y[part] - middle)).astype(np.int8)
            close[part] = ~outside[part] & (np.abs(y[part] - middle) > near[part])
        types[part] = _types(y[part], side[part], close[part], outside[part])
        short[part] = end - start < _SHORT_GROUP
    direction = np.zeros(y.shape, dtype=np.int8)
    direction[_holds(types, "Above", "Increasing")] = 1
    direction[_holds(types, "Below", "Decreasing")] = -1
    point = np.full(y.shape, "common_cause", dtype="<U26")
    if improvement_direction == 0:
        point[direction > 0] = "special_cause_neutral_high"
        point[direction < 0] = "special_cause_neutral_low"
    else:
        better = direction * improvement_direction
        point[better > 0] = "special_cause_improvement"
        point[better < 0] = "special_cause_concern"
    assurance = np.full(y.shape[1], "", dtype="<U15")
    if target is not None and improvement_direction:
        above, below = target > high[-1], target < low[-1]
        passes = below if improvement_direction == 1 else above
        assurance[:] = np.where(
            passes, "consistent_pass", np.where(above | below, "consistent_fail", "inconsistent")
        )
    fields = (mean, low, high, outside, side, close, types, point, short)
    if given.ndim == 1:
        return XmrResult(group, *(f[:, 0] for f in fields), assurance[0])
    return XmrResult(group, *fields, assurance)


def _limits(y: Array, fixed: int | None, screens: bool) -> tuple[Array, Array]:
    """Mean and half width of the limits of one group (series,)."""
    base = y if fixed is None else y[:fixed]
    ranges = np.abs(np.diff(base, axis=0))
    average = _mean(ranges)
    if screens:
        with np.errstate(invalid="ignore"):
            ranges = np.where(ranges < _RANGE_LIMIT * average, ranges, np.nan)
        average = _mean(ranges)
    return _mean(base), _LIMIT * average


def _mean(values: Array) -> Array:
    """Mean over time of what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0)


def _types(y: Array, side: NDArray[np.int8], close: Flags, outside: Flags) -> NDArray[np.str_]:
    steps = np.sign(np.nan_to_num(np.diff(y, axis=0)))
    rises = _whole_runs(steps > 0, _RUN - 1, y.shape[0])
    falls = _whole_runs(steps < 0, _RUN - 1, y.shape[0])
    trend = rises | falls
    above, below = side > 0, side < 0
    shift = _whole_runs(above, _RUN, y.shape[0]) | _whole_runs(below, _RUN, y.shape[0])
    # A point at the turn of two trends belongs to the one that follows.
    none = np.zeros((1, y.shape[1]))
    last = steps[-1:] if len(steps) else none
    follows = np.vstack([trend[1:], np.zeros((1, y.shape[1]), dtype=bool)])
    step = np.where(follows & trend, np.vstack([steps, last]), np.vstack([none, steps]))
    pairs = close & (_two_in_three(close, above) | _two_in_three(close, below))
    up = np.where(above, "Above", "Below")
    return np.select(
        [outside, trend, pairs, shift],
        [
            np.where(above, "Above UCL", "Below LCL"),
            np.where(step > 0, "7 Point Trend (Increasing)", "7 Point Trend (Decreasing)"),
            np.char.add(np.char.add("2 in 3 ", up), " CL"),
            np.char.add(np.char.add("7 Points ", up), " CL"),
        ],
        COMMON,
    )


def _whole_runs(holds: Flags, length: int, periods: int) -> Flags:
    """Points of every run of at least ``length``; of steps, the points that they join."""
    joined = periods - holds.shape[0]  # 1 for steps, 0 for points
    found = np.zeros((periods, holds.shape[1]), dtype=bool)
    if holds.shape[0] < length:
        return found
    full = sliding_window_view(holds, length, axis=0).all(axis=-1)
    for shift in range(length + joined):
        found[shift : shift + full.shape[0]] |= full
    return found


def _two_in_three(close: Flags, one_side: Flags) -> Flags:
    found = np.zeros(close.shape, dtype=bool)
    if close.shape[0] < 3:
        return found
    near = sliding_window_view(close, 3, axis=0).sum(axis=-1) >= 2
    full = near & sliding_window_view(one_side, 3, axis=0).all(axis=-1)
    for shift in range(3):
        found[shift : shift + full.shape[0]] |= full
    return found


def _holds(types: NDArray[np.str_], *words: str) -> Flags:
    found = np.zeros(types.shape, dtype=bool)
    for word in words:
        found |= np.char.find(types, word) >= 0
    return found


class RatioChart(NamedTuple):
    """Every array has the shape of the numerator. ``cl``: the pooled ratio; ``lcl``, ``ucl``: three
    standard deviations, ``lcl2``, ``ucl2``: two; ``sigma_z`` (series,) or one number: the standard
    deviation between periods in those within (1 for p and u). ``signal``: outside three."""

    y: Array
    cl: Array
    lcl: Array
    ucl: Array
    lcl2: Array
    ucl2: Array
    signal: Flags
    sigma_z: Array


def ratio_chart(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    chart: Chart = "pp",
    baseline: int | ArrayLike | None = None,
    screenedmr: bool = False,
) -> RatioChart:
    """p or u chart, or Laney's p' (``pp``) or u' (``up``), which hold where denominators are large.

    ``numerator``, ``denominator``: (time,) or (time, series), NaN where missing; p for a part of
    the denominator, u for events per unit of it. ``baseline``: the first so many time points, or
    flags (time,), that make the limits; all unless given. ``screenedmr``: moving ranges from 3.267
    of their mean are left out once. A period with denominator 0 has no ratio. Raises ValueError for
    shapes that differ, negative values, a part larger than its whole, and no baseline.
    Laney, Quality Engineering 14 (2002) 531-537; equal to qicharts2 0.8.1.
    """
    if chart not in ("p", "pp", "u", "up"):
        raise ValueError(f"chart is {chart!r}; choose p, pp, u or up")
    x, is_bare = series_by_time(numerator, "numerator")
    n, _ = series_by_time(denominator, "denominator")
    if x.shape != n.shape:
        raise ValueError(f"numerator is {x.shape}, denominator {n.shape}")
    if chart in ("p", "pp") and np.any(x > n):
        raise ValueError("a numerator is larger than its denominator; use u or up")
    periods = x.shape[0]
    if baseline is None:
        base = np.ones(periods, dtype=bool)
    elif np.ndim(baseline) == 0:
        base = np.arange(periods) < int(baseline)  # type: ignore[call-overload]
    else:
        base = np.asarray(baseline, dtype=bool)
    if base.shape != (periods,) or not base.any():
        raise ValueError("baseline must hold at least one time point")
    known = ~np.isnan(x) & (n > 0)
    in_base = known & base[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.where(known, x / n, np.nan)
        cl = np.where(in_base, x, 0.0).sum(axis=0) / np.where(in_base, n, 0.0).sum(axis=0)
        within = cl * (1 - cl) if chart in ("p", "pp") else cl
        deviation = np.sqrt(within / np.where(known, n, np.nan))
        sigma_z = np.ones(x.shape[1])
        if chart in ("pp", "up"):
            z = ((y - cl) / deviation)[base]
            ranges = np.abs(np.diff(z, axis=0))
            average = _mean(ranges)
            if screenedmr:
                average = _mean(np.where(ranges < _RANGE_LIMIT * average, ranges, np.nan))
            sigma_z = average / _RANGE_TO_DEVIATION
        deviation = deviation * sigma_z
        largest = 1.0 if chart in ("p", "pp") else np.inf
        bounds = [np.clip(cl + k * deviation, 0.0, largest) for k in (-3, 3, -2, 2)]
        signal = (y > bounds[1]) | (y < bounds[0])
    fields = (y, np.broadcast_to(cl, x.shape), *bounds, signal)
    if is_bare:
        return RatioChart(*(f[:, 0] for f in fields), sigma_z[0])
    return RatioChart(*fields, sigma_z)
