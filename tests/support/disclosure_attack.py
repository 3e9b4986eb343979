"""The attack on published counts: what a reader can work out of the cells that are withheld.

A linear programme over everything that is shown, written apart from the code that chooses what to
withhold: unknowns are the smallest parts, every shown cell is an equation over them (or, where it
is rounded, two inequalities), and nothing is known of a withheld cell but that it is not negative.
Least and greatest of each withheld cell are what the reader learns.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, kron, vstack

NESTING = Path(__file__).resolve().parents[2] / "dbt_project/seeds/disclosure_nesting.csv"


class Attack:
    """What a reader of shown sums can say of others.

    ``equations`` is a matrix shown cells x unknowns, ``least`` and ``most`` what is shown of each.
    """

    def __init__(self, equations: csr_matrix, least: np.ndarray, most: np.ndarray) -> None:
        exact = least == most
        self.exact, self.value = equations[exact], least[exact]
        inexact = equations[~exact]
        self.inexact = vstack([inexact, -inexact], format="csr")
        self.limits = np.concatenate([most[~exact], -least[~exact]])
        finite = np.isfinite(self.limits)
        self.inexact, self.limits = self.inexact[finite], self.limits[finite]

    def end_of(self, cell: np.ndarray, sign: int) -> float:
        """Least (``sign`` 1) or greatest (-1) value of a sum of unknowns (``cell``)."""
        found = linprog(
            sign * cell,
            A_eq=self.exact if self.exact.shape[0] else None,
            b_eq=self.value if self.exact.shape[0] else None,
            A_ub=self.inexact if self.inexact.shape[0] else None,
            b_ub=self.limits if self.inexact.shape[0] else None,
            bounds=(0, None),
            method="highs",
        )
        if found.status == 3:  # without bound
            return -sign * np.inf
        assert found.status == 0, found.message
        return sign * found.fun

    def range_of(self, cell: np.ndarray) -> tuple[float, float]:
        """Least and greatest value of a sum of unknowns."""
        return self.end_of(cell, 1), self.end_of(cell, -1)


# ------------------------------------------------------------------------------------ one table


def cells_of(incidences: Sequence[np.ndarray]) -> csr_matrix:
    """Every cell of a table (in order of its axes) as a sum of unknowns."""
    cells = csr_matrix(np.ones((1, 1)))
    for incidence in incidences:
        cells = kron(cells, csr_matrix(np.asarray(incidence, dtype=float)), format="csr")
    return cells


def attack_table(
    counts: np.ndarray, incidences: Sequence[np.ndarray], is_withheld: np.ndarray
) -> Attack:
    """The attack on one table of exact counts; NaN and withheld cells say nothing."""
    shown = (~is_withheld & ~np.isnan(counts)).ravel()
    value = counts.ravel()[shown]
    return Attack(cells_of(incidences)[shown], value, value)


# -------------------------------------------------------------------------------------- releases

#: Counts of the marts as (quantity, part, area, first month, last month, count); below the force
#: by unit and for the impact areas together.
CELLS = """
select 'indicator/' || measure_code || '/' || basis as quantity, '' as part, area_id,
    month as first_month, month as last_month, value as count
from {s}.mart_monthly_series where area_type in ('npu', 'force', 'impact_area')
union all
select 'indicator/' || indicator_code || '/' || basis, '', area_id, baseline_first_month,
    baseline_last_month, baseline_count
from {s}.mart_headline_indicators where baseline_first_month is not null
union all
select 'indicator/' || indicator_code || '/' || basis, '', area_id, current_first_month,
    current_last_month, current_count
from {s}.mart_headline_indicators where current_first_month is not null
union all
select 'indicator/' || indicator_code || '/' || basis, '', area_id, first_month, last_month,
    event_count
