"""The force's places: LSOAs, neighbourhoods, beats of both systems, units, impact areas.

LSOA codes and their districts are real (ONS, 2011 areas; Open Government Licence v3.0, from the
English indices of deprivation 2019 look-up). Neighbourhood names of the board paper are real, but
where each lies, like every beat and unit boundary here, is the simulator's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

#: district code -> (name, mid-2019 population rounded (ONS), LSOA 2011 ranges)
DISTRICTS: dict[str, tuple[str, int, str]] = {
    "E08000025": (
        "Birmingham",
        1_141_800,
        "8881-8899 8901 8905-8907 8909-8911 8913-8921 8923-8925 8927-8982 8984 "
        "8986-8992 8994-9003 9005-9009 9011-9026 9028-9037 9039-9051 9053-9054 "
        "9056-9062 9064-9075 9077-9141 9143 9145-9147 9151-9153 9155 9157-9179 "
        "9182-9189 9192 9194-9195 9197-9276 9278-9284 9286 9288-9329 9331-9335 "
        "9337-9355 9358-9368 9371-9380 9382-9385 9389-9397 9399-9401 9403-9521 32589 "
        "32591 33557 33559 33561-33562 33564-33565 33567 33615-33650",
    ),
    "E08000026": (
        "Coventry",
        371_500,
        "9522-9532 9535-9544 9548-9550 9552-9594 9596-9599 9604-9672 9674 9676 9679 "
        "9681-9718 32527-32538 32587 33058",
    ),
    "E08000027": (
        "Dudley",
        321_600,
        "9719-9754 9756-9760 9762-9920 33187",
    ),
    "E08000028": (
        "Sandwell",
        328_500,
        "9921-9944 9946-9983 9985-9989 9991-10107 32592 32887",
    ),
    "E08000029": (
        "Solihull",
        216_400,
        "10108-10181 10183-10223 10225-10240 32590 32885-32886",
    ),
    "E08000030": (
        "Walsall",
        285_500,
        "10241-10275 10277 10279 10282-10409 32888-32889",
    ),
    "E08000031": (
        "Wolverhampton",
        263_400,
        "10410-10567",
    ),
}

#: Neighbourhood policing units: code -> (name, district).
UNITS: dict[str, tuple[str, str]] = {
    "BE": ("Birmingham East", "E08000025"),
    "BW": ("Birmingham West", "E08000025"),
    "CV": ("Coventry", "E08000026"),
    "DY": ("Dudley", "E08000027"),
    "SW": ("Sandwell", "E08000028"),
    "SH": ("Solihull", "E08000029"),
    "WS": ("Walsall", "E08000030"),
    "WV": ("Wolverhampton", "E08000031"),
}
#: Neighbourhoods that have a name, in the order of their place within the unit.
NAMED: dict[str, tuple[str, ...]] = {
    "BE": ("Alum Rock", "Saltley", "Sparkbrook", "Small Heath", "Bordesley Green", "Erdington"),
    "BW": ("Birmingham City Centre", "Aston", "Lozells", "Handsworth", "Ladywood", "Newtown"),
    "CV": ("Coventry City Centre", "St Michael's", "Foleshill", "Hillfields"),
    "DY": ("Dudley Town Centre", "Brierley Hill"),
    "SW": ("Smethwick", "West Bromwich Town Centre"),
    "SH": ("Solihull Town Centre", "Chelmsley Wood"),
    "WS": ("Walsall Town Centre", "Bloxwich"),
    "WV": ("Wolverhampton City Centre", "Whitmore Reans"),
}
#: Impact areas: deprived inner areas where violence concentrates (simulator's choice of places).
IMPACT = (
    "Alum Rock",
    "Saltley",
    "Sparkbrook",
    "Small Heath",
    "Aston",
    "Lozells",
    "Handsworth",
    "Newtown",
    "Birmingham City Centre",
    "Coventry City Centre",
    "St Michael's",
    "Foleshill",
    "Smethwick",
    "Walsall Town Centre",
    "Wolverhampton City Centre",
    "Whitmore Reans",
)
#: LSOAs in a neighbourhood, and in a beat of CONNECT's geography.
NEIGHBOURHOOD_SIZE, BEAT_SIZE = 8, 5

#: Share of violence to the young that falls in a named neighbourhood, by period, over and above
#: the even spread (board paper, paragraph 37): three city centres in 2019; in 2021 Aston, Alum
#: Rock and Saltley beside Birmingham's and Coventry's.
HOT_BEFORE = {
    "Birmingham City Centre": 0.045,
    "Coventry City Centre": 0.028,
    "Wolverhampton City Centre": 0.024,
    "Aston": 0.008,
    "Alum Rock": 0.007,
    "Saltley": 0.006,
}
HOT_SINCE = {
    "Birmingham City Centre": 0.043,
    "Coventry City Centre": 0.027,
    "Aston": 0.026,
    "Alum Rock": 0.022,
    "Saltley": 0.019,
    "Wolverhampton City Centre": 0.008,
}
#: The same for knives that injure (paragraph 38).
HOT_KNIFE = {
    "Aston": 0.105,
    "St Michael's": 0.085,
    "Sparkbrook": 0.075,
    "Birmingham City Centre": 0.025,
    "Coventry City Centre": 0.020,
    "Alum Rock": 0.015,
}
#: Shares for all other crime.
HOT_OTHER = {
    "Birmingham City Centre": 0.035,
    "Coventry City Centre": 0.020,
    "Wolverhampton City Centre": 0.016,
    "Walsall Town Centre": 0.008,
    "Solihull Town Centre": 0.006,
}


@dataclass(frozen=True)
class Geography:
    """Arrays over LSOAs (index = position), and names of what the indexes stand for."""

    lsoa_codes: np.ndarray
    district_index: np.ndarray
    district_codes: np.ndarray
    population: np.ndarray
    neighbourhood_index: np.ndarray
    neighbourhood_codes: np.ndarray
    neighbourhood_names: np.ndarray
    legacy_codes: np.ndarray
    is_impact: np.ndarray
    unit_index: np.ndarray
    unit_codes: np.ndarray
    beat_index: np.ndarray
    beat_codes: np.ndarray
    cumulative: dict[str, np.ndarray]

    def place(self, which: str, draws: np.ndarray) -> np.ndarray:
        """LSOA indexes of uniform draws, by one of the spreads: before, since, knife, other."""
        return np.searchsorted(self.cumulative[which], draws, side="right").astype(np.int32)

    def table(self) -> pa.Table:
        """The extract ``geography/beats``: every system's beats in LSOAs."""
        count = len(self.lsoa_codes)
        units = [UNITS[str(code)] for code in self.unit_codes]
        names = np.array([name for name, _ in units])
        unit_of = self.unit_index[self.neighbourhood_index]
        rows = {
            "recording_system": np.repeat(["legacy", "connect"], count),
            "beat_code": np.concatenate(
                [self.legacy_codes[self.neighbourhood_index], self.beat_codes[self.beat_index]]
            ),
            "lsoa_code": np.tile(self.lsoa_codes, 2),
            "neighbourhood_code": np.tile(self.neighbourhood_codes[self.neighbourhood_index], 2),
            "neighbourhood_name": np.tile(self.neighbourhood_names[self.neighbourhood_index], 2),
            "npu_code": np.tile(self.unit_codes[unit_of], 2),
            "npu_name": np.tile(names[unit_of], 2),
            "district_code": np.tile(self.district_codes[self.district_index], 2),
            "is_impact_area": np.tile(self.is_impact[self.neighbourhood_index], 2),
        }
        return pa.table({name: pa.array(values) for name, values in rows.items()})


