"""The coverage that the mart shows is what the benchmark measures: a few worlds, drawn again."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from scipy.stats import binomtest

from benchmarks.recording_effect import LEAST_COVERAGE, Coverage, as_csv, coverage

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def few() -> list[Coverage]:
    return coverage(40, seed=7)


def test_the_seed_is_of_the_conditions_that_are_measured(few: list[Coverage]) -> None:
    described = (
        "method_code",
        "variant_code",
        "condition_code",
        "condition_order",
        "condition_text",
    )
    again = csv.DictReader(as_csv(few).splitlines())
    told = (*described, "is_assumption_met")
    assert [[r[c] for c in told] for r in again] == [
        [r[c] for c in told] for r in seed("recording_effect_coverage")
    ]


def test_what_is_published_could_have_come_from_these_worlds(few: list[Coverage]) -> None:
    """Exact binomial, at one in 100,000 for each of 44 shares: only what broke is told."""
    for published, row in zip(seed("recording_effect_coverage"), few, strict=True):
        assert int(published["world_count"]) >= 500
        for column in ("coverage_pct", "claim_pct"):
            known = min(max(float(published[column]) / 100, 0.005), 0.995)
            count = round(getattr(row, column) / 100 * row.world_count)
            chance = binomtest(count, row.world_count, known).pvalue
            assert chance > 1e-5, (row.method_code, row.condition_code, column)


def test_intervals_hold_where_the_assumptions_do_and_the_rest_is_shown() -> None:
    rows = seed("recording_effect_coverage")
    met = [r for r in rows if r["is_assumption_met"] == "true"]
    broken = [r for r in rows if r["is_assumption_met"] == "false"]
    methods = {r["method_code"] for r in seed("recording_effect_methods")}
    assert {r["method_code"] for r in met} == {r["method_code"] for r in broken} == methods
    for r in met:
        assert float(r["coverage_pct"]) >= LEAST_COVERAGE, r["condition_code"]
        # At the nominal rate: four standard errors of 5% in 500.
        assert float(r["claim_pct"]) <= 5 + 4 * (5 * 95 / int(r["world_count"])) ** 0.5
    # Every method fails somewhere, and its row is there.
    assert {r["method_code"] for r in broken if float(r["coverage_pct"]) < 80} == methods