from {s}.mart_hotspots where area_type = 'npu' and first_month is not null
union all
select 'indicator/under_25_vwi/recorded', '', area_id, first_month, last_month, recorded_count
from {s}.mart_outcomes where offence_category like '%victim under 25'
union all
select 'outcome/' || column_name || '/young', part, area_id, first_month, last_month, count
from (
    select area_id, first_month, last_month, unnest([
        {'column_name': 'finished', 'part': '', 'count': finished_count},
        {'column_name': 'positive', 'part': 'core', 'count': positive_count},
        {'column_name': 'positive', 'part': 'diversion', 'count': diversion_count},
        {'column_name': 'positive', 'part': 'both', 'count': positive_plus_diversion_count},
        {'column_name': 'charged', 'part': '', 'count': charged_count},
        {'column_name': 'community_resolution', 'part': '', 'count': community_resolution_count},
        {'column_name': 'victim_does_not_support', 'part': '',
            'count': victim_does_not_support_count}
    ], recursive := true)
    from {s}.mart_outcomes where offence_category like '%victim under 25'
)
union all
select 'programme/' || what || '/' || group_code, '', area, first_month, month, count from (
    select measure_code as what, group_code,
        case npu_code when 'all' then 'force/all' else 'npu/' || npu_code end as area,
        month - case period_type when 'month' then interval 0 month else interval 11 month end
            as first_month,
        month, numerator_count as count
    from {s}.mart_programme where programme_code = 'diversions'
    union all
    select case measure_code when 'diversion_reoffending_share' then 'diversion_completion_share'
            else 'diversion_referrals' end,
        group_code, case npu_code when 'all' then 'force/all' else 'npu/' || npu_code end,
        month - case period_type when 'month' then interval 0 month else interval 11 month end,
        month, denominator_count
    from {s}.mart_programme where programme_code = 'diversions'
        and measure_code <> 'diversion_referrals'
)
"""


@dataclass(frozen=True)
class Cell:
    """A count that a reader may find: in the marts as computed, and as published (None: not)."""

    quantity: str
    part: str
    area: str
    first: int
    last: int
    true: float
    shown: float | None

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        return (self.quantity, self.part, self.area, self.first, self.last)

    @property
    def is_open(self) -> bool:
        return self.area.startswith("force/")


def read_cells(database: Path, schema: str) -> dict[tuple, set[float | None]]:
    """What a database says of each cell: one value, unless marts differ."""
    sql = CELLS.replace("{s}", schema)
    found: dict[tuple, set[float | None]] = defaultdict(set)
    with duckdb.connect(str(database), read_only=True) as con:
        rows = con.execute(
            "select quantity, part, area_id, year(first_month) * 12 + month(first_month), "
            f"year(last_month) * 12 + month(last_month), count from ({sql})"
        ).fetchall()
    for *key, count in rows:
        found[tuple(key)].add(None if count is None else float(count))
    return found


def published(warehouse: Path, release: Path) -> list[Cell]:
    """Every cell with its true and its published count; of a cell withheld in one mart and shown
    in another, the shown one counts."""
    true, shown = read_cells(warehouse, "marts"), read_cells(release, "main")
    cells = []
    for key, values in true.items():
        known = values - {None}
        if not known:
            continue
        assert len(known) == 1, f"marts differ in {key}: {known}"
        said = shown[key] - {None}
        assert len(said) <= 1, f"the release has several counts of {key}: {said}"
        cells.append(Cell(*key, next(iter(known)), next(iter(said), None)))
    return cells


def _nested(quantities: Iterable[str]) -> list[tuple[str, str, str, str]]:
    there, found = set(quantities), []
    with NESTING.open(encoding="utf-8", newline="") as file:
        rules = list(csv.DictReader(file))
    for rule in rules:
        inner = rule["inner_series"].replace("Violence with injury, victim under 25", "*")
        before, _, after = inner.partition("*")
        for name in there:
            if "*" in inner:
                if not (name.startswith(before) and name.endswith(after)):
                    continue
                middle = name[len(before) : len(name) - len(after) or None]
                outer = rule["outer_series"].replace("*", middle)
            elif name == inner:
                outer = rule["outer_series"]
            else:
                continue
            if outer in there and outer != name:
                found.append((name, rule["inner_parts"], outer, rule["outer_parts"]))
    return found


class Releases:
    """One release, or an earlier one and the one after it, to be attacked quantity by quantity.

    The attacker of two is given which parts changed between them, and takes all others for equal.
    """

    def __init__(self, *releases: list[Cell], least_shown: int = 5) -> None:
        self.least_shown = least_shown
        self.releases = releases
        self.by_key = [{c.key: c for c in cells} for cells in releases]
        self.quantities = sorted({c.quantity for cells in releases for c in cells})
        self.nested = _nested(self.quantities)
        self.grouped = [defaultdict(list) for _ in releases]
        for group, cells in zip(self.grouped, releases, strict=True):
            for cell in cells:
                group[cell.quantity].append(cell)

    def is_hideable(self, cell: Cell) -> bool:
        """Whether the policies let the cell be withheld at all."""
        words = cell.quantity
        about_persons = not words.startswith("indicator/") or any(
            w in words for w in ("under_25", "homicide")
        )
        return about_persons and not cell.is_open

    def exposed(self, every: int = 1) -> tuple[int, list[str]]:
        """How many small counts are attacked (one in ``every``), and those that a reader can narrow
        down further than by what is shown whatever it is."""
        attacked, found = 0, []
        for quantity in self.quantities:
            number, bad = self._attack(quantity, every)
            attacked += number
            found += bad
        return attacked, found

    def _attack(self, quantity: str, every: int) -> tuple[int, list[str]]:
        small = [
            (number, cell)
            for number, group in enumerate(self.grouped)
            for cell in group[quantity]
            if self.is_hideable(cell) and 0 < cell.true < self.least_shown
        ][::every]
        if not small:
            return 0, []
        unknowns = self._unknowns(quantity)
        attack = self._programme(quantity, unknowns, utmost=False)
        utmost = None
        found = []
        for number, cell in small:
            if cell.shown is not None:
                found.append(f"{cell} is shown")
                continue
            row = self._row(cell, number, unknowns)
            low, high = attack.range_of(row)
            if low <= 1e-6 and high >= self.least_shown - 1 - 1e-6:
                continue
            utmost = utmost or self._programme(quantity, unknowns, utmost=True)
            least, most = utmost.range_of(row)
            if low > max(0, least) + 1e-6 or high < min(self.least_shown - 1, most) - 1e-6:
                found.append(f"{cell} lies in {low:g} to {high:g}, could in {least:g} to {most:g}")
        return len(small), found

    def _spread(self, cell: Cell, areas: list[str], parts: list[str]) -> list[tuple]:
        if cell.is_open:
            where = [a for a in areas if a.startswith("npu/")]
        else:
            where = [cell.area]
        which = parts if cell.part == "both" else [cell.part]
        return [
            (part, area, month)
            for part in which
            for area in where
            for month in range(cell.first, cell.last + 1)
        ]

    def _unknowns(self, quantity: str) -> dict:
        areas = sorted({c.area for g in self.grouped for c in g[quantity] if not c.is_open})
        parts = sorted({c.part for g in self.grouped for c in g[quantity]} - {"both"})
        # The truth of each part in each release, where a month of it is a cell of its own.
        truth = [
            {(c.part, c.area, c.first): c.true for c in g[quantity] if c.first == c.last}
            for g in self.grouped
        ]
        index: dict[tuple, int] = {}
        place: list[dict[tuple, int]] = []
        for number, group in enumerate(self.grouped):
            here = {}
            for cell in group[quantity]:
                for part in self._spread(cell, areas, parts):
                    changed = number > 0 and truth[number].get(part) != truth[0].get(part)
                    here[part] = index.setdefault((part, number if changed else 0), len(index))
            place.append(here)
        return {"areas": areas, "parts": parts, "place": place, "size": len(index)}

    def _row(self, cell: Cell, number: int, unknowns: dict) -> np.ndarray:
        row = np.zeros(unknowns["size"])
        for part in self._spread(cell, unknowns["areas"], unknowns["parts"]):
            row[unknowns["place"][number][part]] += 1
        return row

    def _programme(self, quantity: str, unknowns: dict, *, utmost: bool) -> Attack:
        rows, least, most = [], [], []

        newest = len(self.releases) - 1

        def shown(cell: Cell | None, number: int) -> float | None:
            # What the last release could withhold at most; what is out cannot be taken back.
            if cell is None or (utmost and number == newest and self.is_hideable(cell)):
                return None
            return cell.shown

        for number, group in enumerate(self.grouped):
            for cell in group[quantity]:
                low, high = 0.0, np.inf
                value = shown(cell, number)
                if value is not None:
                    low = high = value
                elif not cell.is_open:
                    for inner, inner_part, outer, outer_part in self.nested:
                        if inner == quantity and inner_part == cell.part:
                            other = replace(cell, quantity=outer, part=outer_part).key
                            value = shown(self.by_key[number].get(other), number)
                            high = high if value is None else min(high, value)
                        if outer == quantity and outer_part == cell.part:
                            other = replace(cell, quantity=inner, part=inner_part).key
                            value = shown(self.by_key[number].get(other), number)
                            low = low if value is None else max(low, value)
                if low > 0 or high < np.inf:
                    row = self._row(cell, number, unknowns)
                    # What the parts of a division make up, where they do: the reader knows it.
                    if cell.is_open and not self._is_whole(cell, number, quantity, unknowns):
                        continue
                    rows.append(csr_matrix(row))
                    least.append(low)
                    most.append(high)
        return Attack(vstack(rows, format="csr"), np.array(least), np.array(most))

    def _is_whole(self, cell: Cell, number: int, quantity: str, unknowns: dict) -> bool:
        units = [
            replace(cell, area=area).key for area in unknowns["areas"] if area.startswith("npu/")
        ]
        found = [self.by_key[number].get(key) for key in units]
        # An absent cell of the outcomes is nought.
        return sum(c.true for c in found if c is not None) == cell.true


# -------------------------------------------------------------------------------------- profiles

#: Counts of persons as (indicator, role, period, age, sex, ethnic group, count).
PERSONS = """
select indicator_code, role_code, period_type, age_band_code, sex_code, ethnic_group_code,
    involvement_count as count
