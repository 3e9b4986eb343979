"""When in the week events happen that are known only to lie between two times.

Belongs here: Ratcliffe's aoristic weights over the hours of the week, and how
sure shares of them are. Does not belong here: reading
times, their time zone, and profiles for readers.

Hours of the week are numbered from 0, Sunday 00:00-00:59, to 167, Saturday 23:00-23:59 (hour 1 to
168 of the R package aoristic). Times are local clock times without a zone (numpy datetime64): an
interval across a change of the clocks is an hour out, as in the package.

Method: Ratcliffe, J. Quantitative Criminology 18 (2002) 23-43, by the rules of the R package
aoristic 1.1.1 (Ratcliffe 2022). An event's length is in whole minutes, rounded down, and its
minutes are those from its start, seconds dropped. Every minute weighs the same:

- length 2 minutes to a week: each hour gets its share of the minutes;
- a week or more: 1/168 to every hour;
- 1 minute or less, no end, or an end before the start: 1 to the hour of the start;
- no start: nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.statistics.intervals import Interval

Array = NDArray[np.float64]

HOURS = 168
_WEEK = HOURS * 60
# 1970-01-01, from which datetime64 counts, was a Thursday; weeks here begin on Sunday.
_THURSDAY = 4 * 24 * 60

KINDS = ("interval", "a week or more", "known time", "no end", "end before start", "no start")
_INTERVAL, _WHOLE_WEEK, _POINT, _NO_END, _END_BEFORE_START, _NO_START = range(len(KINDS))
# An interval shorter than a week that begins in one week ends in it or in the next.
_SPAN = 2 * HOURS


def aoristic_totals(
    start: ArrayLike,
    end: ArrayLike,
    groups: ArrayLike | None = None,
    n_groups: int | None = None,
) -> Array:
    """Sums of weights by hour of the week: (168,), or (n_groups, 168) with ``groups``.

    ``start``, ``end`` (n,): datetime64, NaT where missing. ``groups`` (n,): whole numbers from 0 to
    n_groups - 1 (an area, a period, or both), or -1 for events to leave out; ``n_groups`` defaults
    to the largest plus 1. A group's total is the number of its events that have a start. Exact to
    about 1e-16 of a group's total. Raises ValueError for shapes that differ or group numbers out of
    range.

    A million events take well under a second: each adds its first and last hour, and the whole
    hours between as a step up and a step down whose running sum is taken once for all.
    """
    starts, length, kind = _kinds(start, end)
    group, count = _groups(groups, n_groups, starts.shape[0])
    keep = (kind != _NO_START) & (group >= 0)
    total = np.zeros((count, _SPAN))

    # One hour of the week that takes all: a point in time.
    first = (starts + _THURSDAY) % _WEEK
    point = keep & (kind != _INTERVAL) & (kind != _WHOLE_WEEK)
    total += _counted(group[point], first[point] // 60, None, count)

    spread = np.flatnonzero(keep & (kind == _INTERVAL))
    group_spread, begin, minutes = group[spread], first[spread], length[spread]
    last = begin + minutes - 1  # the last minute, counted on into the week after
    hour, final = begin // 60, last // 60
    each = 1.0 / minutes
    in_first = np.minimum(60 - begin % 60, minutes)
    total += _counted(group_spread, hour, in_first * each, count)
    more = final > hour
    in_last = last[more] % 60 + 1
    total += _counted(group_spread[more], final[more], in_last * each[more], count)
    between = final > hour + 1
    at, up, down = group_spread[between], hour[between] + 1, final[between]
    height = 60.0 * each[between]
    steps = _counted(at, up, height, count) - _counted(at, down, height, count)
    events = _counted(at, up, None, count) - _counted(at, down, None, count)
    # The running sum leaves rounding dust in hours that no event covers; the same sum of whole
    # numbers knows which they are.
    total += np.where(np.cumsum(events, axis=1) > 0, np.cumsum(steps, axis=1), 0.0)

    folded = total.reshape(count, 2, HOURS).sum(axis=1)
    whole = keep & (kind == _WHOLE_WEEK)
    folded += np.bincount(group[whole], minlength=count)[:, None] / HOURS
    return folded[0] if groups is None else folded


def aoristic_weights(start: ArrayLike, end: ArrayLike) -> Array:
    """Weights (n, 168) of each event; a row sums to 1, or to 0 where there is no start.

    Inputs as for ``aoristic_totals``. A row takes 1,344 bytes: for the sums over many events use
    that function.
    """
    n = np.asarray(start).size
    return aoristic_totals(start, end, np.arange(n), n)


def interval_kind(start: ArrayLike, end: ArrayLike) -> NDArray[np.str_]:
    """Which rule each event falls under, (n,), one of ``KINDS``.

    Their shares say how much of a profile is known and how much of it is spread. ``known time``:
    1 minute or less. Inputs and errors as for ``aoristic_totals``.
    """
    return np.array(KINDS)[_kinds(start, end)[2]]


def share_interval(weights: ArrayLike, events: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of the share of a profile's events that an hour has, for sums of weights.

    ``weights``: sums by hour as of ``aoristic_totals``, from 0 to ``events``, the number of events
    with a start; they broadcast together. Wilson's score interval at that fraction of ``events``.
    It is no shorter than it need be: a weight w between 0 and 1 varies by w - w * w at most, as if
    the whole event fell into the hour or not, and an event that is spread varies less. NaN where
    there are no events. Raises ValueError for weights outside 0 to ``events`` (rounding aside) or a
    level outside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; it lies between 0 and 1, for example 0.95")
    x, n = np.broadcast_arrays(
        np.asarray(weights, dtype=np.float64), np.asarray(events, dtype=np.float64)
    )
    if np.any(x < 0) or np.any(x > n * (1.0 + 1e-9)):
        raise ValueError("weights must lie between 0 and events")
    z = special.ndtri((1.0 + level) / 2.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.minimum(np.where(n > 0, x / n, np.nan), 1.0)
        centre = (share + z * z / (2.0 * n)) / (1.0 + z * z / n)
        half = z / (1.0 + z * z / n) * np.sqrt(share * (1.0 - share) / n + (z / n) ** 2 / 4.0)
    lower = np.where(share == 0, 0.0, np.maximum(centre - half, 0.0))
    upper = np.where(share == 1, 1.0, np.minimum(centre + half, 1.0))
    # Without events nothing is known, and nothing is said.
    known = np.isfinite(share)
    return Interval(
        share[()], np.where(known, lower, np.nan)[()], np.where(known, upper, np.nan)[()]
    )


# ----------------------------------------------------------------------------------------- helpers


def _kinds(
    start: ArrayLike, end: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]]:
    """Start in minutes since 1970, length in minutes (0 where unknown), and index in ``KINDS``."""
    begins, finishes = _times(start, "start"), _times(end, "end")
    if begins.shape != finishes.shape or begins.ndim != 1:
        raise ValueError("start and end must be one-dimensional and of one length")
    no_start, no_end = np.isnat(begins), np.isnat(finishes)
    seconds = (finishes - begins).astype(np.int64)
    length = np.where(no_start | no_end, 0, seconds // 60)
    kind = np.full(begins.shape, _INTERVAL, dtype=np.int8)
    kind[length >= _WEEK] = _WHOLE_WEEK
    kind[length <= 1] = _POINT
    kind[length < 0] = _END_BEFORE_START
    kind[no_end] = _NO_END
    kind[no_start] = _NO_START
    # Rounded down; the number that stands for no start is never used.
    return begins.astype("datetime64[m]").astype(np.int64), length, kind


def _times(values: ArrayLike, name: str) -> NDArray[np.datetime64]:
    times = np.asarray(values)
    if not np.issubdtype(times.dtype, np.datetime64):
        raise ValueError(f"{name} must be datetime64, local clock time without a zone")
    return times.astype("datetime64[s]")


def _groups(
    groups: ArrayLike | None, n_groups: int | None, n: int
) -> tuple[NDArray[np.int64], int]:
    if groups is None:
        return np.zeros(n, dtype=np.int64), 1
    group = np.asarray(groups)
    if group.shape != (n,) or not (np.issubdtype(group.dtype, np.integer) or n == 0):
        raise ValueError("groups must be whole numbers, one for each event")
    group = group.astype(np.int64)
    count = n_groups if n_groups is not None else int(group.max(initial=-1)) + 1
    if np.any(group < -1) or np.any(group >= count):
        raise ValueError(f"groups must lie between -1 and {count - 1}, one less than n_groups")
    return group, count


def _counted(
    group: NDArray[np.int64], position: NDArray[np.int64], weight: Array | None, count: int
) -> Array:
    """Sum of weights (or number of events) by group and position, (count, _SPAN)."""
    cells = np.bincount(group * _SPAN + position, weight, minlength=count * _SPAN)
    return cells.reshape(count, _SPAN)
