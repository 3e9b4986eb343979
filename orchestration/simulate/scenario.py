"""What a scenario assumes: volumes, offence mix, season, lockdowns, recording practice, conditions.

Only parameters and the arithmetic that expands them to months belong here; drawing records from
them is ``crimes``. Every number is either taken from an open source named beside it, or chosen by
the simulator, which the comment then says.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

MONTHS: tuple[str, ...] = tuple(
    f"{year}-{month:02d}"
    for year in range(2018, 2023)
    for month in range(1, 13)
    if "2018-04" <= f"{year}-{month:02d}" <= "2022-03"
)
#: Last day on which anything in the extracts happened.
EXTRACT_DAY = "2022-03-31"
#: First day on which CONNECT was the system of record (plumbline.yml: recording_eras).
GO_LIVE = "2021-04-06"
#: Crimes of these days may have been keyed in both systems.
OVERLAP_LAST_DAY = "2021-04-19"
#: Legacy crimes recorded from here on and still open at go-live were converted to CONNECT.
CONVERTED_FROM = "2021-01"
#: First month of the Log Quality Team (board paper, paragraph 9).
LQT_FROM = "2020-11"
#: The day at which the board paper's outcome rates stand.
CUTOFF = "2021-11-30"

#: Police force area's recorded crime by Home Office code: financial years 2018/19 to 2021/22,
#: West Midlands, rounded (Home Office police recorded crime open data, Open Government Licence).
#: Codes with fewer than about 100 a year are left out. Columns: code, class, four years.
MIX: tuple[tuple[str, str, int, int, int, int], ...] = (
    ("2", "vwi", 120, 130, 130, 135),
    ("5D", "vwi", 2850, 2930, 3280, 4290),
    ("5E", "vwi", 95, 95, 130, 85),
    ("8N", "vwi", 27800, 29700, 28900, 33900),
    ("8P", "vwi", 330, 330, 270, 550),
    ("8S", "vwi", 520, 620, 730, 900),
    ("8T", "vwi", 0, 0, 240, 350),
    ("3B", "vwoi", 1350, 2000, 3470, 6220),
    ("11A", "vwoi", 6540, 7480, 7060, 7830),
    ("36", "vwoi", 350, 380, 570, 705),
    ("104", "vwoi", 610, 430, 520, 1420),
    ("105A", "vwoi", 17600, 23800, 32900, 42400),
    ("105B", "vwoi", 455, 570, 635, 1060),
    ("106", "vwoi", 370, 520, 740, 1160),
    ("8L", "harass", 8150, 10800, 18400, 24400),
    ("8M", "harass", 240, 260, 760, 1680),
    ("8Q", "harass", 540, 700, 7280, 7960),
    ("8R", "harass", 8140, 10800, 18300, 20700),
    ("8U", "harass", 0, 0, 5, 4070),
    ("19C", "sexual", 2050, 2150, 2420, 3210),
    ("19D", "sexual", 370, 300, 370, 490),
    ("19E", "sexual", 350, 300, 390, 450),
    ("19F", "sexual", 160, 150, 220, 340),
    ("17A", "sexual", 220, 220, 250, 360),
    ("17B", "sexual", 190, 160, 190, 170),
    ("20A", "sexual", 1690, 1830, 1620, 2630),
    ("20B", "sexual", 570, 530, 630, 650),
    ("21", "sexual", 380, 360, 450, 660),
    ("22B", "sexual", 870, 910, 820, 610),
    ("88A", "sexual", 100, 170, 200, 220),
    ("88E", "sexual", 280, 310, 410, 590),
    ("34A", "robbery", 1070, 960, 710, 850),
    ("34B", "robbery", 7670, 7270, 5780, 7020),
    ("28E", "burglary", 16500, 13900, 10100, 11100),
    ("28F", "burglary", 4690, 4070, 3490, 3480),
    ("28G", "burglary", 240, 210, 140, 180),
    ("30C", "burglary", 6450, 5200, 3620, 4200),
    ("30D", "burglary", 1030, 700, 600, 720),
    ("45", "vehicle", 20200, 17200, 12400, 15600),
    ("48", "vehicle", 11000, 9920, 8790, 12200),
    ("126", "vehicle", 5370, 4630, 3980, 4770),
    ("37.2", "vehicle", 360, 320, 290, 290),
    ("35", "theft", 660, 740, 1060, 1370),
    ("39", "theft", 3290, 3060, 1800, 3850),
    ("40", "theft", 2310, 2370, 2260, 2600),
    ("41", "theft", 430, 350, 230, 290),
    ("43", "theft", 105, 120, 320, 790),
    ("44", "theft", 3030, 2330, 2180, 2560),
    ("46", "theft", 18600, 15400, 10800, 14500),
    ("47", "theft", 470, 350, 180, 360),
    ("49", "theft", 11900, 10400, 8340, 11600),
    ("49A", "theft", 8520, 5800, 3650, 4660),
    ("56A", "damage", 160, 180, 190, 190),
    ("56B", "damage", 800, 840, 940, 1290),
    ("58A", "damage", 7260, 7120, 7620, 8480),
    ("58B", "damage", 2150, 2090, 1350, 2370),
    ("58C", "damage", 11700, 10300, 8940, 10600),
    ("58D", "damage", 3750, 3900, 4700, 6050),
    ("59", "damage", 1370, 1860, 3170, 3460),
    ("92A", "drugs", 1230, 1570, 1700, 2330),
    ("92D", "drugs", 930, 880, 720, 980),
    ("92E", "drugs", 2810, 3510, 3820, 4220),
    ("10A", "weapons", 330, 320, 410, 540),
    ("10B", "weapons", 190, 220, 170, 270),
    ("10C", "weapons", 610, 670, 900, 1490),
    ("10D", "weapons", 1410, 1840, 2110, 3750),
    ("9A", "public", 9970, 12400, 20000, 26300),
    ("9B", "public", 2700, 3000, 3720, 4880),
    ("66", "public", 2110, 2430, 3170, 3740),
    ("79", "society", 470, 430, 450, 380),
    ("86", "society", 890, 1150, 1440, 1750),
    ("99", "society", 320, 240, 360, 320),
    # Homicides are a stratum of their own: nothing of them is in the rest.
    ("1", "homicide", 0, 0, 0, 0),
    ("4.1", "homicide", 0, 0, 0, 0),
)
CODES: tuple[str, ...] = tuple(row[0] for row in MIX)
CLASSES: tuple[str, ...] = (
    "vwi",
    "vwoi",
    "harass",
    "sexual",
    "robbery",
    "burglary",
    "vehicle",
    "theft",
    "damage",
    "drugs",
    "weapons",
    "public",
    "society",
    "homicide",
)

#: Months April to March relative to the year's mean: the simulator's, after the usual shape
#: (violence peaks in summer, acquisitive crime in late autumn).
SEASON_VIOLENCE = (0.97, 1.04, 1.05, 1.08, 1.03, 1.01, 1.02, 0.98, 0.97, 0.94, 0.90, 1.01)
SEASON_OTHER = (0.97, 1.00, 0.99, 1.02, 1.00, 0.99, 1.05, 1.04, 0.99, 0.99, 0.93, 1.03)
#: Young people's injuries by knife: a spike in July and August (board paper, paragraph 38).
SEASON_KNIFE = (0.86, 0.92, 1.00, 1.50, 1.45, 0.90, 0.85, 0.80, 0.90, 0.85, 0.85, 0.95)

#: What the lockdowns left of violence and of other crime (simulator's; the first lockdown began on
#: 2020-03-23, the third on 2021-01-06): month -> (violence among the young, everything else).
LOCKDOWN: dict[str, tuple[float, float]] = {
    "2020-03": (0.88, 0.94),
    "2020-04": (0.55, 0.74),
    "2020-05": (0.72, 0.83),
    "2020-06": (0.86, 0.93),
    "2020-07": (0.95, 1.00),
    "2020-08": (0.97, 1.02),
    "2020-09": (0.96, 1.02),
    "2020-10": (0.93, 1.00),
    "2020-11": (0.82, 0.95),
    "2020-12": (0.85, 0.96),
    "2021-01": (0.62, 0.86),
    "2021-02": (0.66, 0.87),
    "2021-03": (0.78, 0.98),
}

#: Of what is recorded under full new practice, the share that 2019/20 practice would not have
#: recorded, by class (simulator's: highest where the open data rose most from 2019/20 to 2021/22).
ADDITIONAL: dict[str, float] = {
    "vwi": 0.085,
    "vwoi": 0.27,
    "harass": 0.33,
    "sexual": 0.12,
    "robbery": 0.03,
    "burglary": 0.02,
    "vehicle": 0.02,
    "theft": 0.03,
    "damage": 0.08,
    "drugs": 0.05,
    "weapons": 0.25,
    "public": 0.33,
    "society": 0.10,
    "homicide": 0.0,
}
#: How the additional ones came about in CONNECT (simulator's).
ADDITIONAL_ORIGINS = {
    "initial_report_no_trace": 0.50,
    "log_quality_review": 0.32,
    "third_party_professional": 0.18,
}


@dataclass(frozen=True)
class Window:
    """Months whose counts are conditioned: exact totals whatever the seed."""

    first: str
    last: str
    young_vwi: int
    young_knife_used: int | None = None
    young_knife: int | None = None
    knife_used: int | None = None
    homicides: int | None = None
    young_homicides: int | None = None
    young_knife_homicides: int | None = None
    homicide_suspects: int | None = None
    young_homicide_suspects: int | None = None
    positive: int | None = None

    @property
    def months(self) -> tuple[str, ...]:
        return tuple(m for m in MONTHS if self.first <= m <= self.last)


#: Board paper, paragraphs 36, 37, 44. The totals that it does not print (5,936 and 6,856, the
#: denominators of the rates, all knife flags) are the smallest choice that gives what it prints.
BOARD_PAPER: tuple[Window, ...] = (
    Window("2019-04", "2019-11", 5936, 333, 500, 2318, 27, 9, 4, 27, 15, 580),
    # 425 of 4,908 is 8.66 percent.
    Window("2020-04", "2020-11", 4908, positive=425),
    Window("2021-04", "2021-11", 6856, 361, 530, 3114, 16, 4, 3, 15, 8, 421),
)


@dataclass(frozen=True)
class Scenario:
    """A world to simulate. Volumes are those of scale 1; ``scale`` multiplies them."""

    name: str
    description: str
    scale: float = 1.0
    months: tuple[str, ...] = MONTHS
    #: Crimes recorded in each financial year (None: the 2019/20 level, whatever practice adds).
    year_totals: tuple[int, int, int, int] | None = None
    base_year_total: int = 262_000
    has_lockdowns: bool = True
    #: Multiplies violence that really happened, from April 2021.
    violence_factor: float = 1.0
    #: Whether recording changed (Log Quality Team, no trace, third parties, 24-hour rule).
    has_new_practice: bool = True
    has_spiking_wave: bool = True
    #: Share of the knives really used whose use is recorded, before CONNECT and in it.
    knife_completeness: tuple[float, float] = (0.78, 0.97)
    windows: tuple[Window, ...] = ()
    #: November 2021 (board paper, paragraphs 12 and 44): violence with injury to the young, spiking
    #: among it, of which tests positive, and positive outcomes by the end of the month.
    november: tuple[int, int, int, int] | None = None
    #: Multiplies hospital admissions from April 2021 (used by the partners' extracts).
    admissions_factor: float = 1.0
    is_dirty: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def is_conditioned(self) -> bool:
        return bool(self.windows)

    def scaled(self, count: float) -> int:
        """A conditioned count at this scale."""
        return round(count * self.scale)


_REFERENCE = Scenario(
    name="reference",
    description="The board paper's world: its counts exactly, most of the rise from recording",
    # Chosen: below what the kept codes add up to in the Home Office open data for West Midlands
    # (258,345, 259,185, 278,890 and 356,575), so that most of the rise is recording.
    year_totals=(250_000, 262_000, 262_000, 340_000),
    windows=BOARD_PAPER,
    november=(862, 95, 11, 81),
)

SCENARIOS: dict[str, Scenario] = {
    "reference": _REFERENCE,
    "no_change": Scenario(
        name="no_change",
        description="The system changes; neither crime nor recording does",
        has_lockdowns=False,
        has_new_practice=False,
        has_spiking_wave=False,
        knife_completeness=(0.78, 0.78),
    ),
    "step_only": Scenario(
        name="step_only",
        description="Crime constant; recording steps at the Log Quality Team and at go-live",
        has_lockdowns=False,
        has_spiking_wave=False,
    ),
    "crime_wave": Scenario(
        name="crime_wave",
        description="Violence really rises by a quarter from April 2021; recording constant",
        has_lockdowns=False,
        has_new_practice=False,
        has_spiking_wave=False,
        knife_completeness=(0.78, 0.78),
        violence_factor=1.25,
        admissions_factor=1.25,
    ),
    "dirty": replace(
        _REFERENCE,
        name="dirty",
        description="The reference world, delivered with every defect that extracts come with",
        is_dirty=True,
    ),
}


def adoption(scenario: Scenario, month: str) -> float:
    """How far the new recording practice had gone in a month, 0 to 1."""
    if not scenario.has_new_practice or month < LQT_FROM:
        return 0.0
    return 0.25 if month < "2021-04" else 1.0


def recorded_within_day(scenario: Scenario, month: str) -> float:
    """Share of crimes recorded within 24 hours of the report (simulator's)."""
    if not scenario.has_new_practice or month < LQT_FROM:
        return 0.76
    return 0.85 if month < "2021-04" else 0.92