from {s}.mart_victim_suspect_profile
union all
select indicator_code, role_code, period_type, what, sex_code, ethnic_group_code, count from (
    select *, unnest([{'what': 'under_25', 'count': under_25_count},
        {'what': 'known', 'count': known_age_count}], recursive := true)
    from {s}.mart_victim_suspect_profile where age_band_code = 'all'
)
union all
select case when measure_code like 'vwi%' then 'violence_with_injury'
        else 'knife_enabled_serious_violence' end,
    case when measure_code like '%victims' then 'victim' else 'suspect' end,
    period_type, 'all', 'all', ethnic_group_code, event_count
from {s}.mart_disproportionality where measure_code not like 'stop%'
"""
YOUNG = ("0-9", "10-17", "18-24")


class Profiles:
    """Counts of victims and suspects in one release, or an earlier one and the one after it.

    The attacker knows that persons of one age, sex and ethnic group make up the margins, that
    victims and suspects of crimes with a victim under 25 are some of those of all violence, and
    all victims under 25 are; and, of two releases, which parts changed.
    """

    def __init__(self, *releases: tuple[Path, Path], least_shown: int = 5) -> None:
        self.least_shown = least_shown
        self.true = [self._read(warehouse, "marts") for warehouse, _ in releases]
        self.shown = [self._read(release, "main") for _, release in releases]

    @staticmethod
    def _read(database: Path, schema: str) -> dict[tuple, float]:
        found: dict[tuple, float] = {}
        with duckdb.connect(str(database), read_only=True) as con:
            rows = con.execute(PERSONS.replace("{s}", schema)).fetchall()
        for *key, count in rows:
            if count is not None:
                assert found.setdefault(tuple(key), float(count)) == count, f"marts differ: {key}"
        return found

    def exposed(self, every: int = 1) -> tuple[int, list[str]]:
        """How many small counts are attacked, and those that a reader can narrow down further than
        by the totals of all persons."""
        attacked, found = 0, []
        groups = {key[:3] for key in self.true[0] if key[0] != "under_25_vwi"}
        for indicator, role, period in sorted(groups):
            names = [indicator]
            if indicator == "violence_with_injury":
                names.append("under_25_vwi")
            number, bad = self._attack(names, role, period, every)
            attacked += number
            found += bad
        return attacked, found

    def _attack(
        self, names: list[str], role: str, period: str, every: int
    ) -> tuple[int, list[str]]:
        cells = [
            [k for k in true if k[0] in names and k[1:3] == (role, period)] for true in self.true
        ]
        index: dict[tuple, int] = {}
        places = []
        for number, keys in enumerate(cells):
            place = {}
            for key in keys:
                if {"all", "under_25", "known"} & set(key[3:]):
                    continue
                changed = number > 0 and self.true[number][key] != self.true[0].get(key)
                same = key
                if key[0] == "under_25_vwi" and role == "victim" and key[3] in YOUNG:
                    same = ("violence_with_injury", *key[1:])
                place[key] = index.setdefault((same, number if changed else 0), len(index))
            places.append(place)

        def row(key: tuple, number: int) -> np.ndarray:
            found = np.zeros(len(index))
            for atom, at in places[number].items():
                ages = {"all", atom[3]}
                ages |= {"under_25"} if atom[3] in YOUNG else set()
                ages |= {"known"} if atom[3] != "unknown" else set()
                if (
                    atom[0] == key[0]
                    and key[3] in ages
                    and key[4] in ("all", atom[4])
                    and key[5] in ("all", atom[5])
                ):
                    found[at] += 1
            return found

        def programme(*, utmost: bool) -> Attack:
            rows, least, most = [], [], []
            for number, keys in enumerate(cells):
                for key in keys:
                    is_whole = key[3:] == ("all", "all", "all")
                    value = self.shown[number].get(key)
                    if value is None or (utmost and number == len(cells) - 1 and not is_whole):
                        continue
                    rows.append(row(key, number))
                    least.append(value)
                    most.append(value)
                for key in keys:
                    outer = ("violence_with_injury", *key[1:])
                    if key[0] == "under_25_vwi" and key in places[number]:
                        at, of = places[number][key], places[number][outer]
                        if at != of:
                            rows.append(np.zeros(len(index)))
                            rows[-1][of], rows[-1][at] = 1, -1
                            least.append(0)
                            most.append(np.inf)
            return Attack(csr_matrix(np.array(rows)), np.array(least), np.array(most))

        small = [
            (number, key)
            for number, keys in enumerate(cells)
            for key in keys
            if 0 < self.true[number][key] < self.least_shown and key[3:] != ("all", "all", "all")
        ][::every]
        attack, utmost, found = programme(utmost=False), None, []
        for number, key in small:
            if key in self.shown[number]:
                found.append(f"{key} is shown")
                continue
            low, high = attack.range_of(row(key, number))
            if low <= 1e-6 and high >= self.least_shown - 1 - 1e-6:
                continue
            utmost = utmost or programme(utmost=True)
            least, most = utmost.range_of(row(key, number))
            if low > max(0, least) + 1e-6 or high < min(self.least_shown - 1, most) - 1e-6:
                found.append(f"{key} lies in {low:g} to {high:g}, could in {least:g} to {most:g}")
        return len(small), found
