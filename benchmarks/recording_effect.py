"""13: whether the intervals of the recording effect hold what is known of simulated worlds.

Every method of ``mart_recording_effect`` on worlds that are drawn so that the effect is known: a
series or a panel or two counts, not records, so that hundreds take a minute. Some worlds meet the
assumptions of the method and some break one of them, and the table shows both. What it gives is the
seed ``recording_effect_coverage``, which the mart shows beside every estimate; it depends on no
machine, only on the seed of the draws.

Does not belong here: worlds of single records (``plumbline simulate`` and the tests of its
scenarios), the methods themselves (``orchestration.statistics``).
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs import Inputs
from benchmarks.measure import Result, Spread
from orchestration.statistics import hospital_control as hospital
from orchestration.statistics import recording_effect as effects
from orchestration.statistics.intervals import Interval
from orchestration.statistics.rates import (
    LEAST_MONTHS,
    Dispersion,
    log_rate_ratio,
    ratio_interval,
    series_dispersion,
)
from orchestration.statistics.synthetic_control import FITTED, synthetic_control

Array = NDArray[np.float64]

SEED = 20_211_231
#: The effect in worlds that have one; the others have none.
EFFECT = 1.155
#: What is asked of intervals where the assumptions hold.
LEAST_COVERAGE = 93.0


#: The variant of each method that the worlds are drawn for.
VARIANTS = {
    "interrupted_time_series": "together",
    "synthetic_control": "main",
    "like_for_like": "rules",
    "hospital_controlled": "own",
    "assessed": "published",
}


class Coverage(NamedTuple):
    """One row of the seed ``recording_effect_coverage``."""

    method_code: str
    variant_code: str
    condition_code: str
    condition_order: int
    condition_text: str
    is_assumption_met: bool
    world_count: int
    coverage_pct: float
    claim_pct: float


class Worlds(NamedTuple):
    """Intervals in worlds with the effect ``truth`` (W,), and in worlds of effect 1."""

    with_effect: Interval
    truth: Array
    without: Interval


def coverage(worlds: int = 500, seed: int = SEED) -> list[Coverage]:
    """Every method under every condition. About a minute for 500 worlds, most of it of panels."""
    rows = []
    for order, (method, code, text, is_met, draw) in enumerate(_conditions(), start=1):
        generator = np.random.default_rng([seed, order])
        found = draw(generator, worlds)
        given, truth, none = found
        known = ~np.isnan(given.lower)
        held = (given.lower <= truth) & (truth <= given.upper)
        claims = (none.lower > 1) | (none.upper < 1)
        rows.append(
            Coverage(
                method,
                VARIANTS[method],
                code,
                order,
                text,
                is_met,
                int(known.sum()),
                round(100 * float(held[known].mean()), 1),
                round(100 * float(claims[~np.isnan(none.lower)].mean()), 1),
            )
        )
    return rows


def as_csv(rows: Sequence[Coverage]) -> str:
    """The seed, as it is written."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(Coverage._fields)
    for r in rows:
        writer.writerow([str(v).lower() if isinstance(v, bool) else v for v in r])
    return out.getvalue()


Draw = Callable[[np.random.Generator, int], Worlds]


