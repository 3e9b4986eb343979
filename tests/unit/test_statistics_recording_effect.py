"""The recording effect: worked examples, worlds with a known effect, parts that sum."""

from __future__ import annotations

import numpy as np
import pytest

from orchestration.statistics.intervals import Interval
from orchestration.statistics.recording_effect import (
    adjusted_change,
    flag_range_effect,
    interrupted_effect,
    like_for_like_effect,
    probability_above,
    recorded_change,
)
from orchestration.statistics.waterfall import change_parts

#: The analysts' 4% with its spread.
ASSESSED = Interval(np.float64(1.04), np.float64(0.99), np.float64(1.09))


def plain(interval: Interval, digits: int = 3) -> list[float]:
    return [round(float(v), digits) for v in interval]


# ------------------------------------------------------------------------------------ what is left


@pytest.mark.parametrize(
    ("now", "before", "phi", "left", "probability"),
    [
        # statistics.md of the design: by simulation of a log-normal g.
        (361, 333, 1.0, [1.042, 0.891, 1.219], 0.70),
        (6895, 5970, 2.0, [1.111, 1.037, 1.189], None),
    ],
)
def test_the_assessed_effect_is_taken_away_as_a_simulation_would(
    now: int, before: int, phi: float, left: list[float], probability: float | None
) -> None:
    error = np.sqrt(phi * (1 / now + 1 / before))
    ratio = now / before
    limits = (ratio, ratio * np.exp(-1.959964 * error), ratio * np.exp(1.959964 * error))
    recorded = Interval(*map(np.float64, limits))
    found = adjusted_change(recorded, ASSESSED)
    assert plain(found) == pytest.approx(left, abs=0.0025)
    generator = np.random.default_rng(1)
    spread = np.log(1.09 / 0.99) / (2 * 1.959964)
    draws = np.exp(
        generator.normal(np.log(ratio), error, 400_000)
        - generator.normal(np.log(1.04), spread, 400_000)
    )
    assert plain(found)[1:] == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.004)
    assert float(probability_above(found)) == pytest.approx(float(np.mean(draws > 1)), abs=0.01)
    if probability is not None:
        assert float(probability_above(found)) == pytest.approx(probability, abs=0.005)


def test_a_ratio_of_one_is_as_likely_above_as_below_and_an_unknown_one_is_unknown() -> None:
    one = Interval(np.float64(1.0), np.float64(0.8), np.float64(1.25))
    assert float(probability_above(one)) == pytest.approx(0.5)
    nothing = Interval(np.float64(np.nan), np.float64(0.8), np.float64(1.25))
    assert np.isnan(probability_above(nothing))


def test_the_recorded_change_is_exact_without_dispersion_and_never_shorter_with_it() -> None:
    exact = recorded_change(361, 244, 333, 244)
    assert plain(exact) == [1.084, 0.931, 1.262]
    wide = recorded_change(361, 244, 333, 244, 2.0, 12)
    assert wide.lower < exact.lower and wide.upper > exact.upper
    none = recorded_change(0, 244, 5, 244, 3.0, 12)
    assert (none.estimate, none.lower) == (0, 0) and np.isfinite(none.upper)
    # A day more is no rise.
    assert recorded_change(366, 366, 365, 365).estimate == pytest.approx(1.0)


# ------------------------------------------------------------ from the records


def test_like_for_like_is_recorded_over_kept() -> None:
    found = like_for_like_effect(5936, 5936, 6856, 6299)
    assert plain(found) == [1.088, 1.081, 1.096]
    # Nothing dropped is no effect, and not known to be none beyond chance.
    none = like_for_like_effect(100, 100, 120, 120)
    assert none.estimate == 1 and none.lower <= 1 < none.upper
    # What the rule drops of the baseline counts against it.
    assert like_for_like_effect(100, 80, 100, 80).estimate == pytest.approx(1.0)
    assert np.isnan(like_for_like_effect(0, 0, 10, 9).estimate)
    assert np.isinf(like_for_like_effect(10, 10, 5, 0).estimate)


