"""The parts of a change between two counts, that sum to it exactly, with intervals by simulation.

Belongs here: what of a change is each group of records, what a flag filled in more often and
cancellations done less often add, and the interval of each part. Does not belong here: which record
is of which group, and what a part is called.

Records are in disjoint groups: the ordinary ones, named groups (each of one rule or reason), and
cancelled ones, which do not count. The parts:

- of a named group: its records now less before;
- of a flag (an indicator that counts records by a flag that is filled in unequally): flagged now,
  less what the share flagged before would give of the records that it is asked of now;
- of cancellation: what now stands and would not at the share cancelled before;
- of ordinary records: what is left of their difference. Crime is in here, with everything that no
  group, flag or cancellation names.

**Intervals.** Every count is drawn from what it may be expected to be (``recording_effect.
simulated_counts``: gamma, with the dispersion of the series), all parts are made from each draw, so
that they sum to the change of that draw, and the limits are the 2.5th and 97.5th percentile of each
part. For the flag the draw is also taken at both ends of what the records support, no assumption
made: that all unstated records before were flagged ones, or all of those now; its limits and those
of the ordinary records are the outermost.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orchestration.statistics.recording_effect import simulated_counts

Array = NDArray[np.float64]

DRAWS = 1_000
# One stream for all: the same counts give the same limits.
SEED = 20_211_231


class ChangeParts(NamedTuple):
    """Each part (R, 3): count, lower, upper; ``named`` (R, G, 3). Without ``whole`` they sum to it.

    Rows of which the flag is not asked (``asked`` all 0) have a flag part of 0.
    """

    ordinary: Array
    flags: Array
    cancelled: Array
    named: Array
    whole: Array


def change_parts(
    *,
    ordinary: ArrayLike,
    named: ArrayLike,
    cancelled: ArrayLike,
    unstated_flags: ArrayLike,
    asked: ArrayLike,
    phi: ArrayLike,
    draws: int = DRAWS,
    seed: int = SEED,
    level: float = 0.95,
) -> ChangeParts:
    """Parts of R changes. Counts (R, 2), now and before; ``named`` (R, G, 2); ``phi`` (R,).

    ``unstated_flags``: ordinary records beside ``ordinary`` of which nobody said; ``asked``: all
    ordinary records the flag is asked of, flagged, unstated and others (0 where no flag is meant).
    Raises ValueError for shapes that do not fit, negative counts, or fewer records asked than
    flagged and unstated.
    """
    x, v, k, c = (
        np.asarray(a, dtype=np.float64) for a in (ordinary, unstated_flags, asked, cancelled)
    )
    g = np.asarray(named, dtype=np.float64)
    rows = x.shape[0]
    if any(a.shape != (rows, 2) for a in (x, v, k, c)) or g.shape[::2] != (rows, 2):
        raise ValueError("counts must be (rows, 2), named groups (rows, groups, 2)")
    if min(float(a.min(initial=0.0)) for a in (x, v, k, c, g)) < 0:
        raise ValueError("counts must not be negative")
    has_flag = k.sum(axis=1) > 0
    others = np.where(has_flag[:, None], k - x - v, 0.0)
    if others.min(initial=0.0) < 0:
        raise ValueError("a flag is asked of fewer records than have it or are unstated")
    groups = g.shape[1]
    cells = np.concatenate([x, v, others, c, g.reshape(rows, 2 * groups)], axis=1)
    exact = _parts(cells[None], has_flag, groups)
    drawn = simulated_counts(cells, phi, draws, np.random.default_rng(seed))
    # What cannot be is not drawn: a group that is empty in both years has no part.
    absent = np.repeat((g.sum(axis=2) == 0), 2, axis=1)
    unflagged = np.repeat(~has_flag[:, None], 4, axis=1)
    fixed = np.concatenate([np.zeros((rows, 2), bool), unflagged, np.zeros((rows, 2), bool)], 1)
    drawn[:, np.concatenate([fixed, absent], axis=1)] = 0.0
    simulated = _parts(drawn, has_flag, groups)
    tail = (1.0 - level) / 2.0

    def limits(estimate: Array, low: Array, high: Array) -> Array:
        return np.stack(
            [
                estimate[0],
                np.minimum(np.quantile(low, tail, axis=0), estimate[0]),
                np.maximum(np.quantile(high, 1.0 - tail, axis=0), estimate[0]),
            ],
            axis=-1,
        )

    def plain(name: str) -> Array:
        return limits(exact[name], simulated[name], simulated[name])

    # The least that the flag adds is the most of the ordinary records, and the other way round.
    rest = {end: simulated["ordinary_and_flags"] - simulated[end] for end in ("least", "most")}
    return ChangeParts(
        limits(
            exact["ordinary"],
            np.minimum(simulated["ordinary"], rest["most"]),
            np.maximum(simulated["ordinary"], rest["least"]),
        ),
        limits(
            exact["flags"],
            np.minimum(simulated["flags"], simulated["least"]),
            np.maximum(simulated["flags"], simulated["most"]),
        ),
        plain("cancelled"),
        plain("named"),
        plain("whole"),
    )


def _parts(cells: Array, has_flag: NDArray[np.bool_], groups: int) -> dict[str, Array]:
    """Parts of draws (D, R, M); see ``change_parts`` for the order of the cells."""
    x1, x0, v1, v0, o1, o0, c1, c0 = (cells[:, :, i] for i in range(8))
    g = cells[:, :, 8:].reshape(*cells.shape[:2], groups, 2)
    named = g[..., 0] - g[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        before = np.where(x0 + c0 > 0, c0 / (x0 + c0), 0.0)
        asked_now, asked_before = x1 + v1 + o1, x0 + v0 + o0
        share = np.where(asked_before > 0, x0 / asked_before, 0.0)
        complete = np.where(x0 + v0 > 0, x0 / (x0 + v0), 0.0)
    known = has_flag & (asked_before > 0)
    flags = np.where(known, x1 - asked_now * share, 0.0)
    least = np.where(known, -v1, 0.0)
    most = np.where(known, x1 * (1.0 - complete), 0.0)
    cancelled = (x1 + c1) * before - c1
    difference = x1 - x0
    return {
        "ordinary": difference - flags - cancelled,
        "ordinary_and_flags": difference - cancelled,
        "flags": flags,
        "least": least,
        "most": most,
        "cancelled": cancelled,
        "named": named,
        "whole": difference + named.sum(axis=-1),
    }
