"""Every month of many series of recording practice, held to the months before it.

Belongs here: the walk through the months (each is judged by what was there before it, never by what
came after), the test of a ratio, small counts, peers and migrations included, when a baseline
begins anew, and the false discovery rate of each month's tests. Does not belong here: which series
there are and what a result is called (the seed ``recording_checks`` and
``mart_recording_practice``). Counts are judged by ``orchestration.detectors.choose.detect``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from orchestration.detectors.charts import ratio_chart
from orchestration.detectors.choose import EARS, FARRINGTON, NO_EVENTS, RATIO, TOO_SHORT, detect
from orchestration.statistics.intervals import poisson_interval, wilson_interval
from orchestration.statistics.multiplicity import adjusted_p_values

Array = NDArray[np.float64]

#: Months that a ratio is held to, at most: three years, older ones are of another practice.
LONGEST_BASELINE = 36
#: Fewer make no limits: ``choose`` asks the same of a ratio.
LEAST_BASELINE = 12
#: The months taken together to find a level that moved by less than one month can show.
LATEST_PERIODS = 6
#: The same of quarters: three years, of which two are needed, and one year together.
OF_QUARTERS = {"longest": 12, "least": 8, "latest": 4}
#: Fewer forces cannot say how far forces go their own way.
LEAST_PEERS = 20
#: The median absolute deviation of a normal in standard deviations.
_DEVIATIONS_TO_SD = 1.4826
#: The efficiency of the median absolute deviation at the normal (Rousseeuw and Croux 1993).
_EFFICIENCY_OF_MEDIANS = 0.37
#: Under five expected events (or expected others) the test is exact.
LEAST_EXPECTED = 5.0
#: The chart for short histories knows no season: from 100 events a month on that is more than
#: chance makes (docs/detectors.md).
MOST_FOR_SHORT_HISTORY = 100.0
#: What is judged here; rules are not.
_KINDS = ("count", "share", "rate")
#: Series that are judged at once: what is needed beside the rows themselves stays the same however
#: many there are.
SERIES_AT_ONCE = 2_000
#: Months that a short history of counts needs: with four before it, five events where there had
#: been one in all four have a chance of one in six hundred.
LEAST_FOR_COUNTS = 4
#: What judged a count with so short a history, or so few events, that the chart for short
#: histories does not.
SHORT_HISTORY = "short history"
#: A period is of a run where its p is at most this (``watch_p_value`` of the checks).
OF_A_RUN = 0.01
#: So many periods in a row that are not of it end a run; one may be chance.
ENDS_A_RUN = 2
#: Nor does a run go on over so many periods that were not assessed (a lockdown).
ENDS_UNSEEN = 4
#: Periods from which a run is left out of the baselines of those after it.
LEAST_RUN = 3
#: What a moving range tells of a standard deviation is worth so many degrees of freedom a period
#: (Montgomery, Introduction to Statistical Quality Control: two-point ranges are 60-65% efficient).
_DEGREES_PER_RANGE = 0.62
#: One-sided tail beyond three standard deviations of a normal: what limits are drawn at.
_TAIL_OF_LIMITS = 0.00135


class Judged(NamedTuple):
    """All (time, series), NaN where not assessed. ``observed`` is held to ``expected``, between
    ``lower_limit`` and ``upper_limit``: of the period itself, or of the latest periods together
    where ``is_persistent``; of a year or a quarter, without limits, where counts are too small for
    less. ``p_value``: two-sided, of all tests of the period together. ``direction``: 1 up, -1 down,
    0 neither. ``history_count``: periods that the result rests on. ``first_period``: the time point
    (from 0) at which the baseline begins, 0 unless it began anew. ``detector``: what was run, or
    why nothing was."""

    observed: Array
    expected: Array
    lower_limit: Array
    upper_limit: Array
    p_value: Array
    direction: NDArray[np.int8]
    is_persistent: NDArray[np.bool_]
    history_count: NDArray[np.int64]
    first_period: NDArray[np.int64]
    detector: NDArray[np.str_]


class _Runs:
    """The run of periods on one side that each series is in, and what it does to baselines.

    The periods of a run of three or more make no limits for those after them: a level that changed
    would otherwise hide itself, and a trend fitted through its step would take the next months for
    a fall. A level that was there for ``held`` assessed periods is what recording is now: the
    baseline begins anew with the first of them (NHS England, Making Data Count: limits are
    calculated anew after a change that lasts, from a dozen points). One period that is not of the
    run does not end it, two do, or four that were not assessed. Only what was judged until then
    decides.

    ``weights`` (time, series): as given, and 0 for the periods of runs. ``start`` (series,): where
    the baseline begins.
    """

    def __init__(self, weights: Array, held: int) -> None:
        self.held = held
        self.weights = weights.copy()
        self.start = np.zeros(weights.shape[1], dtype=np.int64)
        self._given = weights
        self._odd = np.zeros(weights.shape, dtype=bool)
        self._first = np.zeros(weights.shape[1], dtype=np.int64)
        self._last = np.zeros(weights.shape[1], dtype=np.int64)
        self._length = np.zeros(weights.shape[1], dtype=np.int64)
        self._count = np.zeros(weights.shape[1], dtype=np.int64)
        self._misses = np.zeros(weights.shape[1], dtype=np.int64)
        self._side = np.zeros(weights.shape[1], dtype=np.int8)

    def take(self, t: int, p_value: Array, direction: NDArray[np.int8]) -> NDArray[np.int64]:
        """The judgement of period ``t``, of all series. Returns those that begin anew after it.

        A period of weight 0 goes on with a run and is none of those that make the new baseline.
        """
        assessed = ~np.isnan(p_value)
        with np.errstate(invalid="ignore"):
            odd = assessed & (p_value <= OF_A_RUN) & (direction != 0)
        new = odd & ((direction != self._side) | (t - self._last > ENDS_UNSEEN))
        self._first[new], self._side[new] = t, direction[new]
        self._count[new], self._length[new] = 0, 0
        self._odd[t], self._last[odd] = odd, t
        self._length[odd] += 1
        self._count[odd & (self._given[t] > 0)] += 1
        self._misses[odd] = 0
        missed = assessed & ~odd
        self._misses[missed] += 1
        self._side[missed & (self._misses >= ENDS_A_RUN)] = 0
        for series in np.flatnonzero(odd & (self._length >= LEAST_RUN)):
            first = self._first[series]
            self.weights[first : t + 1, series][self._odd[first : t + 1, series]] = 0.0
        anew = np.flatnonzero((self._count >= self.held) & (self._side != 0))
        self.start[anew] = self._first[anew]
        self._side[anew] = 0
        for series in anew:
            since = slice(self.start[series], t + 1)
            self.weights[since, series] = self._given[since, series]
        return anew


def _nothing(shape: tuple[int, int]) -> Judged:
    return Judged(
        *(np.full(shape, np.nan) for _ in range(5)),
        np.zeros(shape, dtype=np.int8),
        np.zeros(shape, dtype=bool),
        np.zeros(shape, dtype=np.int64),
        np.zeros(shape, dtype=np.int64),
        np.full(shape, TOO_SHORT, dtype="<U13"),
    )


def _two_of(
    numerator: ArrayLike, denominator: ArrayLike, weights: ArrayLike | None
) -> tuple[Array, Array, Array]:
    x = np.asarray(numerator, dtype=np.float64)
    n = np.asarray(denominator, dtype=np.float64)
    if x.ndim != 2 or x.shape != n.shape:
        raise ValueError(f"numerator is {x.shape}, denominator {n.shape}; both (time, series)")
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != x.shape:
        raise ValueError(f"weights are {w.shape}, numerator {x.shape}")
    return x, n, w


def judge_ratios(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    is_part: bool,
    weights: ArrayLike | None = None,
    peers: ArrayLike | None = None,
    wanted: ArrayLike | None = None,
    is_migration: ArrayLike | None = None,
    longest: int = LONGEST_BASELINE,
    least: int = LEAST_BASELINE,
    latest: int = LATEST_PERIODS,
) -> Judged:
    """Is the ratio of each period, or of the latest ones together, unlike the periods before?

    ``numerator``, ``denominator`` (time, series): whole counts, NaN where missing or not to be
    assessed; ``is_part``: the numerator is a part of the denominator (p'), else events per unit
    (u'). ``weights`` (time, series): a period of weight 0 makes no limits; it is assessed all the
    same unless it is NaN. ``peers`` (series,): the group that a part is compared in, -1 for none:
    there its change has to be unlike the group's, too. ``is_migration`` (series,): a finding takes
    that the part moved one way and the rest of its whole the other, as where crimes move from one
    code to its neighbour; growth of one alone is none. ``wanted`` (time, series): what is to be
    judged, all unless given; the others are in baselines and among peers all the same, but in no
    run. ``longest``, ``least``: periods of a
    baseline; ``latest``: taken together. Raises ValueError for shapes that differ, a part above its
    whole, and peers or migrations of what is no part.

    A level that was there for ``least`` assessed periods becomes the baseline (``_Runs``).

    The limits are Laney's (Quality Engineering 14, 2002, 531-537), with the error of the baseline
    and Student's tails, since the scatter between periods is estimated from a few of them; the
    scatter is never taken below the binomial's or Poisson's. Under five expected events the test
    is the exact one given the sum of both periods (Fisher's, or the conditional binomial).

    Among peers the change is that of the log odds, less the median change of the group, and its
    variance holds that between the peers (from the median absolute deviation): what all forces
    share, season, law and lockdown, and how far they usually drift, are no finding about one.
    """
    x, n, w = _two_of(numerator, denominator, weights)
    group = np.full(x.shape[1], -1) if peers is None else np.asarray(peers, dtype=np.int64)
    if group.shape != (x.shape[1],):
        raise ValueError(f"peers are {group.shape}, series {x.shape[1]}")
    if not is_part and (group >= 0).any():
        raise ValueError("only parts are compared among peers")
    moves = np.zeros(x.shape[1], dtype=bool)
    if is_migration is not None:
        moves = np.asarray(is_migration, dtype=bool)
    if moves.shape != (x.shape[1],):
        raise ValueError(f"is_migration is {moves.shape}, series {x.shape[1]}")
    if moves.any() and not is_part:
        raise ValueError("only between parts does anything migrate")
    judged = _nothing((x.shape[0], x.shape[1]))
    known = ~np.isnan(x) & (n > 0)
    asked = known if wanted is None else known & np.asarray(wanted, dtype=bool)
    runs = _Runs(w, least)
    for t in range(least, x.shape[0]):
        among = np.isin(group, np.unique(group[asked[t] & (group >= 0)]))
        which = np.flatnonzero(asked[t] | (known[t] & among))
        if not which.size:
            continue
        there = known[:t, which] & (np.arange(t)[:, None] >= runs.start[which])
        usable = there & (runs.weights[:t, which] > 0)
        there &= w[:t, which] > 0
        top = np.where(usable, x[:t, which], np.nan)
        below = np.where(usable, n[:t, which], np.nan)
        odd = _against(
            x[t, which],
            n[t, which],
            top[-longest:],
            below[-longest:],
            is_part,
            least,
            group[which],
            moves[which],
        )
        best = odd
        persistent = np.zeros(which.size, dtype=bool)
        tests = np.ones(which.size)
        first = t + 1 - latest
        if first >= least:
            late = np.vstack([there[first:], np.ones((1, which.size), dtype=bool)])
            late_top = np.where(late, x[first : t + 1, which], np.nan)
            late_below = np.where(late, n[first : t + 1, which], np.nan)
            step = _against(
                np.nansum(late_top, axis=0),
                np.nansum(late_below, axis=0),
                top[max(first - longest, 0) : first],
                below[max(first - longest, 0) : first],
                is_part,
                least,
                group[which],
                moves[which],
                periods=(~np.isnan(late_top)).sum(axis=0),
            )
            tested = ~np.isnan(step[4]) & ((~np.isnan(late_top)).sum(axis=0) > 1)
            tests = np.where(tested & ~np.isnan(odd[4]), 2.0, 1.0)
            with np.errstate(invalid="ignore"):
                persistent = tested & ~(odd[4] <= step[4])
            best = [np.where(persistent, s, o) for s, o in zip(step, odd, strict=True)]
        p_value = np.minimum(best[4] * tests, 1.0)
        assessed = ~np.isnan(p_value)
        for field, values in zip(judged[:5], (*best[:4], p_value), strict=True):
            field[t, which] = np.where(assessed, values, np.nan)
        judged.direction[t, which] = np.where(assessed & (p_value < 1), best[5], 0)
        judged.is_persistent[t, which] = persistent & assessed
        judged.history_count[t, which] = best[6]
        judged.first_period[t] = runs.start
        judged.detector[t, which] = np.where(assessed, RATIO, TOO_SHORT)
        runs.take(t, judged.p_value[t], judged.direction[t])
    return judged


def _against(
    x: Array,
    n: Array,
    top: Array,
    below: Array,
    is_part: bool,
    least: int,
    group: NDArray[np.int64],
    moves: NDArray[np.bool_],
    periods: ArrayLike = 1,
) -> list[Array]:
    """Observed, expected, limits, two-sided p, direction, periods; (series,) each.

    ``periods``: how many the observed ones are the sum of.
    """
    together = np.asarray(periods, dtype=np.float64)
    periods = (~np.isnan(top)).sum(axis=0)
    enough = periods >= least
    base_x, base_n = np.nansum(top, axis=0), np.nansum(below, axis=0)
    scatter = ratio_chart(top, below, chart="pp" if is_part else "up", screenedmr=True).sigma_z
    scatter = np.fmax(np.nan_to_num(scatter, nan=1.0), 1.0)
    degrees = np.maximum(_DEGREES_PER_RANGE * (periods - 1), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed, expected = x / n, base_x / base_n
        spread = expected * (1 - expected) if is_part else expected
        deviation = scatter * np.sqrt(spread / n + spread / base_n)
        z = (observed - expected) / deviation
    up, down = stats.t.sf(z, degrees), stats.t.cdf(z, degrees)
    with np.errstate(invalid="ignore"):
        few = expected * n < LEAST_EXPECTED
        if is_part:
            few |= (1 - expected) * n < LEAST_EXPECTED
    few &= enough & (n > 0)
    if few.any():
        exact_up, exact_down = _exact(x[few], n[few], base_x[few], base_n[few], is_part)
        # Scatter beyond chance makes an exact test too sure.
        wide = scatter[few] > 1.0
        up[few] = np.where(wide, np.fmax(exact_up, up[few]), exact_up)
        down[few] = np.where(wide, np.fmax(exact_down, down[few]), exact_down)
    p_value = np.where(enough, np.minimum(2 * np.fmin(up, down), 1.0), np.nan)
    width = stats.t.isf(_TAIL_OF_LIMITS, degrees) * deviation
    largest = 1.0 if is_part else np.inf
    found = [
        observed,
        expected,
        np.clip(expected - width, 0.0, largest),
        np.clip(expected + width, 0.0, largest),
        p_value,
        np.sign(np.nan_to_num(observed - expected)),
        periods,
    ]
    if moves.any():
        both_ways = _migration(*(v[..., moves] for v in (x, n, top, below)), together, moves)
        found[4][moves] = np.fmax(found[4][moves], both_ways)
    for one in np.unique(group[group >= 0]):
        of_group = np.flatnonzero(group == one)
        compared = of_group[enough[of_group]]
        found[4][of_group] = np.nan
        if compared.size < LEAST_PEERS:
            continue
        among = _among(
            *(v[compared] for v in (x, n, base_x, base_n, scatter, degrees)),
        )
        for field, values in zip(found[1:6], among, strict=True):
            field[compared] = values
    return found


def _migration(
    x: Array, n: Array, top: Array, below: Array, together: Array, moves: NDArray[np.bool_]
) -> Array:
    """Two-sided p of a part and the rest of its whole having moved against each other.

    Each count is held to its own mean of the baseline, with the scatter of the periods there, which
    holds their season; both have to have moved, so that the larger p counts (Berger, Technometrics
    24, 1982, 295-300: intersection-union tests).
    """
    months = together[moves] if together.shape else together

    def moved(now: Array, before: Array) -> tuple[Array, Array]:
        number = (~np.isnan(before)).sum(axis=0)
        mean = np.nansum(before, axis=0) / np.maximum(number, 1)
        spread = np.nansum((before - mean) ** 2, axis=0) / np.maximum(number - 1, 1)
        spread = np.fmax(spread, mean)
        with np.errstate(invalid="ignore", divide="ignore"):
            z = (now / months - mean) / np.sqrt(spread / months + spread / number)
        degrees = np.maximum(number - 1.0, 1.0)
        return stats.t.sf(z, degrees), stats.t.cdf(z, degrees)

    part_up, part_down = moved(x, top)
    rest_up, rest_down = moved(n - x, below - top)
    p = np.fmin(np.fmax(part_up, rest_down), np.fmax(part_down, rest_up))
    return np.minimum(2 * np.nan_to_num(p, nan=1.0), 1.0)


def _among(
    x: Array, n: Array, base_x: Array, base_n: Array, scatter: Array, degrees: Array
) -> list[Array]:
    """Expected, limits, two-sided p and direction of changes among those of a group."""

    def log_odds(a: Array, b: Array) -> tuple[Array, Array]:
        # Half an event more on both sides: odds of none have no logarithm (Haldane, Anscombe).
        return np.log((a + 0.5) / (b - a + 0.5)), 1 / (a + 0.5) + 1 / (b - a + 0.5)

    now, variance_now = log_odds(x, n)
    before, variance_before = log_odds(base_x, base_n)
    change, variance = now - before, (variance_now + variance_before) * scatter**2
    usual = np.median(change)
    between = (_DEVIATIONS_TO_SD * np.median(np.abs(change - usual))) ** 2
    between = max(between - np.median(variance), 0.0)
    total = variance + between
    deviation = np.sqrt(total)
    z = (change - usual) / deviation
    # Welch and Satterthwaite: each part of the variance is known as well as it was estimated.
    of_between = _EFFICIENCY_OF_MEDIANS * (change.size - 1)
    degrees = total**2 / (variance**2 / degrees + between**2 / of_between)
    width = stats.t.isf(_TAIL_OF_LIMITS, degrees) * deviation
    return [
        special.expit(before + usual),
        special.expit(before + usual - width),
        special.expit(before + usual + width),
        2 * stats.t.sf(np.abs(z), degrees),
        np.sign(z),
    ]


def _exact(x: Array, n: Array, base_x: Array, base_n: Array, is_part: bool) -> tuple[Array, Array]:
    """One-sided p of as many and of as few, given the sum of both."""
    both = x + base_x
    if is_part:
        law = stats.hypergeom(n + base_n, both, n)
    else:
        law = stats.binom(both, n / (n + base_n))
    return law.sf(x - 1), law.cdf(x)


def judge_counts(
    counts: ArrayLike,
    freq: int = 12,
    *,
    weights: ArrayLike | None = None,
    days: ArrayLike | None = None,
    wanted: ArrayLike | None = None,
) -> Judged:
    """Is the count of each period unlike those before? By the detector that the series gets.

    ``counts`` (time, series), NaN where missing; ``freq`` 12 or 52; ``weights`` as counts, 0 to 1;
    ``days`` (time,): of each period; ``wanted`` as counts: what is to be judged, all unless given.
    One call of ``choose.detect`` for each period, which looks back no further than it needs. Raises
    ValueError as ``detect`` does.

    With less than two years before it a count under a hundred is judged by EARS; by the exact test
    of ``judge_ratios`` against all periods so far where EARS has too few of them (from four on), or
    fewer than five events are expected. A level that was there for a year becomes the baseline
    (``_Runs``): earlier counts are raised or lowered to it, so that their season is kept.
    """
    y = np.asarray(counts, dtype=np.float64)
    y, _, w = _two_of(y, y, weights)
    length = None if days is None else np.asarray(days, dtype=np.float64)
    asked = ~np.isnan(y) if wanted is None else ~np.isnan(y) & np.asarray(wanted, dtype=bool)
    judged = _nothing((y.shape[0], y.shape[1]))
    runs = _Runs(w, LEAST_BASELINE if freq == 12 else freq)
    levelled = y.copy()
    for t in range(LEAST_FOR_COUNTS, y.shape[0]):
        which = np.flatnonzero(asked[t])
        if not which.size:
            continue
        found = detect(
            levelled[: t + 1, which],
            freq,
            prior_weights=runs.weights[: t + 1, which],
            exposure=None if length is None else length[: t + 1],
        )
        fields = [
            found.observed,
            found.expected,
            found.lowerbound,
            found.upperbound,
            found.p_value,
            found.direction,
            found.is_persistent,
            (~np.isnan(y[:t, which])).sum(axis=0),
            runs.start[which],
            found.detector,
        ]
        for field, values in zip(judged, fields, strict=True):
            field[t, which] = values
        # A model without limits (no baseline is left) has no result; nor has a chart that takes
        # the season for a change.
        is_chart = found.detector == EARS
        with np.errstate(invalid="ignore"):
            unfit = (found.detector == FARRINGTON) & np.isnan(found.p)
            unfit |= is_chart & ~(found.expected < MOST_FOR_SHORT_HISTORY)
            few = is_chart & ~(found.expected >= LEAST_EXPECTED)
        few |= found.detector == TOO_SHORT
        _clear(judged, t, which[unfit | few])
        _by_short_history(judged, y, runs.weights, length, t, which[few])
        # No event so far, and none expected: nothing changed.
        silent = which[(found.detector == NO_EVENTS) & (judged.history_count[t, which] >= 12)]
        judged.observed[t, silent] = judged.expected[t, silent] = 0.0
        judged.p_value[t, silent] = 1.0
        for anew in runs.take(t, judged.p_value[t], judged.direction[t]):
            start = runs.start[anew]
            levelled[:start, anew] = _at_new_level(levelled[: t + 1, anew], w[:, anew], start, freq)
    return judged


def _clear(judged: Judged, t: int, which: NDArray[np.int64]) -> None:
    for values in judged[:5]:
        values[t, which] = np.nan
    judged.direction[t, which] = 0
    judged.is_persistent[t, which] = False
    judged.detector[t, which] = TOO_SHORT


def _by_short_history(
    judged: Judged, y: Array, w: Array, days: Array | None, t: int, which: NDArray[np.int64]
) -> None:
    """Counts with few periods before them, held to all of these, in place."""
    if not which.size:
        return
    before = np.where(w[:t, which] > 0, y[:t, which], np.nan)
    series = which.size
    # In periods as long as this one.
    length = np.ones(t + 1) if days is None else days[: t + 1] / days[t]
    found = _against(
        y[t, which],
        np.ones(series),
        before,
        np.where(np.isnan(before), np.nan, length[:t, None]),
        False,
        LEAST_FOR_COUNTS,
        np.full(series, -1),
        np.zeros(series, dtype=bool),
    )
    with np.errstate(invalid="ignore"):
        fit = ~np.isnan(found[4]) & (found[1] < MOST_FOR_SHORT_HISTORY)
    for field, values in zip(judged[:5], found[:5], strict=True):
        field[t, which[fit]] = values[fit]
    judged.direction[t, which[fit]] = np.where(found[4] < 1, found[5], 0)[fit]
    judged.history_count[t, which] = found[6]
    judged.detector[t, which[fit]] = SHORT_HISTORY


def _at_new_level(y: Array, w: Array, start: int, freq: int) -> Array:
    """Counts (time,) before ``start`` at the level of those since, held to the same months."""
    since = np.arange(start, y.size)
    now, then = 0.0, 0.0
    for t in since[~np.isnan(y[since])]:
        same = np.arange(t % freq, start, freq)
        same = same[~np.isnan(y[same]) & (w[same] > 0)]
        if same.size:
            now, then = now + y[t], then + y[same].mean()
    if then == 0:
        return y[:start]
    return np.round(y[:start] * (now / then))


def adjust_by_family(p_values: ArrayLike, family: ArrayLike) -> Array:
    """q-values (Benjamini and Hochberg) within each family; (n,) both, NaN where there is no p."""
    p = np.asarray(p_values, dtype=np.float64)
    family = np.asarray(family)
    if p.shape != family.shape or p.ndim != 1:
        raise ValueError(f"p_values are {p.shape}, family {family.shape}; both (n,)")
    _, family = np.unique(family, return_inverse=True)
    q = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    if not known.size:
        return q
    known = known[np.argsort(family[known], kind="stable")]
    ends = np.flatnonzero(np.diff(family[known])) + 1
    for part in np.split(known, ends):
        q[part] = adjusted_p_values(p[part])
    return q


def _by_chance(x: Array, n: Array, detector: str) -> tuple[Array, Array]:
    """Limits of the values of one kind by chance alone: Wilson's for a share, Poisson's else."""
    lower, upper = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    there = ~np.isnan(x) if detector == "count" else n > 0
    if detector == "share":
        found = wilson_interval(x[there], n[there])
        lower[there], upper[there] = found.lower, found.upper
        return lower, upper
    there &= ~np.isnan(x)
    unit = 1.0 if detector == "count" else n[there]
    chance = poisson_interval(x[there])
    lower[there], upper[there] = chance.lower / unit, chance.upper / unit
    return lower, upper


def _parts(series: NDArray[np.int64], peers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Places of rows, in parts of about ``SERIES_AT_ONCE`` series; peers stay together."""
    order = np.lexsort((series, peers))
    in_order, group = series[order], peers[order]
    starts = np.flatnonzero(np.r_[True, np.diff(in_order) != 0])
    # A series may begin a part where it is its group's first, or has no group.
    free = (group[starts] < 0) | np.r_[True, np.diff(group[starts]) != 0]
    cuts, begun = [], 0
    for i in np.flatnonzero(free).tolist():
        if i - begun >= SERIES_AT_ONCE:
            cuts.append(starts[i])
            begun = i
    return np.split(order, cuts)


def judge_ledger(
    *,
    series: ArrayLike,
    month: ArrayLike,
    month_count: ArrayLike,
    detector_type: ArrayLike,
    numerator: ArrayLike,
    denominator: ArrayLike,
    weight: ArrayLike,
    is_to_assess: ArrayLike,
    family: ArrayLike,
    peers: ArrayLike,
    is_migration: ArrayLike | None = None,
) -> dict[str, np.ndarray]:
    """Rows of series and month in, a result for each out; all (rows,).

    ``series``: whole numbers; ``month``: first days of periods of ``month_count`` 1 or 3;
    ``detector_type``: count, share, rate or rule (which is not judged here); ``numerator``,
    ``denominator``: counts, NaN where missing; ``weight``: what baselines give the period;
    ``is_to_assess``: others have no result, and are in baselines all the same; ``family``: tests of
    one false discovery rate; ``peers``: group of series that are compared with each other, -1 for
    none; ``is_migration``: a share that is found only where the rest of the whole moved the other
    way. Returns ``value_lower``, ``value_upper`` (95%: Wilson's for a part, Poisson's otherwise),
    the fields of ``Judged``, with ``baseline_month`` (datetime64[M], NaT where there is no result)
    for ``first_period``, and ``q_value``. Raises ValueError for a row that is there twice, and
    as the judges do.
    """
    names = np.asarray(series, dtype=np.int64)
    at = np.asarray(month).astype("datetime64[M]").astype(np.int64)
    width = np.asarray(month_count, dtype=np.int64)
    given_kind = np.asarray(detector_type)
    kind = np.full(given_kind.shape, -1, dtype=np.int8)
    for number, detector in enumerate(_KINDS):
        kind[given_kind == detector] = number
    x, n = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    together = np.asarray(peers, dtype=np.int64)
    w, to_assess = np.asarray(weight, dtype=np.float64), np.asarray(is_to_assess, dtype=bool)
    order = np.lexsort((at, names))
    if np.any((np.diff(names[order]) == 0) & (np.diff(at[order]) == 0)):
        raise ValueError("a series has a month twice")
    migrates = np.zeros(names.size, dtype=bool)
    if is_migration is not None:
        migrates = np.asarray(is_migration, dtype=bool)
    flat = _nothing((names.size, 1))
    began = np.full(names.size, np.datetime64("NaT", "M"))
    out = {f: v.reshape(-1) for f, v in zip(Judged._fields, flat, strict=True)}
    lower, upper = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    for number, detector in enumerate(_KINDS):
        for months in (1, 3):
            rows = np.flatnonzero((kind == number) & (width == months))
            if not rows.size:
                continue
            if detector == "count" and months != 1:
                raise ValueError("counts are judged by months: no detector takes quarters")
            first = at[rows].min()
            for part in _parts(names[rows], together[rows]):
                chosen = rows[part]
                lower[chosen], upper[chosen] = _by_chance(x[chosen], n[chosen], detector)
                _, column = np.unique(names[chosen], return_inverse=True)
                period = (at[chosen] - first) // months
                shape = (int(period.max()) + 1, int(column.max()) + 1)
                top, below, weights = np.full(shape, np.nan), np.full(shape, np.nan), np.ones(shape)
                wanted = np.zeros(shape, dtype=bool)
                top[period, column] = x[chosen]
                below[period, column] = n[chosen]
                weights[period, column] = w[chosen]
                wanted[period, column] = to_assess[chosen]
                if detector == "count":
                    starts = (first + np.arange(shape[0] + 1)).astype("datetime64[M]")
                    days = np.diff(starts.astype("datetime64[D]")).astype(np.float64)
                    judged = judge_counts(top, 12, weights=weights, days=days, wanted=wanted)
                else:
                    group = np.empty(shape[1], dtype=np.int64)
                    group[column] = together[chosen]
                    moves = np.zeros(shape[1], dtype=bool)
                    moves[column] = migrates[chosen]
                    judged = judge_ratios(
                        top,
                        below,
                        is_part=detector == "share",
                        weights=weights,
                        peers=group,
                        is_migration=moves,
                        wanted=wanted,
                        **(OF_QUARTERS if months == 3 else {}),
                    )
                used = to_assess[chosen]
                for field, values in zip(Judged._fields, judged, strict=True):
                    out[field][chosen[used]] = values[period, column][used]
                begins = np.fmax(judged.first_period, (~np.isnan(top)).argmax(axis=0))
                begins = begins[period, column] * months + int(first)
                used &= ~np.isnan(judged.p_value[period, column])
                began[chosen[used]] = begins[used].astype("datetime64[M]")
    out["q_value"] = adjust_by_family(out["p_value"], family)
    del out["first_period"]
    return {"value_lower": lower, "value_upper": upper} | out | {"baseline_month": began}