def test_a_flag_that_was_not_always_filled_in_gives_a_range() -> None:
    found = flag_range_effect(333, 133, 361, 327, 0)
    assert np.isnan(found.estimate)
    # Recorded over kept, without chance, and the same with all of the unstated before.
    assert found.lower < 361 / 327 < 361 / 327 * (333 + 133) / 333 < found.upper
    certain = flag_range_effect(333_000, 0, 361_000, 361_000, 0)
    assert certain.lower == pytest.approx(1, abs=1e-3)
    assert certain.upper == pytest.approx(1, abs=1e-3)


def test_like_for_like_covers_the_share_that_practice_makes() -> None:
    generator = np.random.default_rng(5)
    recorded = generator.poisson(800, 4_000)
    made = generator.binomial(recorded, 0.085)
    found = like_for_like_effect(700, 700, recorded, recorded - made)
    truth = 1 / (1 - 0.085)
    held = np.mean((found.lower <= truth) & (truth <= found.upper))
    # The baseline's share has exact limits too, which makes it a little long.
    assert 0.945 <= held <= 0.995


# ------------------------------------------------------------ interrupted time series


def world(effect: float, *, seed: int, series: int = 200, mean: float = 500.0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    t = np.arange(48)
    mu = mean * np.exp(0.002 * t + 0.08 * np.cos(2 * np.pi * t / 12))
    mu = mu * np.where(t >= 36, effect, 1.0) * np.where((t >= 24) & (t < 28), 0.6, 1.0)
    return generator.poisson(mu, (series, 48)).astype(float)


LOCKDOWN = np.isin(np.arange(48), np.r_[23:28, 31:36])
MEASURED = np.isin(np.arange(48), np.r_[36:44])
STARTS = [("Log Quality Team", 31), ("CONNECT", 36)]


def test_the_changes_together_give_the_known_effect() -> None:
    found = interrupted_effect(world(1.15, seed=7), np.full(48, 30.4), STARTS, MEASURED, LOCKDOWN)
    assert found.is_fitted.all()
    assert np.median(found.effect.estimate) == pytest.approx(1.15, abs=0.02)
    held = np.mean((found.effect.lower <= 1.15) & (found.effect.upper >= 1.15))
    assert 0.9 <= held <= 0.995
    assert found.used.tolist() == [38] * 200
    assert np.all(found.vif > 1) and np.all(found.condition_number > 1)


def test_changes_with_nothing_but_lockdown_between_them_cannot_be_told_apart() -> None:
    counts = world(1.15, seed=8, series=1)
    found = interrupted_effect(
        counts, np.full(48, 30.4), STARTS, MEASURED, LOCKDOWN, together=False
    )
    assert not found.is_fitted[0]
    assert "Only 0 periods from Log Quality Team to CONNECT" in str(found.reason[0])
    kept = interrupted_effect(
        counts,
        np.full(48, 30.4),
        [("Log Quality Team", 28), ("CONNECT", 36)],
        MEASURED,
        np.zeros(48, bool),
        together=False,
    )
    assert kept.is_fitted[0] and kept.vif[0] > 2


@pytest.mark.parametrize(
    ("starts", "measured"),
    [
        ([("CONNECT", 36)], np.isin(np.arange(48), np.r_[12:24])),
        ([("CONNECT", 0)], MEASURED),
    ],
)
def test_what_is_compared_must_lie_after_the_change(starts, measured) -> None:
    found = interrupted_effect(world(1, seed=9, series=2), 1.0, starts, measured, LOCKDOWN)
    assert not found.is_fitted.any()
    assert np.isnan(found.effect.estimate).all()
    assert "after the changes" in str(found.reason[0])


# ---------------------------------------------------------------------------------- the parts


def parts(**changed):
    given = {
        "ordinary": [[6078.0, 5936.0], [300.0, 333.0]],
        "named": [
            [[366.0, 0.0], [191.0, 0.0], [156.0, 0.0]],
            [[21.0, 0.0], [13.0, 0.0], [0.0, 0.0]],
        ],
        "cancelled": [[150.0, 148.0], [0.0, 20.0]],
        "unstated_flags": [[0.0, 0.0], [10.0, 133.0]],
        "asked": [[0.0, 0.0], [440.0, 500.0]],
        "phi": [1.5, 1.0],
    }
    return change_parts(**{k: np.array(v) for k, v in {**given, **changed}.items()})


def test_the_parts_sum_to_the_change_exactly() -> None:
    found = parts()
    total = (
        found.ordinary[:, 0]
        + found.flags[:, 0]
        + found.cancelled[:, 0]
        + found.named[..., 0].sum(1)
    )
    assert total == pytest.approx(found.whole[:, 0], abs=1e-9)
    assert found.whole[:, 0].tolist() == [855.0, 1.0]
    for part in (found.ordinary, found.flags, found.cancelled, found.named, found.whole):
        assert np.all(part[..., 1] <= part[..., 0]) and np.all(part[..., 0] <= part[..., 2])


def test_the_flag_is_read_at_the_share_flagged_before_and_its_limits_need_no_such_share() -> None:
    found = parts()
    assert found.flags[0].tolist() == [0, 0, 0]
    assert found.flags[1, 0] == pytest.approx(300 - 440 * 333 / 500)
    # All unstated before flagged ones: 300 less 300 at 333 of 466. All unstated now: ten fewer.
    assert found.flags[1, 2] > 300 * (1 - 333 / 466)
    assert found.flags[1, 1] < -10
    # And what the flag may add is what crime may have fallen by.
    assert found.ordinary[1, 1] < 300 - 333 - 300 * (1 - 333 / 466) + 20


def test_fewer_cancellations_leave_more_standing() -> None:
    found = parts()
    share = 20 / (333 + 20)
    assert found.cancelled[1, 0] == pytest.approx(300 * share)
    same = parts(cancelled=[[0.0, 0.0], [0.0, 0.0]])
    assert same.cancelled[:, 0].tolist() == [0, 0]


def test_a_group_that_never_was_has_no_limits_and_one_that_is_gone_has() -> None:
    found = parts(named=[[[0, 0], [0, 5], [1, 1]], [[0, 0], [0, 0], [0, 0]]])
    assert found.named[0, 0].tolist() == [0, 0, 0]
    assert found.named[0, 1, 0] == -5 and found.named[0, 1, 1] < -5 < found.named[0, 1, 2]


def test_the_limits_of_the_change_hold_it() -> None:
    """Counts about a known mean: the change expected is held 95 times in 100."""
    generator = np.random.default_rng(11)
    rows = 600
    ordinary = generator.poisson([520.0, 500.0], (rows, 2)).astype(float)
    named = np.stack([generator.poisson([40.0, 0.0], (rows, 2))], axis=1).astype(float)
    nothing = np.zeros((rows, 2))
    found = change_parts(
        ordinary=ordinary,
        named=named,
        cancelled=nothing,
        unstated_flags=nothing,
        asked=nothing,
        phi=np.ones(rows),
    )
    for part, truth in ((found.ordinary, 20), (found.named[:, 0], 40), (found.whole, 60)):
        held = np.mean((part[:, 1] <= truth) & (truth <= part[:, 2]))
        assert 0.925 <= held <= 0.975


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ordinary": [[1.0, 2.0]]}, "rows"),
        ({"cancelled": [[-1.0, 0.0], [0.0, 0.0]]}, "negative"),
        ({"asked": [[0.0, 0.0], [300.0, 500.0]]}, "asked of fewer"),
    ],
)
def test_broken_counts_are_refused(changed, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parts(**changed)
