"""Measurements 9 to 12 and 14, of the detectors: throughput against R, what they find and cry.

R is not run here: its time a point (12 ms) was measured with surveillance 1.20.3 on one core, and
its detection is that of ``mode="r_compat"``, which the reference tests hold to R's outputs.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.inputs import QUICK, Inputs
from benchmarks.measure import Result, Spread
from orchestration.detectors.choose import ALPHA_EXACT, ALPHA_PERSISTENT, MONTHLY, WEEKLY, detect
from orchestration.detectors.farrington import farrington_flexible
from orchestration.detectors.seasonal import seasonal_scatter, seasonal_shift
from orchestration.detectors.small_counts import exact_rolling_year, exact_same_period
from orchestration.recording_checks import judge_ledger

#: One series and week of farringtonFlexible in R 4.2.2 with surveillance 1.20.3, one core.
R_SECONDS_A_POINT = 0.012
GIB = 1 << 30
MIB = 1 << 20

#: theta, phi, beta, gamma1, gamma2 of the seven sets of Noufaily et al. (2013), each with and
#: without trend and with 0, 1 and 2 yearly waves.
SETS = (
    (0.1, 1.5, 0.0025, 0.6, 0.6),
    (-2.0, 2.0, 0.005, 0.1, 0.3),
    (1.5, 1.0, 0.003, 0.2, -0.4),
    (0.5, 5.0, 0.002, 0.5, 0.5),
    (2.5, 3.0, 0.001, 1.0, 0.1),
    (3.75, 1.1, 0.001, 0.1, -0.1),
    (5.0, 1.2, 0.0001, 0.05, 0.01),
)
WEEKS = 624
FIRST_WEEK = 576
NOUFAILY: dict[str, Any] = {
    "w": 3, "noPeriods": 10, "pastWeeksNotIncluded": 26, "pThresholdTrend": 1.0,
    "limit54": (0, 4), "mode": "r_compat",
}  # fmt: skip
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "production": WEEKLY,
    "R, nbPlugin .005": NOUFAILY | {"thresholdMethod": "nbPlugin", "alpha": 0.005},
    "R, delta .005": NOUFAILY | {"thresholdMethod": "delta", "alpha": 0.005},
    "R, muan .005": NOUFAILY | {"thresholdMethod": "muan", "alpha": 0.005},
    "R, original-like .005": {
        "w": 3, "weightsThreshold": 1.0, "alpha": 0.005, "limit54": (0, 4), "mode": "r_compat",
    },
    "R, nbPlugin .05": NOUFAILY | {"thresholdMethod": "nbPlugin", "alpha": 0.05},
}  # fmt: skip


def is_quick(inputs: Inputs) -> bool:
    return inputs.size.files == QUICK.files


# ----------------------------------------------------------------------- 9: throughput


def throughput(inputs: Inputs) -> list[Result]:
    """Farrington flexible, Noufaily's settings, on series of ten years of weeks."""
    series, weeks = (1_000, 4) if is_quick(inputs) else (10_000, 26)
    random = np.random.default_rng(9)
    level = np.exp(random.normal(2.0, 1.2, series))
    season = 1 + 0.3 * np.cos(2 * np.pi * np.arange(520) / 52)
    counts = random.negative_binomial(level * season[:, None] / 0.5, 1 / 1.5)
    inputs.progress.line(f"9: {series:,} series of 520 weeks, the last {weeks} tested")
    tested = np.arange(521 - weeks, 521)
    options = NOUFAILY | {"thresholdMethod": "nbPlugin", "alpha": 0.005}
    settings = {"R's form": options, "production": WEEKLY}
    results = []
    for name, kwargs in settings.items():
        started, cpu = time.perf_counter(), time.process_time()
        found = farrington_flexible(counts, 52, range=tested, **kwargs)
        cpu, spent = time.process_time() - cpu, time.perf_counter() - started
        point = cpu / found.alarm.size
        results.append(
            Result(
                9,
                f"Farrington flexible, {name}: of R's time a point",
                Spread((point / R_SECONDS_A_POINT,)),
                1 / 50,
                unit="share",
                details=[
                    (
                        "processor time a series and week",
                        None,
                        f"{point * 1e6:.0f} us; R: 12,000 us",
                    ),
                    ("times R's throughput per core", None, f"{R_SECONDS_A_POINT / point:,.0f}"),
                    (f"{found.alarm.size:,} points, elapsed", spent, ""),
                ],
            )
        )
    return results


# ----------------------------------------------------------------------- 10: one run's alerts


