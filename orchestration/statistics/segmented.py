"""Interrupted time series: what a change at a known date did to a series of counts.

Belongs here: the segmented log-linear model, its fit to many series at once, the effect of a change
with its interval, the series had there been no change, and how far the data can tell one change
from another. Does not belong here: which dates are changes (configuration), detection of unknown
dates, and comparison with other forces.

The model of one series, with t = 1, 2, ... the number of the period:

    log(mean) = log(exposure) + b0 + b1 * t + season
                + for each change: step * [t >= start] + ramp * (t - start) * [t >= start]
                + dummies

A step is the change of level in the first period, a ramp the change of slope that begins there:
with both, the effect m periods on is step + m * ramp, so report ``effect_over`` a stretch rather
than the step. The model credits to a change whatever else happened at its date. It cannot tell
apart changes close in time; ``collinearity`` and ``cautions`` say when.

Source: Wagner, Soumerai, Zhang and Ross-Degnan, J. Clinical Pharmacy and Therapeutics 27 (2002)
299-309; Bernal, Cummins and Gasparrini, Int. J. Epidemiology 46 (2017) 348-355.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.statistics.intervals import Interval
from orchestration.statistics.loglinear import (
    COLLINEAR,
    FITTED,
    NO_EVENTS,
    SEPARATED,
    TOO_FEW,
    Gaps,
    autocorrelation,
    autoregressive_covariance,
    dependent_column,
    fit_log_linear,
    newey_west_covariance,
    seasonal,
    trend,
)
from orchestration.statistics.rates import t_p_value, t_quantile

Array = NDArray[np.float64]
Family = Literal["quasi_poisson", "negative_binomial"]
Errors = Literal["autoregressive", "newey_west", "model"]

INTERCEPT = "intercept"
TREND = "trend"

# Fewer periods than these leave a trend, or a level and slope, to guesswork.
LEAST_BEFORE = 12
LEAST_AFTER = 6
LEAST_DEGREES = 8


@dataclass(frozen=True)
class Change:
    """A date from which a series may differ.

    ``start``: index from 0 of the first period after the change. ``step``: whether its level may
    jump; ``ramp``: whether its slope may change.
    """

    name: str
    start: int
    step: bool = True
    ramp: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns in the design."""
        return tuple(f"{self.name}: {part}" for part in ("step", "ramp") if getattr(self, part))


class Collinearity(NamedTuple):
    """How alike the columns of the design are in the periods used.

    ``condition_number`` (...): of the columns scaled to length 1; above 30 is usually called
    strong (Belsley, Kuh and Welsch, Regression Diagnostics, 1980, ch. 3). ``vif`` (..., p):
    variance inflation of each column by the others, NaN for the intercept; 10 means that its
    standard error is more than three times what it would be alone. ``correlation`` (..., p, p): of
    columns, NaN for the intercept.
    """

    condition_number: Array
    vif: Array
    correlation: Array


class Effect(NamedTuple):
    """A ratio to the series without the change, its interval, and the p-value of no effect."""

    ratio: Interval
    p_value: Array


