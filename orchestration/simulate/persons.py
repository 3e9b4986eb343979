"""Victims and suspects of a batch of crimes: ages, sexes, ethnicities, and who they are.

Nobody in here exists. A person is a number within a cell of birth year, sex and ethnic group, so
that the same number is always the same made-up person; low numbers come up again and again, as a
few people are victims or suspects many times.
"""

from __future__ import annotations

import numpy as np

from orchestration.simulate.batch import Persons

ETHNIC_GROUPS = ("white", "asian", "black", "mixed", "other", "unknown")
#: Shares of the six groups (simulator's, near the area's population; more is known of suspects).
VICTIM_ETHNICITY = (0.53, 0.22, 0.10, 0.05, 0.02, 0.08)
SUSPECT_ETHNICITY = (0.50, 0.20, 0.15, 0.06, 0.02, 0.07)
HOMICIDE_ETHNICITY = (0.42, 0.24, 0.26, 0.06, 0.02, 0.00)

AGES = np.arange(101)
UNKNOWN_AGE = -1
FEMALE, NOT_RECORDED = 1, 2
VICTIM, SUSPECT = 0, 1
#: Share of persons whose age, sex or reference nobody wrote down (simulator's).
NO_AGE, NO_SEX, NO_REFERENCE = 0.015, 0.01, 0.06

#: People in a cell of birth year, sex and ethnic group at scale 1 (about 3 million in all), never
#: fewer than the least, and room for the numbers of a cell.
CELL_SIZE, LEAST_CELL_SIZE, CELL_STRIDE = 3_000, 50, 1_000_000
#: The higher, the more the same few persons come up again.
REPEATING = 1.6
FIRST_BIRTH_YEAR = 1915


def _weights(points: dict[int, float]) -> np.ndarray:
    """Weights of ages 0 to 100, straight lines between the given points, nothing outside them."""
    known = sorted(points)
    values = np.interp(AGES, known, [points[a] for a in known], left=0.0, right=0.0)
    return np.cumsum(values / values.sum())


#: Victims of violence under 25: most of them 24 (board paper, paragraph 39).
YOUNG_VICTIM = _weights({4: 0.02, 9: 0.10, 12: 0.5, 15: 0.9, 18: 1.0, 22: 1.1, 23: 1.15, 24: 1.4})
YOUNG_VICTIM[24:] = 1.0
OLDER_VICTIM = _weights({25: 1.3, 35: 1.05, 50: 0.7, 65: 0.25, 100: 0.0})
ANY_VICTIM = _weights({10: 0.05, 16: 0.5, 20: 0.9, 30: 1.0, 50: 0.8, 70: 0.35, 100: 0.0})
#: Suspects: most of them 18 (board paper, paragraph 39).
SUSPECT_AGE = _weights({10: 0.1, 13: 0.5, 17: 1.5, 18: 1.9, 19: 1.5, 24: 1.0, 40: 0.5, 80: 0.0})
YOUNG_SUSPECT_AGE = _weights({12: 0.1, 15: 0.7, 17: 1.4, 18: 2.2, 19: 1.5, 24: 0.8})
YOUNG_SUSPECT_AGE[24:] = 1.0
OLDER_SUSPECT_AGE = _weights({25: 1.0, 40: 0.6, 80: 0.0})


def draw(
    rng: np.random.Generator,
    cumulative: np.ndarray,
    count: int,
) -> np.ndarray:
    """Positions drawn by cumulative weights that end at 1."""
    return np.minimum(
        np.searchsorted(cumulative, rng.random(count), side="right"), len(cumulative) - 1
    )


def shares(values: tuple[float, ...]) -> np.ndarray:
    """Cumulative weights of shares."""
    total = np.cumsum(values)
    return total / total[-1]


def victims(
    rng: np.random.Generator,
    *,
    record: np.ndarray,
    number: np.ndarray,
    kind: np.ndarray,
    female: np.ndarray,
    year: np.ndarray,
    is_homicide: np.ndarray,
    scale: float,
) -> Persons:
    """One victim per element of ``record``. ``kind``: 0 any age, 1 certainly under 25, 2 from 25.

    ``female`` is the probability of being female, ``year`` the year of the offence.
    """
    count = len(record)
    age = draw(rng, ANY_VICTIM, count)
    for value, weights in ((1, YOUNG_VICTIM), (2, OLDER_VICTIM)):
        chosen = np.flatnonzero(kind == value)
        age[chosen] = draw(rng, weights, len(chosen))
    # Whether a victim is under 25 is conditioned for some crimes: those ages are always known.
    unknown = (rng.random(count) < NO_AGE) & (kind != 1)
    ethnicity = draw(rng, shares(VICTIM_ETHNICITY), count)
    killed = np.flatnonzero(is_homicide)
    ethnicity[killed] = draw(rng, shares(HOMICIDE_ETHNICITY), len(killed))
    return _persons(rng, record, number, VICTIM, age, unknown, female, ethnicity, year, scale)


def suspects(
    rng: np.random.Generator,
    *,
    record: np.ndarray,
    number: np.ndarray,
    kind: np.ndarray,
    female: np.ndarray,
    year: np.ndarray,
    scale: float,
) -> Persons:
    """One suspect per element of ``record``; arguments as for :func:`victims`."""
    count = len(record)
    age = draw(rng, SUSPECT_AGE, count)
    for value, weights in ((1, YOUNG_SUSPECT_AGE), (2, OLDER_SUSPECT_AGE)):
        chosen = np.flatnonzero(kind == value)
        age[chosen] = draw(rng, weights, len(chosen))
    unknown = (rng.random(count) < 3 * NO_AGE) & (kind == 0)
    ethnicity = draw(rng, shares(SUSPECT_ETHNICITY), count)
    return _persons(rng, record, number, SUSPECT, age, unknown, female, ethnicity, year, scale)


def _persons(
    rng: np.random.Generator,
    record: np.ndarray,
    number: np.ndarray,
    role: int,
    age: np.ndarray,
    unknown: np.ndarray,
    female: np.ndarray,
    ethnicity: np.ndarray,
    year: np.ndarray,
    scale: float,
) -> Persons:
    count = len(record)
    sex = (rng.random(count) < female).astype(np.int8)
    birth_year = year - age - (rng.random(count) < 0.5)
    cell = (np.clip(birth_year - FIRST_BIRTH_YEAR, 0, 119) * 2 + sex) * 6 + ethnicity
    size = min(max(CELL_SIZE * scale, LEAST_CELL_SIZE), CELL_STRIDE)
    within = (rng.random(count) ** REPEATING * size).astype(np.int64)
    reference = cell.astype(np.int64) * CELL_STRIDE + within
    reference[rng.random(count) < NO_REFERENCE] = -1
    sex[rng.random(count) < NO_SEX] = NOT_RECORDED
    return Persons(
        record=record.astype(np.int64),
        number=number.astype(np.int16),
        role=np.full(count, role, np.int8),
        age=np.where(unknown, UNKNOWN_AGE, age).astype(np.int16),
        birth_year=birth_year.astype(np.int16),
        sex=sex,
        ethnicity=ethnicity.astype(np.int8),
        reference=reference,
    )
