"""The Farrington flexible detector: is a count unusual for the time of year and the trend?

Farrington, Andrews, Beale and Catchpole, J. R. Statist. Soc. A 159 (1996) 547-563; Noufaily et al.,
Statistics in Medicine 32 (2013) 1206-1222. Belongs here: the detector in R's form and in the
corrected one, both tails. Does not belong here: the choice between detectors and which alarms of
one run stand (``orchestration.detectors.choose``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.detectors import baseline
from orchestration.detectors.baseline import Fit, Rows
from orchestration.detectors.counts import (
    Array,
    Flags,
    as_counts,
    at_least,
    at_most,
    quantile,
    series_by_time,
    time_points,
)
from orchestration.detectors.reference_points import Shape, days_of, shapes

Mode = Literal["corrected", "r_compat"]
ThresholdMethod = Literal["delta", "nbPlugin", "muan", "predictive"]
PowerTransform = Literal["2/3", "1/2", "none"]

_EXPONENTS = {"2/3": 2 / 3, "1/2": 1 / 2, "none": 1.0}
_SMALLEST_MEAN = np.finfo(np.float64).eps  # as R's log link
# Numbers per array of one batch, and per product of a batch: small enough for the cache, and for
# the linear algebra library to stay on one thread, which on a busy machine is several times faster.
_ROWS_AT_ONCE = 60_000
_PRODUCT_AT_ONCE = 250_000


class FarringtonResult(NamedTuple):
    """What the detector says. ``t`` (k,): the time points tested, counted from 1 as in R. Every
    other field is (k, series), or (k,) for one series; NaN or False where not assessed.

    ``upperbound``, ``lowerbound``: bounds of the count, each at its own one-sided ``alpha``.
    ``expected``: mean count. ``score``: (count - expected) / (upper - expected); above 1 is beyond
    the bound. ``p``: P(at least this count). ``phi``: variance over mean, 1 or more. ``trend``:
    whether time was in the model; ``trend_coefficient``: log ratio per period (NaN without).
    ``alarm``: unusually many. ``score_lower``, ``p_lower``, ``alarm_lower``: the same for unusually
    few (never in R's form, which finds no drop). ``is_assessed``: whether a model was fitted and
    there is a count to hold to it.
    """

    t: NDArray[np.int64]
    upperbound: Array
    lowerbound: Array
    expected: Array
    score: Array
    p: Array
    phi: Array
    trend: Flags
    trend_coefficient: Array
    alarm: Flags
    score_lower: Array
    p_lower: Array
    alarm_lower: Flags
    is_assessed: Flags


def farrington_flexible(
    counts: ArrayLike,
    freq: int,
    *,
    dates: Sequence[object] | ArrayLike | None = None,
    population: ArrayLike | None = None,
    prior_weights: ArrayLike | None = None,
    range: Sequence[int] | ArrayLike | None = None,
    b: int = 5,
    w: int = 3,
    reweight: bool = True,
    weightsThreshold: float = 2.58,
    alpha: float = 0.05,
    trend: bool = True,
    pThresholdTrend: float = 0.05,
    limit54: tuple[float, int] = (5, 4),
    powertrans: PowerTransform = "2/3",
    populationOffset: bool = False,
    noPeriods: int = 1,
    pastWeeksNotIncluded: int | None = None,
    thresholdMethod: ThresholdMethod = "delta",
    accumulate: int = 1,
    mode: Mode = "corrected",
) -> FarringtonResult:
    """Counts held to a quasi-Poisson baseline of the same time of earlier years.

    ``counts`` (time,) or (time, series): whole numbers from 0, NaN where missing. ``freq``: periods
    a year. ``dates`` (time,): take references by calendar date (freq 12, 52 or 365), as R does with
    ``epochAsDate``; without, by index. ``population``, as counts: exposure, used with
    ``populationOffset``; a time point with none takes no part (R stops: NaN in R's form). The other
    arguments are R's ``control`` with its names and defaults; ``range`` counts time points from 1
    and is b * freq + w + 1 to the last unless given.
    ``pastWeeksNotIncluded`` None is ``w``. ``weightsThreshold``: Anscombe residuals beyond it weigh
    their inverse square in the refit.

    ``mode="r_compat"`` equals surveillance 1.20.3 (and 1.26.0), quirks included; its errors are
    NaN here where they concern one series and one time point. ``mode="corrected"``, the default:

    - the variance of the prediction and the p-value of the trend use ``phi``, not R's sum over
      overwritten weights;
    - unusually few are downweighted as unusually many are, and both tails are tested;
    - scores are on the scale of counts; bounds, scores and p are all empty where ``limit54`` holds
      (fewer than that many events in that many periods; it guards the upper tail only);
    - where a period of ``limit54`` is missing, the known ones may be enough by themselves;
    - a drop may alarm at 0;
    - ``prior_weights``, as counts, 0 to 1: what a time point weighs in baselines from the start
      (0: left out, for a lockdown or a known fault);
    - ``thresholdMethod`` may be ``predictive``: a negative binomial whose variance holds phi times
      the mean and the variance of the mean, so that the bound is that of a new count;
    - ``accumulate``: the sums of the last 2 to ``accumulate`` counts are tested too, each of the
      tests at alpha over their number (p is theirs times it), because what is unusual is seldom
      over in one period. The bounds are those of the last count given the ones before it. Up to
      w + 1, for counts without a marked change of season within that many periods (weeks).

    Raises ValueError for shapes that do not fit, counts below 0, a ``range`` with points whose
    references are not there, and options out of bounds.
    """
    y, is_bare = series_by_time(counts)
    periods, series = y.shape
    _check(freq, b, w, alpha, limit54, powertrans, noPeriods, thresholdMethod, mode)
    days = days_of(dates, periods)
    left_out = w if pastWeeksNotIncluded is None else int(pastWeeksNotIncluded)
    if not 1 <= accumulate <= w + 1 or (accumulate > 1 and mode == "r_compat"):
        raise ValueError(f"accumulate is {accumulate}; 1 to w + 1, and 1 in R's form")
    if left_out < 0:
        raise ValueError(f"pastWeeksNotIncluded is {left_out}; 0 or more")
    offset = None
    if populationOffset:
        if population is None:
            raise ValueError("populationOffset needs a population")
        exposure = as_counts(population, y.shape, "population")
        if np.any(exposure < 0):
            raise ValueError("population must be 0 or more")
        with np.errstate(divide="ignore"):
            offset = np.log(exposure)
    prior = None
    if prior_weights is not None:
        if mode == "r_compat":
            raise ValueError("R has no prior_weights; use mode='corrected'")
        prior = as_counts(prior_weights, y.shape, "prior_weights")
        if np.any(~(prior >= 0)) or np.any(prior > 1):
            raise ValueError("prior_weights must lie between 0 and 1")

    first = freq * b + w + 1
    tested = time_points(range, first, periods)

    method = _Method(
        b, reweight, weightsThreshold, alpha, trend, pThresholdTrend, limit54,
        _EXPONENTS[powertrans], thresholdMethod, mode == "r_compat", days, accumulate,
    )  # fmt: skip
    out = _empty(tested, series)
    data = _Data.of(y, offset, prior, as_r=mode == "r_compat")
    enough = _enough(y, tested, limit54, as_r=mode == "r_compat")
    found_any = np.zeros(tested.size, dtype=bool)
    where = {int(t): i for i, t in enumerate(tested)}
    for shape in shapes(
        np.unique(tested) - 1,
        freq=freq, days=days, b=b, w=w, periods=noPeriods, left_out=left_out,
    ):  # fmt: skip
        at = np.array([where[int(p) + 1] for p in shape.points])
        found_any[at] = True
        _test_shape(out, method, data, shape, at, enough)
    if range is not None and not found_any.all():
        missing = tested[~found_any]
        raise ValueError(
            f"time point {missing[0]} has no baseline of {b} years: decrease b or postpone range"
        )
    if is_bare:
        return FarringtonResult(tested, *(field[:, 0] for field in out))
    return FarringtonResult(tested, *out)


class _Method(NamedTuple):
    b: int
    reweight: bool
    weights_threshold: float
    alpha: float
    trend: bool
    p_trend: float
    limit54: tuple[float, int]
    exponent: float
    threshold: ThresholdMethod
    as_r: bool
    days: NDArray[np.int64] | None
    accumulate: int


class _Data(NamedTuple):
    """Everything by (series, time), so that a baseline is one gather."""

    counts: Array
    log_counts: Array
    offset: Array | None
    prior: Array | None
    is_missing: Flags
    has_no_exposure: Flags | None

    @classmethod
    def of(cls, counts: Array, offset: Array | None, prior: Array | None, *, as_r: bool) -> _Data:
        y = np.ascontiguousarray(counts.T)
        missing = np.isnan(y)
        o = None if offset is None else np.ascontiguousarray(offset.T)
        none: Flags | None = None
        if o is not None:
            missing = missing | np.isnan(o)
            if np.isneginf(o).any():
                none = np.isneginf(o)
                o = np.where(none, 0.0, o)
                if not as_r:
                    missing = missing | none
        p = None if prior is None else np.ascontiguousarray(prior.T)
        if missing.any():
            p = np.where(missing, 0.0, 1.0 if p is None else p)
        known = np.where(np.isnan(y), 0.0, y)
        logs = np.log(np.where(known > 0, known, 1.0))
        return cls(known, logs, None if o is None else np.nan_to_num(o), p, np.isnan(y), none)


def _check(
    freq: int,
    b: int,
    w: int,
    alpha: float,
    limit54: tuple[float, int],
    powertrans: str,
    periods: int,
    threshold: str,
    mode: str,
) -> None:
    if mode not in ("corrected", "r_compat"):
        raise ValueError(f"mode is {mode!r}; choose corrected or r_compat")
    known = ("delta", "nbPlugin", "muan", "predictive")
    if threshold not in known or (threshold == "predictive" and mode == "r_compat"):
        raise ValueError(f"thresholdMethod is {threshold!r}; choose {', '.join(known[:3])}")
    if powertrans not in _EXPONENTS:
        raise ValueError(f"powertrans is {powertrans!r}; choose 2/3, 1/2 or none")
    if freq < 1 or b < 1 or not 0 <= w < freq or periods < 1:
        raise ValueError("freq, b and noPeriods must be 1 or more, w from 0 and below freq")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha is {alpha}; it lies between 0 and 1")
    if limit54[0] < 0 or limit54[1] <= 0:
        raise ValueError("limit54: cases from 0, periods from 1")


def _empty(tested: NDArray[np.int64], series: int) -> tuple[np.ndarray, ...]:
    shape = (tested.size, series)
    flags = {"trend", "alarm", "alarm_lower", "is_assessed"}
    return tuple(
        np.zeros(shape, dtype=bool) if name in flags else np.full(shape, np.nan)
        for name in FarringtonResult._fields[1:]
    )


def _enough(
    y: Array, tested: NDArray[np.int64], limit54: tuple[float, int], *, as_r: bool
) -> NDArray[np.int8]:
    """1 where the last periods hold enough events, 0 where not, -1 where nobody can tell.

    In R's form one missing period leaves it open; otherwise the known ones may be enough.
    """
    cases, length = limit54
    summed = np.zeros((tested.size, y.shape[1]))
    unknown = np.zeros(summed.shape, dtype=bool)
    for back in range(int(length)):
        row = tested - 1 - back
        count = np.where((row >= 0)[:, None], y[np.maximum(row, 0)], np.nan)
        unknown |= np.isnan(count)
        summed += np.nan_to_num(count)
    enough = summed >= cases
    unknown &= True if as_r else ~enough
    return np.where(unknown, -1, enough).astype(np.int8)


def _test_shape(
    out: tuple[np.ndarray, ...],
    method: _Method,
    data: _Data,
    shape: Shape,
    at: NDArray[np.int64],
    enough: NDArray[np.int8],
) -> None:
    """All series at the time points of one shape, a batch at a time, into ``out``."""
    series = data.counts.shape[0]
    points = shape.points.size
    at_once = min(_ROWS_AT_ONCE, _PRODUCT_AT_ONCE // (2 * shape.rows.levels + 1))
    batch = max(1, at_once // shape.before.size)
    for start in range(0, series * points, batch):
        case = np.arange(start, min(start + batch, series * points))
        which, point = case // points, case % points
        row = shape.points[point][:, None] - shape.before
        column = which[:, None]
        found = _test(
            method,
            shape.rows,
            data.counts[column, row],
            data.log_counts[column, row],
            None if data.prior is None else data.prior[column, row],
            None if data.offset is None else data.offset[column, row],
            data,
            which,
            shape.points[point],
            enough[at[point], which],
            shape.before,
        )
        for field, values in zip(out, found, strict=True):
            field[at[point], which] = values


class _Model(NamedTuple):
    """Of a batch (C,): the last fit's prediction on the log scale, its dispersion and trend.

    ``sums``, ``sums_se`` (accumulate - 1, C): expected sums of the last 2, 3, ... counts and the
    standard errors of their logs.
    """

    is_fitted: Flags
    predictor: Array
    se: Array
    phi: Array
    slope: Array
    p_slope: Array
    sums: Array
    sums_se: Array


def _model(
    method: _Method,
    rows: Rows,
    y: Array,
    log_y: Array,
    prior: Array | None,
    offset: Array | None,
    time: Array | float,
    now: Array | float,
    earlier: Array,
    earlier_offset: Array,
    *,
    with_time: bool,
) -> _Model:
    """Fit, downweight what is unusual, fit again. ``now`` (C,): offset of the prediction.

    ``earlier`` (accumulate - 1, C): times of the counts just before, ``earlier_offset`` theirs.
    """
    first = baseline.fit(y, log_y, rows, with_time=with_time, prior=prior, offset=offset)
    residuals = first.residuals(y)
    plain = baseline.dispersion(first.weights, residuals, first.degrees)
    phi = np.fmax(plain, 1.0)
    last: Fit = first
    if method.reweight:
        omega = _omega(method, rows, y, first, phi, prior)
        last = baseline.fit(y, log_y, rows, with_time=with_time, prior=omega, offset=offset)
        residuals = last.residuals(y)
        phi = np.fmax(baseline.dispersion(last.weights, residuals, last.degrees), 1.0)
        # R overwrites the fit's weights with omega, and all that it says afterwards uses them.
        plain = baseline.dispersion(omega, residuals, last.degrees)
    scale = plain if method.as_r else phi
    predictor, variance = last.predict(rows, time)
    with np.errstate(invalid="ignore", divide="ignore"):
        se = np.sqrt(variance * scale)
        ratio = np.abs(last.slope) / np.sqrt(scale / last.slope_information)
        p_slope = 2 * special.stdtr(last.degrees, -ratio) if with_time else np.full(len(y), np.nan)
    has_level = last.level_weights[:, rows.current] > 0
    is_fitted = first.is_converged & has_level & (last.degrees > 0) & np.isfinite(predictor)
    sums = np.empty_like(earlier)
    sums_se = np.empty_like(earlier)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        total = np.exp(predictor + now)
        moment = np.zeros(len(y))
        for i, at in enumerate(earlier):
            # All of the same level: the variance of the log of the sum is that at its mean time.
            mean = np.exp(last.predict(rows, at)[0] + earlier_offset[i])
            total = total + mean
            moment = moment + mean * at
            sums[i] = total
            sums_se[i] = np.sqrt(last.predict(rows, moment / total)[1] * scale)
    return _Model(is_fitted, predictor + now, se, phi, last.slope, p_slope, sums, sums_se)


def _omega(
    method: _Method, rows: Rows, y: Array, fit: Fit, phi: Array, prior: Array | None
) -> Array:
    """Weights of the refit: the inverse square of what is beyond the threshold, scaled to sum to
    the number of rows."""
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.cbrt(y)
        s = root * root / np.sqrt(np.cbrt(fit.mean))
        s -= np.sqrt(fit.mean)
        s *= 1.5
        s /= np.sqrt(phi[:, None] * (1.0 - fit.hat(rows)))
        size = s if method.as_r else np.abs(s)
        omega = np.where(size > method.weights_threshold, 1.0 / (s * s), 1.0)
    if prior is None:
        omega *= (y.shape[1] / omega.sum(axis=1))[:, None]
        return omega
    there = prior > 0
    omega = np.where(there, omega, 0.0)
    if method.as_r:
        omega *= (there.sum(axis=1) / np.maximum(omega.sum(axis=1), 1e-300))[:, None]
        return omega
    omega *= prior
    omega *= (prior.sum(axis=1) / np.maximum(omega.sum(axis=1), 1e-300))[:, None]
    return omega


def _test(
    method: _Method,
    rows: Rows,
    y: Array,
    log_y: Array,
    prior: Array | None,
    offset: Array | None,
    data: _Data,
    which: NDArray[np.int64],
    point: NDArray[np.int64],
    enough: NDArray[np.int8],
    before: NDArray[np.int64],
) -> tuple[np.ndarray, ...]:
    cases = len(y)
    now: Array | float = 0.0 if data.offset is None else data.offset[which, point]
    time: Array | float = 0.0
    if method.as_r and method.days is not None and prior is not None:
        # R counts the rows' time from the first row but the prediction's from the first that is
        # not missing.
        first_known = np.argmax(prior > 0, axis=1)
        step = float(method.days[1] - method.days[0])
        time = -(method.days[point - before[first_known]] - method.days[point - before[0]]) / step

    is_fitted = np.zeros(cases, dtype=bool)
    predictor, se, phi, slope = (np.full(cases, np.nan) for _ in range(4))
    more = method.accumulate - 1
    sums, sums_se = np.empty((more, cases)), np.empty((more, cases))
    back = point - np.arange(1, more + 1)[:, None]
    earlier_offset = np.zeros((more, cases)) if data.offset is None else data.offset[which, back]
    if method.days is None:
        earlier = (back - point).astype(np.float64)
    else:
        earlier = (method.days[back] - method.days[point]) / float(method.days[1] - method.days[0])
    has_trend = np.zeros(cases, dtype=bool)

    def take(model: _Model, where: np.ndarray) -> None:
        is_fitted[where] = model.is_fitted
        predictor[where], se[where], phi[where] = model.predictor, model.se, model.phi
        sums[:, where], sums_se[:, where] = model.sums, model.sums_se

    if method.trend and method.b >= 3:
        model = _model(
            method, rows, y, log_y, prior, offset, time, now, earlier, earlier_offset,
            with_time=True,
        )  # fmt: skip
        seen = y if prior is None else np.where(prior > 0, y, -np.inf)
        with np.errstate(invalid="ignore", over="ignore"):
            keeps = (
                model.is_fitted
                & (model.p_slope < method.p_trend)
                & (np.exp(model.predictor) <= seen.max(axis=1))
            )
        has_trend = keeps
        take(model, np.arange(cases))
        slope[keeps] = model.slope[keeps]
        again = np.flatnonzero(~keeps)
    else:
        again = np.arange(cases)
    if again.size:
        part = [None if a is None else a[again] for a in (y, log_y, prior, offset)]
        model = _model(
            method, rows, part[0], part[1], part[2], part[3],  # type: ignore[arg-type]
            0.0, now[again] if isinstance(now, np.ndarray) else now,
            earlier[:, again], earlier_offset[:, again], with_time=False,
        )  # fmt: skip
        take(model, again)

    value = np.where(data.is_missing[which, point], np.nan, data.counts[which, point])
    if data.has_no_exposure is not None:
        is_fitted &= ~data.has_no_exposure[which, point]
        if method.as_r:
            rows_at = point[:, None] - before
            is_fitted &= ~data.has_no_exposure[which[:, None], rows_at].any(axis=1)
    with np.errstate(over="ignore"):
        mean = np.exp(predictor)
    if method.threshold == "delta":
        mean = np.maximum(mean, _SMALLEST_MEAN)
    one = method.alpha / method.accumulate
    upper, lower, p, p_lower, score = _thresholds(
        method, one, value, predictor, mean, se, phi, is_fitted
    )
    if more:
        before_it = np.zeros(cases)
        for i in range(more):
            count = data.counts[which, back[i]]
            before_it = before_it + np.where(data.is_missing[which, back[i]], np.nan, count)
            with np.errstate(divide="ignore", invalid="ignore"):
                high, low, p_high, p_low, _ = _thresholds(
                    method, one, value + before_it, np.log(sums[i]), sums[i], sums_se[i], phi,
                    is_fitted,
                )  # fmt: skip
            upper = np.fmin(upper, high - before_it)
            lower = np.fmax(lower, low - before_it)
            p, p_lower = np.fmin(p, p_high), np.fmin(p_lower, p_low)
        p = np.minimum(p * method.accumulate, 1.0)
        p_lower = np.minimum(p_lower * method.accumulate, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        if not method.as_r:  # a bound at or below the mean leaves no scale
            score = np.where(upper > mean, (value - mean) / (upper - mean), np.nan)
        score_lower = np.where(mean > lower, (mean - value) / (mean - lower), np.nan)
    if method.as_r:
        is_told = is_fitted & (enough == 1)
        with np.errstate(invalid="ignore"):
            alarm = is_told & (score > 1) & (value != 0)
        expected = np.where(is_told & ~np.isnan(upper), mean, np.nan)
        none = np.full(cases, np.nan)
        return (
            np.where(is_told, upper, np.nan),
            np.where(is_told, lower, np.nan),
            expected,
            np.where(is_fitted, score, np.nan),
            np.where(is_fitted, p, np.nan),
            np.where(is_fitted, phi, np.nan),
            has_trend & is_fitted,
            slope,
            alarm,
            none,
            none,
            np.zeros(cases, dtype=bool),
            is_fitted & ~np.isnan(value),
        )
    is_told = is_fitted & ~np.isnan(value)
    guards = is_told & (enough == 1)
    with np.errstate(invalid="ignore"):
        alarm = guards & (value > upper)
        alarm_lower = is_told & (value < lower)
    return (
        np.where(guards, upper, np.nan),
        np.where(is_fitted, lower, np.nan),
        np.where(is_fitted, mean, np.nan),
        np.where(guards, score, np.nan),
        np.where(guards, p, np.nan),
        np.where(is_fitted, phi, np.nan),
        has_trend & is_fitted,
        slope,
        alarm,
        np.where(is_told, score_lower, np.nan),
        np.where(is_told, p_lower, np.nan),
        alarm_lower,
        is_told,
    )


def _thresholds(
    method: _Method,
    alpha: float,
    value: Array,
    predictor: Array,
    mean: Array,
    se: Array,
    phi: Array,
    is_fitted: Flags,
) -> tuple[Array, Array, Array, Array, Array]:
    """Upper and lower bound, p of the upper and of the lower tail, score as R's."""
    z = float(special.ndtri(1 - alpha))
    e = method.exponent
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if method.threshold == "delta":
            tau = phi + se * se * mean  # (se of the mean, mean * se)^2 / mean
            deviation = e * np.sqrt(mean ** (2 * e - 1) * tau)
            centre = mean**e
            upper = (centre + z * deviation) ** (1 / e)
            low_root = centre - z * deviation
            # R squares a negative root; a bound below 0 is 0.
            lower = low_root ** (1 / e) if method.as_r else np.fmax(low_root, 0.0) ** (1 / e)
            lower = np.fmax(lower, 0.0)
            away = (value**e - centre) / deviation
            p, p_lower = special.ndtr(-away), special.ndtr(away)
            score = (value - mean) / (upper - mean)
        else:
            high = low = mean
            scatter = phi
            if method.threshold == "muan":
                high = np.exp(predictor + z * se)
                low = high if method.as_r else np.exp(predictor - z * se)
            elif method.threshold == "predictive":
                scatter = phi + mean * se * se
            high = np.where(is_fitted & np.isfinite(high), high, np.nan)
            low = np.where(is_fitted & np.isfinite(low), low, np.nan)
            upper = quantile(1 - alpha, high, scatter)
            lower = quantile(alpha, low, scatter)
            p, p_lower = at_least(value, high, scatter), at_most(value, low, scatter)
            centre = predictor if method.as_r else mean  # R's is on the log scale
            score = (value - centre) / (upper - centre)
    return upper, lower, p, p_lower, score
