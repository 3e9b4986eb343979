"""Since when a series has departed from what was expected, and how sure the date is.

Belongs here: the first change of the departure that still lasts, among all changes that PELT finds,
with the range of dates that the posterior of Bayesian online detection gives it. Does not belong
here: deciding that there is a departure (``recording_checks``), the methods themselves
(``detectors.changepoints``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orchestration.detectors.changepoints import bocpd, pelt

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: A segment has departed where its sum is so many standard errors from what was expected, and its
#: level at least so much of the farthest later level's distance: less is the baseline's scatter.
LEAST_DEPARTURE = 2.0
LEAST_OF_LAST = 0.15


class Departures(NamedTuple):
    """``since`` (R,): index of the first point of the departure that lasts to the last point, -1
    where no change was found on that side. ``first``, ``last`` (R,): the range of its date, with
    the asked probability; points that are missing before it belong to the range. ``later``: for
    each series the further changes since then."""

    since: Index
    first: Index
    last: Index
    later: tuple[tuple[int, ...], ...]


def departures(
    counts: ArrayLike,
    expected: ArrayLike,
    phi: ArrayLike,
    direction: ArrayLike,
    earliest: ArrayLike = 1,
    *,
    coverage: float = 0.9,
) -> Departures:
    """When each series left what was expected, on the side where it is at its end.

    ``counts`` (T, R), NaN where missing; ``expected`` (T, R): the mean without a change; ``phi``
    (R,): variance over mean, 1 at least is used; ``direction`` (R,): 1 up, -1 down; ``earliest``
    (R,): the first point that can be the date, 1 or later. Segments of one level each are found by
    PELT. From the last backwards those that lie on the side of ``direction`` by two standard errors
    or more, and by 15% of the farthest one's distance, are the departure; its first point is the
    date. The range is the shortest one of BOCPD over the data up to the end of the first departed
    segment, given that there was a change from ``earliest`` on. Raises ValueError for shapes that
    do not fit.
    """
    y, e = np.asarray(counts, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    scatter, side = np.asarray(phi, dtype=np.float64), np.asarray(direction)
    if y.ndim != 2 or e.shape != y.shape or scatter.shape != y.shape[1:] != ():
        raise ValueError(f"counts are {y.shape}, expected {e.shape}, phi {scatter.shape}")
    if side.shape != scatter.shape:
        raise ValueError(f"direction is {side.shape}, phi {scatter.shape}")
    least = np.maximum(np.broadcast_to(np.asarray(earliest, dtype=np.int64), side.shape), 1)
    periods, series = y.shape
    since = np.full(series, -1, dtype=np.int64)
    first, last = since.copy(), since.copy()
    later: list[tuple[int, ...]] = [()] * series
    known = ~np.isnan(y) & (e > 0)
    y = np.where(known, y, np.nan)
    e = np.where(known, e, 1.0)
    scatter = np.fmax(np.nan_to_num(scatter, nan=1.0), 1.0)
    ends = np.zeros(series, dtype=np.int64)
    for i in range(series):
        if known[:, i].sum() < 2:
            continue
        starts = pelt(y[:, i], expected=e[:, i], phi=scatter[i], min_size=1).starts
        bounds = [0, *(int(s) for s in starts), periods]
        found = len(bounds) - 1
        farthest = 0.0
        for at in range(len(bounds) - 2, -1, -1):
            part = slice(bounds[at], bounds[at + 1])
            mean = e[part, i][known[part, i]].sum()
            excess = (np.nansum(y[part, i]) - mean) * side[i]
            if not mean > 0:
                continue
            if not excess >= LEAST_DEPARTURE * np.sqrt(scatter[i] * mean):
                # One odd point at the end does not take back a level that lasted until then.
                if at == len(bounds) - 2 and known[part, i].sum() == 1:
                    continue
                break
            if bounds[at] < least[i] or excess / mean < LEAST_OF_LAST * farthest:
                break
            farthest = max(farthest, excess / mean)
            found = at
        if 0 < found < len(bounds) - 1:
            since[i] = bounds[found]
            ends[i] = bounds[found + 1]
            later[i] = tuple(bounds[found + 1 : -1])
    dated = np.flatnonzero(since >= 0)
    if not dated.size:
        return Departures(since, first, last, tuple(later))
    # All series in one run: each ends with the first segment of its departure.
    shift = periods - ends[dated]
    rows = np.arange(periods)[:, None] - shift
    inside = rows >= 0
    taken = np.maximum(rows, 0)
    moved = np.where(inside, y[taken, dated], np.nan)
    means = np.where(inside, e[taken, dated], 1.0)
    probability = bocpd(moved, expected=means, phi=scatter[dated]).probability[:periods]
    for at, i in enumerate(dated):
        begin = max(int(np.argmax(known[:, i])) + 1, int(least[i]))
        chances = probability[begin + shift[at] :, at]
        low, high = _shortest(chances / chances.sum(), coverage)
        low, high = min(begin + low, int(since[i])), max(begin + high, int(since[i]))
        while low - 1 >= begin and not known[low - 1, i]:
            low -= 1
        # A change in a gap shows with the first point after it.
        while since[i] < periods - 1 and not known[since[i], i]:
            since[i] += 1
        first[i], last[i] = low, max(high, int(since[i]))
    return Departures(since, first, last, tuple(later))


def _shortest(chances: Array, coverage: float) -> tuple[int, int]:
    sums = np.concatenate([[0.0], np.cumsum(chances)])
    ends = np.searchsorted(sums, sums[:-1] + coverage - 1e-12)
    length = np.where(ends <= chances.size, ends - np.arange(chances.size), chances.size + 1)
    low = int(np.argmin(length))
    return low, int(min(ends[low], chances.size)) - 1
