"""Draws the crimes of a month: what, when, where, to whom, how recorded, how it ended.

Counts come from ``plan`` and are kept to the crime; what a scenario assumes is in ``scenario``.
Nothing here knows how a recording system spells any of it (``systems``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.simulate import persons
from orchestration.simulate.batch import NEVER, SECOND, Batch, Persons, minutes
from orchestration.simulate.geography import Geography
from orchestration.simulate.persons import draw, shares
from orchestration.simulate.plan import (
    CLASS_OF,
    OTHER_KNIFE_CODES,
    OTHER_USED_CODES,
    YOUNG_KNIFE_CODES,
    YOUNG_PLAIN_CODES,
    YOUNG_SPIKING_CODES,
    MonthPlan,
)
from orchestration.simulate.scenario import (
    ADDITIONAL,
    ADDITIONAL_ORIGINS,
    CLASSES,
    CODES,
    CONVERTED_FROM,
    CUTOFF,
    EXTRACT_DAY,
    GO_LIVE,
    Scenario,
    adoption,
    recorded_within_day,
)

#: Kinds of crime that are drawn apart (their counts are the plan's).
STRATA = (
    "young_used",
    "young_knife",
    "young_spiking",
    "young_plain",
    "homicide",
    "other_used",
    "other_knife",
    "rest",
    "cancelled",
)
S = {name: i for i, name in enumerate(STRATA)}
KNIVES = ("young_used", "young_knife", "other_used", "other_knife")

ORIGINS = (
    "officer_attended",
    "online",
    "initial_report_no_trace",
    "log_quality_review",
    "third_party_professional",
)
NO_TRACE, LOG_REVIEW, THIRD_PARTY = 2, 3, 4

#: 0 none, 1 knife, 2 other sharp, 3 firearm, 4 blunt, 5 substance, 6 vehicle, 7 other
WEAPONS = ("none", "knife", "sharp", "firearm", "blunt", "substance", "vehicle", "other")
#: What was done with it: 0 nothing to say, 1 seen, 2 hinted at, 3 threatened with, 4 injured with
USES = ("none", "seen", "intimated", "threatened", "injured")

TOXICOLOGY = ("none", "positive", "negative", "not_tested", "pending")

POSITIVE_TYPES = (1, 2, 3, 6, 8)
POSITIVE_SHARES = shares((0.56, 0.05, 0.07, 0.02, 0.30))
OTHER_TYPES = (5, 9, 10, 14, 15, 16, 17, 18, 20, 21, 22)
OTHER_SHARES = {
    True: shares((0.002, 0.01, 0.03, 0.20, 0.19, 0.33, 0.01, 0.18, 0.018, 0.01, 0.02)),
    False: shares((0.001, 0.003, 0.02, 0.08, 0.07, 0.10, 0.006, 0.68, 0.01, 0.01, 0.02)),
}


@dataclass(frozen=True)
class Habit:
    """What crimes of a class are like (simulator's): probabilities unless said otherwise."""

    victim: float
    suspect: float
    domestic: float
    female_victim: float
    positive: float
    #: median hours between the earliest and latest time it can have happened; 0: the time is known
    interval_hours: float
    hours: str
    log: float


HABITS: dict[str, Habit] = {
    "vwi": Habit(1.0, 0.66, 0.33, 0.47, 0.10, 0, "violence", 0.90),
    "vwoi": Habit(0.99, 0.66, 0.38, 0.52, 0.08, 0, "day", 0.86),
    "harass": Habit(0.99, 0.70, 0.42, 0.62, 0.05, 30, "day", 0.72),
    "sexual": Habit(0.98, 0.68, 0.20, 0.86, 0.05, 40, "night", 0.80),
    "robbery": Habit(0.97, 0.40, 0.03, 0.27, 0.06, 0, "violence", 0.95),
    "burglary": Habit(0.80, 0.12, 0.02, 0.47, 0.04, 9, "day", 0.90),
    "vehicle": Habit(0.90, 0.07, 0.01, 0.38, 0.02, 10, "night", 0.70),
    "theft": Habit(0.62, 0.20, 0.02, 0.50, 0.08, 3, "day", 0.60),
    "damage": Habit(0.85, 0.25, 0.14, 0.48, 0.06, 7, "night", 0.82),
    "drugs": Habit(0.0, 0.92, 0.0, 0.5, 0.60, 0, "day", 0.25),
    "weapons": Habit(0.0, 0.75, 0.02, 0.5, 0.38, 0, "day", 0.70),
    "public": Habit(0.72, 0.50, 0.12, 0.48, 0.07, 0, "day", 0.88),
    "society": Habit(0.30, 0.60, 0.03, 0.5, 0.15, 60, "day", 0.40),
    "homicide": Habit(1.0, 0.0, 0.0, 0.20, 0.70, 0, "violence", 1.0),
}
assert set(HABITS) == set(CLASSES)
#: The young's injuries: four in five suspects are male, and nine in ten who are hurt by a knife
#: (board paper, paragraph 39).
KNIFE_FEMALE_VICTIM, YOUNG_FEMALE_VICTIM, FEMALE_SUSPECT = 0.08, 0.36, 0.20

#: Weights of the hours 0 to 23. Violence rises from 15 to 21 with spikes at 18 and 21 (board
#: paper, paragraph 37); the others are the usual shapes (simulator's).
HOURS = {
    "violence": "38 30 24 18 10 8 8 12 22 26 28 32 38 40 44 60 68 76 96 80 84 104 74 56",
    "day": "26 18 14 11 9 9 14 28 46 54 56 58 66 60 62 74 74 72 68 62 58 54 46 36",
    "night": "62 54 46 38 28 20 18 20 28 34 36 38 44 40 40 44 46 52 60 62 64 66 68 66",
}
HOUR_SHARES = {name: shares(tuple(float(h) for h in text.split())) for name, text in HOURS.items()}
#: Monday to Sunday: violence peaks on Friday and Saturday (paragraph 37).
WEEKDAYS = {
    "violence": (0.90, 0.88, 0.92, 0.95, 1.16, 1.25, 0.94),
    "day": (1.03, 1.02, 1.01, 1.01, 1.02, 0.97, 0.94),
    "night": (0.94, 0.93, 0.95, 0.97, 1.08, 1.13, 1.00),
}

#: Delay of reports: share of crimes reported at once, within days, within weeks (simulator's).
PROMPT, DAYS_LATE = 0.74, 0.17
#: Share of crimes of a month that come out of one log together with another.
SHARED_LOGS = 0.04
NO_LSOA, NO_PLACE = 0.02, 0.003
#: Share recorded again and again under another code first (board paper: reclassification).
RECLASSIFIED = 0.03
CANCELLED_CODES = ("C1", "C2", "C3", "C4", "C5")
CANCELLED_CODE_SHARES = shares((0.18, 0.36, 0.26, 0.17, 0.03))

_DAY = np.timedelta64(86_400, "s")
_WEEK = 7 * _DAY
EXTRACT_END = np.datetime64(EXTRACT_DAY, "s") + _DAY - np.timedelta64(60, "s")
CUTOFF_END = np.datetime64(CUTOFF, "s") + _DAY - np.timedelta64(60, "s")
GO_LIVE_AT = np.datetime64(GO_LIVE, "s")
CLASS_OF_CODE = np.array([CLASSES.index(CLASS_OF[c]) for c in CODES])
VIOLENCE_WITH_INJURY = np.array([CLASS_OF[c] == "vwi" for c in CODES])


def month_of(plan: MonthPlan) -> tuple[np.datetime64, np.datetime64]:
    """First moment of the plan's month, and of the next."""
    first = np.datetime64(plan.month, "M")
    return first.astype(SECOND), (first + 1).astype(SECOND)


def crimes(scenario: Scenario, plan: MonthPlan, rng: np.random.Generator, geo: Geography) -> Batch:
    """All records of one month, cancelled ones too, in order of recording."""
    stratum, code, young_homicide, homicide = _what(plan, rng)
    count = len(code)
    klass = CLASS_OF_CODE[code]
    is_young = np.isin(
        stratum, [S["young_used"], S["young_knife"], S["young_spiking"], S["young_plain"]]
    )
    is_young |= young_homicide
    additional = _additional(scenario, plan, rng, stratum, klass)
    origin = _origin(rng, additional, klass, stratum, plan.month)
    weapon, use, really_used = _weapon(plan, rng, stratum, code, klass, homicide["knife"])
    columns: dict[str, np.ndarray] = {
        "stratum": stratum,
        "code": code,
        "klass": klass,
        "is_young": is_young,
        "is_additional": additional,
        "origin": origin,
        "weapon": weapon,
        "use": use,
        "really_used": really_used,
        "is_spiking": stratum == S["young_spiking"],
        "toxicology": _toxicology(plan, rng, stratum),
        "is_domestic": rng.random(count) < _habit("domestic")[klass],
        **_when(scenario, plan, rng, klass, stratum, origin),
        **_where(plan, rng, geo, stratum),
    }
    # In the first days of April 2021 the old system still was the one: only the Log Quality Team
    # added to it.
    old = additional & (columns["recorded_at"] < GO_LIVE_AT)
    columns["origin"] = origin = np.where(old, LOG_REVIEW, origin).astype(np.int8)
    columns["is_domestic"] &= ~columns["is_spiking"] & (stratum != S["homicide"])
    has_log = (rng.random(count) < _habit("log")[klass]) | (origin == LOG_REVIEW)
    has_log |= origin == NO_TRACE
    has_log &= columns["reported_at"] >= np.datetime64("2018-04-01", "s")
    columns["log"] = np.where(has_log, np.arange(count), -1)
    _share_logs(plan, rng, columns)
    columns.update(_cancelled(rng, stratum, columns["recorded_at"], plan.month))
    # Where a scenario counts to the last crime, each has a place.
    columns["has_beat"] |= columns["is_young"] | np.isin(weapon, (1, 2))
    columns.update(_outcomes(scenario, plan, rng, columns))
    columns["first_code"] = _first_code(rng, code, stratum)
    involved = _persons(scenario, rng, columns, homicide)
    order = np.argsort(columns["recorded_at"], kind="stable")
    return Batch(columns, involved).take(order)


def _habit(name: str) -> np.ndarray:
    return np.array([getattr(HABITS[c], name) for c in CLASSES])


# ----------------------------------------------------------------------- what


def _what(plan: MonthPlan, rng: np.random.Generator):
    """Stratum and code of every record, which homicides are of the young, and their details."""
    parts: list[tuple[str, np.ndarray]] = []
    for stratum, number, codes in (
        ("young_used", plan.young_used, YOUNG_KNIFE_CODES),
        ("young_knife", plan.young_knife, YOUNG_KNIFE_CODES),
        ("young_spiking", plan.young_spiking, YOUNG_SPIKING_CODES),
        ("young_plain", plan.young_plain, YOUNG_PLAIN_CODES),
    ):
        parts.append((stratum, _codes(rng, codes, number)))
    deaths = plan.homicides
    killed = np.where(rng.random(len(deaths)) < 0.85, CODES.index("1"), CODES.index("4.1"))
    parts.append(("homicide", killed.astype(np.int64)))
    parts.append(("other_used", _codes(rng, OTHER_USED_CODES, plan.other_used)))
    parts.append(("other_knife", _codes(rng, OTHER_KNIFE_CODES, plan.other_knife)))
    parts.append(("rest", np.repeat(np.arange(len(CODES)), plan.rest)))
    parts.append(("cancelled", np.repeat(np.arange(len(CODES)), plan.cancelled)))
    stratum = np.concatenate([np.full(len(c), S[name], np.int8) for name, c in parts])
    code = np.concatenate([c for _, c in parts])
    is_death = stratum == S["homicide"]
    detail = {}
    for name in ("is_knife", "is_young", "has_suspect", "is_suspect_young"):
        values = np.zeros(len(code), bool)
        values[is_death] = [getattr(h, name) for h in deaths]
        detail[name.removeprefix("is_")] = values
    return stratum, code, detail["young"], detail


def _codes(rng: np.random.Generator, shares_of: dict[str, float], number: int) -> np.ndarray:
    codes = np.array([CODES.index(c) for c in shares_of])
    return codes[draw(rng, shares(tuple(shares_of.values())), number)]


def _additional(scenario, plan, rng, stratum, klass) -> np.ndarray:
    """Records that the practice of 2019/20 would not have made."""
    share = np.array([ADDITIONAL[c] for c in CLASSES])
    adopted = adoption(scenario, plan.month)
    more = adopted * share / (1 - share)
    found = rng.random(len(klass)) < (more / (1 + more))[klass]
    return found & (stratum != S["homicide"]) & (stratum != S["young_spiking"])


def _origin(rng, additional, klass, stratum, month) -> np.ndarray:
    """How each record came about. Before CONNECT additional ones are the Log Quality Team's."""
    count = len(additional)
    online = np.array([0.25 if c in ("vehicle", "theft", "damage") else 0.04 for c in CLASSES])
    origin = (rng.random(count) < online[klass]).astype(np.int8)
    if month < GO_LIVE[:7]:
        return np.where(additional, LOG_REVIEW, origin).astype(np.int8)
    names = tuple(ADDITIONAL_ORIGINS)
    chosen = draw(rng, shares(tuple(ADDITIONAL_ORIGINS.values())), count)
    origin = np.where(additional, np.array([ORIGINS.index(n) for n in names])[chosen], origin)
    # Nobody is injured where nothing is found: such records are of threats, public order, weapons.
    injured = np.isin(
        klass, [CLASSES.index(c) for c in ("vwi", "sexual", "robbery", "homicide")]
    ) | (stratum == S["other_used"])
    instead = np.where(rng.random(count) < 0.64, LOG_REVIEW, THIRD_PARTY)
    return np.where(injured & (origin == NO_TRACE), instead, origin).astype(np.int8)


def _weapon(plan, rng, stratum, code, klass, knife_homicide):
    """Weapon, what was done with it as recorded, and whether a knife really was used."""
    count = len(code)
    u = rng.random(count)
    sharp = np.where(rng.random(count) < 0.85, 1, 2)
    # Without a knife: mostly bare hands; sometimes something else.
    other = draw(rng, shares((0.90, 0.0, 0.0, 0.006, 0.055, 0.004, 0.007, 0.028)), count)
    violent = np.isin(klass, [CLASSES.index(c) for c in ("vwi", "vwoi", "robbery", "public")])
    weapon = np.where(violent, other, 0)
    weapon[stratum == S["young_spiking"]] = 5
    is_knife = np.isin(stratum, [S[s] for s in KNIVES])
    possession = (code == CODES.index("10D")) & np.isin(stratum, [S["rest"], S["cancelled"]])
    is_knife |= possession | knife_homicide
    weapon = np.where(is_knife, sharp, weapon)
    use = np.zeros(count, np.int8)
    armed = (weapon > 0) & ~is_knife
    use[armed] = np.where(u[armed] < 0.6, 4, 3)
    flagged = np.isin(stratum, [S["young_used"], S["other_used"]]) | knife_homicide
    injuring = VIOLENCE_WITH_INJURY[code] | knife_homicide
    how = np.where(injuring, np.where(u < 0.92, 4, 3), np.where(u < 0.75, 3, 2))
    use[flagged] = how[flagged]
    unflagged = is_knife & ~flagged
    use[unflagged] = np.where(u[unflagged] < 0.7, 1, 0)
    really = flagged.copy()
    for name, share in (
        ("young_knife", plan.unflagged_share_young),
        ("other_knife", plan.unflagged_share_other),
    ):
        inside = stratum == S[name]
        really[inside] = rng.random(int(inside.sum())) < share
    return weapon.astype(np.int8), use, really


def _toxicology(plan: MonthPlan, rng: np.random.Generator, stratum: np.ndarray) -> np.ndarray:
    result = np.zeros(len(stratum), np.int8)
    spiked = np.flatnonzero(stratum == S["young_spiking"])
    if plan.toxicology_positive is None:
        result[spiked] = 1 + draw(rng, shares((0.11, 0.36, 0.50, 0.03)), len(spiked))
        return result
    result[spiked] = 2 + draw(rng, shares((0.45, 0.51, 0.04)), len(spiked))
    positive = rng.permutation(spiked)[: plan.toxicology_positive]
    result[positive] = 1
    return result


# ----------------------------------------------------------------------- when and where


def _when(scenario, plan, rng, klass, stratum, origin) -> dict[str, np.ndarray]:
    """Occurred, reported, recorded: in this order, and recorded within the month."""
    count = len(klass)
    first, following = month_of(plan)
    days = int((following - first) / _DAY)
    happened = np.zeros(count, SECOND)
    shape = np.array([HABITS[c].hours for c in CLASSES])
    weekday = (first.astype("datetime64[D]").astype(int) + 3 + np.arange(days)) % 7
    for name in HOURS:
        inside = np.flatnonzero(shape[klass] == name)
        day = draw(rng, shares(tuple(np.array(WEEKDAYS[name])[weekday])), len(inside))
        hour = draw(rng, HOUR_SHARES[name], len(inside))
        happened[inside] = first + day * _DAY + minutes(hour * 60 + rng.random(len(inside)) * 60)
    u = rng.random(count)
    wait = np.where(
        u < PROMPT,
        rng.exponential(1.6, count),
        np.where(u < PROMPT + DAYS_LATE, rng.exponential(40, count), rng.exponential(480, count)),
    )
    wait = np.minimum(wait, 24 * 300)
    # Where nobody knows when it happened there is an interval, and the report ends it at the
    # latest; the moment drawn above lies somewhere within.
    typical = _habit("interval_hours")[klass]
    length = np.where(typical > 0, typical * rng.lognormal(0, 0.9, count), 0.0)
    length = np.minimum(length, 24 * 60)
    before = rng.random(count) * length
    occurred_from = happened - minutes(before * 60)
    occurred_to = happened + minutes((length - before) * 60)
    reported = occurred_to + minutes(1 + wait * 60)
    within_day = rng.random(count) < recorded_within_day(scenario, plan.month)
    delay = np.where(
        within_day, 0.3 + 20 * rng.beta(1.2, 3.5, count), 24.2 + rng.exponential(60, count)
    )
    reviewed = origin == LOG_REVIEW
    delay[reviewed] = 30 + rng.exponential(90, int(reviewed.sum()))
    delay = np.minimum(delay, 24 * 20)
    recorded = reported + minutes(delay * 60)
    # A month is that of recording: what would fall after it happened some whole weeks earlier, so
    # that hours and days of the week keep their shape.
    over = np.maximum((recorded - following) // _WEEK + 1, 0)
    over = np.where(recorded >= following, over, 0)
    shift = over * _WEEK
    recorded, reported = recorded - shift, reported - shift
    occurred_from, occurred_to = occurred_from - shift, occurred_to - shift
    known = length == 0
    return {
        "occurred_from_at": occurred_from,
        "occurred_to_at": np.where(known, NEVER, occurred_to),
        "reported_at": reported,
        "recorded_at": recorded,
    }


def _where(plan, rng, geo: Geography, stratum) -> dict[str, np.ndarray]:
    """LSOA of every record, and how much of the place was written down."""
    count = len(stratum)
    u = rng.random(count)
    lsoa = np.zeros(count, np.int32)
    young = np.isin(stratum, [S["young_knife"], S["young_spiking"], S["young_plain"]])
    young |= stratum == S["homicide"]
    knife = stratum == S["young_used"]
    rest = ~(young | knife)
    since = "since" if plan.month >= "2020-04" else "before"
    for which, inside in ((since, young), ("knife", knife), ("other", rest)):
        lsoa[inside] = geo.place(which, u[inside])
    gaps = rng.random(count)
    return {
        "lsoa": lsoa,
        "has_lsoa": gaps >= NO_LSOA,
        "has_beat": gaps >= NO_PLACE,
    }


def _share_logs(plan: MonthPlan, rng: np.random.Generator, columns: dict[str, np.ndarray]) -> None:
    """Some reports give two crimes: the second takes log, time and place of the first."""
    able = (
        (columns["log"] >= 0)
        & ~np.isin(columns["stratum"], [S["homicide"], S["young_spiking"]])
        & ~columns["is_additional"]
    )
    chosen = rng.permutation(np.flatnonzero(able))
    pairs = int(len(chosen) * SHARED_LOGS / 2)
    one, two = chosen[:pairs], chosen[pairs : 2 * pairs]
    for name in ("log", "occurred_from_at", "occurred_to_at", "reported_at", "lsoa", "has_lsoa"):
        columns[name][two] = columns[name][one]
    columns["has_beat"][two] = columns["has_beat"][one]
    _, following = month_of(plan)
    later = columns["recorded_at"][one] + minutes(2 + rng.random(pairs) * 25)
    columns["recorded_at"][two] = np.minimum(later, following - np.timedelta64(60, "s"))


# ----------------------------------------------------------------------- what became of it


def _cancelled(rng, stratum, recorded, month) -> dict[str, np.ndarray]:
    count = len(stratum)
    gone = stratum == S["cancelled"]
    code = np.where(gone, draw(rng, CANCELLED_CODE_SHARES, count), -1).astype(np.int8)
    if CONVERTED_FROM <= month <= GO_LIVE[:7]:
        # Such a crime may be in both systems: cancelled as a duplicate, the other record would
        # stand, and nobody could say whether the crime was cancelled or its copy.
        code = np.where(code == CANCELLED_CODES.index("C3"), CANCELLED_CODES.index("C4"), code)
    at = recorded + minutes(60 * (2 + rng.exponential(24 * 18, count)))
    at = np.minimum(at, EXTRACT_END)
    return {"cancelled_code": code, "cancelled_at": np.where(gone, at, NEVER)}


def _outcomes(scenario, plan, rng, columns) -> dict[str, np.ndarray]:
    """Outcome type (0: none yet) and when, by the day the extracts were taken."""
    klass, recorded, stratum = columns["klass"], columns["recorded_at"], columns["stratum"]
    count = len(klass)
    with_victim = _habit("victim")[klass] > 0.5
    violent = np.isin(klass, [CLASSES.index(c) for c in ("vwi", "vwoi", "sexual", "robbery")])
    u = rng.random(count)
    positive = u < _habit("positive")[klass]
    kind = np.array(POSITIVE_TYPES)[draw(rng, POSITIVE_SHARES, count)]
    hard = draw(rng, OTHER_SHARES[True], count)
    easy = draw(rng, OTHER_SHARES[False], count)
    negative = np.array(OTHER_TYPES)[np.where(violent & with_victim, hard, easy)]
    kind = np.where(positive, kind, negative)
    lag = np.where(positive, rng.gamma(1.3, 48, count), rng.gamma(0.9, 24, count))
    at = recorded + minutes(lag * 24 * 60)
    never = rng.random(count) < 0.012
    never |= columns["cancelled_code"] >= 0
    if plan.young_positive is not None:
        young = np.flatnonzero(
            np.isin(
                stratum,
                [S["young_used"], S["young_knife"], S["young_spiking"], S["young_plain"]],
            )
        )
        chosen = rng.permutation(young)
        won, lost = chosen[: plan.young_positive], chosen[plan.young_positive :]
        kind[won] = np.array(POSITIVE_TYPES)[draw(rng, POSITIVE_SHARES, len(won))]
        room = np.minimum((CUTOFF_END - recorded[won]) / _DAY, 180.0)
        at[won] = recorded[won] + minutes(room * rng.beta(1.0, 2.0, len(won)) * 24 * 60)
        never[won] = False
        # The others end otherwise, or well only after the paper was written.
        kind[lost] = negative[lost]
        late = lost[rng.random(len(lost)) < (0.045 if plan.month >= "2021-04" else 0.0)]
        kind[late] = np.array(POSITIVE_TYPES)[draw(rng, POSITIVE_SHARES, len(late))]
        at[late] = CUTOFF_END + minutes(60 * 24 * (1 + rng.random(len(late)) * 115))
    kind = np.where(never | (at > EXTRACT_END), 0, kind)
    return {
        "outcome": kind.astype(np.int8),
        "outcome_at": np.where(kind > 0, at, NEVER),
    }


#: Codes a crime may be recorded under before it is classified as what it is now (all of them valid
#: in every month).
CONFUSED = {
    "8N": "105A",
    "5D": "8N",
    "105A": "8N",
    "8L": "105A",
    "9A": "105A",
    "34B": "39",
    "39": "34B",
    "28E": "30C",
    "58A": "58C",
    "48": "126",
    "8R": "8L",
    "3B": "9A",
    "46": "49",
    "49": "46",
    "10D": "10C",
}


def _first_code(rng, code, stratum) -> np.ndarray:
    """The code each record was made under: for a few another than today's."""
    other = np.arange(len(CODES))
    for now, then in CONFUSED.items():
        other[CODES.index(now)] = CODES.index(then)
    changed = (rng.random(len(code)) < RECLASSIFIED) & (stratum != S["homicide"])
    return np.where(changed, other[code], code)


# ----------------------------------------------------------------------- to whom, by whom


def _persons(scenario, rng, columns, homicide) -> Persons:
    stratum, klass, code = columns["stratum"], columns["klass"], columns["code"]
    count = len(code)
    year = columns["occurred_from_at"].astype("datetime64[Y]").astype(int) + 1970
    is_death = stratum == S["homicide"]
    injury = VIOLENCE_WITH_INJURY[code]
    kind = np.where(columns["is_young"], 1, np.where(injury | is_death, 2, 0))
    kind = np.where((stratum == S["cancelled"]) & ~injury, 0, kind)
    female = _habit("female_victim")[klass]
    female = np.where(columns["is_young"], YOUNG_FEMALE_VICTIM, female)
    female = np.where(columns["is_domestic"], 0.74, female)
    female = np.where(
        np.isin(stratum, [S["young_used"], S["young_knife"]]), KNIFE_FEMALE_VICTIM, female
    )
    female = np.where(is_death, 0.2, female)
    female = np.where(columns["is_spiking"], 0.88, female)
    has = np.flatnonzero((rng.random(count) < _habit("victim")[klass]) | columns["is_young"])
    again = has[(rng.random(len(has)) < 0.05) & ~is_death[has]]
    record = np.concatenate([has, again])
    number = np.concatenate([np.ones(len(has)), np.full(len(again), 2)])
    second = np.concatenate([np.zeros(len(has), bool), np.ones(len(again), bool)])
    # A second victim may be of any age, but none of those counted as older may be young.
    kinds = np.where(second & (kind[record] == 1), 0, kind[record])
    harmed = persons.victims(
        rng,
        record=record,
        number=number,
        kind=kinds,
        female=female[record],
        year=year[record],
        is_homicide=is_death[record],
        scale=scenario.scale,
    )
    some = rng.random(count) < _habit("suspect")[klass]
    some = np.where(is_death, homicide["has_suspect"], some)
    first = np.flatnonzero(some)
    more = first[(rng.random(len(first)) < 0.16) & ~is_death[first]]
    record = np.concatenate([first, more])
    kind = np.where(is_death, np.where(homicide["suspect_young"], 1, 2), 0)
    victims_of = np.bincount(harmed.record, minlength=count)
    number = np.concatenate([np.ones(len(first)), np.full(len(more), 2)]) + victims_of[record]
    accused = persons.suspects(
        rng,
        record=record,
        number=number,
        kind=kind[record],
        female=np.full(len(record), FEMALE_SUSPECT),
        year=year[record],
        scale=scenario.scale,
    )
    both = {
        name: np.concatenate([getattr(harmed, name), getattr(accused, name)])
        for name in Persons.__dataclass_fields__
    }
    order = np.lexsort((both["number"], both["record"]))
    return Persons(**{name: values[order] for name, values in both.items()})
