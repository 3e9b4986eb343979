"""Aoristic weights: each rule, groups, and speed."""

from __future__ import annotations

import time

import numpy as np
import pytest

from orchestration.statistics.aoristic import (
    KINDS,
    aoristic_totals,
    aoristic_weights,
    interval_kind,
)

NAT = "NaT"


def at(*times: str) -> np.ndarray:
    return np.array(times, dtype="datetime64[s]")


def hour(day: int, of_day: int) -> int:
    """Index from 0; day 0 is Sunday."""
    return 24 * day + of_day


def test_minutes_shared_between_hours() -> None:
    """Friday 5 November 2021, 20:15 to 23:45, 210 minutes."""
    found = aoristic_weights(at("2021-11-05T20:15:00"), at("2021-11-05T23:45:00"))[0]
    expected = np.zeros(168)
    expected[hour(5, 20)], expected[hour(5, 23)] = 45 / 210, 45 / 210
    expected[hour(5, 21)] = expected[hour(5, 22)] = 60 / 210
    np.testing.assert_allclose(found, expected, atol=1e-15)
    np.testing.assert_array_equal(found == 0, expected == 0)


def test_around_the_end_of_the_week() -> None:
    """Saturday 23:59 to Sunday 01:00."""
    found = aoristic_weights(at("2021-11-06T23:59:00"), at("2021-11-07T01:00:00"))[0]
    assert found[hour(6, 23)] == pytest.approx(1 / 61)
    assert found[hour(0, 0)] == pytest.approx(60 / 61)
    assert np.count_nonzero(found) == 2


def test_almost_a_week_comes_back_to_its_first_hour() -> None:
    found = aoristic_weights(at("2021-11-06T23:30:00"), at("2021-11-13T23:29:00"))[0]
    np.testing.assert_allclose(found[:167], 60 / 10079)
    assert found[167] == pytest.approx(59 / 10079)


def test_rules() -> None:
    start = at(*["2021-11-05T20:59:50"] * 6, NAT)
    end = at(
        "2021-11-05T21:01:49",  # 119 seconds are 1 minute
        "2021-11-05T21:01:50",  # 120 are 2: of 20:59 and 21:00
        NAT,
        "2021-11-05T20:59:30",
        "2021-11-12T20:59:49",
        "2021-11-12T20:59:50",
        "2021-11-05T21:00:00",
    )
    assert list(interval_kind(start, end)) == [
        "known time",
        "interval",
        "no end",
        "end before start",
        "interval",
        "a week or more",
        "no start",
    ]
    assert set(interval_kind(start, end)) == set(KINDS)
    found = aoristic_weights(start, end)
    h = hour(5, 20)
    assert found[0, h] == found[2, h] == found[3, h] == 1
    assert (found[1, h], found[1, h + 1]) == (0.5, 0.5)
    np.testing.assert_allclose(found[5], 1 / 168)
    np.testing.assert_allclose(found.sum(axis=1), [1] * 6 + [0], atol=1e-12)


def test_groups() -> None:
    start = at("2021-11-05T20:00:00", "2021-11-05T20:30:00", "2021-11-05T20:00:00")
    end = at("2021-11-05T21:00:00", NAT, "2021-11-05T22:00:00")
    found = aoristic_totals(start, end, [2, 2, -1], 4)
    assert found.shape == (4, 168)
    assert found[2, hour(5, 20)] == 2 and found.sum() == 2
    assert aoristic_totals(start, end, [0, 1, 0]).shape == (2, 168)
    assert aoristic_totals(start[:0], end[:0]).tolist() == [0] * 168
    assert aoristic_weights(start[:0], end[:0]).shape == (0, 168)


def test_a_million_events_in_a_moment() -> None:
    """And the hours that no event covers are 0, not rounding dust."""
    rng = np.random.default_rng(1)
    n = 1_000_000
    midnight = np.datetime64("2019-04-01T00:00:00") + rng.integers(0, 730, n).astype("m8[D]")
    start = midnight + rng.integers(0, 7200, n).astype("m8[s]")
    end = start + rng.integers(0, 36000, n).astype("m8[s]")  # none reaches the afternoon
    end[rng.random(n) < 0.2] = np.datetime64("NaT")
    begun = time.perf_counter()
    found = aoristic_totals(start, end)
    assert time.perf_counter() - begun < 5  # about 0.2 s; room for a busy machine
    assert found.sum() == pytest.approx(n, abs=1e-6)
    quiet = np.arange(168) % 24 >= 12
    assert (found[quiet] == 0).all() and (found[~quiet] > 0).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: aoristic_totals(["2021-11-05"], at(NAT)), "datetime64"),
        (lambda: aoristic_totals(at(NAT, NAT), at(NAT)), "one length"),
        (lambda: aoristic_totals(at(NAT), at(NAT), [0.5]), "whole numbers"),
        (lambda: aoristic_totals(at(NAT), at(NAT), [1], 1), "between -1 and 0"),
        (lambda: aoristic_totals(at(NAT), at(NAT), [-2]), "between"),
    ],
)
def test_broken_inputs_are_refused_in_words(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()  # type: ignore[operator]


def test_intervals_of_shares_are_wilsons_and_no_shorter_than_they_need_be() -> None:
    from orchestration.statistics.aoristic import share_interval
    from orchestration.statistics.intervals import wilson_interval

    for found, expected in zip(
        share_interval([0, 3, 40], [40, 40, 40]),
        wilson_interval([0, 3, 40], [40, 40, 40]),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, atol=1e-12)
    assert np.isnan(np.array(share_interval(0.0, 0.0))).all()
    with pytest.raises(ValueError, match="between 0 and events"):
        share_interval(5.0, 4.0)
    rng = np.random.default_rng(11)
    # A quarter of each of a third of the events, the rest elsewhere: the share is 1/12.
    sums = 0.25 * rng.binomial(300, 1 / 3, 2000)
    found = share_interval(sums, 300.0)
    assert np.mean((found.lower <= 1 / 12) & (found.upper >= 1 / 12)) >= 0.95
