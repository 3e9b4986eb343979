"""The Farrington detector: missing values, both tails, downweighting, broken input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from orchestration.detectors.counts import at_least, at_most, quantile
from orchestration.detectors.farrington import FarringtonResult, farrington_flexible
from orchestration.detectors.reference_points import blocks, days_of, references, same_day_earlier
from orchestration.statistics.loglinear import fit_log_linear

PRODUCTION: dict = {
    "w": 1,
    "noPeriods": 6,
    "pThresholdTrend": 1.0,
    "alpha": 0.01,
    "thresholdMethod": "nbPlugin",
    "pastWeeksNotIncluded": 3,
}


def monthly(seed: int, level: float, series: int, months: int = 96) -> np.ndarray:
    random = np.random.default_rng(seed)
    season = 1 + 0.15 * np.cos(2 * np.pi * np.arange(months) / 12)
    return random.poisson(level * season[:, None], (months, series)).astype(float)


def fields(found: FarringtonResult) -> dict[str, np.ndarray]:
    return {name: np.asarray(values) for name, values in found._asdict().items()}


@pytest.mark.parametrize("phi", [1.0, 1.3, 8.0])
def test_tails_and_quantiles_are_scipys(phi: float) -> None:
    mean = np.array([0.05, 0.9, 4.0, 37.0, 900.0])
    law = stats.poisson(mean) if phi == 1 else stats.nbinom(mean / (phi - 1), 1 / phi)
    for probability in (0.005, 0.5, 0.95, 0.999):
        assert quantile(probability, mean, phi).tolist() == law.ppf(probability).tolist()
    for count in (0.0, 1.0, 6.0, 950.0):
        np.testing.assert_allclose(at_most(count, mean, phi), law.cdf(count), rtol=1e-9)
        np.testing.assert_allclose(
            at_least(count, mean, phi), law.sf(count - 1), rtol=1e-9, atol=1e-300
        )


def test_huge_means_neither_hang_nor_fail() -> None:
    found = quantile(0.995, [1e16, 1e300, np.inf, np.nan, 1e5], [2.0, 3.0, 2.0, 2.0, 2.0])
    assert found[0] == pytest.approx(1e16, rel=1e-6) and found[1] == pytest.approx(1e300)
    assert np.isnan(found[2]) and np.isnan(found[3])
    assert found[4] == stats.nbinom.ppf(0.995, 1e5, 0.5)


def test_same_day_earlier() -> None:
    day = int(np.datetime64("2024-02-29", "D").astype(int))
    dates = [str(np.datetime64(d, "D")) for d in same_day_earlier(day, 4, is_weekly=False)]
    assert dates == ["2024-02-29", "2023-03-01", "2022-03-01", "2021-03-01", "2020-02-29"]
    monday = int(np.datetime64("2024-01-01", "D").astype(int))
    dates = [str(np.datetime64(d, "D")) for d in same_day_earlier(monday, 3, is_weekly=True)]
    assert dates == ["2024-01-01", "2023-01-02", "2022-01-03", "2021-01-04"]


def test_blocks_share_the_rest_among_the_first() -> None:
    level = blocks(np.array([30, 18, 6]), 1, 4)
    assert level is not None
    # windows 5-7, 17-19 and 29-30; nine months between two, in blocks of 3, 3 and 3
    assert level[5:20].tolist() == [4, 4, 4, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert level[:5].tolist() == [0] * 5 and level[29:].tolist() == [4, 4]
    with pytest.raises(ValueError, match="more blocks than points"):
        blocks(np.array([30, 18, 6]), 1, 13)
    assert blocks(np.array([24, 12, 0]), 2, 1) is None


def test_references_by_date_may_be_missing() -> None:
    days = days_of(np.arange("2015-01", "2020-01", dtype="datetime64[M]"), 60)
    assert references(59, 4, 12, days).tolist() == [59, 47, 35, 23, 11]  # type: ignore[union-attr]
    assert references(40, 4, 12, days) is None
    with pytest.raises(ValueError, match="one of"):
        references(59, 4, 13, days)


@pytest.mark.parametrize("mode", ["corrected", "r_compat"])
def test_many_series_are_each_their_own(mode: str) -> None:
    counts = monthly(1, 12, 30)
    counts[3:70:9, 4] = np.nan
    together = fields(farrington_flexible(counts, 12, mode=mode, **PRODUCTION))  # type: ignore[arg-type]
    for column in (0, 4, 29):
        alone = fields(farrington_flexible(counts[:, column], 12, mode=mode, **PRODUCTION))  # type: ignore[arg-type]
        for name, values in alone.items():
            whole = together[name] if name == "t" else together[name][:, column]
            np.testing.assert_allclose(whole, values, rtol=1e-9, err_msg=name)


def test_missing_counts_take_no_part() -> None:
    """Against the fit of ``loglinear``, which reaches its answer another way."""
    counts = monthly(2, 40, 1)[:, 0]
    counts[[36, 47, 60, 71, 72]] = np.nan
    found = farrington_flexible(
        counts, 12, b=4, w=2, noPeriods=4, reweight=False, pThresholdTrend=1.0, range=[96]
    )
    from orchestration.detectors.reference_points import shapes

    (shape,) = shapes(np.array([95]), freq=12, days=None, b=4, w=2, periods=4, left_out=2)
    rows = shape.rows
    design = np.zeros((rows.level.size, rows.levels + 1))
    design[np.arange(rows.level.size), rows.level] = 1
    design[:, -1] = rows.time
    direct = fit_log_linear(counts[95 - shape.before][None, :], design)
    assert found.trend.item()
    assert found.expected.item() == pytest.approx(
        np.exp(direct.coefficients[0, rows.current]), rel=1e-6
    )
    assert found.phi.item() == pytest.approx(max(1.0, direct.phi[0]), rel=1e-5)
    assert found.trend_coefficient.item() == pytest.approx(direct.coefficients[0, -1], rel=1e-5)


def test_a_missing_count_is_not_assessed() -> None:
    counts = monthly(3, 12, 2)
    counts[95, 1] = np.nan
    found = farrington_flexible(counts, 12, range=[96], **PRODUCTION)
    assert found.is_assessed.tolist() == [[True, False]]
    assert np.isnan(found.p[0, 1]) and not found.alarm[0, 1] and not found.alarm_lower[0, 1]


def test_drops_are_found_only_in_the_corrected_form() -> None:
    counts = monthly(4, 40, 200)
    counts[95] = np.floor(counts[95] * 0.4)
    corrected = farrington_flexible(counts, 12, range=[96], **PRODUCTION)
    as_r = farrington_flexible(counts, 12, range=[96], mode="r_compat", **PRODUCTION)
    assert corrected.alarm_lower.mean() > 0.9 and not corrected.alarm.any()
    assert not as_r.alarm.any() and not as_r.alarm_lower.any()
    counts[93:96] = 0.0
    silent = farrington_flexible(counts, 12, range=[96], **PRODUCTION)
    assert silent.alarm_lower.all()  # a feed that stopped: R's limit of 5 in 4 would hide it


def test_alarm_and_p_agree() -> None:
    counts = monthly(5, 9, 400)
    counts[95, :200] *= 2
    found = farrington_flexible(counts, 12, range=[96], **PRODUCTION)
    assert np.array_equal(found.alarm, found.p <= 0.01)
    assert np.array_equal(found.alarm_lower, found.p_lower < 0.01)
    assert np.array_equal(found.alarm, found.score > 1)


def test_left_out_time_points_leave_no_trace() -> None:
    counts = monthly(6, 50, 3)
    weights = np.ones(96)
    weights[60:66] = 0.0
    wild = counts.copy()
    wild[60:66] = 0.0
    first = farrington_flexible(counts, 12, range=[96], prior_weights=weights, **PRODUCTION)
    second = farrington_flexible(wild, 12, range=[96], prior_weights=weights, **PRODUCTION)
    np.testing.assert_allclose(first.upperbound, second.upperbound)
    np.testing.assert_allclose(first.expected, second.expected, rtol=1e-9)


def test_past_anomalies_weigh_little_on_either_side() -> None:
    counts = monthly(7, 100, 50)
    for factor in (3.0, 0.1):
        odd = counts.copy()
        odd[84] = np.floor(odd[84] * factor)
        plain = farrington_flexible(odd, 12, range=[96], reweight=False, **PRODUCTION)
        weighed = farrington_flexible(odd, 12, range=[96], **PRODUCTION)
        width = (weighed.upperbound - weighed.lowerbound).mean()
        assert width < 0.7 * (plain.upperbound - plain.lowerbound).mean()


def test_a_time_point_without_population_takes_no_part() -> None:
    counts = monthly(10, 50, 2)
    people = np.full(96, 1000.0)
    options = PRODUCTION | {"populationOffset": True, "range": [96]}
    people[60] = 0.0
    holes = counts.copy()
    holes[60] = np.nan
    found = farrington_flexible(counts, 12, population=people, **options)
    gap = farrington_flexible(holes, 12, population=np.full(96, 1000.0), **options)
    np.testing.assert_allclose(found.expected, gap.expected)
    as_r = farrington_flexible(counts, 12, population=people, mode="r_compat", **options)
    assert np.isnan(as_r.expected).all() and not as_r.alarm.any()


def test_expected_counts_follow_the_population() -> None:
    counts = monthly(11, 50, 2)
    people = np.full(96, 1000.0)
    options = PRODUCTION | {"populationOffset": True, "range": [96], "trend": False}
    plain = farrington_flexible(counts, 12, population=people, **options)
    people[95] = 2000.0
    twice = farrington_flexible(counts, 12, population=people, **options)
    np.testing.assert_allclose(twice.expected, 2 * plain.expected)


def test_what_is_not_over_in_one_period_adds_up() -> None:
    """Two weeks that are each short of their bound, together beyond it."""
    random = np.random.default_rng(12)
    counts = random.poisson(30, (320, 300)).astype(float)
    counts[318:] += 12
    weekly = {"noPeriods": 10, "pastWeeksNotIncluded": 26, "pThresholdTrend": 1.0, "alpha": 0.01}
    weekly["thresholdMethod"] = "predictive"
    one = farrington_flexible(counts, 52, range=[320], **weekly)
    two = farrington_flexible(counts, 52, range=[320], accumulate=2, **weekly)
    assert two.alarm.mean() > one.alarm.mean() + 0.1
    assert np.array_equal(two.alarm, two.p <= 0.01)
    assert np.array_equal(two.alarm[0], counts[319] > two.upperbound[0])


def test_zeros_and_empty_histories() -> None:
    counts = np.zeros((96, 2))
    counts[95, 1] = 7.0
    found = farrington_flexible(counts, 12, range=[96], **PRODUCTION)
    assert not found.alarm[0, 0] and found.alarm[0, 1]
    assert not found.alarm_lower.any()


def test_predictive_bounds_lie_outside_the_plug_in() -> None:
    counts = monthly(8, 30, 40)
    options = PRODUCTION | {"thresholdMethod": "predictive"}
    plug_in = farrington_flexible(counts, 12, range=[96], **PRODUCTION)
    predictive = farrington_flexible(counts, 12, range=[96], **options)
    assert np.all(predictive.upperbound >= plug_in.upperbound)
    assert np.all(predictive.lowerbound <= plug_in.lowerbound)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"range": [30]}, "no baseline of 5 years"),
        ({"range": [97]}, "must lie within"),
        ({"mode": "r"}, "choose corrected"),
        ({"thresholdMethod": "nb"}, "choose delta"),
        ({"thresholdMethod": "predictive", "mode": "r_compat"}, "choose delta"),
        ({"powertrans": "3/4"}, "powertrans"),
        ({"alpha": 1.5}, "alpha"),
        ({"w": 12}, "below freq"),
        ({"limit54": (5, 0)}, "limit54"),
        ({"populationOffset": True}, "needs a population"),
        ({"populationOffset": True, "population": np.full(96, -1.0)}, "0 or more"),
        ({"accumulate": 3}, "1 to w"),
        ({"prior_weights": np.full(96, 2.0)}, "between 0 and 1"),
        ({"prior_weights": np.ones(96), "mode": "r_compat"}, "R has no"),
        ({"dates": ["2020-01-01"]}, "one per time point"),
        ({"pastWeeksNotIncluded": -1}, "0 or more"),
    ],
)
def test_broken_input_is_named(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        farrington_flexible(monthly(9, 5, 1), 12, **(PRODUCTION | change))
    with pytest.raises(ValueError, match="0 or more"):
        farrington_flexible(np.full((96, 1), -1.0), 12)
