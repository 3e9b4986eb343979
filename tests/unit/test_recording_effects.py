"""Rows of the recording effect: what each method leaves of the recorded change."""

from __future__ import annotations

import pytest

from orchestration import recording_effects
from orchestration.recording_effects import Recorded
from orchestration.statistics import hospital_control as hospital
from orchestration.statistics import recording_effect as effects


def recorded(code: str, now: int, before: int, phi: float) -> Recorded:
    ratio = effects.recorded_change(now, 1.0, before, 1.0, phi)
    return Recorded(code, "force/f", before, now, ratio, phi)


def limits(row: dict, name: str) -> list[float]:
    return [row[f"{name}{end}"] for end in ("", "_lower", "_upper")]


def test_what_admissions_leave_is_their_own_change() -> None:
    """Both rise by 20%: the records' chance is not counted twice, so that a rise is left."""
    of = {"violence": recorded("violence", 7200, 6000, 2.0), "cut": recorded("cut", 540, 450, 1.2)}
    row = recording_effects._own_hospital(of["violence"], "cut", lambda code, area, basis: of[code])
    change = hospital.hospital_change(hospital.exactly(540), hospital.exactly(450), phi=1.2)
    assert limits(row, "adjusted_ratio") == pytest.approx([float(v) for v in change.ratio])
    assert limits(row, "adjusted_ratio") == pytest.approx([1.2, 1.05, 1.37], abs=0.01)
    assert row["effect_ratio_lower"] < 1 < row["effect_ratio_upper"]


def test_a_range_like_for_like_has_the_degrees_of_freedom_of_the_dispersion() -> None:
    kept = {
        "baseline_count": 400,
        "baseline_possible_count": 0,
        "baseline_most_count": 400,
        "current_count": 480,
        "current_possible_count": 0,
        "current_most_count": 480,
        "baseline_day_count": 1.0,
        "current_day_count": 1.0,
        "is_range": True,
    }
    few = recorded("v", 480, 400, 2.0)._replace(degrees_of_freedom=8.0)
    pairs = {("v", "force/f", "like_for_like"): kept}
    row = recording_effects._like_for_like(few, pairs, None)
    change = effects.recorded_change(480, 1.0, 400, 1.0, 2.0, 8.0)
    assert row["adjusted_ratio_lower"] == pytest.approx(float(change.lower))
    assert row["adjusted_ratio_upper"] == pytest.approx(float(change.upper))
    assert row["adjusted_ratio_lower"] < float(few.ratio.lower)