def whole_month(inputs: Inputs) -> list[Result]:
    """Everything that a run tests: 10,000 series of 120 months, the last month of each."""
    sizes = (500, 1_000) if is_quick(inputs) else (1_000, 10_000)
    random = np.random.default_rng(10)
    peaks, spent, kinds = [], 0.0, ""
    for series in sizes:
        level = np.exp(random.normal(2.5, 1.5, series))
        season = 1 + 0.15 * np.cos(2 * np.pi * np.arange(120) / 12)
        counts = random.negative_binomial(level * season[:, None] / 0.3, 1 / 1.3).astype(float)
        detect(counts[:, :50], 12)  # limits are simulated once a process
        started = time.perf_counter()
        found = detect(counts, 12)
        spent = time.perf_counter() - started
        names, number = np.unique(found.detector, return_counts=True)
        kinds = ", ".join(f"{n} {k}" for n, k in zip(number, names, strict=True))
        tracemalloc.start()
        detect(counts, 12)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    inputs.progress.line(f"10: {sizes[-1]:,} series of 120 months in {spent:.1f} s")
    return [
        Result(
            10,
            f"memory of one run's alerts, {sizes[-1]:,} series of 120 months",
            Spread((float(peaks[-1]),)),
            0.25 * GIB,
            unit="bytes",
            details=[
                ("elapsed", spent, kinds),
                *(
                    (f"peak, {n:,} series", None, f"{p / MIB:,.0f} MiB")
                    for n, p in zip(sizes, peaks, strict=True)
                ),
            ],
        )
    ]


# ----------------------------------------------------------------------- 11: Noufaily's scenarios


class Scenarios(NamedTuple):
    """Weekly series of the 42 scenarios, (time, series). ``window`` (series, 2): first and last
    index of the current outbreak or, of ``dropped``, of eight weeks from the start of the drop."""

    clean: np.ndarray
    past: np.ndarray
    current: np.ndarray
    window: np.ndarray
    size: np.ndarray
    dropped: np.ndarray
    drop_window: np.ndarray
    level: np.ndarray


def scenarios(seed: int, replicates: int) -> Scenarios:
    """The series of Noufaily et al. (2013) with their outbreaks, and with a halving as well."""
    random = np.random.default_rng(seed)
    t = np.arange(1, WEEKS + 1)
    means, scatter = [], []
    for theta, phi, beta, g1, g2 in SETS:
        for trend in (0, 1):
            for waves in (0, 1, 2):
                log = theta + beta * t * trend
                for j in range(1, waves + 1):
                    angle = 2 * np.pi * j * t / 52
                    log = log + g1 * np.cos(angle) + g2 * np.sin(angle)
                means.append(np.exp(log))
                scatter.append(phi)
    mean = np.repeat(np.array(means).T, replicates, axis=1)
    phi = np.repeat(np.array(scatter), replicates)
    above = np.maximum(phi - 1, 1e-9)
    clean = np.where(
        phi > 1, random.negative_binomial(mean / above, 1 / np.maximum(phi, 1.0)), 0
    ).astype(float)
    clean = np.where(phi > 1, clean, random.poisson(mean))
    deviation = np.sqrt(mean * phi)
    series = mean.shape[1]

    def add(to: np.ndarray, which: int, start: int, k: int) -> int:
        size = random.poisson(k * deviation[start, which])
        weeks = start + np.floor(random.lognormal(0, 0.5, size)).astype(int)
        weeks = weeks[weeks < WEEKS]
        np.add.at(to[:, which], weeks, 1)
        return int(weeks.max()) if weeks.size else start

    past = clean.copy()
    for s in range(series):
        for _ in range(4):
            add(past, s, int(random.integers(312, 575)), int(random.choice([2, 3, 5, 10])))
    current, window = past.copy(), np.zeros((series, 2), dtype=int)
    size = np.arange(series) % 10 + 1
    for s in range(series):
        start = int(random.integers(FIRST_WEEK - 1, WEEKS - 4))
        window[s] = start, add(current, s, start, int(size[s]))
    dropped, drop_window = past.copy(), np.zeros((series, 2), dtype=int)
    for s in range(series):
        start = int(random.integers(FIRST_WEEK - 1, WEEKS - 8))
        dropped[start:, s] = random.binomial(past[start:, s].astype(int), 0.5)
        drop_window[s] = start, start + 7
    return Scenarios(
        clean, past, current, window, size, dropped, drop_window, mean[FIRST_WEEK:].mean(axis=0)
    )


