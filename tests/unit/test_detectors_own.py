"""The seasonal, exact and dating detectors, the charts' edges, and the rule that chooses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from orchestration.detectors.changepoints import bocpd, pelt
from orchestration.detectors.charts import ratio_chart, xmr
from orchestration.detectors.choose import EARS, FARRINGTON, MONTHLY, choose, detect
from orchestration.detectors.cusum import cusum, glrnb
from orchestration.detectors.ears import ears
from orchestration.detectors.farrington import farrington_flexible
from orchestration.detectors.farrington_classic import farrington_classic
from orchestration.detectors.seasonal import seasonal_scatter, seasonal_shift
from orchestration.detectors.small_counts import exact_rolling_year, exact_same_period

MONTHS = 96


def drawn(
    seed: int, level: float, series: int, *, step: float = 1.0, at: int = 84, phi: float = 1.3
) -> np.ndarray:
    time = np.arange(MONTHS)
    mean = level * (1 + 0.15 * np.cos(2 * np.pi * time / 12)) * np.where(time >= at, step, 1.0)
    shape = (MONTHS, series)
    random = np.random.default_rng(seed)
    return random.negative_binomial(mean[:, None] / (phi - 1), 1 / phi, shape).astype(float)


# ------------------------------------------------------------------------------- persistent steps


def test_steps_are_found_both_ways_and_dated() -> None:
    for step, alarm, since in (
        (1.3, "alarm", "since"),
        (0.7, "alarm_lower", "since_lower"),
    ):
        found = seasonal_shift(drawn(1, 200, 200, step=step, at=88), 12, range=[96])
        assert getattr(found, alarm).mean() > 0.98
        assert np.median(getattr(found, since)) == 89  # counted from 1
        cusum_alarm = getattr(found, alarm.replace("alarm", "alarm_cusum"))
        assert cusum_alarm.mean() > 0.98
    assert seasonal_shift(drawn(1, 200, 20, step=1.3, at=88), 12, range=[96]).ratio.mean() > 1.2


@pytest.mark.parametrize("level", [8, 100, 900])
def test_steps_false_alarms_keep_their_limit(level: float) -> None:
    """One percent a tail was asked; the standard error of 1,500 series is a quarter of that."""
    found = seasonal_shift(drawn(2, level, 1500), 12, range=[96])
    for name in ("alarm", "alarm_lower", "alarm_cusum", "alarm_cusum_lower"):
        assert 0.001 < getattr(found, name).mean() < 0.03, name


def test_left_out_months_of_the_window_are_not_searched() -> None:
    counts = drawn(3, 100, 5)
    weights = np.ones(MONTHS)
    weights[86:90] = 0.0
    wild = counts.copy()
    wild[86:90] = 900.0
    first = seasonal_shift(counts, 12, range=[96], prior_weights=weights)
    second = seasonal_shift(wild, 12, range=[96], prior_weights=weights)
    np.testing.assert_allclose(first.p, second.p)
    np.testing.assert_allclose(first.cusum, second.cusum)


def test_a_baseline_without_events_or_counts_is_not_assessed() -> None:
    counts = drawn(4, 50, 3)
    counts[:84, 1] = np.nan
    found = seasonal_shift(counts, 12, range=[96])
    assert np.isnan(found.p[0, 1]) and not found.alarm[0, 1]
    assert np.isfinite(found.p[0, [0, 2]]).all()


# ------------------------------------------------------------------------------- exact tests


def test_exact_test_is_the_binomial_one() -> None:
    counts = np.full((48, 1), 2.0)
    counts[45:] = 5.0
    found = exact_same_period(counts, 12, periods=3, years=3)
    assert found.t.tolist() == list(range(39, 49))
    assert (found.current[-1, 0], found.earlier[-1, 0], found.expected[-1, 0]) == (15, 18, 6)
    assert found.p[-1, 0] == pytest.approx(stats.binom.sf(14, 33, 0.25))
    assert found.p_lower[-1, 0] == pytest.approx(stats.binom.cdf(15, 33, 0.25))
    assert found.ratio[-1, 0] == 2.5


def test_exact_test_takes_days_and_gaps() -> None:
    counts = np.full(48, 4.0)
    counts[[33, 45]] = np.nan  # the first of the last three months, and the same a year before
    days = np.full(48, 30.0)
    days[47] = 15.0
    found = exact_same_period(counts, 12, exposure=days, range=[48])
    assert (found.current[0], found.earlier[0]) == (8, 24)
    assert found.p[0] == pytest.approx(stats.binom.sf(7, 32, 45 / (45 + 180)))
    weights = np.ones(48)
    weights[21:24] = 0.0
    left = exact_same_period(counts, 12, prior_weights=weights, range=[48])
    assert left.earlier[0] == 16
    nothing = exact_same_period(np.full(48, np.nan), 12, range=[48])
    assert np.isnan(nothing.p[0]) and not nothing.is_assessed[0]


def test_scatter_widens_the_test_of_the_same_months() -> None:
    counts = drawn(16, 60, 1500, phi=4.0)
    phi = seasonal_scatter(counts[:93], 12)
    assert np.median(phi) == pytest.approx(4.0, abs=0.4)
    exact = exact_same_period(counts, 12, range=[96])
    wide = exact_same_period(counts, 12, range=[96], phi=phi)
    assert exact.alarm.mean() > 0.05 > 0.025 > wide.alarm.mean() > 0.001
    once = exact_same_period(counts, 12, range=[96], phi=1.0)
    np.testing.assert_array_equal(once.p, exact.p)
    assert np.isnan(seasonal_scatter(counts[:12], 12)).all()
    with pytest.raises(ValueError, match="phi must be"):
        exact_same_period(counts, 12, phi=0.5)


def test_rolling_year_of_rare_events() -> None:
    counts = np.zeros(48)
    counts[[5, 14, 27]] = 1.0
    counts[36:] = 1.0
    found = exact_rolling_year(counts, 12)
    assert found.t.tolist() == [48]
    assert found.p[0] == pytest.approx(stats.binom.sf(11, 15, 0.25))
    assert found.alarm[0] and not found.alarm_lower[0]
    empty = exact_rolling_year(np.zeros(48), 12)
    assert empty.p[0] == 1.0 and empty.p_lower[0] == 1.0


# ------------------------------------------------------------------------------- dating


def best_partition(y: np.ndarray, least: int, penalty: float) -> tuple[float, list[int]]:
    """Every segmentation by dynamic programming without pruning: Poisson, expected 1."""

    def cost(part: np.ndarray) -> float:
        total = part.sum()
        return -2 * (total * np.log(total / part.size) - total if total else 0.0)

    best: list[tuple[float, list[int]]] = [(-penalty, [])]
    for end in range(1, y.size + 1):
        options = [
            (best[s][0] + cost(y[s:end]) + penalty, [*best[s][1], s])
            for s in range(end - least + 1)
            if s == 0 or s >= least
        ]
        best.append(min(options, default=(np.inf, [])))
    return best[-1][0], best[-1][1][1:]


@pytest.mark.parametrize("seed", range(12))
def test_pelt_finds_the_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    levels = np.repeat(random.choice([3.0, 8.0, 20.0], 6), 8)
    y = random.poisson(levels).astype(float)
    for least in (1, 2, 5):
        cost, starts = best_partition(y, least, 3.0)
        found = pelt(y, penalty=3.0, min_size=least)
        assert found.cost == pytest.approx(cost)  # type: ignore[union-attr]
        assert found.starts.tolist() == starts  # type: ignore[union-attr]


@pytest.mark.parametrize("cost", ["poisson", "negative_binomial", "normal"])
def test_a_large_step_is_dated_to_the_month(cost: str) -> None:
    counts = drawn(6, 60, 40, step=1.8, at=70)
    season: np.ndarray | None = np.tile(1 + 0.15 * np.cos(2 * np.pi * np.arange(12) / 12), 8)
    if cost != "poisson":  # these two know no season
        counts = np.round(counts / season[:, None])  # type: ignore[index]
        season = None
    found = pelt(
        counts,
        cost=cost,  # type: ignore[arg-type]
        phi=1.3,
        expected=season,
        penalty=12.0 if cost != "normal" else 25.0,
    )
    dates = [f.starts for f in found]  # type: ignore[union-attr]
    assert np.mean([70 in d for d in dates]) > 0.8
    assert np.mean([d.size == 1 for d in dates]) > 0.8


def test_bocpd_says_when_and_how_surely() -> None:
    counts = drawn(7, 60, 100, step=1.5, at=70)
    season = 60 * np.tile(1 + 0.15 * np.cos(2 * np.pi * np.arange(12) / 12), 8)
    found = bocpd(counts, expected=season, phi=1.3)
    np.testing.assert_allclose(found.probability.sum(axis=0), 1.0)
    assert np.median(found.start) == 70
    inside = (found.start_lower <= 70) & (found.start_upper >= 70)
    assert inside.mean() > 0.8
    assert found.changed.mean() > 0.95
    assert np.median(found.level) == pytest.approx(1.5, abs=0.1)
    calm = bocpd(drawn(8, 60, 100), expected=season, phi=1.3)
    assert np.median(calm.changed) < 0.6
    with pytest.raises(ValueError, match="hazard"):
        bocpd(counts, hazard=0.0)


def test_missing_counts_move_no_date() -> None:
    counts = drawn(9, 60, 1, step=2.0, at=70)[:, 0]
    holes = counts.copy()
    holes[[10, 40, 75]] = np.nan
    season = np.tile(1 + 0.15 * np.cos(2 * np.pi * np.arange(12) / 12), 8)
    assert pelt(holes, expected=season, phi=1.3).starts.tolist() == [70]  # type: ignore[union-attr]
    assert bocpd(holes, expected=60 * season, phi=1.3).start == 70


# ------------------------------------------------------------------------------- charts and R's own


def test_xmr_assurance_and_short_groups() -> None:
    values = np.tile([10.0, 12.0], 15)
    found = xmr(values, improvement_direction=1, target=25.0, rebase_at=[20])
    assert found.assurance == "consistent_fail"
    assert xmr(values, improvement_direction=-1, target=25.0).assurance == "consistent_pass"
    assert xmr(values, improvement_direction=-1, target=11.0).assurance == "inconsistent"
    assert not found.is_short_group[:19].any() and found.is_short_group[19:].all()
    flat = xmr(np.arange(14.0), improvement_direction=0)
    assert set(flat.point_type) <= {"special_cause_neutral_high", "special_cause_neutral_low"}
    with pytest.raises(ValueError, match="12 or more"):
        xmr(values, fix_after_n_points=5)


def test_laney_widens_only_what_varies_more() -> None:
    random = np.random.default_rng(10)
    whole = np.full((60, 1), 5000.0)
    part = random.binomial(5000, np.clip(random.normal(0.2, 0.02, (60, 1)), 0, 1)).astype(float)
    plain, laney = ratio_chart(part, whole, chart="p"), ratio_chart(part, whole, chart="pp")
    assert plain.signal.sum() > 5 > laney.signal.sum()
    assert laney.sigma_z[0] > 2 and plain.sigma_z[0] == 1
    with pytest.raises(ValueError, match="larger than its denominator"):
        ratio_chart([5.0], [4.0])
    gap = ratio_chart([5.0, np.nan, 0.0], [10.0, 10.0, 0.0])
    assert np.isnan(gap.y[1:]).all() and not gap.signal.any()


def test_many_series_are_each_their_own() -> None:
    counts = drawn(11, 20, 6)
    runs = {
        "classic": lambda y: farrington_classic(y, 12, b=3).upperbound,
        "ears": lambda y: ears(y, method="C3").upperbound,
        "cusum": lambda y: cusum(y, range=range(60, 97), freq=12, m="glm").cusum,
        "glr": lambda y: glrnb(y, 20.0, range=range(60, 97), alpha=0.05, M=20).statistic,
        "xmr": lambda y: xmr(y).upl,
        "shift": lambda y: seasonal_shift(y, 12, range=[95, 96]).p,
        "bocpd": lambda y: bocpd(y, expected=20.0 * np.ones_like(y)).probability,
    }
    for name, run in runs.items():
        whole = run(counts)
        for column in (0, 5):
            np.testing.assert_allclose(
                whole[:, column], run(counts[:, column]), rtol=1e-7, err_msg=name
            )


# ------------------------------------------------------------------------------- the rule


def test_the_rule_in_its_order() -> None:
    counts = np.column_stack(
        [np.full(MONTHS, level) for level in (0.0, 2.0, 3.0, 19.0, 20.0, 500.0)]
    )
    assert choose(counts, 12).detector.tolist() == [
        "no events", "rolling year", "same period", "same period", "farrington", "farrington",
    ]  # fmt: skip
    young = np.full((MONTHS, 4), np.nan)
    for i, months in enumerate((5, 20, 30, 40)):
        young[-months:, i] = 50.0
    assert choose(young, 12).detector.tolist() == [
        "too short", "ears", "same period", "farrington",
    ]  # fmt: skip
    assert set(choose(counts, 12, denominator=counts + 1).detector) == {"ratio"}
    weekly = np.full((300, 1), 6.0)
    assert choose(weekly, 52).detector.tolist() == ["farrington"]  # 26 a month
    assert choose(counts[:, 5], 12).detector == "farrington"


def test_one_call_over_all_kinds() -> None:
    counts = np.column_stack([drawn(12, level, 40) for level in (1, 8, 60, 400)])
    counts[:70, 3] = np.nan  # a young feed
    counts[93:, 45] *= 6
    counts[95, 100] *= 4
    counts[88:, 130] = np.floor(counts[88:, 130] * 0.6)
    found = detect(counts, 12)
    assert set(found.detector) == {"rolling year", "same period", "farrington"}
    for series, direction, persistent in ((45, 1, True), (100, 1, False), (130, -1, True)):
        assert found.alarm[series] and found.is_discovery[series]
        assert found.direction[series] == direction
        assert found.is_persistent[series] == persistent
    assert 87 <= found.since[130] <= 91
    others = np.setdiff1d(np.arange(160), [45, 100, 130])
    assert found.is_discovery[others].mean() < 0.03
    q, p = found.q_value, found.p_value
    assert np.all(q[~np.isnan(q)] >= p[~np.isnan(p)])


def test_ratios_in_one_call() -> None:
    random = np.random.default_rng(13)
    whole = np.full((60, 50), 800.0)
    part = random.binomial(800, 0.3, (60, 50)).astype(float)
    part[-1, 7] = 400.0
    found = detect(part, 12, denominator=whole)
    assert found.is_discovery[7] and found.direction[7] == 1
    assert found.is_discovery.sum() <= 3
    assert found.observed[7] == 0.5


def test_a_feed_that_stopped_is_a_drop() -> None:
    counts = drawn(14, 60, 30)
    counts[95, 4] = 0.0
    found = detect(counts, 12)
    assert found.alarm[4] and found.direction[4] == -1 and found.is_discovery[4]


def test_broken_input_is_named() -> None:
    y = drawn(15, 20, 2)
    broken = {
        "freq is 7": lambda: detect(y, 7),
        "denominator is": lambda: choose(y, 12, denominator=y[:, :1]),
        "range must lie": lambda: seasonal_shift(y, 12, range=[20]),
        "window": lambda: seasonal_shift(y, 12, least=0),
        "periods 1 to freq": lambda: exact_same_period(y, 12, periods=13),
        "exposure must be above": lambda: exact_same_period(y, 12, exposure=np.zeros(96)),
        "takes no expected": lambda: pelt(y, cost="negative_binomial", expected=y + 1),
        "min_size": lambda: pelt(y, min_size=0),
        "expected must be above": lambda: pelt(y, expected=np.zeros(96)),
        "baseline is 2": lambda: ears(y, baseline=2),
        "choose C1": lambda: ears(y, method="C4"),  # type: ignore[arg-type]
        "choose one of": lambda: cusum(y, range=[50], trans="log"),  # type: ignore[arg-type]
        "consecutive": lambda: cusum(y, range=[50, 52]),
        "mu0 must be": lambda: glrnb(y, 0.0, range=[50]),
        "powertrans": lambda: farrington_classic(y, 12, powertrans="3/4"),
        "chart is": lambda: ratio_chart(y, y, chart="c"),  # type: ignore[arg-type]
    }
    for message, call in broken.items():
        with pytest.raises(ValueError, match=message):
            call()


def test_many_after_missing_months_are_many() -> None:
    """Two of the four months that R asks events of are missing; those known are enough."""
    rng = np.random.default_rng(31)
    counts = rng.poisson(40.0, (84, 50)).astype(float)
    counts[-4:-1] = np.nan
    counts[-1] = 160
    found = detect(counts, 12)
    assert (found.detector == FARRINGTON).all()
    assert (found.p < 1e-6).all() and (found.direction == 1).all()
    assert np.isfinite(found.upperbound).all()
    # Where too few are known to say so, a count above what was expected has no p by itself.
    counts[-1] = 4
    counts[:-4] = rng.poisson(40.0, (80, 50)) * 0.0 + rng.binomial(1, 0.02, (80, 50))
    few = farrington_flexible(counts, 12, range=[84], **MONTHLY)
    above = counts[-1] > few.expected[0]
    assert above.any() and np.isnan(few.p[0][above]).all()


def test_a_february_is_no_drop_and_seven_months_are_few() -> None:
    days = np.array([31, 30, 31, 31, 30, 31, 30, 31, 31, 28.0])
    rng = np.random.default_rng(32)
    counts = rng.poisson(300 * days[:, None], (10, 2_000)).astype(float)
    alike = detect(counts, 12, exposure=days)
    assert (alike.detector == EARS).all()
    assert np.mean(alike.p_value <= 0.01) < 0.02
    assert np.mean(detect(counts, 12).p_value <= 0.01) > 0.2


@pytest.mark.parametrize("frame", [pd.DataFrame, lambda y: pd.DataFrame(y).astype("Int64")])
def test_frames_are_taken_as_they_are(frame) -> None:
    counts = np.random.default_rng(33).poisson(9.0, (80, 3)).astype(float)
    missing = counts > 16
    plain = farrington_flexible(np.where(missing, np.nan, counts), 12, w=1)
    found = farrington_flexible(frame(counts).mask(pd.DataFrame(missing)), 12, w=1)
    assert missing.any()
    np.testing.assert_array_equal(found.upperbound, plain.upperbound)
    one = farrington_flexible(pd.Series(counts[:, 0].astype(int)), 12, w=1, range=80)
    assert one.alarm.shape == (1,)


@pytest.mark.parametrize(
    ("points", "words"), [([80, 80], "twice"), ([79.5], "whole"), ([0], "lie within 1 and 80")]
)
def test_time_points_that_are_none_are_named(points, words) -> None:
    with pytest.raises(ValueError, match=words):
        farrington_flexible(np.ones(80), 12, w=1, range=points)
