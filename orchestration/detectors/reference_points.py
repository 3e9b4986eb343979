"""Which past time points a Farrington baseline is made of.

Belongs here: reference points (the same time of earlier years), the windows around them and the
blocks between them, by index or by date. Does not belong here: fitting. Time points count from 0.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orchestration.detectors.baseline import Rows

Index = NDArray[np.int64]
Days = NDArray[np.int64]

_EPOCHS = (12, 52, 365)  # months, weeks and days: what R knows dates of


class Shape(NamedTuple):
    """Time points that share a baseline shape.

    ``points`` (k,): the time points tested. ``before`` (n,): how many periods each row lies before
    the tested point, oldest first. ``rows``: level and time of each, the tested point at time 0.
    """

    points: Index
    before: Index
    rows: Rows


def days_of(dates: Sequence[object] | ArrayLike | None, periods: int) -> Days | None:
    """Dates as days since 1970 (n,), or None. Raises ValueError for another number of them, for
    missing ones and where they do not increase."""
    if dates is None:
        return None
    given = np.asarray(dates, dtype="datetime64[D]")
    if given.shape != (periods,):
        raise ValueError(f"dates must be one per time point: {periods}, not {given.shape}")
    if np.isnat(given).any():
        raise ValueError("a date is missing")
    days = given.astype(np.int64)
    if np.any(np.diff(days) <= 0):
        raise ValueError("dates must increase")
    return days


def same_day_earlier(day: int, years: int, *, is_weekly: bool) -> list[int]:
    """The day itself and the same calendar date 1 to ``years`` years earlier, as days since 1970.

    29 February is 1 March in other years. Weekly: moved to the nearest day of the same weekday.
    """
    date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
    found = [day]
    for back in range(1, years + 1):
        try:
            earlier = date.replace(year=date.year - back)
        except ValueError:
            earlier = dt.date(date.year - back, 3, 1)
        number = (earlier - dt.date(1970, 1, 1)).days
        if is_weekly:
            off = (day - number) % 7
            number += off if off <= 3 else off - 7
        found.append(number)
    return found


def references(point: int, years: int, freq: int, days: Days | None) -> Index | None:
    """Index of ``point`` and of its reference points, newest first; None where one is not there.

    Raises ValueError for dates at a frequency other than 12, 52 and 365.
    """
    if days is None:
        found = point - freq * np.arange(years + 1)
        return found if found[-1] >= 0 else None
    if freq not in _EPOCHS:
        raise ValueError(f"with dates freq must be one of {_EPOCHS}, not {freq}")
    wanted = np.array(same_day_earlier(int(days[point]), years, is_weekly=freq == 52))
    found = np.searchsorted(days, wanted)
    if np.any(found >= days.size) or np.any(days[np.minimum(found, days.size - 1)] != wanted):
        return None
    return found.astype(np.int64)


def blocks(refs: Index, window: int, periods: int) -> NDArray[np.int64] | None:
    """Level 1 to ``periods`` of each time point from 0 to the tested one; 0 outside the baseline.

    ``refs``: the tested point and its references, newest first. The windows of ``window`` points on
    each side of a reference are level ``periods``; what lies between two windows is cut into
    ``periods`` - 1 blocks, the first ones longer by one where it does not divide. A block of length
    0 takes the two points around it, as in R. None where a window starts more than one point
    before the series. Raises ValueError where there are more blocks than points.
    """
    point = int(refs[0])
    level = np.zeros(point + 1, dtype=np.int64)
    level[max(point - window, 0) :] = periods
    for newer, reference in pairwise(refs):
        first = int(reference) - window
        if first < -1:
            return None
        level[max(first, 0) : int(reference) + window + 1] = periods
        if periods == 1:
            continue
        gap = int(newer) - 2 * window - 1 - int(reference)
        if gap < periods - (2 * window + 1):
            raise ValueError(f"noPeriods is {periods}: more blocks than points between windows")
        length, rest = divmod(gap, periods - 1)
        start = int(reference) + window + 1
        for block in range(periods - 1):
            end = start + length + (1 if block < rest else 0)
            if end > start:
                level[start:end] = block + 1
            else:
                level[end - 1 : start + 1] = block + 1
            start = end
    return level


def shapes(
    points: Index,
    *,
    freq: int,
    days: Days | None,
    b: int,
    w: int,
    periods: int,
    left_out: int,
) -> Iterator[Shape]:
    """The baselines of ``points``, those of one shape together; points without one are left away.

    ``left_out``: how many points before the tested one take no part.
    """
    grouped: dict[tuple[bytes, ...], tuple[list[int], Index, Rows]] = {}
    cached: dict[bytes, tuple[Index, Index, int] | None] = {}
    for point in points.tolist():
        refs = references(point, b, freq, days)
        if refs is None:
            continue
        # The rows hang on the distances alone, but for a window cut off by the start.
        start = min(int(refs[-1]) - w, 0)
        key = (point - refs).tobytes() + bytes([start < 0])
        if key in cached:
            made = cached[key]
        else:
            made = _baseline(refs, w, periods, left_out)
            cached[key] = made
        if made is None:
            continue
        before, level, current = made
        if days is None:
            time = -before.astype(np.float64)
        else:
            step = float(days[1] - days[0])
            time = (days[point - before] - days[point]) / step
        shape_key = (before.tobytes(), level.tobytes(), time.tobytes())
        if shape_key not in grouped:
            rows = Rows(level, int(level.max()) + 1, time, current)
            grouped[shape_key] = ([], before, rows)
        grouped[shape_key][0].append(point)
    for members, before, rows in grouped.values():
        yield Shape(np.array(members, dtype=np.int64), before, rows)


def _baseline(refs: Index, w: int, periods: int, left_out: int) -> tuple[Index, Index, int] | None:
    """Distances, levels (renumbered from 0) and the level of the tested point; None without."""
    level = blocks(refs, w, periods)
    if level is None:
        return None
    point = int(refs[0])
    level[max(point - left_out, 0) :] = 0
    there = np.flatnonzero(level)
    if there.size == 0:
        return None
    numbers, renumbered = np.unique(level[there], return_inverse=True)
    current = np.flatnonzero(numbers == periods)
    if current.size == 0:
        return None
    return point - there, renumbered.astype(np.int64), int(current[0])