def _conditions() -> Iterator[tuple[str, str, str, bool, Draw]]:
    its = "interrupted_time_series"
    yield its, "steady", "a steady trend and season, dispersion 2", True, _series()
    yield (
        its,
        "neighbours",
        "neighbouring months alike (correlation 0.3)",
        True,
        _series(rho=0.3),
    )
    yield its, "few_events", "ten events a month", True, _series(mean=10.0, phi=1.0)
    yield (
        its,
        "lockdown_lingers",
        "crime still recovers from lockdown when the system changes",
        False,
        _series(linger=-0.25),
    )
    yield (
        its,
        "crime_rises_too",
        "crime itself rises by 10% when the system changes",
        False,
        _series(crime=1.10),
    )
    yield its, "drift", "the level drifts (3% a month, at random)", False, _series(drift=0.03)
    sc = "synthetic_control"
    yield sc, "exchangeable", "forces that drift apart alike, 40 donors", True, _panels()
    yield sc, "fewer_donors", "the same with 22 donors", True, _panels(donors=22)
    yield (
        sc,
        "too_few_donors",
        "12 donors: the interval has no limits, so that it holds everything",
        False,
        _panels(donors=12),
    )
    yield (
        sc,
        "trend_beyond_donors",
        "the force already grew 1% a quarter faster than others",
        False,
        _panels(trend=0.01),
    )
    yield (
        sc,
        "donors_changed_too",
        "half of the donors have a change of recording of their own, 20%",
        False,
        _panels(changed=0.5),
    )
    yield (
        sc,
        "crime_rises_too",
        "crime itself rises by 20% in the force alone",
        False,
        _panels(crime=1.20),
    )
    lfl = "like_for_like"
    yield lfl, "rule_right", "every origin stated, 6,000 records", True, _records()
    yield lfl, "few_records", "the same with 60 records", True, _records(mean=60)
    yield (
        lfl,
        "origin_unstated",
        "of three records that practice made one does not say so",
        False,
        _records(unstated=1 / 3),
    )
    yield (
        lfl,
        "rule_too_wide",
        "the rule also drops 3% of what would have been recorded",
        False,
        _records(wide=0.03),
    )
    hosp = "hospital_controlled"
    yield hosp, "admissions_follow", "admissions follow crime, 90 of them", True, _admissions()
    yield hosp, "few_admissions", "the same with 20 admissions", True, _admissions(count=20)
    yield (
        hosp,
        "care_avoided",
        "with 600 admissions, of which 15% do not come now",
        False,
        _admissions(count=600, avoided=0.15),
    )
    yield (
        hosp,
        "reporting_rises",
        "with 600 admissions, and 20% more of the crimes reported",
        False,
        _admissions(count=600, reported=1.2),
    )
    yield "assessed", "prior_right", "the effect is as the analysts say", True, _assessed(None)
    yield (
        "assessed",
        "effect_is_larger",
        "the effect is 15.5% and not 4%",
        False,
        _assessed(EFFECT),
    )


def _counts(generator: np.random.Generator, mean: Array, phi: float) -> Array:
    """Counts of that mean, variance phi times it."""
    if phi == 1.0:
        return generator.poisson(mean).astype(np.float64)
    return generator.negative_binomial(mean / (phi - 1.0), 1.0 / phi).astype(np.float64)


# ------------------------------------------------------------------------- one series in four years

_MONTHS = np.arange(48)
_LOCKDOWN = np.isin(_MONTHS, np.r_[23:28, 31:36])
_STARTS = [("Log Quality Team", 31), ("CONNECT", 36)]


def _series(
    mean: float = 500.0,
    phi: float = 2.0,
    rho: float = 0.0,
    linger: float = 0.0,
    crime: float = 1.0,
    drift: float = 0.0,
) -> Draw:
    """April 2018 to March 2022; ``linger``: log gap in the month of the change, halved in six."""

    def draw(generator: np.random.Generator, worlds: int) -> Worlds:
        measured = np.isin(_MONTHS, np.r_[36:44])
        after = _MONTHS >= 36

        def estimate(effect: float) -> Interval:
            slope = generator.normal(0.0, 0.002, (worlds, 1))
            phase = generator.uniform(0, 2 * np.pi, (worlds, 1))
            log = np.log(mean) + slope * _MONTHS
            log = log + 0.08 * np.cos(2 * np.pi * _MONTHS / 12 + phase)
            log = log + np.where(_LOCKDOWN, generator.uniform(-0.6, -0.1, (worlds, 1)), 0.0)
            if rho:
                # As large as chance itself, so that half of the scatter is alike.
                noise = generator.normal(0.0, np.sqrt(phi / mean), (worlds, 48))
                for t in range(1, 48):
                    noise[:, t] = rho * noise[:, t - 1] + np.sqrt(1 - rho**2) * noise[:, t]
                log = log + noise
            if drift:
                log = log + np.cumsum(generator.normal(0.0, drift, (worlds, 48)), axis=1)
            log = log + np.where(after, linger * 0.5 ** ((_MONTHS - 36) / 6) + np.log(crime), 0.0)
            # The Log Quality Team brings half of it.
            steps = np.where(after, np.log(effect), np.where(_MONTHS >= 31, np.log(effect) / 2, 0))
            counts = _counts(generator, np.exp(log + steps), phi)
            return effects.interrupted_effect(counts, 1.0, _STARTS, measured, _LOCKDOWN).effect

        return Worlds(estimate(EFFECT), np.full(worlds, EFFECT), estimate(1.0))

    return draw


