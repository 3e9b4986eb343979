"""Which detector a series gets, by a stated rule, and one call that runs them all.

Belongs here: the rule, the production settings of each detector with the measurement they rest on,
and the false discovery rate over everything tested in one run. Does not belong here: the detectors
themselves, and which series there are. ``docs/detectors.md`` tells the rule in words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.detectors.charts import ratio_chart
from orchestration.detectors.counts import Array, Flags, as_counts, series_by_time
from orchestration.detectors.ears import ears
from orchestration.detectors.farrington import farrington_flexible
from orchestration.detectors.seasonal import seasonal_scatter, seasonal_shift
from orchestration.detectors.small_counts import exact_rolling_year, exact_same_period
from orchestration.statistics.multiplicity import adjusted_p_values

FARRINGTON = "farrington"
SAME_PERIOD = "same period"
ROLLING_YEAR = "rolling year"
EARS = "ears"
RATIO = "ratio"
TOO_SHORT = "too short"
NO_EVENTS = "no events"

#: Below 3 a month no monthly test finds anything: only a whole year is tested.
LEAST_FOR_PART_OF_A_YEAR = 3.0
#: Below 20 a month the test of the same months finds as much as a model does and keeps its alpha
#: (docs/detectors.md, by months).
LEAST_FOR_A_MODEL = 20.0
#: A season can be told from a trend from three years on; with less, only same months compare.
LEAST_YEARS_FOR_A_MODEL = 3
LEAST_YEARS_FOR_A_SEASON = 2
#: Periods of the level that a part of a year is judged by.
_LEVEL_YEARS = 2
#: A chart of a ratio needs so many periods before its limits mean anything.
_LEAST_FOR_LIMITS = 12

#: What they find and cry is measured in docs/detectors.md.
WEEKLY: dict[str, Any] = {
    "w": 3,
    "noPeriods": 10,
    "pastWeeksNotIncluded": 26,
    "pThresholdTrend": 1.0,
    "thresholdMethod": "predictive",
    "alpha": 0.006,
    "accumulate": 2,
    "limit54": (5, 4),
}
MONTHLY: dict[str, Any] = {
    "w": 1,
    "noPeriods": 6,
    "pastWeeksNotIncluded": 3,
    "pThresholdTrend": 1.0,
    "thresholdMethod": "predictive",
    "alpha": 0.01,
    "limit54": (5, 4),
}
_SETTINGS = {12: MONTHLY, 52: WEEKLY}
ALPHA_PERSISTENT = 0.005
ALPHA_EXACT = 0.005
ALPHA_EARS = 0.001
#: Periods that EARS takes mean and deviation from, as R's default.
_EARS_BASELINE = 7


class Chosen(NamedTuple):
    """``detector`` (series,), and what it was chosen by: ``years`` (series,) of history before the
    last point, from the first count that is not missing; ``level`` (series,): mean count per
    period over the last two years of it (the denominator's, for a ratio)."""

    detector: NDArray[np.str_]
    years: Array
    level: Array


def choose(counts: ArrayLike, freq: int, *, denominator: ArrayLike | None = None) -> Chosen:
    """The rule. First that holds:

    1. a series with a denominator: ``ratio`` (a dozen periods of it, else ``too short``);
    2. no event at all: ``no events``;
    3. less than two years of history: ``ears`` (seven periods of it, else ``too short``);
    4. less than 3 a period: ``rolling year``;
    5. less than 20 a period, or less than three years of history: ``same period``;
    6. otherwise ``farrington``, for the odd count and for the level that changed and stayed.

    ``counts``, ``denominator``: (time,) or (time, series), NaN where missing. Raises ValueError for
    shapes that do not fit.
    """
    y, is_bare = series_by_time(counts)
    length = y.shape[0]
    known = ~np.isnan(y)
    first = np.where(known.any(axis=0), known.argmax(axis=0), length)
    before = np.maximum(length - 1 - first, 0)
    years = before / freq
    basis = y
    if denominator is not None:
        basis, _ = series_by_time(denominator, "denominator")
        if basis.shape != y.shape:
            raise ValueError(f"denominator is {basis.shape}, counts {y.shape}")
    recent = basis[max(length - 1 - _LEVEL_YEARS * freq, 0) : max(length - 1, 1)]
    with np.errstate(invalid="ignore", divide="ignore"):
        level = np.nansum(recent, axis=0) / (~np.isnan(recent)).sum(axis=0)
    per_month = level * freq / 12
    detector = np.full(y.shape[1], FARRINGTON, dtype="<U12")
    detector[(per_month < LEAST_FOR_A_MODEL) | (years < LEAST_YEARS_FOR_A_MODEL)] = SAME_PERIOD
    detector[per_month < LEAST_FOR_PART_OF_A_YEAR] = ROLLING_YEAR
    detector[years < LEAST_YEARS_FOR_A_SEASON] = EARS
    detector[before < 7] = TOO_SHORT
    detector[np.nansum(y, axis=0) == 0] = NO_EVENTS
    if denominator is not None:
        usable = ((~np.isnan(y)) & (basis > 0))[:-1].sum(axis=0)
        detector[:] = np.where(usable >= _LEAST_FOR_LIMITS, RATIO, TOO_SHORT)
    if is_bare:
        return Chosen(detector[0], years[0], level[0])
    return Chosen(detector, years, level)


class Detection(NamedTuple):
    """The last time point of every series (series,). NaN where not assessed.

    ``detector``: what was run. ``expected``, ``lowerbound``, ``upperbound``: of the last count (or
    ratio; of the last periods' sum for the exact tests, without bounds). ``observed``: what was
    held to them. ``p``, ``p_lower``: unusually many and few; ``p_value``: two-sided, of both tails
    and, for ``farrington``, of the odd count and the persistent level together; ``q_value``: over
    all series of the call. ``direction``: 1 up, -1 down, 0 none. ``is_persistent``: what speaks
    most is a level that changed and stayed. ``since``: the time point (from 1) where it began.
    ``alarm``: the detector's own limits; ``is_discovery``: q at or below the false discovery rate.
    """

    detector: NDArray[np.str_]
    observed: Array
    expected: Array
    lowerbound: Array
    upperbound: Array
    p: Array
    p_lower: Array
    p_value: Array
    q_value: Array
    direction: NDArray[np.int8]
    is_persistent: Flags
    since: Array
    alarm: Flags
    is_discovery: Flags


def detect(
    counts: ArrayLike,
    freq: int,
    *,
    denominator: ArrayLike | None = None,
    part_of_denominator: bool = True,
    prior_weights: ArrayLike | None = None,
    exposure: ArrayLike | None = None,
    rate: float = 0.10,
) -> Detection:
    """Is the last period of each series unusual? The detector is chosen by the rule (``choose``).

    ``counts`` (time, series) or (time,), whole, NaN where missing; ``freq`` 12 or 52.
    ``denominator``, as counts: the series are ratios, ``part_of_denominator`` says whether the
    count is a part of it (p') or events per unit (u'). ``prior_weights`` (time,) or as counts, 0 to
    1: what baselines give a time point (0: lockdown, known faults). ``exposure``, (time,) or as
    counts: days or persons, for the exact tests and EARS (the models know the season and with it
    the length of months). ``rate``: false discovery rate of the run. Raises ValueError
    for shapes that do not fit and another freq.
    """
    if freq not in (12, 52):
        raise ValueError(f"freq is {freq}; 12 for months or 52 for weeks")
    y, _ = series_by_time(counts)
    series = y.shape[1]
    weights = None
    if prior_weights is not None:
        weights = np.array(as_counts(prior_weights, y.shape, "prior_weights"))
    bottom = None if denominator is None else series_by_time(denominator, "denominator")[0]
    at_risk = None if exposure is None else as_counts(exposure, y.shape, "exposure")
    chosen = choose(y, freq, denominator=bottom)
    out: dict[str, np.ndarray] = {
        name: np.full(series, np.nan)
        for name in (
            "observed", "expected", "lowerbound", "upperbound", "p", "p_lower", "p_value", "since",
        )
    }  # fmt: skip
    out["alarm"] = np.zeros(series, dtype=bool)
    out["direction"] = np.zeros(series, dtype=np.int8)
    out["is_persistent"] = np.zeros(series, dtype=bool)
    years = np.floor(chosen.years).astype(np.int64)
    runs: dict[str, Callable[..., dict[str, np.ndarray]]] = {
        FARRINGTON: _farrington,
        SAME_PERIOD: _same_period,
        ROLLING_YEAR: _rolling_year,
        EARS: _ears,
    }
    for name, run in runs.items():
        for history in np.unique(years[chosen.detector == name]):
            which = np.flatnonzero((chosen.detector == name) & (years == history))
            found = run(
                y[:, which],
                freq,
                int(history),
                None if weights is None else weights[:, which],
                None if at_risk is None else at_risk[:, which],
            )
            for field, values in found.items():
                out[field][which] = values
    which = np.flatnonzero(chosen.detector == RATIO)
    if which.size and bottom is not None:
        found = _ratio(
            y[:, which],
            bottom[:, which],
            part_of_denominator,
            None if weights is None else weights[:, which],
        )
        for field, values in found.items():
            out[field][which] = values
    q_value = np.asarray(adjusted_p_values(out["p_value"]))
    with np.errstate(invalid="ignore"):
        is_discovery = q_value <= rate
    return Detection(detector=chosen.detector, q_value=q_value, is_discovery=is_discovery, **out)


def _two_sided(p: Array, p_lower: Array, tests: int = 1) -> tuple[Array, NDArray[np.int8]]:
    """Both tails (and so many tests) together, and which of the two it is; 0 where none says so."""
    both = np.minimum(2.0 * tests * np.fmin(p, p_lower), 1.0)
    with np.errstate(invalid="ignore"):
        lower_first = np.where(np.isnan(p), True, p_lower < p)
    direction = np.where(np.isnan(both) | (both >= 1.0), 0, np.where(lower_first, -1, 1))
    return both, direction.astype(np.int8)


def _farrington(
    y: Array, freq: int, years: int, weights: Array | None, exposure: Array | None
) -> dict[str, np.ndarray]:
    # No model looks further back: a long history costs no more than the rest of it.
    earlier = max(y.shape[0] - (6 * freq + _SETTINGS[freq]["w"] + 1), 0)
    y = y[earlier:]
    weights = None if weights is None else weights[earlier:]
    n = y.shape[0]
    settings = _SETTINGS[freq]
    b = 5
    while b > 1 and n < freq * b + settings["w"] + 1:
        b -= 1
    odd = farrington_flexible(y, freq, range=[n], b=b, prior_weights=weights, **settings)
    p, p_lower = odd.p[0], odd.p_lower[0]
    # limit54 keeps many from being tested; few are no answer to a count above what was expected.
    with np.errstate(invalid="ignore"):
        untested = np.isnan(p) & (y[-1] > odd.expected[0])
    p_lower = np.where(untested, np.nan, p_lower)
    found = {
        "observed": y[-1],
        "expected": odd.expected[0],
        "lowerbound": odd.lowerbound[0],
        "upperbound": odd.upperbound[0],
    }
    alarm = odd.alarm[0] | odd.alarm_lower[0]
    window = freq if freq == 12 else 26
    past = 5
    while past > 2 and n < freq * past + window:
        past -= 1
    persistent = np.zeros(y.shape[1], dtype=bool)
    since = np.full(y.shape[1], np.nan)
    tests = 1
    if n >= freq * past + window:
        tests = 2
        step = seasonal_shift(
            y, freq, range=[n], b=past, window=window, alpha=ALPHA_PERSISTENT,
            prior_weights=weights, cusum=False,
        )  # fmt: skip
        known = ~np.isnan(y[-1])
        step_p = np.where(known, step.p[0], np.nan)
        step_lower = np.where(known, step.p_lower[0], np.nan)
        with np.errstate(invalid="ignore"):
            persistent = np.fmin(step_p, step_lower) < np.fmin(p, p_lower)
        up = step_p <= step_lower
        since = np.where(
            persistent, np.where(up, step.since[0], step.since_lower[0]) + earlier, np.nan
        )
        alarm = alarm | (known & (step.alarm[0] | step.alarm_lower[0]))
        p, p_lower = np.fmin(p, step_p), np.fmin(p_lower, step_lower)
    p_value, direction = _two_sided(p, p_lower, tests)
    return found | {
        "p": np.minimum(p * tests, 1.0),
        "p_lower": np.minimum(p_lower * tests, 1.0),
        "p_value": p_value,
        "direction": direction,
        "is_persistent": persistent,
        "since": since,
        "alarm": alarm,
    }


def _exact(found: Any) -> dict[str, np.ndarray]:
    p_value, direction = _two_sided(found.p[0], found.p_lower[0])
    return {
        "observed": found.current[0],
        "expected": found.expected[0],
        "p": found.p[0],
        "p_lower": found.p_lower[0],
        "p_value": p_value,
        "direction": direction,
        "is_persistent": ~np.isnan(p_value),
        "alarm": found.alarm[0] | found.alarm_lower[0],
    }


def _same_period(
    y: Array, freq: int, years: int, weights: Array | None, exposure: Array | None
) -> dict[str, np.ndarray]:
    n, periods = y.shape[0], max(round(freq / 4), 1)
    first = max(n - periods - 5 * freq, 0)
    phi = seasonal_scatter(
        y[first : n - periods],
        freq,
        prior_weights=None if weights is None else weights[first : n - periods],
    )
    back = min(3, years)
    while back > 1 and n < back * freq + periods:
        back -= 1
    return _exact(
        exact_same_period(
            y, freq, periods=periods, years=back, exposure=exposure, prior_weights=weights,
            phi=np.where(np.isnan(phi), 1.0, phi), alpha=ALPHA_EXACT, range=[n],
        )
    )  # fmt: skip


def _rolling_year(
    y: Array, freq: int, years: int, weights: Array | None, exposure: Array | None
) -> dict[str, np.ndarray]:
    n = y.shape[0]
    back = min(3, years)
    while back > 1 and n < (back + 1) * freq:
        back -= 1
    return _exact(
        exact_rolling_year(
            y, freq, years=back, exposure=exposure, prior_weights=weights, alpha=ALPHA_EXACT,
            range=[n],
        )
    )  # fmt: skip


def _ears(
    y: Array, freq: int, years: int, weights: Array | None, exposure: Array | None
) -> dict[str, np.ndarray]:
    n = y.shape[0]
    method: Literal["C1", "C2"] = "C2" if n >= 7 + 3 else "C1"
    if exposure is not None:
        # As if every period were as long as the last: a February is no drop.
        with np.errstate(invalid="ignore", divide="ignore"):
            alike = y * exposure[-1] / exposure
        y = np.where(np.isfinite(alike), alike, np.nan)
    found = ears(y, method=method, minSigma=1.0, alpha=ALPHA_EARS, range=[n])
    # Seven counts tell a standard deviation badly: the normal's tail would call five in a hundred
    # months unusual at one in a hundred.
    score = found.score[0] / np.sqrt(1 + 1 / _EARS_BASELINE)
    p, p_lower = (special.stdtr(_EARS_BASELINE - 1, side) for side in (-score, score))
    p_value, direction = _two_sided(p, p_lower)
    with np.errstate(invalid="ignore"):
        low = special.ndtr(found.score[0]) <= ALPHA_EARS
    return {
        "observed": y[-1],
        "expected": found.expected[0],
        "lowerbound": found.lowerbound[0],
        "upperbound": found.upperbound[0],
        "p": p,
        "p_lower": p_lower,
        "p_value": p_value,
        "direction": direction,
        "alarm": found.alarm[0] | low,
    }


def _ratio(y: Array, bottom: Array, is_part: bool, weights: Array | None) -> dict[str, np.ndarray]:
    """Limits from the periods before the last, without those that weigh nothing."""
    n = y.shape[0]
    top, below = y.copy(), bottom.copy()
    if weights is not None:
        out_of_baseline = (weights == 0) & (np.arange(n) < n - 1)[:, None]
        top[out_of_baseline] = np.nan
    chart = ratio_chart(
        top, below, chart="pp" if is_part else "up", baseline=n - 1, screenedmr=True
    )
    centre = chart.cl[-1]
    # The limits are cut at 0 and 1; the deviation is not.
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = centre * (1 - centre) if is_part else centre
        deviation = np.sqrt(spread / below[-1]) * chart.sigma_z
        z = (chart.y[-1] - centre) / deviation
    z = np.where(np.isfinite(z), z, np.nan)
    p, p_lower = special.ndtr(-z), special.ndtr(z)
    p_value, direction = _two_sided(p, p_lower)
    return {
        "observed": chart.y[-1],
        "expected": centre,
        "lowerbound": chart.lcl[-1],
        "upperbound": chart.ucl[-1],
        "p": p,
        "p_lower": p_lower,
        "p_value": p_value,
        "direction": direction,
        "alarm": chart.signal[-1],
    }
