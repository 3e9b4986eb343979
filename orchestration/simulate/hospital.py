"""What hospitals would have sent: admitted episodes in HES layout, and emergency attendances.

Hospitals see violence whatever the police record of it, so nothing here depends on recording
practice: only season, lockdowns and the scenario's real change do. Persons of the hospitals are
not those of the police extracts. What the published figures count (first external cause, finished
emergency admissions, residents) is the models' business; here lie the rows that must count beside
those that must not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orchestration.simulate.extract import Extract
from orchestration.simulate.geography import Geography
from orchestration.simulate.scenario import (
    LOCKDOWN,
    MONTHS,
    SEASON_KNIFE,
    SEASON_OTHER,
    SEASON_VIOLENCE,
    Scenario,
)

#: Emergency admissions of residents under 25 for assault by sharp object (first external cause
#: X99), by month of admission: first month, last month, number (board paper, paragraph 36).
CONDITIONED: tuple[tuple[str, str, int], ...] = (
    ("2019-04", "2019-11", 90),
    ("2021-04", "2021-11", 80),
)

#: Residents' admissions for X99 in a month of the baseline year. The young follow from the 90 of
#: eight months; the older ones make about 425 a year of all ages, three quarters of the 555 that
#: the NHS tabulation has for the region in 2019/20.
YOUNG_KNIFE, OLDER_KNIFE = 90 / sum(SEASON_KNIFE[:8]), 24.5
#: The reference world from April 2021: the young as 80 to 90, the older so that a year of all ages
#: has about 385 (the tabulation has 500 for the region).
REFERENCE_SINCE = {"young": 80 / 90, "older": 0.92, "other": 0.98}

#: Districts' hospitals: HES provider code, site code, share of the district's patients.
HOSPITALS: dict[str, tuple[tuple[str, str, float], ...]] = {
    "E08000025": (("RRK00", "RRK15", 0.55), ("RRK00", "RRK97", 0.25), ("RXK00", "RXK02", 0.20)),
    "E08000026": (("RKB00", "RKB01", 0.97), ("RRK00", "RRK97", 0.03)),
    "E08000027": (("RNA00", "RNA01", 0.92), ("RL400", "RL403", 0.08)),
    "E08000028": (("RXK00", "RXK01", 0.86), ("RBK00", "RBK02", 0.08), ("RNA00", "RNA01", 0.06)),
    "E08000029": (("RRK00", "RRK97", 0.95), ("RKB00", "RKB01", 0.05)),
    "E08000030": (("RBK00", "RBK02", 0.90), ("RL400", "RL403", 0.10)),
    "E08000031": (("RL400", "RL403", 0.96), ("RBK00", "RBK02", 0.04)),
}
#: Where patients from elsewhere, or from nowhere known, were treated.
ANY_HOSPITAL = (("RRK00", "RRK15", 0.4), ("RL400", "RL403", 0.35), ("RKB00", "RKB01", 0.25))
#: LSOAs of neighbouring districts (ONS 2011): Cannock Chase, Lichfield, South Staffordshire,
#: Tamworth, Bromsgrove, Nuneaton and Bedworth.
NEIGHBOURS = (
    (29345, 29404),
    (29475, 29509),
    (29613, 29680),
    (29820, 29865),
    (32122, 32162),
    (31077, 31124),
)
#: Area team of residence in HES: West Midlands, North Midlands (Staffordshire).
TEAM_HERE, TEAM_NEXT = "Q77", "Q76"

# HES ethnic categories and their shares among patients (simulator's). X: not known, Z: not stated.
ETHNOS = np.array(list("ABCDEFGHJKLMNPRSZX"))
ETHNOS_SHARES = np.cumsum(
    [
        *(0.46, 0.01, 0.05, 0.025, 0.008, 0.008, 0.012, 0.05, 0.10),
        *(0.03, 0.035, 0.055, 0.04, 0.025, 0.005, 0.032, 0.04, 0.015),
    ]
)

OPEN_WOUNDS = (
    *("S210", "S211", "S212", "S219", "S311", "S318", "S410", "S411", "S510", "S519"),
    *("S610", "S618", "S710", "S711", "S810", "S818", "S270", "S361", "S368", "S119"),
)
BLUNT_INJURIES = (
    *("S010", "S014", "S018", "S022", "S024", "S026", "S060", "S065", "S099", "S202"),
    *("S223", "S301", "S420", "S525", "S623", "S826"),
)
CUTS = ("S610", "S611", "S618", "S619", "S510", "S519", "S910", "S913", "S818")
SELF_CUTS = ("S510", "S519", "S610", "S618", "S711", "S119", "F603", "F329")
MALTREATMENT = ("T741", "T749", "S065", "S723", "S422")
#: What else may be coded before the external cause.
CONDITIONS = ("F101", "F179", "J459", "Z720", "D62X", "R55X", "E119", "I10X", "F191", "Z590")

#: Fourth character of an external cause: home, street, trade area, other, not stated.
PLACES = np.array(["0", "4", "5", "8", "9"])
PLACE_SHARES = np.cumsum([0.17, 0.33, 0.07, 0.08, 0.35])


@dataclass(frozen=True)
class Stream:
    """One kind of admission: how many a year at scale 1, what is coded, who is admitted."""

    name: str
    yearly: float
    causes: tuple[tuple[str, float], ...]
    injuries: tuple[str, ...]
    ages: str
    male: float
    #: an external cause that comes after the first, and the share that has one
    second: tuple[str, float] = ("", 0.0)
    season: str = "violence"
    is_resident: bool = True
    #: share of residents whose address is not known
    unknown_residence: float = 0.012
    admimeth: tuple[tuple[str, float], ...] = (
        ("21", 0.90),
        ("22", 0.02),
        ("23", 0.01),
        ("24", 0.02),
        ("28", 0.05),
    )
    place: str = "before"


X99 = (("X99", 1.0),)
ASSAULTS = (
    ("Y04", 0.77),
    ("Y00", 0.12),
    ("Y08", 0.05),
    ("Y09", 0.035),
    ("X95", 0.016),
    ("X93", 0.006),
    ("X94", 0.003),
)
#: Sizes other than those of X99 are the simulator's, after the usual proportions in England.
STREAMS: tuple[Stream, ...] = (
    # X99 first, residents, emergencies: these count. Often another cause follows.
    Stream("knife_young", 0, X99, OPEN_WOUNDS, "young", 0.92, ("Y04", 0.13), "knife", True, 0.0),
    Stream("knife_older", 0, X99, OPEN_WOUNDS, "older", 0.90, ("Y00", 0.09), "violence", True, 0.0),
    # Other assaults; X99 second: only the first cause counts.
    Stream("assault", 950, ASSAULTS, BLUNT_INJURIES, "any", 0.82),
    Stream("knife_second", 16, ASSAULTS[:2], BLUNT_INJURIES, "mixed", 0.9, ("X99", 1.0)),
    Stream("maltreatment", 22, (("Y07", 0.7), ("Y06", 0.3)), MALTREATMENT, "child", 0.55),
    # Sharp objects that were no assault.
    Stream("accident", 520, (("W26", 0.6), ("W25", 0.4)), CUTS, "any", 0.66, season="other"),
    Stream("self_harm", 330, (("X78", 1.0),), SELF_CUTS, "any", 0.42, season="other"),
    Stream("undetermined", 14, (("Y28", 1.0),), OPEN_WOUNDS, "any", 0.7, season="other"),
    # X99 of people who live elsewhere or nowhere known, planned ones, transfers.
    Stream("knife_elsewhere", 46, X99, OPEN_WOUNDS, "mixed", 0.92, is_resident=False),
    Stream("assault_elsewhere", 70, ASSAULTS, BLUNT_INJURIES, "any", 0.82, is_resident=False),
    Stream("knife_nowhere", 9, X99, OPEN_WOUNDS, "mixed", 0.93, unknown_residence=1.0),
    Stream(
        "knife_planned",
        20,
        X99,
        OPEN_WOUNDS,
        "mixed",
        0.92,
        admimeth=(("11", 0.6), ("12", 0.4)),
    ),
    Stream("knife_transfer", 22, X99, OPEN_WOUNDS, "mixed", 0.92, admimeth=(("81", 1.0),)),
)

#: Further episodes of a spell, by the share of spells that have one: the same causes again.
CONTINUED, CONTINUED_KNIFE, CONTINUED_TWICE = 0.09, 0.17, 0.15
#: End dates that mean nothing: 1800-01-01 null, 1801-01-01 invalid (HES data dictionary).
NULL_END, INVALID_END = np.datetime64("1800-01-01"), np.datetime64("1801-01-01")
SPECIAL_END = 0.004
#: Ages 7001 to 7007 are babies under a year.
BABY = 7001

DAY = "datetime64[D]"


def _month_starts(month: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First day of each month (positions in ``MONTHS``), and its number of days."""
    first = np.array([*MONTHS, "2022-04"], "datetime64[M]")
    start = first[month].astype(DAY)
    return start, (first[month + 1].astype(DAY) - start).astype(np.int64)