@dataclass(frozen=True)
class SegmentedFit:
    """Fits of one series, or of many with a leading axis (written ``...``).

    ``status`` (...): ``fitted``, or why not, and then every number of the series is NaN;
    ``reason`` (...): the same as a sentence, empty where fitted. ``names`` (p,), ``design`` (n, p).
    ``used`` (..., n): periods the fit used. ``coefficients`` (..., p), logs; ``covariance``
    (..., p, p), by ``errors``. ``phi`` (...): Pearson's chi-squared over ``degrees_of_freedom``
    (...), as estimated; ``theta`` (...): size of the negative binomial, infinite for a Poisson;
    ``rho`` (...): correlation of neighbouring periods (``loglinear.autoregression``).
    ``fitted``, ``counterfactual``: expected counts (..., n) with and without the changes, with
    intervals at ``level``, for the periods left out too. ``autocorrelation`` (..., lags) of Pearson
    residuals and ``ljung_box_p`` (...), the p-value of none (Ljung and Box, Biometrika 65 (1978)
    297-303; approximate in this model).
    """

    changes: tuple[Change, ...]
    names: tuple[str, ...]
    design: Array
    family: Family
    errors: Errors
    level: float
    status: NDArray[np.str_]
    reason: NDArray[np.str_]
    used: NDArray[np.bool_]
    exposures: Array
    coefficients: Array
    covariance: Array
    phi: Array
    theta: Array
    rho: Array
    degrees_of_freedom: Array
    fitted: Interval
    counterfactual: Interval
    autocorrelation: Array
    ljung_box_p: Array
    collinearity: Collinearity

    @property
    def standard_errors(self) -> Array:
        """Of the coefficients, (..., p)."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))


def segmented_fit(
    counts: ArrayLike,
    changes: Sequence[Change],
    *,
    exposures: ArrayLike = 1.0,
    harmonics: int = 2,
    period: int = 12,
    left_out: ArrayLike | None = None,
    dummies: Mapping[str, ArrayLike] | None = None,
    family: Family = "quasi_poisson",
    errors: Errors = "autoregressive",
    lags: int = 3,
    gaps: Gaps = "kept",
    small_sample: bool = True,
    least_phi: float = 1.0,
    least_before: int = LEAST_BEFORE,
    least_after: int = LEAST_AFTER,
    level: float = 0.95,
) -> SegmentedFit:
    """Fit the segmented model to ``counts``, (n,) or (series, n), consecutive periods.

    ``counts``: whole numbers, NaN where missing. ``exposures``: days, population or both,
    broadcasts to ``counts``. ``changes`` may be none, for a trend and season alone. ``left_out``
    (n,): periods to drop, such as a lockdown. ``dummies``: name to column (n,), each with its own
    coefficient: 1 in the periods of a lockdown, say, and 0 elsewhere.

    ``family``: ``quasi_poisson`` (variance phi * mean) or ``negative_binomial``
    (mean + mean**2 / theta). ``errors``: ``autoregressive`` allow for neighbouring periods that
    resemble each other (``loglinear.autoregressive_covariance``); ``newey_west`` for dispersion of
    any shape and autocorrelation up to ``lags``, but are too small in series below a hundred
    periods (``gaps``, ``small_sample`` as in ``loglinear.newey_west_covariance``); ``model`` for
    neither. The first and, in the quasi-Poisson family, the last are times phi, not below
    ``least_phi``; the first with the phi of ``loglinear.autoregression``, a little above that of
    the result. Intervals use Student's t.

    Errors that stay alike for many months make any interval from a few years too short: where
    neighbouring months correlate by 0.6, autoregressive intervals of a step in 48 months hold the
    truth 85 times in 100, the others 60 to 70 times.

    A series that cannot be fitted gets a status and a reason, with NaN: no events; too few points
    (``least_before`` used periods before the first change, ``least_after`` from each change to the
    next, 8 beyond the number of columns); collinear (a column that others determine, in the
    periods used); separated (periods of a column without any event); not converged. Raises
    ValueError for broken inputs: names used twice, shapes that do not fit, no whole counts.
    """
    _chosen(family, ("quasi_poisson", "negative_binomial"), "family")
    _chosen(errors, ("autoregressive", "newey_west", "model"), "errors")
    t_quantile(level)  # refuses a broken level before the work
    given = np.asarray(counts, dtype=np.float64)
    if given.ndim not in (1, 2):
        raise ValueError("counts must be (periods,) or (series, periods)")
    n = given.shape[-1]
    names, design = _design(n, changes, harmonics, period, dummies or {})
    exposure = np.asarray(exposures, dtype=np.float64)
    if np.any(exposure <= 0) or np.any(np.isinf(exposure)):
        raise ValueError("exposures must be above 0 and finite (or missing)")
    exposure = np.broadcast_to(exposure, given.shape).reshape(-1, n)
    dropped = np.zeros(n, dtype=bool) if left_out is None else np.asarray(left_out, dtype=bool)
    if dropped.shape != (n,):
        raise ValueError("left_out must have one value for each period")
    y = np.where(dropped, np.nan, given.reshape(-1, n))
    used = ~np.isnan(y + exposure)

    sparse = _sparse(used, changes, least_before, least_after)
    enough = sparse == ""
    fit = fit_log_linear(
        np.where(enough[:, None], y, np.nan),
        design,
        np.log(exposure),
        negative_binomial=family == "negative_binomial",
        least_degrees=LEAST_DEGREES,
    )
    reason = _reasons(fit.status, sparse, y, used, names, design)
    autoregressive, serial = autoregressive_covariance(fit, design, least_phi)
    if errors == "autoregressive":
        covariance = autoregressive
    elif errors == "newey_west":
        covariance = newey_west_covariance(fit, design, lags, gaps=gaps, small_sample=small_sample)
    else:
        scale = 1.0 if family == "negative_binomial" else np.maximum(fit.phi, least_phi)
        covariance = fit.unscaled * np.reshape(scale, (-1, 1, 1))

    quantile = _quantile(level, fit.degrees_of_freedom)
    without = _without(design, names, changes)
    correlation = autocorrelation(fit.pearson, min(period, n - 1))
    found = SegmentedFit(
        changes=tuple(changes),
        names=names,
        design=design,
        family=family,
        errors=errors,
        level=level,
        status=fit.status,
        reason=reason,
        used=used,
        exposures=exposure,
        coefficients=fit.coefficients,
        covariance=covariance,
        phi=fit.phi,
        theta=fit.theta,
        rho=serial.rho,
        degrees_of_freedom=fit.degrees_of_freedom,
        fitted=_expected(fit.coefficients, covariance, design, exposure, quantile),
        counterfactual=_expected(fit.coefficients, covariance, without, exposure, quantile),
        autocorrelation=correlation,
        ljung_box_p=_ljung_box(correlation, used.sum(axis=1)),
        collinearity=_collinearity(design, used & (fit.status == FITTED)[:, None]),
    )
    return found if given.ndim == 2 else one_series(found, 0)


def one_series(fit: SegmentedFit, index: int) -> SegmentedFit:
    """One series of a fit of many."""

    def pick(value: object) -> object:
        if isinstance(value, tuple):  # an interval or the diagnostics
            return type(value)(*(part[index] for part in value))
        return value[index]  # type: ignore[index]

    shared = {"changes", "names", "design", "family", "errors", "level"}
    parts = {f.name: pick(getattr(fit, f.name)) for f in fields(fit) if f.name not in shared}
    return replace(fit, **parts)


def step_effect(fit: SegmentedFit, change: str) -> Effect:
    """The step of a change as a ratio: level in its first period over that without it.

    Raises ValueError for a name that no change with a step has. With a ramp beside it the step is
    the effect at the start only: see ``effect_over``.
    """
    name = f"{change}: step"
    if name not in fit.names:
        raise ValueError(f"there is no change {change!r} with a step in this fit")
    contrast = np.zeros((1, len(fit.names)))
    contrast[0, fit.names.index(name)] = 1.0
    return _effect(fit, contrast)


def effect_over(fit: SegmentedFit, periods: ArrayLike, changes: Sequence[str] = ()) -> Effect:
    """Expected events over ``periods`` with the changes, over those expected without them.

    ``periods``: indices from 0 (for the first year after a change at index 24:
    range(24, 36)). ``changes``: names of those to take away, all by default; the others stay in
    both. The interval is by the delta method on the logarithm. Raises ValueError for an unknown
    name or period, or no periods.
    """
    at = np.atleast_1d(np.asarray(periods))
    n = fit.design.shape[0]
    if not at.size or not np.issubdtype(at.dtype, np.integer) or at.min() < 0 or at.max() >= n:
        raise ValueError(f"periods must be indices from 0 to {n - 1}, one at least")
    chosen = [c for c in fit.changes if not changes or c.name in changes]
    unknown = set(changes) - {c.name for c in fit.changes}
    if unknown or not chosen:
        raise ValueError(f"there is no change {', '.join(sorted(unknown))!r} in this fit")
    without = _without(fit.design, fit.names, chosen)[at]
    exposure = fit.exposures[..., at]
    gradients, totals = [], []
    for design in (fit.design[at], without):
        mean = exposure * np.exp(fit.coefficients @ design.T)
        mean = np.where(np.isnan(exposure), 0.0, mean)
        total = mean.sum(axis=-1, keepdims=True)
        with np.errstate(invalid="ignore"):
            gradients.append(mean @ design / total)
        totals.append(np.log(total[..., 0]))
    contrast = gradients[0] - gradients[1]
    return _effect(fit, contrast[..., None, :], totals[0] - totals[1])


def estimate_correlation(fit: SegmentedFit) -> Array:
    """Correlation (..., p, p) of the estimates: near -1, their sum is known but not their parts."""
    error = fit.standard_errors
    return fit.covariance / (error[..., :, None] * error[..., None, :])


def cautions(fit: SegmentedFit) -> tuple[str, ...]:
    """What to say beside the results of one series (``one_series``), as sentences; may be none.

    Speaks of: a series not fitted; a step or ramp that the rest of the design nearly determines
    (variance inflation above 10), and what it moves with (correlation beyond 0.7, in the columns
    or in the estimates); autocorrelation of the residuals that ``model`` errors leave out (p below
    0.05); extra variation of which none was found; periods left out. Raises ValueError for many
    series.
    """
    if np.ndim(fit.status):
        raise ValueError("cautions are of one series; choose it with one_series")
    if fit.status != FITTED:
        return (str(fit.reason),)
    found = []
    of_changes = {name for change in fit.changes for name in change.columns}
    seasons = [name for name in fit.names if name.startswith(("cosine ", "sine "))]
    correlation, estimates = fit.collinearity.correlation, estimate_correlation(fit)
    for change in fit.changes:
        own = set(change.columns)
        for name in change.columns:
            i = fit.names.index(name)
            inflation = fit.collinearity.vif[i]
            if inflation > 10.0:
                found.append(
                    f"The {_words(name)} is nearly determined by the rest of the model: its "
                    f"standard error is {np.sqrt(inflation):.1f} times what it would be alone."
                )
            for j, other in enumerate(fit.names):
                # A step always follows the trend more or less: the inflation speaks of that.
                if other in own or other in (INTERCEPT, TREND, *seasons):
                    continue
                if j < i and other in of_changes:
                    continue  # said already from the other side
                r, s = correlation[i, j], estimates[i, j]
                if max(abs(r), abs(s)) > 0.7:
                    found.append(
                        f"The {_words(name)} can hardly be told apart from the {_words(other)} "
                        f"(correlation {r:.2f} of the columns, {s:.2f} of the estimates)."
                    )
    if fit.errors == "model" and fit.ljung_box_p < 0.05:
        found.append(
            f"The residuals are autocorrelated ({fit.autocorrelation[0]:.2f} from one period to "
            "the next), so these intervals are too short; use autoregressive errors."
        )
    if fit.family == "negative_binomial" and np.isinf(fit.theta):
        found.append("The counts scatter no more than a Poisson's; the fit is a Poisson's.")
    missing = int((~fit.used).sum())
    if missing:
        found.append(f"{missing} of {fit.used.size} periods were missing or left out.")
    return tuple(found)


# ------------------------------------------------------------------------------------------- design


def _design(
    n: int,
    changes: Sequence[Change],
    harmonics: int,
    period: int,
    dummies: Mapping[str, ArrayLike],
) -> tuple[tuple[str, ...], Array]:
    """Names and columns; a column that one before it determines is told by its name."""
    t = trend(n)
    names, columns = [INTERCEPT, TREND], [np.ones(n), t]
    waves = seasonal(n, harmonics, period)
    for index in range(waves.shape[1]):
        names.append(f"{'cosine' if index % 2 == 0 else 'sine'} {index // 2 + 1}")
        columns.append(waves[:, index])
    for name, values in dummies.items():
        column = np.asarray(values, dtype=np.float64)
        if column.shape != (n,) or not np.all(np.isfinite(column)):
            raise ValueError(f"the dummy {name!r} must have one finite value for each period")
        names.append(name)
        columns.append(column)
    for change in changes:
        since = np.arange(n) - change.start
        if not (change.step or change.ramp):
            raise ValueError(f"the change {change.name!r} has neither a step nor a ramp")
        for column_name in change.columns:
            names.append(column_name)
            step = column_name.endswith(": step")
            columns.append(np.where(since >= 0, 1.0 if step else since, 0.0))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the name {twice[0]!r} is used twice; name changes and dummies apart")
    return tuple(names), np.column_stack(columns)


def _without(design: Array, names: tuple[str, ...], changes: Sequence[Change]) -> Array:
    """The design as it would be had those changes not happened."""
    gone = {name for change in changes for name in change.columns}
    return design * np.array([name not in gone for name in names])


def _sparse(
    used: NDArray[np.bool_], changes: Sequence[Change], least_before: int, least_after: int
) -> NDArray[np.str_]:
    """Why a series has too few points about a change, as a sentence; empty where it has enough."""
    found = np.full(used.shape[0], "", dtype=object)
    ordered = sorted(changes, key=lambda change: change.start)
    n = used.shape[1]
    for index, change in enumerate(ordered):
        start = min(max(change.start, 0), n)
        stop = ordered[index + 1].start if index + 1 < len(ordered) else n
        stop = min(max(stop, start), n)
        spans = [(used[:, start:stop].sum(axis=1), least_after, "from")]
        if index == 0:
            spans.insert(0, (used[:, :start].sum(axis=1), least_before, "before"))
        # Two changes at one date are collinear, which says more than that no period parts them.
        if stop == start < n and index + 1 < len(ordered):
            spans.pop()
        for count, least, where in spans:
            for series in np.flatnonzero((count < least) & (found == "")):
                until = (
                    f" to {ordered[index + 1].name}"
                    if where == "from" and index + 1 < len(ordered)
                    else ""
                )
                found[series] = (
                    f"Only {count[series]} periods {where} {change.name}{until} can be used; "
                    f"{least} are needed."
                )
    return found.astype(np.str_)


def _reasons(
    status: NDArray[np.str_],
    sparse: NDArray[np.str_],
    y: Array,
    used: NDArray[np.bool_],
    names: tuple[str, ...],
    design: Array,
) -> NDArray[np.str_]:
    found = np.full(status.shape, "", dtype=object)
    for series in np.flatnonzero(status != FITTED):
        state = status[series]
        if state == NO_EVENTS:
            text = "There are no events in the periods used."
        elif state == TOO_FEW:
            text = sparse[series] or (
                f"{int(used[series].sum())} periods can be used for {len(names)} coefficients; "
                f"{LEAST_DEGREES} more than coefficients are needed."
            )
        elif state == COLLINEAR:
            name = names[int(dependent_column(design, used[series : series + 1])[0])]
            text = (
                f"The {_words(name)} cannot be told apart from the rest of the model in the "
                "periods used."
            )
        elif state == SEPARATED:
            empty = [
                name
                for name, column in zip(names, design.T, strict=True)
                if np.any(on := used[series] & (column != 0)) and np.nansum(y[series][on]) == 0
            ]
            where = f"the {_words(empty[-1])}" if empty else "a part of the model"
            text = f"There are no events in the periods of {where}, so no ratio can be estimated."
        else:
            text = "The fit did not settle; the model does not suit this series."
        found[series] = text
    return found.astype(np.str_)


def _words(name: str) -> str:
    """``CONNECT: step`` as ``step of CONNECT``."""
    change, colon, part = name.rpartition(": ")
    return f"{part} of {change}" if colon and part in ("step", "ramp") else name


# -------------------------------------------------------------------------------------- inference


def _expected(
    coefficients: Array, covariance: Array, design: Array, exposure: Array, quantile: Array
) -> Interval:
    predictor = coefficients @ design.T
    variance = np.einsum("ni,sij,nj->sn", design, covariance, design, optimize=True)
    half = quantile[:, None] * np.sqrt(np.maximum(variance, 0.0))
    return Interval(
        exposure * np.exp(predictor),
        exposure * np.exp(predictor - half),
        exposure * np.exp(predictor + half),
    )


def _effect(fit: SegmentedFit, contrast: Array, log: Array | None = None) -> Effect:
    """``contrast`` (..., 1, p) of the coefficients; ``log`` where the effect is not that sum."""
    if log is None:
        log = (contrast @ fit.coefficients[..., :, None])[..., 0, 0]
    variance = (contrast @ fit.covariance @ np.swapaxes(contrast, -1, -2))[..., 0, 0]
    error = np.sqrt(np.maximum(variance, 0.0))
    half = _quantile(fit.level, fit.degrees_of_freedom) * error
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        p_value = t_p_value(log / error, fit.degrees_of_freedom)
        limits = np.exp(log - half), np.exp(log + half)
    return Effect(Interval(np.exp(log)[()], limits[0][()], limits[1][()]), p_value)


def _quantile(level: float, degrees: Array) -> Array:
    known = np.where(np.isnan(degrees), np.inf, degrees)
    return np.where(np.isnan(degrees), np.nan, t_quantile(level, known))


def _ljung_box(correlation: Array, n: NDArray[np.int64]) -> Array:
    """P-values (S,); lags without a pair of periods do not count, NaN where there is none."""
    count = n[:, None].astype(np.float64)
    left = count - np.arange(1.0, correlation.shape[1] + 1.0)
    terms = np.where(left > 0, correlation**2 / np.maximum(left, 1.0), np.nan)
    statistic = (count * (count + 2.0))[:, 0] * np.nansum(terms, axis=1)
    lags = (~np.isnan(terms)).sum(axis=1)
    return np.where(lags > 0, special.chdtrc(np.maximum(lags, 1), statistic), np.nan)


def _collinearity(design: Array, used: NDArray[np.bool_]) -> Collinearity:
    """NaN for a series of which no period is used."""
    masks, which = np.unique(used, axis=0, return_inverse=True)
    which = which.reshape(-1)
    p = design.shape[1]
    condition = np.full(masks.shape[0], np.nan)
    vif = np.full((masks.shape[0], p), np.nan)
    correlation = np.full((masks.shape[0], p, p), np.nan)
    for index, mask in enumerate(masks):
        rows = design[mask]
        if not rows.size:
            continue
        values = np.linalg.svd(rows / np.linalg.norm(rows, axis=0), compute_uv=False)
        condition[index] = values[0] / values[-1]
        centred = rows[:, 1:] - rows[:, 1:].mean(axis=0)
        centred /= np.linalg.norm(centred, axis=0)
        correlation[index, 1:, 1:] = centred.T @ centred
        r = np.linalg.qr(centred, mode="r")
        vif[index, 1:] = (np.linalg.solve(r, np.eye(p - 1)) ** 2).sum(axis=1)
    return Collinearity(condition[which], vif[which], correlation[which])


def _chosen(value: str, choices: tuple[str, ...], name: str) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; choose {' or '.join(choices)}")
