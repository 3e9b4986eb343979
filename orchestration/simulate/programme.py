"""The violence programme's own monthly figures: training, county lines, cohorts, diversions.

Small tables that people keep by hand. Like the grants they are the same size in every scenario and
at any scale; a seed draws how the months add up to what the board paper says. What a share or a
coverage is, is the models' business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orchestration.simulate.extract import Extract
from orchestration.simulate.geography import UNITS
from orchestration.simulate.scenario import Scenario

YEAR = "2021/22"


def _months(year: str) -> list[str]:
    first = int(year[:4])
    return [f"{first + (m > 12)}-{(m - 1) % 12 + 1:02d}" for m in range(4, 16)]


MONTHS = _months(YEAR)


@dataclass(frozen=True)
class Group:
    """A group of staff: establishment, how many are trained by March, first month of training."""

    name: str
    establishment: int
    trained: int
    first: str


#: Board paper, paragraph 70: percentages of establishments "over the coming 6 months" (the paper
#: is of December 2021), read as reached by the end of March.
TRAINING: tuple[Group, ...] = (
    Group("initial_recruits", 2_847, round(0.80 * 2_847), "2021-10"),
    Group("custody", 500, round(0.60 * 500), "2021-10"),
    Group("investigators", 3_300, round(0.05 * 3_300), "2021-12"),
    Group("frontline", 5_700, round(0.05 * 5_700), "2021-12"),
    Group("senior_leaders", 500, round(0.80 * 500), "2021-11"),
    Group("cadet_leaders", 131, round(0.80 * 131), "2021-12"),
)
#: About 270 of custody had been trained from October to December (paragraph 69).
CUSTODY_BY_DECEMBER = 270

#: County Lines Taskforce to the end of September 2021: arrests, children safeguarded, lines closed
#: (paragraph 68). When it began the paper does not say; here it is with the financial year.
COUNTY_LINES = (363, 36, 134)
COUNTY_LINES_TO = "2021-09"

#: Operation Fresco at the review of November 2021 (paragraph 59): tier 3 has 26 persons, 9 in
#: custody, 14 arrests; tier 4 put 15 through CASS with 28 interventions, and of 9 archived none
#: reoffended; tier 2 had 5 adopted and 1 pursued and imprisoned.
COHORT = "Operation Fresco"
REVIEW = "2021-11"
#: tier -> persons, in custody, and since April: arrests, interventions, archived, reoffended
TIERS: dict[int, tuple[int, int, int, int, int, int]] = {
    2: (6, 1, 8, 6, 0, 0),
    3: (26, 9, 14, 12, 0, 0),
    4: (15, 0, 3, 28, 9, 0),
}

#: Referrals of a month by pathway and unit before and from November 2021, when Outcome 22 was
#: agreed for more offences (paragraph 53). Numbers are the simulator's: few through Checkpoint
#: (paragraph 50), community resolutions most at Solihull, whose model it is, and at Birmingham
#: East (paragraphs 54 and 55).
REFERRALS: dict[str, tuple[float, float]] = {
    "checkpoint": (1.1, 1.8),
    "outcome_22": (4.0, 11.0),
    "community_resolution": (16.0, 19.0),
}
UNIT_FACTOR = {
    "BE": 1.7,
    "BW": 1.2,
    "CV": 1.0,
    "DY": 0.7,
    "SW": 0.9,
    "SH": 1.6,
    "WS": 0.8,
    "WV": 0.9,
}
#: Share of referrals in impact areas: about half at Solihull (paragraph 54), elsewhere the
#: simulator's, by how much of the unit they are.
IMPACT_SHARE = {
    "BE": 0.55,
    "BW": 0.60,
    "CV": 0.45,
    "DY": 0.10,
    "SW": 0.35,
    "SH": 0.50,
    "WS": 0.30,
    "WV": 0.40,
}
COMPLETED, REOFFENDED = 0.82, 0.06
DIVERSION_YEARS = ("2020/21", YEAR)


def extracts(scenario: Scenario, rng: np.random.Generator) -> list[Extract]:
    """The four tables ``programme/*``; diversions of 2020/21 and 2021/22, the others of 2021/22."""
    del scenario  # the same in every world
    return [
        _extract("training", YEAR, _training(rng)),
        _extract("county_lines", YEAR, _county_lines(rng)),
        _extract("cohort_tiers", YEAR, _cohort_tiers(rng)),
        *(_extract("diversions", year, _diversions(rng, year)) for year in DIVERSION_YEARS),
    ]


def _extract(table: str, year: str, data: pa.Table) -> Extract:
    stem = f"programme_{table}_{year.replace('/', '-')}"
    return Extract(f"programme/{table}", year, stem, data)


def _cumulated(rng: np.random.Generator, total: int, months: int) -> np.ndarray:
    """A count that grows to ``total`` over so many months."""
    share = rng.dirichlet(np.full(months, 8.0))
    return np.cumsum(rng.multinomial(total, share))


def _training(rng: np.random.Generator) -> pa.Table:
    months, groups, establishment, trained = [], [], [], []
    for group in TRAINING:
        count = np.zeros(12, np.int64)
        first = MONTHS.index(group.first)
        if group.name == "custody":
            december = MONTHS.index("2021-12")
            count[first : december + 1] = _cumulated(rng, CUSTODY_BY_DECEMBER, december + 1 - first)
            rest = _cumulated(rng, group.trained - CUSTODY_BY_DECEMBER, 11 - december)
            count[december + 1 :] = CUSTODY_BY_DECEMBER + rest
        else:
            count[first:] = _cumulated(rng, group.trained, 12 - first)
        months += MONTHS
        groups += [group.name] * 12
        establishment += [group.establishment] * 12
        trained += count.tolist()
    return pa.table(
        {
            "month": pa.array(months),
            "staff_group": pa.array(groups),
            "establishment_count": pa.array(establishment, pa.int64()),
            "trained_count": pa.array(trained, pa.int64()),
        }
    )


def _county_lines(rng: np.random.Generator) -> pa.Table:
    until = MONTHS.index(COUNTY_LINES_TO) + 1
    columns = {}
    for name, total in zip(
        ("arrest_count", "child_safeguarded_count", "line_closed_count"), COUNTY_LINES, strict=True
    ):
        known = rng.multinomial(total, rng.dirichlet(np.full(until, 12.0)))
        rest = rng.poisson(total / until, 12 - until)
        columns[name] = pa.array(np.concatenate([known, rest]), pa.int64())
    return pa.table({"month": pa.array(MONTHS), **columns})


def _cohort_tiers(rng: np.random.Generator) -> pa.Table:
    review = MONTHS.index(REVIEW)
    parts = []
    for tier, (persons, custody, *since_april) in TIERS.items():
        # Who is in a tier, and who of them in custody, moves a little from month to month.
        size = persons + np.cumsum(rng.integers(-1, 2, 12))
        size = np.maximum(size - size[review] + persons, 1)
        inside = np.minimum(np.maximum(custody + rng.integers(-2, 3, 12), 0), size)
        inside[review] = custody
        columns = {"person_count": size, "in_custody_count": inside}
        names = ("arrest_count", "intervention_count", "archived_count", "reoffended_count")
        for name, total in zip(names, since_april, strict=True):
            grown = np.zeros(12, np.int64)
            grown[: review + 1] = _cumulated(rng, total, review + 1)
            more = rng.poisson(total / (review + 1), 11 - review)
            grown[review + 1 :] = total + np.cumsum(more)
            columns[name] = grown
        parts.append(
            pa.table(
                {
                    "month": pa.array(MONTHS),
                    "cohort": pa.array([COHORT] * 12),
                    "tier": pa.array([tier] * 12, pa.int64()),
                    **{name: pa.array(values, pa.int64()) for name, values in columns.items()},
                }
            )
        )
    return pa.concat_tables(parts)


def _diversions(rng: np.random.Generator, year: str) -> pa.Table:
    """Every month, unit and pathway, those with none too: a zero is not a gap."""
    months = _months(year)
    units, pathways = list(UNITS), list(REFERRALS)
    month = np.repeat(np.arange(12), len(units) * len(pathways))
    unit = np.tile(np.repeat(np.arange(len(units)), len(pathways)), 12)
    pathway = np.tile(np.arange(len(pathways)), 12 * len(units))
    is_later = np.array(months)[month] >= REVIEW
    rate = np.array(list(REFERRALS.values()))[pathway, is_later.astype(int)]
    rate = rate * np.array([UNIT_FACTOR[u] for u in units])[unit]
    if year < YEAR:
        # Before: no Checkpoint, little of Outcome 22, community resolutions not yet everywhere.
        rate = rate * np.array([0.0, 0.2, 0.55])[pathway]
    referred = rng.poisson(rate)
    completed = rng.binomial(referred, COMPLETED)
    # No identified re-offending at Solihull (paragraph 54).
    reoffending = np.where(np.array(units)[unit] == "SH", 0.0, REOFFENDED)
    return pa.table(
        {
            "month": pa.array(np.array(months)[month]),
            "npu_code": pa.array(np.array(units)[unit]),
            "pathway": pa.array(np.array(pathways)[pathway]),
            "referral_count": pa.array(referred, pa.int64()),
            "completion_count": pa.array(completed, pa.int64()),
            "reoffended_count": pa.array(rng.binomial(completed, reoffending), pa.int64()),
            "in_impact_area_count": pa.array(
                rng.binomial(referred, np.array([IMPACT_SHARE[u] for u in units])[unit]),
                pa.int64(),
            ),
        }
    )