def _pick(rng: np.random.Generator, options: tuple, shares: np.ndarray, count: int) -> np.ndarray:
    found = np.searchsorted(shares / shares[-1], rng.random(count), side="right")
    return np.asarray(options)[np.minimum(found, len(options) - 1)]


def _level(scenario: Scenario, what: str) -> np.ndarray:
    """How much of the baseline's violence each month had: season, lockdowns, real change."""
    season = {"knife": SEASON_KNIFE, "other": SEASON_OTHER}.get(what, SEASON_VIOLENCE)
    kind = 1 if what == "other" else 0
    since = scenario.admissions_factor
    if scenario.is_conditioned:
        since *= REFERENCE_SINCE[{"knife": "young", "violence": "older"}.get(what, "other")]
    values = []
    for i, month in enumerate(MONTHS):
        value = season[i % 12]
        if scenario.has_lockdowns:
            value *= LOCKDOWN.get(month, (1.0, 1.0))[kind]
        values.append(value * (since if month >= "2021-04" else 1.0))
    return np.array(values)


def _numbers(scenario: Scenario, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Spells by stream and month; conditioned months add up to what they must."""
    numbers = {}
    for stream in STREAMS:
        monthly = stream.yearly / 12
        if stream.name == "knife_young":
            monthly = YOUNG_KNIFE
        elif stream.name == "knife_older":
            monthly = OLDER_KNIFE
        mean = monthly * _level(scenario, stream.season)
        numbers[stream.name] = rng.poisson(mean * scenario.scale)
        if stream.name == "knife_young" and scenario.is_conditioned:
            for first, last, total in CONDITIONED:
                span = slice(MONTHS.index(first), MONTHS.index(last) + 1)
                share = mean[span] / mean[span].sum()
                numbers[stream.name][span] = rng.multinomial(scenario.scaled(total), share)
    return numbers


def _ages(rng: np.random.Generator, which: str, count: int) -> np.ndarray:
    """STARTAGE: whole years, or 7001 to 7007."""
    young = np.minimum(24, np.floor(rng.triangular(11, 24, 25.0, count))).astype(np.int64)
    older = np.minimum(25 + np.floor(rng.gamma(1.6, 9.0, count)), 95).astype(np.int64)
    if which == "young":
        return young
    if which == "older":
        return older
    if which == "child":
        age = rng.integers(0, 12, count)
        return np.where(age < 5, BABY + rng.integers(0, 7, count), age - 4)
    is_young = rng.random(count) < (0.34 if which == "mixed" else 0.3)
    age = np.where(is_young, young, older)
    if which == "any":
        is_child = rng.random(count) < 0.06
        is_baby = rng.random(count) < 0.006
        age = np.where(is_child, rng.integers(1, 14, count), age)
        age = np.where(is_baby, BABY + rng.integers(0, 7, count), age)
    return age


def _spells(scenario: Scenario, rng: np.random.Generator, geo: Geography) -> dict[str, np.ndarray]:
    """Every spell as columns, in order of admission."""
    parts: dict[str, list[np.ndarray]] = {}

    def add(**columns: np.ndarray) -> None:
        for name, values in columns.items():
            parts.setdefault(name, []).append(values)

    numbers = _numbers(scenario, rng)
    neighbours = np.concatenate([np.arange(a, b + 1) for a, b in NEIGHBOURS])
    for stream in STREAMS:
        counts = numbers[stream.name]
        n = int(counts.sum())
        month = np.repeat(np.arange(len(MONTHS)), counts)
        start, days = _month_starts(month)
        which = "knife" if stream.season == "knife" else stream.place
        place = geo.place(which, rng.random(n))
        lsoa = geo.lsoa_codes[place].astype("U9")
        district = geo.district_index[place]
        if not stream.is_resident:
            lsoa = np.char.mod("E010%05d", rng.choice(neighbours, n)).astype("U9")
            district = np.full(n, -1)
        unknown = rng.random(n) < stream.unknown_residence
        lsoa[unknown] = ""
        district = np.where(unknown, -1, district)
        codes = tuple(code for code, _ in stream.causes)
        cause = _pick(rng, codes, np.cumsum([s for _, s in stream.causes]), n)
        fourth = PLACES[
            np.minimum(np.searchsorted(PLACE_SHARES, rng.random(n), side="right"), len(PLACES) - 1)
        ]
        has_second = rng.random(n) < stream.second[1]
        second = np.where(has_second, np.char.add(stream.second[0] or "Y04", fourth), "")
        methods = tuple(code for code, _ in stream.admimeth)
        add(
            admitted=start + np.floor(rng.random(n) * days).astype(np.int64),
            lsoa=lsoa,
            district=district,
            team=np.where(lsoa == "", "", TEAM_HERE if stream.is_resident else TEAM_NEXT),
            cause=np.char.add(cause, fourth),
            second=second.astype("U4"),
            injury=rng.choice(np.array(stream.injuries), n),
            other_injury=rng.choice(np.array(stream.injuries), n),
            age=_ages(rng, stream.ages, n),
            sex=np.where(rng.random(n) < stream.male, "1", "2"),
            ethnos=_pick(rng, tuple(ETHNOS), ETHNOS_SHARES, n),
            method=_pick(rng, methods, np.cumsum([s for _, s in stream.admimeth]), n),
            is_knife=np.full(n, "X99" in (*codes, stream.second[0])),
        )
    joined = {name: np.concatenate(values) for name, values in parts.items()}
    order = np.argsort(joined["admitted"], kind="stable")
    spells = {name: values[order] for name, values in joined.items()}
    spells["hesid"] = _identities(rng, spells)
    spells["provider"] = _providers(rng, spells["district"], geo)[0]
    return spells


def _identities(rng: np.random.Generator, spells: dict[str, np.ndarray]) -> np.ndarray:
    """PSEUDO_HESID: 32 characters; one patient in sixteen is somebody who came before, someone of
    the same sex, ethnic category and about the same age."""
    n = len(spells["age"])
    order = np.lexsort((spells["age"], spells["ethnos"], spells["sex"]))
    again = rng.random(n) < 1 / 16
    for name in ("sex", "ethnos"):
        values = spells[name][order]
        again[1:] &= values[1:] == values[:-1]
    age = spells["age"][order]
    again[1:] &= np.abs(age[1:] - age[:-1]) <= 1
    again[:1] = False
    person = np.empty(n, np.int64)
    person[order] = np.cumsum(~again) - 1
    names = np.frombuffer(rng.bytes(16 * n).hex().upper().encode(), "S32")
    return names[person].astype("U32")


def _providers(
    rng: np.random.Generator, district: np.ndarray, geo: Geography
) -> tuple[np.ndarray, np.ndarray]:
    """Provider and site by district of residence (-1: elsewhere or not known)."""
    draws = rng.random(len(district))
    provider = np.empty(len(district), "U5")
    site = np.empty(len(district), "U5")
    for number in (-1, *range(len(geo.district_codes))):
        chosen = np.flatnonzero(district == number)
        options = ANY_HOSPITAL if number < 0 else HOSPITALS[str(geo.district_codes[number])]
        shares = np.cumsum([share for _, _, share in options])
        found = np.searchsorted(shares / shares[-1], draws[chosen], side="right")
        found = np.minimum(found, len(options) - 1)
        provider[chosen] = np.array([p for p, _, _ in options])[found]
        site[chosen] = np.array([s for _, s, _ in options])[found]
    return provider, site


def _episodes(rng: np.random.Generator, spells: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Episodes of the spells: the first of each, then those that continue some of them."""
    n = len(spells["age"])
    share = np.where(spells["is_knife"], CONTINUED_KNIFE, CONTINUED)
    second = np.flatnonzero(rng.random(n) < share)
    third = second[rng.random(len(second)) < CONTINUED_TWICE]
    spell = np.concatenate([np.arange(n), second, third])
    order = np.repeat([1, 2, 3], [n, len(second), len(third)])
    length = rng.geometric(0.38, len(spell)) - 1
    start = spells["admitted"][spell]
    end = start + length
    # A later episode begins when the one before it ends.
    position = {1: np.arange(n)}
    position[2] = np.full(n, -1)
    position[2][second] = n + np.arange(len(second))
    for number, chosen in ((2, second), (3, third)):
        mine = np.flatnonzero(order == number)
        start[mine] = end[position[number - 1][chosen]]
        end[mine] = start[mine] + length[mine]
    return {"spell": spell, "order": order, "start": start, "end": end}


def admissions(scenario: Scenario, rng: np.random.Generator, geo: Geography) -> list[Extract]:
    """Admitted patient care by financial year, ``hospital/hes_apc``: about 3,000 episodes each.

    In a conditioned scenario, emergency first episodes of residents under 25 whose first external
    cause is X99 are exactly those of ``CONDITIONED`` (times the scale), by month of admission.
    An episode is in the file of the year in which it ended, as in HES, and one not ended by 31
    March is in that year's file too, as unfinished.
    """
    spells = _spells(scenario, rng, geo)
    episodes = _episodes(rng, spells)
    first_year = int(MONTHS[0][:4])
    start, end = episodes["start"], episodes["end"]
    year_of_start = _financial_year(start)
    year_of_end = _financial_year(end)
    special = np.where(rng.random(len(end)) < 0.5, NULL_END, INVALID_END)
    # Only where the year is not in doubt.
    is_special = (rng.random(len(end)) < SPECIAL_END) & (year_of_start == year_of_end)
    shown_end = np.where(is_special, special, end)
    extracts = []
    for year in range(first_year, first_year + len(MONTHS) // 12):
        # What ended in the year, then what had begun and not ended.
        finished = np.flatnonzero(year_of_end == year)
        pending = np.flatnonzero((year_of_start == year) & (year_of_end > year))
        chosen = np.concatenate([finished, pending])
        is_finished = np.arange(len(chosen)) < len(finished)
        by_start = np.lexsort((episodes["order"][chosen], start[chosen]))
        data = _hes(
            rng,
            spells,
            {
                "spell": episodes["spell"][chosen][by_start],
                "order": episodes["order"][chosen][by_start],
                "start": start[chosen][by_start],
                "end": shown_end[chosen][by_start],
                "is_finished": is_finished[by_start],
            },
            year,
        )
        label = f"{year}-{(year + 1) % 100:02d}"
        extracts.append(
            Extract("hospital/hes_apc", label.replace("-", "/"), f"hes_apc_{label}", data)
        )
    return extracts


def _financial_year(day: np.ndarray) -> np.ndarray:
    """Year in which the financial year of each day begins."""
    return (day.astype("datetime64[M]") - np.timedelta64(3, "M")).astype("datetime64[Y]").astype(
        np.int64
    ) + 1970


def _text(values: np.ndarray) -> pa.Array:
    """Text, an empty one as nothing."""
    return pa.array(values, pa.string(), mask=values == "")


def _hes(
    rng: np.random.Generator,
    spells: dict[str, np.ndarray],
    episodes: dict[str, np.ndarray],
    year: int,
) -> pa.Table:
    spell, order = episodes["spell"], episodes["order"]
    n = len(spell)
    of = {name: values[spell] for name, values in spells.items()}
    is_finished = episodes["is_finished"]
    is_first = order == 1
    is_emergency = np.char.startswith(of["method"], "2")
    # Diagnoses: an injury; up to four others; the external cause; perhaps a second one, later.
    diagnoses = np.full((n, 20), "", "U4")
    diagnoses[:, 0] = of["injury"]
    before = rng.integers(0, 5, n)
    rows = np.arange(n)
    for place in range(1, 5):
        here = rows[before >= place]
        chosen = np.where(
            rng.random(len(here)) < 0.45,
            of["other_injury"][here],
            rng.choice(np.array(CONDITIONS), len(here)),
        )
        diagnoses[here, place] = chosen
    diagnoses[rows, before + 1] = of["cause"]
    gap = rng.integers(1, 4, n)
    has_second = rows[of["second"] != ""]
    filled = has_second[gap[has_second] > 1]
    diagnoses[filled, before[filled] + 2] = "F101"
    filled = has_second[gap[has_second] > 2]
    diagnoses[filled, before[filled] + 3] = "Z720"
    diagnoses[has_second, before[has_second] + 1 + gap[has_second]] = of["second"][has_second]
    key = 10**11 * 5 + (year - 2000) * 10**10 + np.cumsum(rng.integers(1, 900, n))
    columns: dict[str, pa.Array] = {
        "FYEAR": pa.array(np.full(n, f"{year % 100:02d}{(year + 1) % 100:02d}"), pa.string()),
        "EPIKEY": pa.array(key.astype("U12"), pa.string()),
        "PSEUDO_HESID": pa.array(of["hesid"], pa.string()),
        "ADMIDATE": pa.array(of["admitted"], pa.date32()),
        "EPISTART": pa.array(episodes["start"], pa.date32()),
        "EPIEND": pa.array(episodes["end"], pa.date32(), mask=~is_finished),
        "EPIORDER": pa.array(order, pa.int64()),
        "EPISTAT": pa.array(np.where(is_finished, "3", "1"), pa.string()),
        "ADMIMETH": pa.array(of["method"], pa.string()),
        "STARTAGE": pa.array(of["age"], pa.int64()),
        "SEX": pa.array(of["sex"], pa.string()),
        "ETHNOS": pa.array(of["ethnos"], pa.string()),
    }
    for place in range(20):
        columns[f"DIAG_4_{place + 1:02d}"] = _text(diagnoses[:, place])
    columns |= {
        "CAUSE_4": pa.array(of["cause"], pa.string()),
        "LSOA11": _text(of["lsoa"]),
        "AT_RESIDENCE": _text(of["team"]),
        "PROCODE": pa.array(of["provider"], pa.string()),
        "FAE": pa.array((is_first & is_finished).astype(np.int64)),
        "FAE_EMERGENCY": pa.array((is_first & is_finished & is_emergency).astype(np.int64)),
        "FCE": pa.array(is_finished.astype(np.int64)),
    }
    return pa.table(columns)


# ----------------------------------------------------------------------- emergency departments

#: Attendances after assault in a month of the baseline at scale 1, all departments together, and
#: those after spiking in the autumn of 2021 (simulator's).
ATTENDANCES = 1_000
SPIKED = {"2021-10": 30.0, "2021-11": 70.0, "2021-12": 45.0, "2022-01": 14.0}
WEAPONS = ("BODY", "UNKNOWN", "BLUNT", "SHARP", "GLASS", "OTHER", "FIREARM", "SUBSTANCE")
WEAPON_SHARES = np.cumsum([0.60, 0.11, 0.09, 0.085, 0.055, 0.05, 0.005, 0.005])
LOCATIONS = ("STREET", "HOME", "LICENSED", "OTHER", "WORK", "SCHOOL", "PARK", "TRANSPORT", "")
LOCATION_SHARES = np.cumsum([0.29, 0.24, 0.15, 0.07, 0.03, 0.03, 0.03, 0.02, 0.14])
#: Attendances by hour of a weekday, and on the nights of Friday and Saturday.
BY_HOUR = np.array([30, 22, 17, 12, 9, 8, 8, 9, 12, 16, 20, 23, 27, 30, 32, 36, 42, 44, 46, 50])
BY_HOUR = np.append(BY_HOUR, [54, 56, 52, 42]) / 30.0
NIGHT = np.array([2.9, 3.4, 3.6, 3.2, 2.4, 1.5])
#: Share of attendances whose time of injury nobody wrote down.
NO_INJURY_TIME = 0.21


def _hours(month: int) -> tuple[np.ndarray, np.ndarray]:
    """First moment of every hour of a month, and the cumulative weights of the hours."""
    start, days = _month_starts(np.array([month]))
    hours = start[0].astype("datetime64[h]") + np.arange(int(days[0]) * 24)
    hour = np.arange(len(hours)) % 24
    # 1970-01-01 was a Thursday: Monday is 0.
    weekday = (hours.astype(DAY).astype(np.int64) + 3) % 7
    weight = BY_HOUR[hour].copy()
    late = hour < len(NIGHT)
    # The small hours of Saturday and Sunday belong to the nights before.
    night = late & np.isin(weekday, (5, 6))
    weight[night] *= NIGHT[hour[night]]
    weight[np.isin(weekday, (4, 5)) & (hour >= 20)] *= 1.7
    return hours, np.cumsum(weight)


def attendances(scenario: Scenario, rng: np.random.Generator, geo: Geography) -> Iterator[Extract]:
    """Emergency-department attendances after assault by month, ``hospital/ecds``: about 1,000 each.

    Each month has a generator of its own, spawned from ``rng`` when the first month is asked for.
    """
    level = _level(scenario, "violence")
    for i, own in enumerate(rng.spawn(len(MONTHS))):
        month = MONTHS[i]
        n = int(own.poisson(ATTENDANCES * level[i] * scenario.scale))
        wave = SPIKED.get(month, 0.0) if scenario.has_spiking_wave else 0.0
        spiked = int(own.poisson(wave * scenario.scale))
        yield Extract("hospital/ecds", month, f"ecds_{month}", _month(own, geo, i, n, spiked))


def _month(
    rng: np.random.Generator, geo: Geography, month: int, plain: int, spiked: int
) -> pa.Table:
    n = plain + spiked
    hours, weights = _hours(month)
    hour = np.searchsorted(weights / weights[-1], rng.random(n), side="right")
    arrived = hours[np.minimum(hour, len(hours) - 1)].astype("datetime64[s]")
    arrived = arrived + rng.integers(0, 3600, n).astype("timedelta64[s]")
    # Most come within hours, some only the next days; a minute at least.
    delay = np.clip(rng.lognormal(np.log(95), 1.15, n), 1, 14 * 24 * 60) * 60
    injured = (arrived - delay.astype(np.int64).astype("timedelta64[s]")).astype("datetime64[m]")
    injured = injured.astype("datetime64[s]")
    is_spiked = np.arange(n) >= plain
    weapon = np.where(is_spiked, "SUBSTANCE", _pick(rng, WEAPONS, WEAPON_SHARES, n))
    where = np.where(is_spiked, "LICENSED", _pick(rng, LOCATIONS, LOCATION_SHARES, n))
    age = _ages(rng, "any", n)
    age = np.where(age >= BABY, 0, age)
    age = np.where(is_spiked, 18 + rng.integers(0, 9, n), age)
    sex = _pick(rng, ("1", "2", "9", "X"), np.cumsum([0.68, 0.305, 0.01, 0.005]), n)
    sex = np.where(is_spiked & (rng.random(n) < 0.75), "2", sex)
    place = geo.place("since" if MONTHS[month] >= "2020-04" else "before", rng.random(n))
    district = geo.district_index[place]
    _, site = _providers(rng, district, geo)
    lsoa = geo.lsoa_codes[place].astype("U9")
    neighbours = np.concatenate([np.arange(a, b + 1) for a, b in NEIGHBOURS])
    elsewhere = rng.random(n)
    lsoa = np.where(
        elsewhere < 0.07, np.char.mod("E010%05d", rng.choice(neighbours, n)), lsoa
    ).astype("U9")
    lsoa[elsewhere > 0.94] = ""
    order = np.argsort(arrived, kind="stable")
    stamp = MONTHS[month].replace("-", "")
    return pa.table(
        {
            "attendance_id": pa.array(np.char.mod(f"ED{stamp}%06d", np.arange(1, n + 1))),
            "arrived_at": pa.array(arrived[order], pa.timestamp("s")),
            "injured_at": pa.array(
                injured[order], pa.timestamp("s"), mask=rng.random(n) < NO_INJURY_TIME
            ),
            "age": pa.array(age[order], pa.int64(), mask=rng.random(n) < 0.006),
            "sex": pa.array(sex[order], pa.string()),
            "assault_location_text_code": _text(where[order]),
            "weapon_code": pa.array(weapon[order], pa.string(), mask=rng.random(n) < 0.05),
            "lsoa": _text(lsoa[order]),
            "site_code": pa.array(site[order], pa.string()),
        }
    )
