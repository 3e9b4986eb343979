"""Rows of the recording effect: what each method leaves of the recorded change."""

from __future__ import annotations

import numpy as np
import pytest

from orchestration import recording_effects
from orchestration.recording_effects import Admissions, Recorded
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


def test_what_admissions_leave_of_a_region_is_the_rests_change_times_theirs() -> None:
    region, rest = recorded("v", 13_200, 10_000, 1.5), recorded("v", 88_000, 80_000, 1.5)
    exactly = [hospital.exactly(n) for n in (550, 500, 5000, 5000)]
    admissions = Admissions(*exactly, phi=1.0, phi_of_rest=1.0)
    found = recording_effects._against_hospitals(region, region, rest, None, admissions)
    without, row = found
    assert without["variant_code"] == "over_synthetic"
    assert without["estimate_status"] == "not_assessed"
    estimate, lower, upper = limits(row, "adjusted_ratio")
    change = hospital.change_against_rest(*exactly)
    assert row["effect_ratio"] == pytest.approx(1.2 / float(change.ratio.estimate))
    assert estimate == pytest.approx(1.1 * float(change.ratio.estimate))
    # The rest's records are many: the length is that of the admissions.
    assert np.log(upper / lower) == pytest.approx(
        float(np.log(change.ratio.upper / change.ratio.lower)), rel=0.02
    )