# ------------------------------------------------------------------------------- panels of forces

_QUARTERS = np.arange(32)
_BEFORE, _AFTER = _QUARTERS < 23, _QUARTERS >= 28


def _panels(donors: int = 40, trend: float = 0.0, changed: float = 0.0, crime: float = 1.0) -> Draw:
    """Eight years of quarters: two common factors, a slow drift of each force, Poisson counts."""

    def draw(generator: np.random.Generator, worlds: int) -> Worlds:
        def estimate(effect: float) -> Interval:
            found = np.full((3, worlds), np.nan)
            for world in range(worlds):
                n = donors + 1
                common = np.cumsum(generator.normal(0.0, 0.03, (32, 2)), axis=0)
                common[24:29, 0] -= 0.2  # a lockdown that all feel, not all alike
                own = np.cumsum(generator.normal(0.0, 0.02, (32, n)), axis=0)
                season = 0.05 * np.cos(2 * np.pi * _QUARTERS / 4)[:, None]
                log = generator.normal(7.0, 0.6, n) + season + own
                log = log + common @ generator.normal(1.0, 0.3, (2, n))
                log[:, 0] += trend * _QUARTERS + np.where(_QUARTERS >= 26, np.log(effect), 0.0)
                log[:, 0] += np.where(_AFTER, np.log(crime), 0.0)
                others = 1 + generator.choice(donors, int(changed * donors), replace=False)
                log[24:, others] += np.log(1.2)
                counts = generator.poisson(np.exp(log)).astype(np.float64)
                fit = synthetic_control(counts, 0, np.arange(1, n), _BEFORE, _AFTER)
                if fit.status == FITTED:
                    found[:, world] = fit.effect
            return Interval(*found)

        return Worlds(estimate(EFFECT), np.full(worlds, EFFECT), estimate(1.0))

    return draw


# -------------------------------------------------------------------------- records and two counts


def _records(mean: float = 6_000, unstated: float = 0.0, wide: float = 0.0) -> Draw:
    def draw(generator: np.random.Generator, worlds: int) -> Worlds:
        def estimate(effect: float) -> Interval:
            before = _counts(generator, np.full(worlds, mean), 1.5)
            now = _counts(generator, np.full(worlds, mean * effect), 1.5)
            made = generator.binomial(now.astype(np.int64), 1.0 - 1.0 / effect)
            said = generator.binomial(made, 1.0 - unstated)
            dropped = generator.binomial(now.astype(np.int64) - made, wide)
            return effects.like_for_like_effect(before, before, now, now - said - dropped)

        return Worlds(estimate(EFFECT), np.full(worlds, EFFECT), estimate(1.0))

    return draw


