"""Synthetic control: what a series would have been, from units that the change did not touch.

Belongs here: the weights of the donors, the effect over the periods after, its place among the
effects that donors without a change seem to have, two intervals, leave-one-out, and what makes a
result doubtful. Does not belong here: which units may be donors (the seed system_changes and the
caller), which periods are before and after (configuration), and what the effect is due to.

The synthetic series of unit i is exp(a + sum of w_j * y_j), y the log rates of the donors, w not
negative and summing to one, chosen to come closest to i's log rates in the periods before (all of
them are the predictors; there are no others, so no second set of weights to tune). Abadie, Diamond
and Hainmueller, JASA 105 (2010) 493-505; Abadie, J. Economic Literature 59 (2021) 391-425.

The constant a is there by default (``demeaned``): each series is taken from its own mean before.
Forces differ sixty-fold in size and much in crime per head, and the largest cannot be an average
of smaller ones, so a match of levels would choose donors by size; a match of movements need not.
Anything that moves all units alike (days of a quarter, a national recording rule) cancels, since
the weights sum to one. Doudchenko and Imbens, NBER working paper 22791 (2016); Ferman and Pinto,
Quantitative Economics 12 (2021) 1197-1221, who show that it does no worse than matching levels
where the fit is not perfect. Corrections by regression (Ben-Michael, Feller and Rothstein, JASA 116
(2021) 1789-1803) reach beyond the donors with negative weights; with more donors than periods they
need a penalty that so few periods cannot choose, so where the fit is poor this module says so
instead.

What the effect holds: everything that set the unit apart from its donors after the last period of
the fit, whatever its cause: a new system, a changed practice, crime itself, and what the donors did
to their own records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from orchestration.statistics.intervals import Interval

Array = NDArray[np.float64]

FITTED = "fitted"
TOO_FEW_PERIODS = "too few periods"
TOO_FEW_EVENTS = "too few events"
TOO_FEW_DONORS = "too few donors"
NOT_CONVERGED = "not converged"

USED = "used"
NOT_CHOSEN = "not chosen"
MISSING = "missing periods"
SMALL = "too few events"

# Below these there is nothing to match movements with: two years of quarters, a handful of donors.
LEAST_BEFORE = 8
LEAST_DONORS = 5
# Mean events per period before. The log of 20 scatters by 0.22 from chance alone: smaller series
# match by accident, and as placebos show that accident, not what forces do.
LEAST_MEAN = 20.0

# What cautions() speaks of.
POOR_FIT = 0.10  # root mean square of log gaps: off by a tenth in a usual period
POOR_BESIDE_PLACEBOS = 2.0  # times the median of the donors' own
ONE_DONOR = 0.5
OUTSIDE = 0.1  # share of periods; in one or two of twenty it is chance

_POSITIVE = 1e-9  # a weight above this is one


@dataclass(frozen=True)
class SyntheticControl:
    """One unit against its synthetic control. N units, J donors used, T periods.

    ``status``: ``fitted``, or why not, with ``reason`` as a sentence; then every number is NaN.
    ``treated``: index of the unit; ``unit_status`` (N,): ``used`` as donor, ``not chosen``, or why
    one that was chosen could not be (``missing periods``, ``too few events``).
    ``before``, ``after`` (T,): the periods used, without those the unit lacks.
    ``donors`` (J,): indices; ``weights`` (J,) in that order.
    ``observed``, ``synthetic`` (T,): events, all periods, those between and outside too.
    ``effect``: observed over synthetic, both summed over ``after``: a ratio with its placebo
    interval, see ``synthetic_control``; ``attained_level``: what that interval covers, given the
    number of donors (at least the level asked for; 1 where the interval is 0 to infinity).
    ``conformal``: the second interval of the same ratio.
    ``pre_rmspe``, ``post_rmspe``: root mean squared gap of logs before and after.
    ``placebo_effects``, ``placebo_pre_rmspe``, ``placebo_post_rmspe`` (J,): the same of each donor
    taken for the treated unit, against the other donors.
    ``leave_one_out`` (J,): the effect when that donor is not there.
    ``outside_share``: share of the periods before in which the unit (less its mean, if demeaned)
    is above the highest or below the lowest donor. ``trend``: its log-linear slope per period
    before, less that of the donor that comes nearest; 0 within their range.
    """

    status: str
    reason: str
    treated: int
    unit_status: NDArray[np.str_]
    level: float
    demeaned: bool
    before: NDArray[np.bool_]
    after: NDArray[np.bool_]
    donors: NDArray[np.int64]
    weights: Array
    observed: Array
    synthetic: Array
    effect: Interval
    attained_level: float
    conformal: Interval
    pre_rmspe: float
    post_rmspe: float
    placebo_effects: Array
    placebo_pre_rmspe: Array
    placebo_post_rmspe: Array
    leave_one_out: Array
    outside_share: float
    trend: float

    @property
    def gaps(self) -> Array:
        """Observed over synthetic (T,), period by period: shows when the two part."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.observed / self.synthetic

    @property
    def compared(self) -> int:
        """Units that the ranks are out of: the donors and the treated, J + 1."""
        return self.donors.size + 1

    @property
    def rmspe_ratio(self) -> float:
        """Gap after over gap before; see ``synthetic_control`` for why its rank flatters."""
        return _over(self.post_rmspe, self.pre_rmspe)

    @property
    def rank_of_effect(self) -> int:
        """1 where no donor has so large an effect (upwards); ties count against the unit."""
        return self._rank(self.placebo_effects, float(self.effect.estimate))

    @property
    def rank_of_distance(self) -> int:
        """1 where no donor is so far from no effect, up or down (on the log scale)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.abs(np.log(self.placebo_effects))
            return self._rank(distance, float(np.abs(np.log(self.effect.estimate))))

    @property
    def rank_of_rmspe_ratio(self) -> int:
        """1 where no donor has so large a ratio of gaps."""
        ratios = np.array(
            [
                _over(a, b)
                for a, b in zip(self.placebo_post_rmspe, self.placebo_pre_rmspe, strict=True)
            ]
        )
        return self._rank(ratios, self.rmspe_ratio)

    @property
    def p_value(self) -> float:
        """Two-sided: ``rank_of_distance`` over J + 1. At or below 1 - level, the interval leaves
        out 1; cannot be below 1 / (J + 1)."""
        return self._p(self.rank_of_distance)

    @property
    def p_value_of_rise(self) -> float:
        """One-sided: ``rank_of_effect`` over J + 1."""
        return self._p(self.rank_of_effect)

    @property
    def p_value_of_rmspe_ratio(self) -> float:
        """``rank_of_rmspe_ratio`` over J + 1: another test of no effect, up or down."""
        return self._p(self.rank_of_rmspe_ratio)

    def _rank(self, placebos: Array, own: float) -> int:
        """0 where the unit was not fitted."""
        return 0 if self.status != FITTED else 1 + int((placebos >= own).sum())

    def _p(self, rank: int) -> float:
        return rank / self.compared if rank else float("nan")


def simplex_weights(target: ArrayLike, donors: ArrayLike) -> Array:
    """Weights (J,), not negative and summing to 1, that bring donors @ weights nearest to target.

    ``target`` (m,), ``donors`` (m, J), finite. Least squares: the point of the donors' convex hull
    nearest to the target. It is found exactly, without tuning, as one problem of non-negative least
    squares: with P = donors - target, min |P v|^2 + (sum(v) - 1)^2 over v >= 0 has its solution
    along the wanted weights, since for v = s * w the best s leaves |Pw|^2 / (1 + |Pw|^2), which
    grows with |Pw|. Lawson and Hanson, Solving Least Squares Problems (1974), ch. 23. Agrees with
    general solvers (SLSQP) to their tolerance, in a thousandth of the time. Where the target lies
    within the hull several weights may fit equally; one of them is returned.

    Raises ValueError for broken shapes or values, RuntimeError where the solver does not settle.
    """
    y, x = np.asarray(target, dtype=np.float64), np.asarray(donors, dtype=np.float64)
    if y.ndim != 1 or x.ndim != 2 or x.shape[0] != y.size or not x.shape[1]:
        raise ValueError("target must be (periods,) and donors (periods, donors), one at least")
    if not (np.all(np.isfinite(y)) and np.all(np.isfinite(x))):
        raise ValueError("target and donors must be finite")
    return _weights(y, x)


def _weights(y: Array, x: Array) -> Array:
    away = x - y[:, None]
    distance = np.sqrt(np.einsum("ij,ij->j", away, away))
    nearest = int(np.argmin(distance))
    weights = np.zeros(x.shape[1])
    if distance[nearest] == 0.0:
        weights[nearest] = 1.0
        return weights
    # In units of the nearest donor's distance both parts of the sum of squares are of one size.
    rows = np.empty((y.size + 1, x.shape[1]))
    rows[:-1] = away / distance[nearest]
    rows[-1] = 1.0
    one = np.zeros(y.size + 1)
    one[-1] = 1.0
    found, _ = optimize.nnls(rows, one, maxiter=20 * x.shape[1])
    return found / found.sum()


def synthetic_control(
    counts: ArrayLike,
    treated: int,
    donors: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    *,
    exposures: ArrayLike = 1.0,
    demeaned: bool = True,
    least_mean: float = LEAST_MEAN,
    level: float = 0.95,
) -> SyntheticControl:
    """The effect on one unit, by a synthetic control of the others.

    ``counts`` (T, N): events of N units in T consecutive periods, NaN where missing. ``treated``:
    index of the unit. ``donors``: indices, or a mask (N,); the treated unit is never its own donor.
    ``before``, ``after`` (T,): masks of the periods to fit and of those to measure; the rest
    (a transition) enters neither but has a synthetic figure. ``exposures``: population or the like,
    1 or (T, N); matters little when ``demeaned``, since only its changes within the fit remain.

    A donor is used where it has a count above 0 in all those periods and ``least_mean`` events per
    period on average before; how large its counts are after does not matter. A period that the
    treated unit lacks is left out for all.

    **Placebo interval** (``effect``). Every donor is taken in turn for the treated unit, with the
    other donors and without the treated unit, which may be affected. A ratio c is in the interval
    when log(effect / c) is not among the floor((1 - level) * (J + 1)) largest in distance from 0 of
    those J + 1 logs: effect / q to effect * q, q an order statistic of the placebos (Firpo and
    Possebom, J. Causal Inference 6 (2018); no normality). It covers the true ratio with probability
    ``attained_level`` or more if, apart from that ratio, the treated unit is as likely as any donor
    to be the one that parts most from its synthetic control. So it carries chance, misfit, and the
    drifting apart of forces in the years between, with the donors' own changes of recording. It
    does not carry a trend or loading that lies beyond all donors (``cautions`` tells), nor say what
    caused the ratio. With fewer than 19 donors no 95% interval exists: it is 0 to infinity.

    Effects are compared as they are, not over the gap before. Across the forces of England and
    Wales, how far a force has parted from its control two years on hardly follows how well it
    fitted (rank correlation -0.14 to 0.33, by offence), so dividing by the fit would give a force
    that fits well too short an interval. For the same reason the rank of the RMSPE ratio, which is
    given because it is customary, favours a finding for a large force: its series has less chance
    in it than its donors' (in 2,000 simulated worlds with forces of all sizes and no effect, the
    largest is in the top 5% of the ratios 13 times in 100, of the effects 3 times).

    **Conformal interval** (``conformal``). For each c the post-period is divided by c, the weights
    fitted on all periods, before and after, and the mean absolute gap after compared with that of
    all cyclic shifts of the gaps; c stays when more than 1 - level of the shifts (the observed one
    included) are as large (Chernozhukov, Wuethrich and Zhu, JASA 116 (2021) 1849-1864). It asks the
    unit's own history rather than the other units, and covers a constant ratio if the gaps are
    stationary, before and after alike: a little less where units answer differently to something
    new (93.7% in 2,000 simulated worlds with a lockdown, where the placebo interval has 95.0%).
    With more donors than periods it is wide, since the weights refitted under a wrong ratio lean to
    donors that happened to move by it; that it holds 1 is then no evidence of no effect. The
    outermost limits are given. With fewer than 1 / (1 - level) periods it is 0 to infinity.

    Not fitted, with a reason: fewer than 8 periods before or none after; the treated unit short of
    ``least_mean`` or with a count of 0 or below; fewer than 5 donors; a solver that does not
    settle. Raises ValueError for broken inputs.
    """
    y, e, pre, post, chosen = _inputs(counts, donors, before, after, exposures)
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; it lies between 0 and 1, for example 0.95")
    n = y.shape[1]
    if not 0 <= treated < n:
        raise ValueError(f"treated is {treated}; it is an index from 0 to {n - 1}")
    own = ~np.isnan(y[:, treated] + e[:, treated])
    pre, post = pre & own, post & own
    used = pre | post

    unit_status = np.full(n, NOT_CHOSEN, dtype="<U15")
    candidates = chosen & (np.arange(n) != treated)
    gap = np.isnan(y[used] + e[used]).any(axis=0)
    with np.errstate(invalid="ignore"):
        small = (y[used] <= 0).any(axis=0)
        if pre.any():
            small |= ~(np.where(pre[:, None], y, 0.0).sum(axis=0) / pre.sum() >= least_mean)
    unit_status[candidates] = USED
    unit_status[candidates & small] = SMALL
    unit_status[candidates & gap] = MISSING
    pool = np.flatnonzero(unit_status == USED)

    def refused(status: str, reason: str) -> SyntheticControl:
        return _refused(status, reason, treated, unit_status, level, demeaned, pre, post, y, pool)

    if pre.sum() < LEAST_BEFORE or not post.any():
        text = f"{int(pre.sum())} periods before and {int(post.sum())} after can be used; "
        return refused(TOO_FEW_PERIODS, text + f"{LEAST_BEFORE} and 1 are needed.")
    if small[treated]:
        text = f"The series has fewer than {least_mean:g} events per period before, or a period "
        return refused(TOO_FEW_EVENTS, text + "without any: logarithms of it are mostly chance.")
    if pool.size < LEAST_DONORS:
        text = f"{pool.size} donors can be used; {LEAST_DONORS} are needed."
        return refused(TOO_FEW_DONORS, text)

    with np.errstate(invalid="ignore"):  # not above 0: unknown, also in periods not used
        logs = np.log(np.where(y > 0, y, np.nan) / e)
    work = _Work(logs, y, e, pre, post, demeaned)
    try:
        weights, path = work.fit(treated, pool)
        effect = work.effect(treated, path)
        placebos = np.array([work.summary(d, pool[pool != d]) for d in pool])
        without = np.full(pool.size, effect)
        for j in np.flatnonzero(weights > _POSITIVE):
            without[j] = work.effect(treated, work.fit(treated, np.delete(pool, j))[1])
        gaps = (logs[:, treated] - path)[used]
        pre_rmspe, post_rmspe = work.rmspe(treated, path)
        conformal = _conformal(
            logs[np.ix_(used, pool)],
            logs[used, treated],
            post[used],
            float(np.mean(gaps[post[used]])),
            max(pre_rmspe, 1e-4),
            1.0 - level,
            demeaned,
        )
    except RuntimeError:
        return refused(NOT_CONVERGED, "The weights did not settle.")

    half, attained = _half_width(placebos[:, 0], level)
    outside, trend = _beyond(
        logs[np.ix_(pre, pool)], logs[pre, treated], np.flatnonzero(pre), demeaned
    )
    with np.errstate(over="ignore"):
        return SyntheticControl(
            status=FITTED,
            reason="",
            treated=treated,
            unit_status=unit_status,
            level=level,
            demeaned=demeaned,
            before=pre,
            after=post,
            donors=pool,
            weights=weights,
            observed=y[:, treated],
            synthetic=np.exp(path) * e[:, treated],
            effect=_interval(effect, effect - half, effect + half),
            attained_level=attained,
            conformal=_interval(effect, *conformal),
            pre_rmspe=pre_rmspe,
            post_rmspe=post_rmspe,
            placebo_effects=np.exp(placebos[:, 0]),
            placebo_pre_rmspe=placebos[:, 1],
            placebo_post_rmspe=placebos[:, 2],
            leave_one_out=np.exp(without),
            outside_share=outside,
            trend=trend,
        )


def synthetic_controls(
    counts: ArrayLike,
    treated: Sequence[int],
    donors: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    *,
    exposures: ArrayLike = 1.0,
    demeaned: bool = True,
    least_mean: float = LEAST_MEAN,
    level: float = 0.95,
) -> list[SyntheticControl]:
    """``synthetic_control`` of each of several units, in their order; arguments as there.

    ``donors`` may be a mask (len(treated), N) with a row for each. A unit that is both treated and
    a donor of others is left out of its own. About 0.3 s for 42 units of 27 quarters.
    """
    given = np.asarray(donors)
    each = given.ndim == 2
    if each and given.shape[0] != len(treated):
        raise ValueError("donors must have one row for each treated unit")
    return [
        synthetic_control(
            counts,
            unit,
            given[row] if each else given,
            before,
            after,
            exposures=exposures,
            demeaned=demeaned,
            least_mean=least_mean,
            level=level,
        )
        for row, unit in enumerate(treated)
    ]


def cautions(result: SyntheticControl, names: Sequence[str]) -> tuple[str, ...]:
    """What to say beside a result, as sentences; may be none. ``names`` (N,): of the units.

    Speaks of: a result not fitted; a poor fit before (a usual gap above 10%, or twice that of the
    median donor); one donor with more than half of the weight; a unit beyond its donors, in its
    range or in its trend; a donor without which the effect changes sides of 1 or moves by more
    than half of its distance from 1; too few donors for the interval; donors that could not be
    used.
    """
    if result.status != FITTED:
        return (result.reason,)
    found = []
    usual = float(np.median(result.placebo_pre_rmspe))
    if result.pre_rmspe > POOR_FIT:
        found.append(
            f"Poor fit before: observed and synthetic differ by {result.pre_rmspe:.0%} in a usual "
            "period."
        )
    elif result.pre_rmspe > POOR_BESIDE_PLACEBOS * usual:
        found.append(
            f"Poor fit before: the gap of {result.pre_rmspe:.1%} is {result.pre_rmspe / usual:.1f} "
            "times that of the median donor."
        )
    top = int(np.argmax(result.weights))
    if result.weights[top] > ONE_DONOR:
        found.append(
            f"{names[result.donors[top]]} has {result.weights[top]:.0%} of the weight: what "
            "happened there decides the result."
        )
    if result.outside_share > OUTSIDE:
        count = round(result.outside_share * int(result.before.sum()))
        found.append(
            f"In {count} of {int(result.before.sum())} periods before, the series lies beyond "
            "every donor, where no weighted mean of donors can follow it."
        )
    if result.trend:
        faster = "rose faster" if result.trend > 0 else "rose more slowly, or fell faster,"
        found.append(
            f"Before the change the series {faster} than any donor; had that gone on, it would "
            "show as an effect."
        )
    own, without = np.log(float(result.effect.estimate)), np.log(result.leave_one_out)
    moved = np.abs(without - own)
    worst = int(np.argmax(moved))
    if moved[worst] > 0 and (own * without[worst] < 0 or moved[worst] > abs(own) / 2):
        found.append(
            f"Without {names[result.donors[worst]]} the effect would be "
            f"x{result.leave_one_out[worst]:.2f} instead of x{float(result.effect.estimate):.2f}."
        )
    if not np.isfinite(result.effect.upper):
        needed = int(np.ceil(1.0 / (1.0 - result.level) - 1e-9)) - 1
        found.append(
            f"{result.donors.size} donors are too few for a {result.level:.0%} interval; "
            f"{needed} are needed."
        )
    lost = [names[i] for i in range(len(names)) if result.unit_status[i] not in (USED, NOT_CHOSEN)]
    if lost:
        found.append(f"Not usable as donors (missing or too small): {', '.join(lost)}.")
    return tuple(found)


# -------------------------------------------------------------------------------------- one fit


@dataclass(frozen=True)
class _Work:
    """The panel, and what is done to it again and again with another unit and other donors."""

    logs: Array
    counts: Array
    exposures: Array
    before: NDArray[np.bool_]
    after: NDArray[np.bool_]
    demeaned: bool

    def fit(self, unit: int, pool: NDArray[np.int64]) -> tuple[Array, Array]:
        """Weights (J,) and the synthetic log rates (T,)."""
        own, others = self.logs[self.before, unit], self.logs[np.ix_(self.before, pool)]
        level, levels = 0.0, np.zeros(pool.size)
        if self.demeaned:
            level, levels = own.mean(), others.mean(axis=0)
        weights = _weights(own - level, others - levels)
        kept = weights > 0  # a donor without weight may lack periods outside before and after
        with np.errstate(invalid="ignore"):
            path = level + (self.logs[:, pool[kept]] - levels[kept]) @ weights[kept]
        return weights, path

    def effect(self, unit: int, path: Array) -> float:
        """Log of observed over synthetic, both summed over the periods after."""
        synthetic = np.exp(path[self.after]) * self.exposures[self.after, unit]
        return float(np.log(self.counts[self.after, unit].sum() / synthetic.sum()))

    def rmspe(self, unit: int, path: Array) -> tuple[float, float]:
        squared = (self.logs[:, unit] - path) ** 2
        return (
            float(np.sqrt(squared[self.before].mean())),
            float(np.sqrt(squared[self.after].mean())),
        )

    def summary(self, unit: int, pool: NDArray[np.int64]) -> tuple[float, float, float]:
        path = self.fit(unit, pool)[1]
        return (self.effect(unit, path), *self.rmspe(unit, path))


def _half_width(placebos: Array, level: float) -> tuple[float, float]:
    """Half-width on the log scale and the level attained."""
    compared = placebos.size + 1
    # 1e-9: 0.05 * 20 is a hair below 1 in floating point.
    beyond = int(np.floor((1.0 - level) * compared + 1e-9))
    if beyond < 1:
        return float("inf"), 1.0
    distances = np.sort(np.abs(placebos))[::-1]
    return float(distances[beyond - 1]), 1.0 - beyond / compared


def _conformal(
    others: Array,
    own: Array,
    after: NDArray[np.bool_],
    centre: float,
    scale: float,
    alpha: float,
    demeaned: bool,
) -> tuple[float, float]:
    """Limits of the log ratio. ``others`` (t, J), ``own`` (t,): the periods before and after."""
    t = own.size
    if 1.0 / t > alpha:
        return float("-inf"), float("inf")
    if demeaned:
        others = others - others.mean(axis=0)
    shifted = (np.flatnonzero(after)[None, :] + np.arange(t)[:, None]) % t

    def kept(ratio: float) -> bool:
        y = own - np.where(after, ratio, 0.0)
        if demeaned:
            y = y - y.mean()
        gaps = np.abs(y - others @ _weights(y, others))
        means = gaps[shifted].mean(axis=1)
        return bool(np.mean(means >= means[0] * (1.0 - 1e-12)) > alpha)

    def limit(direction: float) -> float:
        """Walks out from the estimate until five steps in a row are refused, then halves."""
        step, inside, refused, at = scale / 2.0, centre, 0, centre
        while refused < 5:
            at += direction * step
            if kept(at):
                inside, refused = at, 0
            else:
                refused += 1
            if abs(at - centre) > 10.0:  # a ratio of 20,000: nothing is excluded
                return direction * float("inf")
        low, high = inside, inside + direction * step
        for _ in range(8):
            middle = (low + high) / 2.0
            low, high = (middle, high) if kept(middle) else (low, middle)
        return high

    return limit(-1.0), limit(1.0)


def _beyond(
    others: Array, own: Array, periods: NDArray[np.int64], demeaned: bool
) -> tuple[float, float]:
    """Share of periods beyond all donors, and slope per period beyond theirs (0 within)."""
    if demeaned:
        others, own = others - others.mean(axis=0), own - own.mean()
    outside = (own > others.max(axis=1)) | (own < others.min(axis=1))
    t = periods - periods.mean()
    slopes, slope = t @ others / (t @ t), t @ own / (t @ t)
    return float(outside.mean()), float(slope - np.clip(slope, slopes.min(), slopes.max()))


def _interval(estimate: float, lower: float, upper: float) -> Interval:
    return Interval(*(np.exp(np.float64(v)) for v in (estimate, lower, upper)))


def _over(a: float, b: float) -> float:
    if b == 0.0:
        return float("inf") if a > 0.0 else float("nan")
    return a / b


# ------------------------------------------------------------------------------------------ inputs


def _inputs(
    counts: ArrayLike,
    donors: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    exposures: ArrayLike,
) -> tuple[Array, Array, NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    y = np.asarray(counts, dtype=np.float64)
    if y.ndim != 2:
        raise ValueError("counts must be (periods, units)")
    if np.any(np.isinf(y)):
        raise ValueError("counts must be finite (or missing)")
    given = np.asarray(exposures, dtype=np.float64)
    if given.shape not in ((), y.shape):
        raise ValueError("exposures must be one number, or of the shape of counts")
    if np.any(given <= 0) or np.any(np.isinf(given)):
        raise ValueError("exposures must be above 0 and finite (or missing)")
    pre, post = np.asarray(before), np.asarray(after)
    for mask, name in ((pre, "before"), (post, "after")):
        if mask.shape != y.shape[:1] or mask.dtype != np.bool_:
            raise ValueError(f"{name} must be a mask with one value for each period")
    if np.any(pre & post):
        raise ValueError("a period cannot be both before and after")
    wanted = np.asarray(donors)
    if wanted.dtype == np.bool_:
        if wanted.shape != y.shape[1:]:
            raise ValueError("donors, as a mask, must have one value for each unit")
        chosen = wanted
    else:
        whole = wanted.ndim == 1 and np.issubdtype(wanted.dtype, np.integer)
        if not whole or np.any((wanted < 0) | (wanted >= y.shape[1])):
            raise ValueError(f"donors must be a mask, or indices from 0 to {y.shape[1] - 1}")
        chosen = np.isin(np.arange(y.shape[1]), wanted)
    return y, np.broadcast_to(given, y.shape), pre, post, chosen


def _refused(
    status: str,
    reason: str,
    treated: int,
    unit_status: NDArray[np.str_],
    level: float,
    demeaned: bool,
    before: NDArray[np.bool_],
    after: NDArray[np.bool_],
    counts: Array,
    pool: NDArray[np.int64],
) -> SyntheticControl:
    nan = float("nan")
    none = np.full(pool.size, nan)
    unknown = Interval(np.float64(nan), np.float64(nan), np.float64(nan))
    return SyntheticControl(
        status=status,
        reason=reason,
        treated=treated,
        unit_status=unit_status,
        level=level,
        demeaned=demeaned,
        before=before,
        after=after,
        donors=pool,
        weights=none,
        observed=counts[:, treated],
        synthetic=np.full(counts.shape[0], nan),
        effect=unknown,
        attained_level=nan,
        conformal=unknown,
        pre_rmspe=nan,
        post_rmspe=nan,
        placebo_effects=none,
        placebo_pre_rmspe=none,
        placebo_post_rmspe=none,
        leave_one_out=none,
        outside_share=nan,
        trend=nan,
    )