def _expand(ranges: str) -> list[int]:
    """``8881-8899 8901`` as numbers of LSOA codes (E010xxxxx)."""
    found: list[int] = []
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found


@cache
def geography() -> Geography:
    """The same for every seed: places do not change with the draw of the crimes."""
    fixed = np.random.Generator(np.random.PCG64(2011))
    codes: list[str] = []
    districts: list[int] = []
    population: list[float] = []
    neighbourhoods: list[int] = []
    names: list[str] = []
    own: list[str] = []
    old: list[str] = []
    units: list[int] = []
    beats: list[int] = []
    beat_codes: list[str] = []
    unit_codes = list(UNITS)
    for number, (district, (_, people, ranges)) in enumerate(DISTRICTS.items()):
        lsoas = _expand(ranges)
        here = [u for u, (_, d) in UNITS.items() if d == district]
        share = -(-len(lsoas) // len(here))
        for part, unit in enumerate(here):
            mine = lsoas[part * share : (part + 1) * share]
            for place, lsoa in enumerate(mine):
                if place % NEIGHBOURHOOD_SIZE == 0:
                    nth = place // NEIGHBOURHOOD_SIZE + 1
                    own.append(f"N-{unit}{nth:02d}")
                    old.append(f"{unit}/{nth:02d}")
                    units.append(unit_codes.index(unit))
                    given = NAMED[unit]
                    names.append(given[nth - 1] if nth <= len(given) else f"{UNITS[unit][0]} {nth}")
                # CONNECT's beats are cut on another grid, two LSOAs further on.
                if place == 0 or (place - 2) % BEAT_SIZE == 0:
                    beat_codes.append(f"{unit}-{(place + 3) // BEAT_SIZE + 1:03d}")
                codes.append(f"E010{lsoa:05d}")
                districts.append(number)
                population.append(people / len(lsoas))
                neighbourhoods.append(len(own) - 1)
                beats.append(len(beat_codes) - 1)
    neighbourhood_index = np.array(neighbourhoods)
    people = np.array(population)
    # Places differ in crime beyond their population: a fixed lognormal spread.
    even = people * np.exp(fixed.normal(0, 0.35, len(people)))
    even /= even.sum()
    position = {name: i for i, name in enumerate(names)}

    def spread(hot: dict[str, float]) -> np.ndarray:
        weight = even * (1 - sum(hot.values()))
        for name, extra in hot.items():
            inside = neighbourhood_index == position[name]
            weight[inside] += extra * even[inside] / even[inside].sum()
        # The last bound lies above every draw, whatever was lost in adding up.
        total = np.cumsum(weight)
        total[-1] = 2.0
        return total

    return Geography(
        lsoa_codes=np.array(codes),
        district_index=np.array(districts),
        district_codes=np.array(list(DISTRICTS)),
        population=people,
        neighbourhood_index=neighbourhood_index,
        neighbourhood_codes=np.array(own),
        neighbourhood_names=np.array(names),
        legacy_codes=np.array(old),
        is_impact=np.array([name in IMPACT for name in names]),
        unit_index=np.array(units),
        unit_codes=np.array(unit_codes),
        beat_index=np.array(beats),
        beat_codes=np.array(beat_codes),
        cumulative={
            "before": spread(HOT_BEFORE),
            "since": spread(HOT_SINCE),
            "knife": spread(HOT_KNIFE),
            "other": spread(HOT_OTHER),
        },
    )