def _admissions(count: float = 90.0, avoided: float = 0.0, reported: float = 1.0) -> Draw:
    """Records of dispersion 1.5 and admissions of dispersion 1.2, both estimated as in the mart."""

    def draw(generator: np.random.Generator, worlds: int) -> Worlds:
        months = np.arange(LEAST_MONTHS)
        season = np.exp(0.08 * np.cos(2 * np.pi * months / 12))

        def scatter(mean: float, phi: float) -> Dispersion:
            quiet = _counts(generator, mean * np.broadcast_to(season, (worlds, months.size)), phi)
            return series_dispersion(quiet)[0]

        def estimate(effect: float) -> Interval:
            crime = np.exp(generator.normal(0.0, 0.1, worlds))
            own, patients = scatter(750.0, 1.5), scatter(count / 8, 1.2)
            before = _counts(generator, np.full(worlds, 6_000.0), 1.5)
            now = _counts(generator, 6_000.0 * crime * effect * reported, 1.5)
            recorded = effects.recorded_change(
                now, 1.0, before, 1.0, own.phi_of_sums, own.degrees_of_freedom
            )
            # Unknown it is taken for chance, as in the mart.
            spread = np.where(np.isnan(patients.phi_of_sums), 1.0, patients.phi_of_sums)
            came = _counts(generator, count * crime * (1.0 - avoided), 1.2)
            had = np.maximum(_counts(generator, np.full(worlds, count), 1.2), 1.0)
            change = hospital.hospital_change(
                hospital.exactly(np.maximum(came, 1.0)), hospital.exactly(had), phi=spread
            )
            return hospital.hospital_controlled(recorded, change).effect

        return Worlds(estimate(EFFECT), np.full(worlds, EFFECT), estimate(1.0))

    return draw


def _assessed(effect: float | None) -> Draw:
    """Of the change that is left, which is what the assessment is for: crime moves by 10%."""

    def draw(generator: np.random.Generator, worlds: int) -> Worlds:
        spread = np.log(1.09 / 0.99) / (2 * 1.959964)
        given = Interval(*(np.full(worlds, v) for v in (1.04, 0.99, 1.09)))

        def estimate(crime: Array) -> Interval:
            real = np.exp(generator.normal(np.log(1.04), spread, worlds))
            g = real if effect is None else np.full(worlds, effect)
            before = _counts(generator, np.full(worlds, 6_000.0), 1.5)
            now = _counts(generator, 6_000.0 * crime * g, 1.5)
            recorded = ratio_interval(log_rate_ratio(now, 1.0, before, 1.0, 1.5))
            return effects.adjusted_change(recorded, given)

        truth = np.exp(generator.normal(0.0, 0.1, worlds))
        return Worlds(estimate(truth), truth, estimate(np.ones(worlds)))

    return draw


# --------------------------------------------------------------------------------------- the case


def recording_effect(inputs: Inputs) -> list[Result]:
    """Coverage of every method, where its assumptions hold and where they do not."""
    worlds = inputs.size.effect_worlds
    inputs.progress.line(f"13: the recording effect in {worlds} worlds for each condition")
    started = time.perf_counter()
    rows = coverage(worlds)
    spent = time.perf_counter() - started
    missed = [r for r in rows if r.is_assumption_met and r.coverage_pct < LEAST_COVERAGE]
    table = [
        f"{'method':24} {'assumptions':11} {'worlds':>6} {'held':>6} {'claimed':>8}  condition",
        *(
            f"{r.method_code:24} {'met' if r.is_assumption_met else 'BROKEN':11} "
            f"{r.world_count:>6} {r.coverage_pct:>5.1f}% {r.claim_pct:>7.1f}%  {r.condition_text}"
            for r in rows
        ),
        "",
        "held: 95% intervals that hold the known effect (of the assessment: the change left)",
        "claimed: intervals that leave out 1 in worlds without an effect (without a change)",
        "",
        "the seed recording_effect_coverage:",
        *as_csv(rows).splitlines(),
    ]
    return [
        Result(
            13,
            f"conditions met, intervals that hold less than {LEAST_COVERAGE:.0f}%",
            Spread((float(len(missed)),)),
            target=0,
            unit="count",
            details=[("worlds drawn and fitted", spent, "")],
            table=table,
        )
    ]


CASES: dict[int, Callable[[Inputs], list[Result]]] = {13: recording_effect}
