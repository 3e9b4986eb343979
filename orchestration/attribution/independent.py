"""Did series that do not depend on a recording practice move too?

Belongs here: the comparison of a window with the same months before, and what its result lets one
say. Does not belong here: which series bear on which check (seed ``recording_check_subjects``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orchestration.statistics.power import smallest_detectable_ratio
from orchestration.statistics.rates import count_ratio

Array = NDArray[np.float64]

#: p below which a series moved: three are looked at for each alert, and one that moves by chance
#: would speak against a known event.
MOVED_P_VALUE = 0.01

MOVED_UP = "moved_up"
MOVED_DOWN = "moved_down"
DID_NOT_MOVE = "did_not_move"
COULD_NOT_SHOW = "could_not_show"
UNCLEAR = "unclear"
NOT_ASSESSED = "not_assessed"


class Moved(NamedTuple):
    """All (R,). ``ratio``: rate in the window over rate before, with 95% limits and the two-sided
    p; ``detectable``: the change nearest to none, on the side of the alert, that so few events show
    with a probability of 80% (NaN: none); ``verdict``: one of the codes of this module."""

    ratio: Array
    lower: Array
    upper: Array
    p_value: Array
    detectable: Array
    verdict: NDArray[np.str_]


def compare(
    window_count: ArrayLike,
    window_days: ArrayLike,
    before_count: ArrayLike,
    before_days: ArrayLike,
    alert_ratio: ArrayLike,
    phi: ArrayLike = np.nan,
    degrees_of_freedom: ArrayLike = np.inf,
) -> Moved:
    """Hold each series' window to its baseline, and both to the change that the alert is about.

    All broadcast to (R,). ``*_count``: events, NaN or days of 0 where there is nothing to compare;
    ``alert_ratio``: observed over expected of the alert, NaN where it has none; ``phi`` and its
    degrees of freedom: dispersion of the series, NaN for chance alone (exact conditional test).

    A series moved where the test at 1% says so. It did not where its limits hold no change and
    leave out the alert's ratio; where they hold both, it could not have shown such a change.
    Between 1% and 5% it is unclear.
    """
    a, ea, b, eb, r, scale, degrees = (
        np.atleast_1d(v)
        for v in np.broadcast_arrays(
            *(
                np.asarray(v, dtype=np.float64)
                for v in (
                    window_count,
                    window_days,
                    before_count,
                    before_days,
                    alert_ratio,
                    phi,
                    degrees_of_freedom,
                )
            )
        )
    )
    # A published count below 0 takes back an earlier one: not a count of events.
    with np.errstate(invalid="ignore"):
        told = (ea > 0) & (eb > 0) & (a >= 0) & (b >= 0) & (a + b > 0)
    ratio, lower, upper, p, least = (np.full(a.shape, np.nan) for _ in range(5))
    verdict = np.full(a.shape, NOT_ASSESSED, dtype="<U14")
    if not told.any():
        return Moved(ratio, lower, upper, p, least, verdict)
    found = count_ratio(a[told], ea[told], b[told], eb[told], scale[told], degrees[told])
    ratio[told], lower[told], upper[told] = found.interval
    p[told] = found.p_value
    wide = np.fmax(np.nan_to_num(scale, nan=1.0), 1.0)
    for direction in ("rise", "fall"):
        rows = told & (b > 0) & ((r < 1) == (direction == "fall"))
        if rows.any():
            least[rows] = smallest_detectable_ratio(
                b[rows],
                direction="fall" if direction == "fall" else "rise",
                phi=wide[rows],
                exposure_ratio=ea[rows] / eb[rows],
            )
    with np.errstate(invalid="ignore"):
        moved = p < MOVED_P_VALUE
        holds_alert = (lower <= r) & (r <= upper)
        verdict[told & ~moved & (holds_alert | np.isnan(r))] = COULD_NOT_SHOW
        verdict[told & ~moved & ~holds_alert & ~np.isnan(r)] = DID_NOT_MOVE
        verdict[told & ~moved & (p < 0.05)] = UNCLEAR
        verdict[told & moved & (ratio > 1)] = MOVED_UP
        verdict[told & moved & ~(ratio > 1)] = MOVED_DOWN
    return Moved(ratio, lower, upper, p, least, verdict)
