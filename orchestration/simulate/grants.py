"""The grant management's extracts: budget lines, ledger entries, conditions, by financial year.

Money does not depend on crime: every scenario, scale and seed has the same budget, and the same
position at the end of October 2021, to the pound. What a seed draws is only how the sums came
about, entry by entry. How a position is read off the ledger is the models' business.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa

from orchestration.simulate.extract import Extract
from orchestration.simulate.scenario import EXTRACT_DAY, Scenario


@dataclass(frozen=True)
class Line:
    """A budget line; pounds. ``spent`` to the end of October, ``forecast`` for what follows."""

    number: int
    project: str
    funding: str
    original: int
    bid: int
    spent: int
    forecast: int


#: The end of this day is where the board paper's table stands.
POSITION_DAY = dt.date(2021, 10, 31)
#: Board paper, Appendix A, row by row: original grant, new bid, spend to date, November to March
#: forecast. Two lines are called Guardian Taskforce: one is paid from the grant, one is match.
APPENDIX_A: tuple[Line, ...] = (
    Line(1, "BASS Training", "grant", 86_000, 0, 45_600, 34_200),
    Line(2, "Guardian Taskforce", "grant", 1_114_600, 0, 564_930, 341_133),
    Line(3, "NPU Suppression / Grip", "grant", 1_290_000, 200_000, 730_027, 1_012_301),
    Line(4, "NTE", "grant", 10_000, 100_000, 0, 149_900),
    Line(5, "Operation Spectre", "grant", 30_000, 0, 10_000, 15_000),
    Line(6, "Comms Campaign", "grant", 50_000, 0, 6_993, 43_007),
    Line(7, "Investigation", "grant", 90_000, 199_800, 27_250, 262_550),
    Line(8, "Problem Solving Training", "grant", 20_000, 0, 0, 20_000),
    Line(9, "Analytic Activity", "grant", 249_400, 0, 77_374, 99_535),
    Line(10, "Project Team", "match", 185_800, 0, 132_631, 128_783),
    Line(11, "Guardian Taskforce", "match", 402_200, 0, 182_654, 314_727),
)
#: The two years before: the paper says only that they were larger and that less was then kept
#: from technology (paragraph 76). Lines and amounts are the simulator's.
EARLIER: dict[str, tuple[Line, ...]] = {
    "2019/20": (
        Line(1, "Guardian Taskforce", "grant", 1_500_000, 0, 742_300, 741_900),
        Line(2, "NPU Suppression / Grip", "grant", 2_100_000, 0, 1_018_450, 1_081_550),
        Line(3, "Technology", "grant", 520_000, 0, 96_500, 423_500),
        Line(4, "Investigation", "grant", 150_000, 0, 61_200, 80_300),
        Line(5, "Analytic Activity", "grant", 250_000, 0, 118_700, 131_300),
        Line(6, "Comms Campaign", "grant", 80_000, 0, 22_480, 57_520),
        Line(7, "Project Team", "match", 300_000, 0, 171_900, 128_100),
        Line(8, "Guardian Taskforce", "match", 620_000, 0, 351_640, 281_200),
    ),
    "2020/21": (
        Line(1, "Guardian Taskforce", "grant", 1_300_000, 0, 688_150, 598_850),
        Line(2, "NPU Suppression / Grip", "grant", 1_750_000, 0, 690_320, 1_059_680),
        Line(3, "Technology", "grant", 400_000, 0, 120_900, 279_100),
        Line(4, "Investigation", "grant", 120_000, 0, 38_600, 81_400),
        Line(5, "Analytic Activity", "grant", 250_000, 0, 121_050, 120_450),
        Line(6, "Comms Campaign", "grant", 80_000, 0, 11_700, 68_300),
        Line(7, "Project Team", "match", 250_000, 0, 146_200, 112_000),
        Line(8, "Guardian Taskforce", "match", 530_000, 0, 262_400, 284_900),
    ),
}
#: Limit of spending on technology, percent of the grant. The paper speaks of limits that were
#: tightened and gives no number (paragraph 76): these are the simulator's.
TECHNOLOGY_PCT = {"2019/20": 25, "2020/21": 20, "2021/22": 15}
#: Match of 20 percent, further bids of at most 17 percent (board paper, paragraph 76).
MATCH_PCT, BID_CAP_PCT = 20, 17

#: Shares of entries (simulator's): posted one or two months late; entered wrongly, taken back and
#: entered again; and of a month's spending that is accrued at its end.
LATE, MISTAKEN, ACCRUED = 0.10, 0.07, 0.18


@dataclass(frozen=True)
class _Entry:
    line_id: str
    period: str
    kind: str
    pence: int
    posted_at: dt.datetime


def _line_id(year: str, line: Line) -> str:
    return f"SYV-{year[2:4]}{year[5:]}-{line.number:02d}"


def _award_id(year: str) -> str:
    return f"HO-GRIP-{year.replace('/', '-')}"


def _months(year: str) -> list[str]:
    first = int(year[:4])
    return [f"{first + (m > 12)}-{(m - 1) % 12 + 1:02d}" for m in range(4, 16)]


def _last_day(month: str) -> dt.date:
    first = dt.date(int(month[:4]), int(month[5:]), 1)
    return (first + dt.timedelta(31)).replace(day=1) - dt.timedelta(1)


def _split(rng: np.random.Generator, pence: int, parts: int, evenness: float = 6.0) -> list[int]:
    """A sum in random parts that add up to it exactly."""
    bounds = np.rint(np.cumsum(rng.dirichlet(np.full(parts, evenness))) * pence).astype(np.int64)
    bounds[-1] = pence
    return np.diff(bounds, prepend=0).tolist()


def _at(rng: np.random.Generator, day: dt.date) -> dt.datetime:
    """A moment in office hours of a day, or of the last working day before it."""
    while day.weekday() > 4:
        day -= dt.timedelta(1)
    seconds = int(rng.integers(8 * 3600, 18 * 3600))
    return dt.datetime.combine(day, dt.time()) + dt.timedelta(seconds=seconds)


class _Ledger:
    """Entries of one year as they are drawn."""

    def __init__(self, rng: np.random.Generator, year: str, closes: dt.date) -> None:
        self.rng = rng
        self.year = year
        self.closes = closes
        self.entries: list[_Entry] = []

    def add(self, line_id: str, period: str, kind: str, pence: int, posted: dt.datetime) -> None:
        if pence:
            self.entries.append(_Entry(line_id, period, kind, pence, posted))

    def spend(self, line_id: str, period: str, pence: int, until: dt.date) -> None:
        """Actual entries of a month that add up, by the end of day ``until``, to the sum."""
        rng = self.rng
        end = _last_day(period)
        for amount in _split(rng, pence, int(rng.integers(2, 6)), 3.0) if pence else ():
            delay = int(rng.integers(-12, 9))
            if rng.random() < LATE:
                delay = int(rng.integers(16, 55))
            posted = _at(rng, min(end + dt.timedelta(delay), until))
            self.add(line_id, period, "actual", amount, posted)
            if rng.random() < MISTAKEN:
                # Entered with another sum before, and taken back when the right one came.
                wrong = amount + int(rng.integers(1, 90)) * 1_000
                before = posted - dt.timedelta(days=int(rng.integers(1, 9)), minutes=7)
                self.add(line_id, period, "actual", wrong, before)
                self.add(line_id, period, "actual", -wrong, posted - dt.timedelta(seconds=61))
        # What was received and not yet invoiced: released at the beginning of the next month.
        accrued = int(pence * rng.uniform(0.3, 1.7) * ACCRUED)
        if accrued and end <= until:
            self.add(line_id, period, "accrual", accrued, _at(rng, end))
            following = _last_day(period) + dt.timedelta(1)
            released = _at(rng, following + dt.timedelta(4))
            if released.date() <= self.closes and following.month != 4:
                self.add(
                    line_id,
                    f"{following.year}-{following.month:02d}",
                    "accrual",
                    -accrued,
                    released,
                )

    def foresee(self, line_id: str, periods: list[str], pence: list[int], day: dt.date) -> None:
        posted = _at(self.rng, day)
        for period, amount in zip(periods, pence, strict=True):
            self.add(line_id, period, "forecast", amount, posted)


def _of_line(ledger: _Ledger, line: Line, position: dt.date, is_current: bool) -> None:
    """Every entry of a line: what makes its position at ``position``, then what came after."""
    rng = ledger.rng
    months = _months(ledger.year)
    first = int(ledger.year[:4])
    before, after = months[:7], months[7:]
    line_id = _line_id(ledger.year, line)

    # Forecasts: a plan in April for the year, revisions in July and October for what is left. The
    # latest for a month counts; now and then October's revision left a month as it was.
    budget = (line.original + line.bid) * 100
    ledger.foresee(line_id, months, _split(rng, budget, 12), dt.date(first, 4, 14))
    final = _split(rng, line.forecast * 100, 5)
    july = _split(rng, int(budget * rng.uniform(0.6, 0.9)), 8)
    kept = int(rng.integers(0, 5)) if rng.random() < 0.4 else None
    if kept is not None:
        july[3 + kept] = final[kept]
    ledger.foresee(line_id, months[4:], july, dt.date(first, 7, 14))
    if rng.random() < 0.3:
        # A first attempt, corrected within days.
        ledger.foresee(
            line_id, after, _split(rng, int(line.forecast * 108), 5), dt.date(first, 10, 21)
        )
        kept = None
    revised = [i for i in range(5) if i != kept]
    ledger.foresee(
        line_id,
        [after[i] for i in revised],
        [final[i] for i in revised],
        dt.date(first, 10, 27),
    )

    # Spending up to the position: mostly rising, none where nothing was spent.
    if line.spent:
        for period, pence in zip(before, _split(rng, line.spent * 100, 7, 5.0), strict=True):
            ledger.spend(line_id, period, pence, position)
    elif line.bid and is_current:
        # Charged to the wrong line, and taken back: nothing is left of it.
        wrong = int(rng.integers(8, 40)) * 2_550
        ledger.add(line_id, before[4], "actual", wrong, _at(rng, dt.date(first, 8, 24)))
        ledger.add(line_id, before[4], "actual", -wrong, _at(rng, dt.date(first, 9, 9)))

    # After it: invoices for the months before that came late, the rest of the year, and revised
    # forecasts. Whoever looks without a date sees these too.
    late = 0
    if line.spent:
        late = int(line.spent * 100 * rng.uniform(0.004, 0.02))
        for amount, period in zip(_split(rng, late, 2), before[-2:], strict=True):
            day = dt.date(first, 11, int(rng.integers(2, 25)))
            posted = _at(rng, day) if day.weekday() < 5 else _at(rng, day + dt.timedelta(2))
            ledger.add(line_id, period, "actual", amount, posted)
    outturn = int(line.forecast * 100 * rng.uniform(0.9, 1.0)) - late
    for period, pence in zip(after, _split(rng, outturn, 5), strict=True):
        ledger.spend(line_id, period, pence, ledger.closes)
    for day, periods in (
        (dt.date(first, 11, 1), after[1:]),
        (dt.date(first + 1, 1, 19), after[2:]),
    ):
        share = len(periods) / 5 * rng.uniform(0.9, 1.1)
        ledger.foresee(
            line_id, periods, _split(rng, int(line.forecast * 100 * share), len(periods)), day
        )


def _pounds(pence: list[int]) -> pa.Array:
    return pa.array([Decimal(p) / 100 for p in pence], pa.decimal128(14, 2))


def _extract(table: str, year: str, columns: dict[str, pa.Array]) -> Extract:
    stem = f"grants_{table}_{year.replace('/', '-')}"
    return Extract(f"grants/{table}", year, stem, pa.table(columns))


def _budget(year: str, lines: tuple[Line, ...]) -> Extract:
    def text(values: list[str | None]) -> pa.Array:
        return pa.array(values, pa.string())

    return _extract(
        "budget_lines",
        year,
        {
            "financial_year": text([year] * len(lines)),
            "line_id": text([_line_id(year, line) for line in lines]),
            "award_id": text([_award_id(year)] * len(lines)),
            "funding": text([line.funding for line in lines]),
            "project": text([line.project for line in lines]),
            "original_amount": _pounds([line.original * 100 for line in lines]),
            "bid_amount": _pounds([line.bid * 100 for line in lines]),
            # Match is the force's own money: the award's conditions ask for it, none bind it.
            "conditions_ref": text(
                [_award_id(year) if line.funding == "grant" else None for line in lines]
            ),
        },
    )


def _ledger(year: str, entries: list[_Entry]) -> Extract:
    ordered = sorted(entries, key=lambda e: (e.posted_at, e.line_id, e.period, e.kind, e.pence))
    prefix = f"E{year[2:4]}{year[5:]}-"
    return _extract(
        "ledger",
        year,
        {
            "entry_id": pa.array([f"{prefix}{n:05d}" for n in range(1, len(ordered) + 1)]),
            "line_id": pa.array([e.line_id for e in ordered]),
            "period": pa.array([e.period for e in ordered]),
            "kind": pa.array([e.kind for e in ordered]),
            "amount": _pounds([e.pence for e in ordered]),
            "posted_at": pa.array([e.posted_at for e in ordered], pa.timestamp("s")),
        },
    )


def _conditions(year: str) -> Extract:
    first = int(year[:4])
    reports = [f"{first}-06", f"{first}-09", f"{first}-12", f"{first + 1}-03"]
    rows: list[tuple[str, str | None, int | None, str]] = [
        ("match_pct", None, MATCH_PCT, year),
        # Further bids were invited in 2021/22 only.
        *([("bid_cap_pct", None, BID_CAP_PCT, year)] if year == "2021/22" else []),
        ("spend_within_year", None, None, year),
        ("category_cap_pct", "technology", TECHNOLOGY_PCT[year], year),
        *(("report_due", None, None, month) for month in reports),
    ]
    return _extract(
        "conditions",
        year,
        {
            "award_id": pa.array([_award_id(year)] * len(rows)),
            "rule": pa.array([r[0] for r in rows]),
            "applies_to": pa.array([r[1] for r in rows], pa.string()),
            "threshold": pa.array([r[2] for r in rows], pa.decimal128(14, 2)),
            "period": pa.array([r[3] for r in rows]),
        },
    )


def extracts(scenario: Scenario, rng: np.random.Generator) -> list[Extract]:
    """Budget lines, ledger and conditions of 2019/20, 2020/21 and 2021/22.

    As the ledger of 2021/22 stood at the end of ``POSITION_DAY``, its actual entries by line, and
    the latest forecast of each line and month from November, add up to ``APPENDIX_A`` exactly. The
    same for every scenario, at any scale.
    """
    del scenario  # the same in every world
    found = []
    for year, lines in {**EARLIER, "2021/22": APPENDIX_A}.items():
        first = int(year[:4])
        # Years that are over were closed in April; the last one is extracted before that.
        closes = min(dt.date(first + 1, 4, 24), dt.date.fromisoformat(EXTRACT_DAY))
        ledger = _Ledger(rng, year, closes)
        position = dt.date(first, 10, 31)
        for line in lines:
            _of_line(ledger, line, position, is_current=year == "2021/22")
        found += [_budget(year, lines), _ledger(year, ledger.entries), _conditions(year)]
    return found
