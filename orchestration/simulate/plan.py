"""How many records of each kind each month has: drawn once, before any record is.

Conditioned totals are exact here (spread over months by a multinomial draw, which leaves the sum
alone); everything drawn later only decides which records carry them. What a record looks like is
``crimes``' business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.simulate.scenario import (
    ADDITIONAL,
    CODES,
    LOCKDOWN,
    MIX,
    MONTHS,
    SEASON_KNIFE,
    SEASON_OTHER,
    SEASON_VIOLENCE,
    Scenario,
    adoption,
)

#: Months of the baseline year at scale 1 (simulator's, near the paper's counts): violence with
#: injury to the young; knives really used on the young, and elsewhere; knives only seen, likewise;
#: spiking of the young outside the wave; homicides.
YOUNG, YOUNG_USED, OTHER_USED = 742.0, 53.0, 317.0
YOUNG_SEEN, OTHER_SEEN = 9.2, 85.0
SPIKING, HOMICIDES = 4.0, 3.6
#: The reference world in 2021/22: what really changed (recording comes on top): the young's
#: injuries, knives used on them (as hospital admissions fell), knives elsewhere, knives seen.
REAL_2021 = {"young": 1.035, "young_used": 0.88, "other_used": 1.05, "seen": 1.55}
WAVE = {"2021-10": 36.0, "2021-11": 95.0, "2021-12": 62.0, "2022-01": 18.0}
VIOLENT = ("vwi", "vwoi", "robbery", "homicide")
#: Positive outcomes per offence by month of the current year: rising to November (paragraph 44).
RISING = (0.046, 0.050, 0.053, 0.056, 0.060, 0.064, 0.068)
CANCELLED_SHARE = 0.022
#: Reports that should give a crime and do not under any practice, a recorded crime.
STILL_MISSED = 0.04

CLASS_OF: dict[str, str] = {row[0]: row[1] for row in MIX}


@dataclass(frozen=True)
class Homicide:
    """One homicide, as far as it is conditioned."""

    is_young: bool
    is_knife: bool
    has_suspect: bool
    is_suspect_young: bool


@dataclass(frozen=True)
class MonthPlan:
    """Counts of one month: net records by kind, then what lies on top of them."""

    month: str
    young_used: int
    young_knife: int
    young_spiking: int
    young_plain: int
    #: share of the knives not flagged as used that really were
    unflagged_share_young: float
    unflagged_share_other: float
    other_used: int
    other_knife: int
    rest: np.ndarray
    homicides: tuple[Homicide, ...]
    #: positive outcomes by the cut-off among violence with injury to the young; None: as they fall
    young_positive: int | None
    toxicology_positive: int | None
    cancelled: np.ndarray
    missed: np.ndarray
    no_crime_logs: int

    @property
    def young(self) -> int:
        return self.young_used + self.young_knife + self.young_spiking + self.young_plain


def _spread(rng: np.random.Generator, total: int, weights: np.ndarray) -> np.ndarray:
    return rng.multinomial(total, weights / weights.sum())


def plan(scenario: Scenario, rng: np.random.Generator) -> list[MonthPlan]:
    """Counts of every month. Same scenario and generator state, same plan."""
    count = len(MONTHS)
    scale = scenario.scale
    reference = scenario.is_conditioned
    season = {
        "violence": np.array([SEASON_VIOLENCE[i % 12] for i in range(count)]),
        "knife": np.array([SEASON_KNIFE[i % 12] for i in range(count)]),
        "other": np.array([SEASON_OTHER[i % 12] for i in range(count)]),
    }
    lockdown = np.array(
        [LOCKDOWN.get(m, (1.0, 1.0)) if scenario.has_lockdowns else (1.0, 1.0) for m in MONTHS]
    )
    since = np.array([m >= "2021-04" for m in MONTHS])
    adopted = np.array([adoption(scenario, m) for m in MONTHS])
    violence = np.where(since, scenario.violence_factor, 1.0)

    def real(what: str) -> np.ndarray:
        factor = REAL_2021[what] if reference else 1.0
        return np.where(since, factor, 1.0) * violence

    def more(klass: str) -> np.ndarray:
        """Additional records for each one that 2019/20 practice records."""
        return adopted * ADDITIONAL[klass] / (1 - ADDITIONAL[klass])

    completeness = np.where(since, scenario.knife_completeness[1], scenario.knife_completeness[0])
    young_mean = YOUNG * season["violence"] * lockdown[:, 0] * real("young") * (1 + more("vwi"))
    young_true = YOUNG_USED * season["knife"] * lockdown[:, 0] * real("young_used")
    other_true = OTHER_USED * season["violence"] * lockdown[:, 1] * real("other_used")
    other_true = other_true * (1 + more("robbery") * 2)
    seen = lockdown[:, 0] * season["violence"] * real("seen") * (1 + more("weapons"))
    means = {
        "used": young_true * completeness,
        "knife": young_true * (1 - completeness) + YOUNG_SEEN * seen,
        "spiking": np.full(count, SPIKING),
        "other_used": other_true * completeness,
        "other_knife": other_true * (1 - completeness) + OTHER_SEEN * seen,
        "homicides": HOMICIDES * violence,
    }
    if scenario.has_spiking_wave:
        means["spiking"] += np.array([WAVE.get(m, 0.0) for m in MONTHS])
        young_mean = young_mean + means["spiking"] - SPIKING
    drawn = {name: rng.poisson(mean * scale) for name, mean in means.items()}
    young = rng.poisson(young_mean * scale)
    positive: list[int | None] = [None] * count
    toxicology: list[int | None] = [None] * count

    november = MONTHS.index("2021-11")
    homicides: list[list[Homicide]] = [[] for _ in MONTHS]
    conditioned = np.zeros(count, bool)
    for window in scenario.windows:
        span = np.array([MONTHS.index(m) for m in window.months])
        total = scenario.scaled(window.young_vwi)
        fixed = scenario.november if scenario.november and november in span else None
        free = span[span != november] if fixed else span
        if fixed:
            young[november] = scenario.scaled(fixed[0])
            drawn["spiking"][november] = scenario.scaled(fixed[1])
            toxicology[november] = scenario.scaled(fixed[2])
            total -= int(young[november])
        young[free] = _spread(rng, total, young_mean[free])
        if window.young_knife is not None and window.young_knife_used is not None:
            used = scenario.scaled(window.young_knife_used)
            knife = scenario.scaled(window.young_knife)
            drawn["used"][span] = _spread(rng, used, means["used"][span])
            drawn["knife"][span] = _spread(rng, knife - used, means["knife"][span])
        if window.homicides is not None:
            chosen = _homicides(window, scenario, rng)
            for month, homicide in zip(rng.choice(span, len(chosen)), chosen, strict=True):
                homicides[month].append(homicide)
            conditioned[span] = True
        if window.knife_used is not None and window.young_knife_used is not None:
            flags = scenario.scaled(window.knife_used) - scenario.scaled(window.young_knife_used)
            flags -= sum(h.is_knife for m in span for h in homicides[m])
            drawn["other_used"][span] = _spread(rng, max(flags, 0), means["other_used"][span])
        if window.positive is not None:
            left = scenario.scaled(window.positive)
            weight = young[free].astype(float)
            if fixed:
                positive[november] = min(scenario.scaled(fixed[3]), int(young[november]))
                left -= positive[november]
                weight = weight * np.array(RISING)
            share = _spread(rng, left, weight) if weight.sum() else np.zeros(len(free), int)
            for month, number in zip(free, share, strict=True):
                positive[month] = int(number)
    for index in np.flatnonzero(~conditioned):
        for _ in range(int(drawn["homicides"][index])):
            is_young = bool(rng.random() < 0.3)
            homicides[index].append(
                Homicide(is_young, bool(rng.random() < 0.42), True, bool(rng.random() < 0.54))
            )
    # Where there are few, the kinds may not take more than there are.
    for name in ("spiking", "used", "knife"):
        taken = sum(drawn[n] for n in ("spiking", "used", "knife") if n != name)
        over = drawn[name] + taken > young
        if name != "used" or not reference:
            drawn[name] = np.where(over, np.maximum(young - taken, 0), drawn[name])
    plain = np.maximum(young - drawn["used"] - drawn["knife"] - drawn["spiking"], 0)

    rest, expected = _rest(scenario, rng, season, lockdown, violence, more, young, drawn, homicides)
    missed = np.zeros_like(rest)
    for position, code in enumerate(CODES):
        share = ADDITIONAL[CLASS_OF[code]]
        practice = expected[:, position] / (1 + more(CLASS_OF[code]))
        left = share / (1 - share) * (1 - adopted) + STILL_MISSED
        missed[:, position] = rng.poisson(practice * left)
    net = rest.sum(1) + young + drawn["other_used"] + drawn["other_knife"]
    quiet = rng.poisson(13_500 * scale * season["violence"] * lockdown[:, 1])
    plans = []
    for i, month in enumerate(MONTHS):
        weights = np.maximum(expected[i], 0)
        unflagged = (1 - completeness[i]) * np.array([young_true[i], other_true[i]])
        plans.append(
            MonthPlan(
                month=month,
                young_used=int(drawn["used"][i]),
                young_knife=int(drawn["knife"][i]),
                young_spiking=int(drawn["spiking"][i]),
                young_plain=int(plain[i]),
                unflagged_share_young=float(min(unflagged[0] / means["knife"][i], 1)),
                unflagged_share_other=float(min(unflagged[1] / means["other_knife"][i], 1)),
                other_used=int(drawn["other_used"][i]),
                other_knife=int(drawn["other_knife"][i]),
                rest=rest[i],
                homicides=tuple(homicides[i]),
                young_positive=positive[i],
                toxicology_positive=toxicology[i],
                cancelled=_spread(rng, round(net[i] * CANCELLED_SHARE), weights),
                missed=missed[i],
                no_crime_logs=int(quiet[i]),
            )
        )
    return plans


def _homicides(window, scenario: Scenario, rng: np.random.Generator) -> list[Homicide]:
    """The homicides of a conditioned window, in random order."""
    total = scenario.scaled(window.homicides)
    young = min(scenario.scaled(window.young_homicides), total)
    knives = min(scenario.scaled(window.young_knife_homicides), young)
    older_knives = round((total - young) * 0.38)
    suspects = min(scenario.scaled(window.homicide_suspects), total)
    young_suspects = min(scenario.scaled(window.young_homicide_suspects), suspects)
    order = rng.permutation(total)
    found = [
        Homicide(
            is_young=i < young,
            is_knife=i < knives or young <= i < young + older_knives,
            has_suspect=int(order[i]) < suspects,
            is_suspect_young=int(order[i]) < young_suspects,
        )
        for i in range(total)
    ]
    return [found[i] for i in rng.permutation(total)]


#: Codes of the strata that are drawn apart from the rest: code -> share.
YOUNG_KNIFE_CODES = {"8N": 0.55, "5D": 0.43, "2": 0.02}
YOUNG_PLAIN_CODES = {"8N": 0.914, "5D": 0.06, "2": 0.003, "8P": 0.012, "8S": 0.008, "5E": 0.003}
YOUNG_SPIKING_CODES = {"8N": 0.85, "5E": 0.15}
OTHER_USED_CODES = {
    "34B": 0.36,
    "3B": 0.17,
    "8N": 0.19,
    "5D": 0.16,
    "34A": 0.04,
    "105A": 0.03,
    "8L": 0.02,
    "19C": 0.015,
    "20A": 0.015,
}
OTHER_KNIFE_CODES = {
    "34B": 0.36,
    "3B": 0.20,
    "8N": 0.14,
    "5D": 0.07,
    "9A": 0.08,
    "105A": 0.10,
    "8L": 0.05,
}


def _rest(scenario, rng, season, lockdown, violence, more, young, drawn, homicides):
    """Everything else by month and code, and the expected total by month and code."""
    count = len(MONTHS)
    year = np.arange(count) // 12
    weights = np.array([row[2:] for row in MIX], dtype=float)
    violent = np.array([CLASS_OF[c] in VIOLENT for c in CODES])
    shape = np.where(violent[None, :], season["violence"][:, None], season["other"][:, None])
    shape = shape * lockdown[:, 1][:, None] / 12
    if scenario.year_totals is not None:
        by_year = weights.T / weights.sum(0)[:, None] * np.array(scenario.year_totals)[:, None]
        expected = by_year[year] * shape
        # The year's total stands; months share it out.
        for y in range(4):
            inside = year == y
            expected[inside] *= scenario.year_totals[y] / expected[inside].sum()
    else:
        base = weights[:, 1] / weights[:, 1].sum() * scenario.base_year_total
        expected = base[None, :] * shape
        expected = expected * np.where(violent[None, :], violence[:, None], 1.0)
        for position, code in enumerate(CODES):
            expected[:, position] *= 1 + more(CLASS_OF[code])
    expected = expected * scenario.scale
    taken = np.zeros_like(expected)
    for counts, codes in (
        (young - drawn["used"] - drawn["knife"] - drawn["spiking"], YOUNG_PLAIN_CODES),
        (drawn["used"] + drawn["knife"], YOUNG_KNIFE_CODES),
        (drawn["spiking"], YOUNG_SPIKING_CODES),
        (drawn["other_used"], OTHER_USED_CODES),
        (drawn["other_knife"], OTHER_KNIFE_CODES),
    ):
        for code, share in codes.items():
            taken[:, CODES.index(code)] += counts * share
    left = np.maximum(expected - taken, 0.0)
    if scenario.year_totals is None:
        return rng.poisson(left), expected
    rest = np.zeros(expected.shape, dtype=np.int64)
    deaths = np.array([len(h) for h in homicides])
    for y in range(4):
        inside = np.flatnonzero(year == y)
        apart = young[inside] + drawn["other_used"][inside] + drawn["other_knife"][inside]
        total = scenario.scaled(scenario.year_totals[y]) - int((apart + deaths[inside]).sum())
        cells = left[inside].ravel()
        rest[inside] = _spread(rng, max(total, 0), cells).reshape(len(inside), -1)
    return rest, expected