def found_in(alarm: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Whether any alarm (weeks from the first tested, series) falls into each series' window."""
    week = np.arange(FIRST_WEEK - 1, WEEKS)[:, None]
    return (alarm & (week >= window[:, 0]) & (week <= window[:, 1])).any(axis=0)


def noufaily(inputs: Inputs) -> list[Result]:
    """False alarms and detection of the production settings beside R's, on the same series."""
    drawn = scenarios(11, 6 if is_quick(inputs) else 60)
    tested = np.arange(FIRST_WEEK, WEEKS + 1)
    large = drawn.level >= 20
    table = [
        "configuration             false alarms a week   past    lower   POD      k=2   k=5   k=8"
        "  k=10   halved: level >= 20"
    ]
    rows: dict[str, tuple[float, float, float, float]] = {}
    for name, options in CONFIGURATIONS.items():

        def run(counts: np.ndarray, options: dict[str, Any] = options) -> Any:
            return farrington_flexible(counts, 52, range=tested, **options)

        clean, past = run(drawn.clean), run(drawn.past)
        detected = found_in(run(drawn.current).alarm, drawn.window)
        halved = np.zeros(1)  # R's form looks up only
        if options.get("mode") != "r_compat":
            low = run(drawn.dropped[:, large]).alarm_lower
            halved = found_in(low, drawn.drop_window[large])
        by_size = [detected[drawn.size == k].mean() for k in (2, 5, 8, 10)]
        rows[name] = (clean.alarm.mean(), past.alarm.mean(), detected.mean(), halved.mean())
        table.append(
            f"{name:25} {clean.alarm.mean():19.4f} {past.alarm.mean():7.4f} "
            f"{clean.alarm_lower.mean():7.4f} {detected.mean():6.3f}  "
            + " ".join(f"{v:5.2f}" for v in by_size)
            + f"   {halved.mean():10.3f}"
        )
        inputs.progress.line(f"11: {name} done")
    ours, theirs = rows["production"], rows["R, nbPlugin .005"]
    return [
        Result(
            11, "false alarms, production over R's nbPlugin .005",
            Spread((float(ours[0] / theirs[0]),)), 1.0, table=table,
            details=[("series", None, f"{drawn.clean.shape[1]:,} of 42 scenarios, 49 weeks each")],
        ),
        Result(
            11, "the same with past outbreaks", Spread((float(ours[1] / theirs[1]),)), 1.0,
        ),
        Result(
            11, "outbreaks missed, production over R's nbPlugin .005",
            Spread((float((1 - ours[2]) / (1 - theirs[2])),)), 1.0,
        ),
        Result(
            11, "halvings missed within 8 weeks, level 20 a week up (R: all)",
            Spread((float(1 - ours[3]),)), 0.5, unit="share",
        ),
    ]  # fmt: skip


# ----------------------------------------------------------------------- 12: months


def monthly(inputs: Inputs) -> list[Result]:
    """False alarms and detection within six months, by monthly count, of each detector alone."""
    series = 150 if is_quick(inputs) else 1_000
    n = np.arange(108)
    random = np.random.default_rng(12)

    def draw(level: float, step: float) -> np.ndarray:
        mean = level * (1 + 0.15 * np.cos(2 * np.pi * n / 12)) * np.where(n >= 96, 1 + step, 1)
        return random.negative_binomial(mean[:, None] / 0.3, 1 / 1.3, (108, series)).astype(float)

    def run(counts: np.ndarray, tested: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        odd = farrington_flexible(counts, 12, range=tested, **MONTHLY)
        as_r = farrington_flexible(
            counts, 12, range=tested, mode="r_compat", **(MONTHLY | {"thresholdMethod": "nbPlugin"})
        )
        step = seasonal_shift(counts, 12, range=tested, alpha=ALPHA_PERSISTENT)
        same = exact_same_period(counts, 12, range=tested, alpha=ALPHA_EXACT)
        phi = seasonal_scatter(counts[27:87], 12)  # the five years before what is tested
        wide = exact_same_period(
            counts, 12, range=tested, alpha=ALPHA_EXACT, phi=np.where(np.isnan(phi), 1.0, phi)
        )
        year = exact_rolling_year(counts, 12, range=tested, alpha=ALPHA_EXACT)
        return {
            "R, Farrington nbPlugin .01": (as_r.alarm, as_r.alarm_lower),
            "Farrington, production": (odd.alarm, odd.alarm_lower),
            "seasonal scan": (step.alarm, step.alarm_lower),
            "seasonal CUSUM": (step.alarm_cusum, step.alarm_cusum_lower),
            "Farrington or scan": (odd.alarm | step.alarm, odd.alarm_lower | step.alarm_lower),
            "exact, same 3 months": (same.alarm, same.alarm_lower),
            "same 3 months, scatter": (wide.alarm, wide.alarm_lower),
            "exact, rolling year": (year.alarm, year.alarm_lower),
        }

    calm = {level: run(draw(level, 0.0), np.arange(90, 97)) for level in (1, 3, 20, 100, 900)}
    steps = [(20, 0.155), (100, 0.155), (300, 0.155), (900, 0.155), (3, 0.5), (20, 0.5)]
    steps += [(7.5, -0.5), (20, -0.5), (42, -0.5), (1, 2.0), (900, 0.04)]
    moved = {case: run(draw(*case), np.arange(97, 103)) for case in steps}
    names = list(calm[3])
    table = ["false alarms a month, up / down, by level"]
    table.append(f"{'':28}" + "".join(f"{level:>15}" for level in calm))
    for name in names:
        cells = [f"{calm[v][name][0].mean():.4f}/{calm[v][name][1].mean():.4f}" for v in calm]
        table.append(f"{name:28}" + "".join(f"{cell:>15}" for cell in cells))
    table += ["", "found within six months"]
    table.append(f"{'':28}" + "".join(f"{v:>5g}{s:+6.1%}" for v, s in moved))
    for name in names:
        cells = [
            f"{moved[case][name][0 if case[1] > 0 else 1].any(axis=0).mean():.2f}" for case in moved
        ]
        table.append(f"{name:28}" + "".join(f"{cell:>11}" for cell in cells))
    together = [calm[v]["Farrington or scan"] for v in (20, 100, 900)]
    worst = max(float((up | down).mean()) for up, down in together)
    asked = 2 * (MONTHLY["alpha"] + ALPHA_PERSISTENT)
    return [
        Result(
            12,
            "false alarms a month of what large series get, over those asked",
            Spread((worst / asked,)),
            1.5,
            table=table,
            details=[("series a cell", None, f"{series:,}, phi 1.3, season 15%")],
        )
    ]


# ----------------------------------------------------------------------- 14: whole ledger


def ledger(series: int, seed: int = 14, months: int = 120) -> dict[str, Any]:
    """Rows for ``judge_ledger``: counts, shares and rates in turn, negative binomial (phi 1.3),
    levels from a few to thousands a month, season of 15%, one family a month."""
    random = np.random.default_rng(seed)
    time_of = np.tile(np.arange(months), series)
    kind = np.repeat(np.arange(series) % 3, months)
    level = np.repeat(np.exp(random.normal(3.5, 1.5, series)), months)
    level = level * (1 + 0.15 * np.cos(2 * np.pi * time_of / 12))
    counts = random.negative_binomial(level / 0.3, 1 / 1.3).astype(np.float64)
    return {
        "series": np.repeat(np.arange(series), months),
        "month": (np.datetime64("2014-01") + time_of).astype("datetime64[D]"),
        "month_count": np.ones(kind.size, dtype=np.int64),
        "detector_type": np.array(["count", "share", "rate"])[kind],
        "numerator": counts,
        "denominator": counts + random.poisson(5 * level),
        "weight": np.ones(kind.size),
        "is_to_assess": np.ones(kind.size, dtype=bool),
        "family": time_of,
        "peers": np.full(kind.size, -1),
    }


def whole_ledger(inputs: Inputs) -> list[Result]:
    """Every month of every series judged by those before it, as the mart of the checks is."""
    sizes = (200, 600) if is_quick(inputs) else (1_000, 10_000, 30_000)
    timed = sizes[1]
    given = ledger(timed)
    judge_ledger(**ledger(30))  # limits are simulated once a process
    started, cpu = time.perf_counter(), time.process_time()
    judge_ledger(**given)
    cpu, spent = time.process_time() - cpu, time.perf_counter() - started
    inputs.progress.line(f"14: {timed:,} series of 120 months, every month, in {spent:.1f} s")
    beside = []
    for series in sizes:
        given = ledger(series)
        tracemalloc.start()
        found = judge_ledger(**given)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        rows = sum(values.nbytes for values in found.values())
        beside.append((series, peak, rows))
        inputs.progress.line(f"14: peak of {series:,} series {peak / MIB:,.0f} MiB")
    return [
        Result(
            14,
            f"every month of {timed:,} series of 120 months, processor time",
            Spread((cpu,)),
            20.0,
            unit="s",
            details=[
                ("elapsed", spent, ""),
                ("a series and month", None, f"{cpu / timed / 120 * 1e6:.0f} us"),
                *(
                    (
                        f"memory, {series:,} series",
                        None,
                        f"{peak / MIB:,.0f} MiB, of them results {rows / MIB:,.0f}",
                    )
                    for series, peak, rows in beside
                ),
            ],
        )
    ]


#: In the order in which they are numbered.
CASES: dict[int, Callable[[Inputs], list[Result]]] = {
    9: throughput,
    10: whole_month,
    11: noufaily,
    12: monthly,
    14: whole_ledger,
}
