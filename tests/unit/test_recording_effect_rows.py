"""Rows of the recording effect from small tables: one dispersion, and the region among regions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from orchestration import recording_effects
from orchestration.recording_effects import Admissions, Calendar, Panel, Scatter
from orchestration.statistics.hospital_control import exactly
from orchestration.statistics.rates import count_ratio

FORCES = ["a", "b", "c", "d"]
REGIONS = ["E12000001", "E12000002", "E12000002", "E12000003"]


def calendar() -> Calendar:
    """Seven years of quarters; the baseline is the sixth, the current year the seventh."""
    labels = [f"{2015 + i // 4}/{16 + i // 4} Q{i % 4 + 1}" for i in range(28)]
    year = np.arange(28) // 4
    quiet = (year >= 1) & (year <= 5)
    return Calendar(labels, np.full(28, 91.0), year < 0, year == 5, year == 6, [], quiet)


def rows(
    counts: np.ndarray, admissions: Admissions | None, scatters: dict[str, Scatter] | None = None
) -> dict[str, dict[str, Any]]:
    measures = {"violence": {"recording_scope": "violence", "hospital_code": "region"}}
    found = recording_effects.effects_of_offences(
        calendar(),
        [Panel("recorded_violence", "violence", counts)],
        FORCES,
        FORCES,
        "a",
        REGIONS,
        {},
        measures,
        [],
        "region/E12000001",
        admissions,
        scatters or {},
    )
    return {r["variant_code"]: r for r in recording_effects.table(found).to_pylist()}


def panel() -> np.ndarray:
    counts = np.full((28, 4), 100.0)
    counts[24:] = [150.0, 120.0, 120.0, 90.0]
    return counts


def admissions(**others: tuple[int, int]) -> Admissions:
    of = {code: (exactly(now), exactly(before)) for code, (now, before) in others.items()}
    own = (exactly(100), exactly(100))
    return Admissions(*own, exactly(1000), exactly(1000), 1.0, 1.0, of)


def test_the_region_has_its_rank_and_no_limits() -> None:
    """Regions against the rest: 1.5/1.1, 1.2/1.2 and 0.9/1.3, over admissions that stayed."""
    row = rows(panel(), admissions(E12000002=(100, 100), E12000003=(100, 100)))["region"]
    assert row["area_id"] == "region/E12000001"
    assert (row["baseline_count"], row["current_count"]) == (400, 600)
    assert row["effect_ratio"] == pytest.approx(1.5 / 1.1)
    assert (row["effect_ratio_lower"], row["effect_ratio_upper"]) == (0.0, None)
    assert (row["adjusted_ratio_lower"], row["adjusted_ratio_upper"]) == (0.0, None)
    assert (row["placebo_rank"], row["compared_unit_count"]) == (1, 3)
    assert row["caution_text"].startswith("Number 1 of 3 regions, greatest first.")
    assert "nothing is claimed" in row["caution_text"]


def test_admissions_of_other_regions_move_the_rank() -> None:
    """Admissions of the second region halve: 1.2/1.2 over (50/100)/(950/900) is above 1.36."""
    known = admissions(E12000002=(50, 100), E12000003=(100, 100))
    assert rows(panel(), known)["region"]["placebo_rank"] == 2
    # Of a region whose admissions are not known nothing is compared.
    row = rows(panel(), admissions(E12000003=(100, 100)))["region"]
    assert (row["placebo_rank"], row["compared_unit_count"]) == (1, 2)


def test_what_is_missing_is_said() -> None:
    assert "admissions" in rows(panel(), None)["region"]["reason_text"]
    gap = panel()
    gap[25, 3] = np.nan
    row = rows(gap, admissions())["region"]
    assert row["estimate_status"] == "not_assessed"
    assert row["reason_text"] == "Not every force of England has both years whole."
    assert rows(panel(), admissions())["over_synthetic"]["estimate_status"] == "not_assessed"


def test_the_recorded_change_goes_by_the_dispersion_that_is_given() -> None:
    given = Scatter(3.0, 12.0)
    row = rows(panel(), None, {"recorded_violence": given})["over_synthetic"]
    expected = count_ratio(600, 1.0, 400, 1.0, 3.0, 12.0).interval
    found = [row[f"recorded_ratio{end}"] for end in ("", "_lower", "_upper")]
    assert found == pytest.approx([float(v) for v in expected], rel=1e-12)
    assert row["dispersion"] == 3.0
    # Where months do not tell, as everywhere else: exact, and the dispersion is empty.
    row = rows(panel(), None, {"recorded_violence": recording_effects.UNKNOWN})["over_synthetic"]
    expected = count_ratio(600, 1.0, 400, 1.0).interval
    assert row["recorded_ratio_lower"] == pytest.approx(float(expected.lower), rel=1e-12)
    assert row["dispersion"] is None


def test_a_row_of_the_dispersion_that_is_empty_is_unknown() -> None:
    assert Scatter.of({"phi_of_sums": None, "phi_degrees": None}).known is None
    assert Scatter.of({"phi_of_sums": 1.5, "phi_degrees": 20}) == (1.5, 20.0)


def test_each_basis_has_its_own_dispersion() -> None:
    """Like for like is divided by nothing: its interval is that of its own counts and scatter."""
    empty = np.zeros(0)
    series = recording_effects.Series([], np.zeros((0, 0)), empty, empty == 1, empty == 1, [])
    pair = {
        "baseline_count": 400,
        "current_count": 600,
        "baseline_day_count": 366,
        "current_day_count": 365,
        "is_range": False,
    }
    pairs = {
        ("i", "force/f", "recorded"): pair,
        ("i", "force/f", "like_for_like"): pair | {"current_count": 500},
    }
    scatters = {
        ("i", "force/f", "recorded"): Scatter(4.0, 20.0),
        ("i", "force/f", "like_for_like"): Scatter(2.0, 20.0),
    }
    measures = {"i": {"recording_scope": "none", "hospital_code": None}}
    found = recording_effects.effects_of_records(series, pairs, measures, [], "force/f", scatters)
    (row,) = [r for r in found if r["method_code"] == "like_for_like"]
    for name, now, phi in (("recorded_ratio", 600, 4.0), ("adjusted_ratio", 500, 2.0)):
        expected = count_ratio(now, 365, 400, 366, phi, 20.0).interval
        assert row[f"{name}_lower"] == pytest.approx(float(expected.lower), rel=1e-12)
        assert row[f"{name}_upper"] == pytest.approx(float(expected.upper), rel=1e-12)
