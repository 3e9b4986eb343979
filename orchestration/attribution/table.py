"""Every alert of the recording checks explained: rows in, rows out.

Belongs here: bringing series, parts, independent series and events of each alert together. Does not
belong here: the methods (``dating``, ``contributions``, ``independent``), the rule (``rule``).
Called by the dbt model ``int_recording_attributions``.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orchestration.attribution import independent as ind
from orchestration.attribution import rule
from orchestration.attribution.contributions import (
    contributions,
    shown,
    spread,
    within_and_mix,
)
from orchestration.attribution.dating import departures
from orchestration.detectors.baseline import fit_waves
from orchestration.months import first_of_month, month_number
from orchestration.recording_checks import LATEST_PERIODS, LONGEST_BASELINE, OF_QUARTERS
from orchestration.statistics.rates import series_dispersion

Array = NDArray[np.float64]
Row = Mapping[str, Any]
Key = tuple[str, str, str]
"""check_code, breakdown_code, area_id"""

#: Columns of a result and their types.
SCHEMA = (
    ("check_code", "string"),
    ("breakdown_code", "string"),
    ("area_id", "string"),
    ("month", "date32"),
    ("attribution_code", "string"),
    ("reason_code", "string"),
    ("attribution_text", "string"),
    ("score", "float64"),
    ("since_month", "date32"),
    ("since_from_month", "date32"),
    ("since_to_month", "date32"),
    ("since_method", "string"),
    ("later_changes", "string"),
    ("baseline_period_count", "int64"),
    ("difference", "float64"),
    ("contribution_method", "string"),
    ("contributions", "string"),
    ("within_share", "float64"),
    ("known_event_code", "string"),
    ("known_event_relation", "string"),
    ("related_events", "string"),
    ("independents", "string"),
)

CHANGE, OF_RULE, NO_CHANGE = "change point", "rule", "no change found"

#: Years of same months that an independent series is held to, and months of its window at most.
YEARS_BEFORE = 3
LONGEST_WINDOW = 12
#: Dimensions whose mix is one of crimes: a change within their parts is none of that.
DIMENSIONS_OF_CRIME = (
    "offence_code",
    "npu",
    "opening_code",
    "report_category",
    "crime_type",
    "search_object",
)
#: Points that a season is fitted to at least.
LEAST_FOR_SEASON = 24

NAMES = {
    "hospital_sharp": "admissions for assault with a sharp object",
    "hospital_assault": "admissions for assault",
    "robbery": "robbery",
    "homicide": "homicide",
}
DIMENSION_NAMES = {
    "offence_code": "offence code",
    "npu": "unit",
    "origin": "origin",
    "system": "system",
    "opening_code": "log type",
    "report_category": "report category",
    "offence_group": "group",
    "offence_subgroup": "subgroup",
    "force": "force",
    "crime_type": "crime type",
    "search_object": "object of search",
}


def score(
    p_value: float | None,
    q_value: float | None,
    watch_p_value: float | None,
    alert_q_value: float | None,
    ratio: float | None = None,
    alert_from: float | None = None,
) -> float | None:
    """How far beyond its threshold an alert is; 1 or more exactly where the check alerts.

    Of a rule: the ratio over the one from which it alerts. Of a test: the lesser of log p over the
    log of the level of p, and log q over that of q. None where there is neither.
    """
    if alert_from is not None:
        return None if ratio is None or not alert_from > 0 else ratio / alert_from
    if p_value is None or q_value is None or watch_p_value is None or alert_q_value is None:
        return None
    return min(
        math.log(max(p_value, 1e-300)) / math.log(watch_p_value),
        math.log(max(q_value, 1e-300)) / math.log(alert_q_value),
    )


@dataclass
class _Series:
    """One series by period: counts (denominator 1 of counts), what baselines give, calendar."""

    first: int
    width: int
    x: Array
    n: Array
    weight: Array
    expected: Array
    is_lockdown: NDArray[np.bool_]
    is_restricted: NDArray[np.bool_]

    def at(self, month: dt.date) -> int:
        return (month_number(month) - self.first) // self.width

    def month(self, index: int) -> dt.date:
        return first_of_month(self.first + index * self.width)


@dataclass
class _Case:
    """One alert on its way: what was found of it so far."""

    row: Row
    series: _Series
    t: int
    direction: int
    window: NDArray[np.int64]
    before: NDArray[np.int64]
    is_exact: bool
    since: int
    first: int
    last: int
    observed: float
    expected: float
    later: tuple[int, ...] = ()
    method: str = NO_CHANGE
    is_since_change: bool = False
    dimensions: dict[str, dict[str, Any]] = field(default_factory=dict)


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _key(row: Row) -> Key:
    return row["check_code"], row["breakdown_code"], row["area_id"]


def attribute(
    alerts: Sequence[Row],
    months: Iterable[Row],
    parts: Iterable[Row],
    independents: Iterable[Row],
    events: Sequence[Row],
    practice_origins: Iterable[str],
) -> list[dict[str, Any]]:
    """One result for each alert.

    ``alerts``: rows of ``mart_recording_practice`` with status ALERT, with ``subject_type``,
    ``independent_codes``, ``watch_p_value``, ``alert_q_value``, ``alert_from`` and ``force_code``;
    ``months``: all periods of their series; ``parts``: rows of ``int_recording_check_parts``;
    ``independents``: of ``int_independent_counts``; ``events``: with ``force_code`` (whose),
    ``event_code``, ``event_name``, ``event_type``, ``first_date``, ``last_date``, ``checks``,
    ``is_dated``, ``evidence``; ``practice_origins``: origins that a rule of like for like names.
    """
    if not alerts:
        return []
    series = _by_series(months)
    cases = [_case(row, series[_key(row)]) for row in alerts]
    _date(cases)
    _take_apart(cases, parts)
    moved = _independents(cases, independents)
    origins = frozenset(practice_origins)
    return [_result(c, moved[i], events, origins) for i, c in enumerate(cases)]


def _by_series(months: Iterable[Row]) -> dict[Key, _Series]:
    rows: dict[Key, list[Row]] = {}
    for row in months:
        rows.setdefault(_key(row), []).append(row)
    found: dict[Key, _Series] = {}
    for key, of in rows.items():
        width = int(of[0]["month_count"])
        numbers = np.array([month_number(r["month"]) for r in of])
        first = int(numbers.min())
        at = (numbers - first) // width
        size = int(at.max()) + 1
        values = {
            name: np.full(size, np.nan)
            for name in ("numerator_count", "denominator_count", "baseline_weight", "expected")
        }
        for name in values:
            values[name][at] = [_float(r[name]) for r in of]
        for r, i in zip(of, at, strict=True):
            if r["not_assessed_reason"] == "not supplied":
                values["numerator_count"][i] = np.nan
        flags = {name: np.zeros(size, dtype=bool) for name in ("is_lockdown", "is_restricted")}
        for name in flags:
            flags[name][at] = [bool(r[name]) for r in of]
        is_count = of[0]["detector_type"] == "count"
        found[key] = _Series(
            first,
            width,
            values["numerator_count"],
            np.ones(size) if is_count else values["denominator_count"],
            np.nan_to_num(values["baseline_weight"]),
            values["expected"],
            flags["is_lockdown"],
            flags["is_restricted"],
        )
    return found


# ---------------------------------------------------------------------- the window and its baseline


def _case(row: Row, s: _Series) -> _Case:
    """The periods that the alert's observed value is of, and those that it was held to."""
    t = s.at(row["month"])
    known = ~np.isnan(s.x) & (s.n > 0)
    usable = known & (s.weight > 0)
    began = row["baseline_first_month"]
    if began is not None:
        # A level that lasted is what the periods after it are held to.
        usable[: max(s.at(began), 0)] = False
    observed, expected = _float(row["observed_value"]), _float(row["expected_value"])
    is_quarter = s.width == 3
    latest = OF_QUARTERS["latest"] if is_quarter else LATEST_PERIODS
    longest = OF_QUARTERS["longest"] if is_quarter else LONGEST_BASELINE
    window = np.array([t])
    start = t
    if row["detector_type"] == "count":
        spans = [1, 3, 12]
    else:
        spans = [1, latest]
    for span in spans:
        first = max(t + 1 - span, 0)
        chosen = np.array([i for i in range(first, t) if usable[i]] + [t])
        if row["detector_type"] == "count":
            value = np.nansum(s.x[first : t + 1])
            chosen = np.arange(first, t + 1)
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                value = np.nansum(s.x[chosen]) / np.nansum(s.n[chosen])
        if math.isclose(value, observed, rel_tol=1e-9, abs_tol=1e-12):
            window, start = chosen, first
            break
    # A run that went on makes no limits for what comes after it; where it is too short for that, it
    # was in the baseline.
    onset = min(max(s.at(row["alert_since_month"]), 0), t)
    candidates = []
    for stop in (min(start, onset), start):
        chosen = [i for i in range(max(start - longest, 0), stop) if usable[i]]
        candidates.append(np.array(chosen, dtype=np.int64))
    exact = [
        b
        for b in candidates
        if b.size
        and row["detector_type"] in ("share", "rate")
        and math.isclose(s.x[b].sum() / s.n[b].sum(), expected, rel_tol=1e-9, abs_tol=1e-12)
    ]
    is_exact = bool(exact)
    before = exact[0] if exact else next((b for b in candidates if b.size), candidates[0])
    sign = {"up": 1, "down": -1}.get(row["direction_type"] or "", 0)
    since = max(s.at(row["alert_since_month"]), 0)
    if row["detector_type"] == "rule":
        return _Case(
            *(row, s, t, 1, window, before, False, since, since, since, observed, expected),
            method=OF_RULE,
        )
    first = min(start, since)
    return _Case(row, s, t, sign, window, before, is_exact, since, first, t, observed, expected)


# ------------------------------------------------------------------------------------------- dating


def _onset(c: _Case) -> int:
    """First period of the unbroken run of alerts: what changed is not in the periods before it."""
    return min(max(c.series.at(c.row["alert_since_month"]), 0), c.t)


def _began(c: _Case) -> int:
    """First period of the baseline: a level that lasted begins it anew."""
    month = c.row["baseline_first_month"]
    return 0 if month is None else max(c.series.at(month), 0)


def _looked_back(c: _Case) -> int:
    """Periods that the detector takes together: a change can have begun so long before."""
    if c.row["detector_type"] == "count":
        return 12
    return OF_QUARTERS["latest"] if c.series.width == 3 else LATEST_PERIODS


def _usual(c: _Case) -> tuple[Array, Array, float]:
    """Counts, counts expected without a change, and dispersion, up to the alert's period."""
    s, stop = c.series, c.t + 1
    kind = c.row["detector_type"]
    x, n = s.x[:stop].copy(), s.n[:stop]
    if kind == "count":
        # Lockdown has no place in counts; shares are looked at all the same.
        x[s.weight[:stop] <= 0] = np.nan
        x[: _began(c)] = np.nan
        usual, scatter = _seasonal(c, x)
        return x, usual, scatter
    if kind == "share":
        x[x > n] = np.nan
    onset = _onset(c)
    usable = (s.weight[:onset] > 0) & ~np.isnan(x[:onset]) & (n[:onset] > 0)
    usable[: _began(c)] = False
    base = np.flatnonzero(usable)
    base = base[-LONGEST_BASELINE:]
    if base.size < 3:
        base = c.before[c.before < stop]
    if base.size < 3:
        return x, np.full(stop, np.nan), 1.0
    # Where there was none, half an event: a level of 0 has no ratio to it.
    level = max(x[base].sum(), 0.5) / n[base].sum()
    levels = np.full(stop, level)
    if c.row["is_held_to_peers"]:
        # What the other forces went through is in what was expected of each period.
        levels = np.where(np.isnan(s.expected[:stop]), level, s.expected[:stop])
    if _is_complement(c):
        x, levels = n - x, 1 - levels
    with np.errstate(invalid="ignore"):
        usual = n * levels
    squares = (x[base] - usual[base]) ** 2 / usual[base]
    return x, usual, float(squares.sum() / (base.size - 1))


def _is_complement(c: _Case) -> bool:
    """Of a share near one the rest is what can be told apart."""
    return c.row["detector_type"] == "share" and _float(c.row["expected_value"]) > 0.5


def _seasonal(c: _Case, x: Array) -> tuple[Array, float]:
    """A yearly wave and a trend through the points before the alerts, less a quarter; or a mean."""
    stop = x.size
    time = np.arange(stop, dtype=np.float64)
    known = ~np.isnan(x)
    early = known & (time < _onset(c) - 3)
    if early.sum() >= LEAST_FOR_SEASON:
        angle = 2 * np.pi * time / 12
        columns = [np.ones(stop), np.cos(angle), np.sin(angle)]
        if early.sum() >= LEAST_FOR_SEASON + 12:
            columns += [np.cos(2 * angle), np.sin(2 * angle), (time - time[early].mean()) / 12]
        design = np.stack(columns, axis=1)
        prior = np.where(early, c.series.weight[:stop], 0.0)
        fit = fit_waves(np.where(known, x, 0.0)[None], design, prior[None])
        usual = fit.mean[0]
        if fit.is_converged[0] and np.isfinite(usual).all():
            squares = ((x[early] - usual[early]) ** 2 / usual[early]).sum()
            return usual, float(squares / max(early.sum() - design.shape[1], 1))
    early = known & (time < _onset(c))
    level = max(x[early].sum(), 0.5) / early.sum() if early.any() else np.nan
    usual = np.full(stop, level)
    if early.sum() < 3:
        return usual, 1.0
    return usual, float(((x[early] - level) ** 2 / level).sum() / (early.sum() - 1))


def _since_then(c: _Case, usual: Array) -> None:
    """A level of counts that lasts is one of all months since, and not of the last by itself."""
    s = c.series
    of = np.arange(c.since, c.t + 1)
    of = of[~np.isnan(s.x[of]) & (s.weight[of] > 0) & ~np.isnan(usual[of])]
    if not of.size:
        return
    observed, expected = float(s.x[of].sum()), float(usual[of].sum())
    if (observed - expected) * c.direction > 0:
        c.window, c.before = of, c.before[c.before < c.since]
        c.observed, c.expected = observed, expected
        c.is_since_change = True


def _date(cases: list[_Case]) -> None:
    todo = [c for c in cases if c.method != OF_RULE and c.direction != 0]
    if not todo:
        return
    longest = max(c.t for c in todo) + 1
    y, e = np.full((longest, len(todo)), np.nan), np.full((longest, len(todo)), np.nan)
    phi, side = np.ones(len(todo)), np.ones(len(todo), dtype=np.int64)
    earliest = np.ones(len(todo), dtype=np.int64)
    for i, c in enumerate(todo):
        x, usual, scatter = _usual(c)
        y[longest - x.size :, i], e[longest - x.size :, i] = x, usual
        phi[i] = scatter
        side[i] = -c.direction if _is_complement(c) else c.direction
        first = max(_onset(c) - _looked_back(c) + 1, _began(c) + 1, 1)
        earliest[i] = longest - x.size + first
    found = departures(y, np.where(np.isnan(e), 0.0, e), phi, side, earliest)
    for i, c in enumerate(todo):
        shift = longest - (c.t + 1)
        usual = e[shift:, i]
        if found.since[i] >= 0:
            c.since, c.first = int(found.since[i]) - shift, max(int(found.first[i]) - shift, 0)
            c.last = int(found.last[i]) - shift
            c.later = tuple(at - shift for at in found.later[i])
            c.method = CHANGE
            if c.row["detector_type"] == "count" and c.row["is_persistent"]:
                _since_then(c, usual)


# -------------------------------------------------------------------------------------------- parts


def _take_apart(cases: list[_Case], parts: Iterable[Row]) -> None:
    table: dict[Key, dict[str, dict[str, dict[dt.date, tuple[float, float]]]]] = {}
    for row in parts:
        by_part = table.setdefault(_key(row), {}).setdefault(row["dimension_code"], {})
        by_part.setdefault(row["part_code"], {})[row["month"]] = (
            _float(row["numerator_count"]),
            _float(row["denominator_count"]),
        )
    grids: dict[Key, dict[str, tuple[list[str], Array, Array]]] = {}
    for c in cases:
        key = _key(c.row)
        if key not in table or c.row["detector_type"] == "rule":
            continue
        if key not in grids:
            grids[key] = {}
            size = c.series.x.size
            for dimension, by_part in table[key].items():
                names = sorted(by_part)
                x, n = np.zeros((len(names), size)), np.zeros((len(names), size))
                for i, name in enumerate(names):
                    for month, (top, below) in by_part[name].items():
                        at = c.series.at(month)
                        if 0 <= at < size:
                            x[i, at], n[i, at] = np.nan_to_num(top), below
                grids[key][dimension] = (names, x, n)
        for dimension, (names, x, n) in grids[key].items():
            found = _dimension(c, names, x, n)
            if found is not None:
                c.dimensions[dimension] = found


def _dimension(c: _Case, names: list[str], x: Array, n: Array) -> dict[str, Any] | None:
    observed, expected = c.observed, c.expected
    if np.isnan(observed + expected) or not c.before.size:
        return None
    is_count = c.row["detector_type"] == "count"
    whole = 1.0 if is_count else float(np.nansum(c.series.n[c.window]))
    now, before = x[:, c.window].sum(axis=1), x[:, c.before].sum(axis=1)
    each, rest = contributions(observed, expected, now, before, whole)
    below, below0 = n[:, c.window].sum(axis=1), n[:, c.before].sum(axis=1)
    is_share = not np.isnan(below.sum() + below0.sum()) and below.sum() > 0 and below0.sum() > 0
    split = within_and_mix(now, below, before, below0).within_share if is_share else float("nan")
    usual = expected * whole * before / before.sum() if before.sum() > 0 else np.zeros_like(before)
    neighbour = None
    if is_share:
        outside = np.flatnonzero((now == 0) & (before == 0) & (below0 >= 20) & (below >= 20))
        change = below / below.sum() - below0 / below0.sum()
        outside = outside[change[outside] * c.direction < 0]
        if outside.size:
            at = outside[np.argmax(np.abs(change[outside]))]
            neighbour = (names[at], float(change[at]))
    return {
        "names": names,
        "now": now,
        "before": before,
        "each": each,
        "rest": rest,
        "within": split,
        "spread": spread(now, usual, c.direction),
        "neighbour": neighbour,
    }


# ------------------------------------------------------------------------------------- independents


def _independents(cases: list[_Case], rows: Iterable[Row]) -> list[list[rule.Series]]:
    by_series: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in rows:
        of = by_series.setdefault((row["source_type"], row["force_code"]), {})
        of.setdefault(row["series_code"], []).append(row)
    scatter = {
        (source, force, code): _dispersion(of)
        for (source, force), codes in by_series.items()
        for code, of in codes.items()
    }
    wanted: list[tuple[int, str]] = []
    values: list[tuple[float, ...]] = []
    for i, c in enumerate(cases):
        source = "force_records" if c.row["source_type"] == "force_records" else "home_office"
        codes = by_series.get((source, c.row["force_code"]), {})
        known = c.expected > 0 and c.observed > 0
        ratio = c.observed / c.expected if known else float("nan")
        for code, of in codes.items():
            wanted.append((i, code))
            values.append((*_window(c, of), ratio, *scatter[source, c.row["force_code"], code]))
    results: list[list[rule.Series]] = [[] for _ in cases]
    if not wanted:
        return results
    found = ind.compare(*np.array(values).T)
    for at, (i, code) in enumerate(wanted):
        row = cases[i].row
        bearing = (row["independent_codes"] or "").split()
        results[i].append(
            rule.Series(
                code,
                NAMES.get(code, code),
                str(found.verdict[at]),
                float(found.ratio[at]),
                float(found.lower[at]),
                float(found.upper[at]),
                float(found.detectable[at]),
                # A group is no witness of itself.
                code in bearing and row["breakdown_code"].lower() != code,
            )
        )
    return results


def _dispersion(rows: list[Row]) -> tuple[float, float]:
    """Dispersion of sums and its degrees of freedom; NaN where chance alone is all there is."""
    width = int(rows[0]["month_count"])
    numbers = np.array([month_number(r["month"]) for r in rows])
    at = (numbers - numbers.min()) // width
    y, days = np.full(int(at.max()) + 1, np.nan), np.full(int(at.max()) + 1, 30.4375 * width)
    y[at] = [np.nan if r["is_lockdown"] else _float(r["event_count"]) for r in rows]
    days[at] = [float(r["day_count"]) for r in rows]
    found, _ = series_dispersion(
        y[None, :],
        days[None, :],
        period=12 // width,
        least_months=36 // width,
    )
    return float(found.phi_of_sums[0]), float(found.degrees_of_freedom[0])


def _window(c: _Case, rows: list[Row]) -> tuple[float, float, float, float]:
    """Events and days since the alert's change, and of the same months of the years before."""
    width = int(rows[0]["month_count"])
    begin, end = (
        month_number(c.series.month(c.since)),
        month_number(c.row["month"]) + c.series.width - 1,
    )
    earliest = month_number(c.series.month(c.first))
    begin = max(begin, end - LONGEST_WINDOW + 1)
    table = {
        month_number(r["month"]): (float(r["event_count"]), float(r["day_count"]))
        for r in rows
        if r["event_count"] is not None and not r["is_lockdown"]
    }
    totals = [0.0, 0.0, 0.0, 0.0]
    used: set[int] = set()
    for start, (_, _) in table.items():
        # A quarter belongs to the window where it begins within it, or holds its only month.
        if start + width - 1 < begin or start > end:
            continue
        others = [
            start - 12 * back
            for back in range(1, YEARS_BEFORE + 2)
            if start - 12 * back + width - 1 < earliest and start - 12 * back in table
        ][:YEARS_BEFORE]
        if not others:
            continue
        totals[0] += table[start][0]
        totals[1] += table[start][1]
        used.update(others)
    # Each month before once; months of the window that fall on fewer years weigh as their days.
    for month in used:
        totals[2] += table[month][0]
        totals[3] += table[month][1]
    return totals[0], totals[1], totals[2], totals[3]


# ------------------------------------------------------------------------------------------- result


def _events(c: _Case, events: Sequence[Row]) -> tuple[tuple[str, rule.Event], ...]:
    first = c.series.month(c.first)
    last = first_of_month(month_number(c.series.month(c.last)) + c.series.width - 1)
    found = []
    for row in events:
        if row["force_code"] != c.row["force_code"]:
            continue
        checks = (row["checks"] or "").split()
        begins = row["first_date"]
        ends = row["last_date"]
        if ends is None:
            # What begins after the first week of a month can show first in the next.
            month = month_number(begins)
            ends = first_of_month(month + 1) if begins.day > 7 else first_of_month(month)
        event = rule.Event(
            code=row["event_code"],
            name=row["event_name"],
            kind=row["event_type"],
            first_month=begins.replace(day=1),
            last_month=ends.replace(day=1),
            is_about_check="all" in checks or c.row["check_code"] in checks,
            is_dated=bool(row["is_dated"]),
            is_named=c.row["check_code"] in checks,
            evidence=row["evidence"] or "",
        )
        is_dated = c.method != NO_CHANGE or c.window.size == 1
        how = rule.relation(event, first, last, is_dated=is_dated)
        if how is not None:
            found.append((how, event))
    order = {rule.COVERS: 0, rule.POSSIBLE: 1, rule.COINCIDES: 2}
    since = month_number(c.series.month(c.since))

    def far(event: rule.Event) -> int:
        low, high = month_number(event.first_month), month_number(event.last_month)
        return max(low - (since + c.series.width - 1), since - high, 0)

    found.sort(key=lambda f: (order[f[0]], far(f[1]), not f[1].is_named, f[1].code))
    return tuple(found)


def _result(
    c: _Case, moved: list[rule.Series], events: Sequence[Row], origins: frozenset[str]
) -> dict[str, Any]:
    row, s = c.row, c.series
    within = [
        d["within"]
        for name, d in c.dimensions.items()
        if name in DIMENSIONS_OF_CRIME and not math.isnan(d["within"])
    ]
    spreads = [
        d["spread"]
        for name, d in c.dimensions.items()
        if name in ("offence_code", "npu", "crime_type") and not math.isnan(d["spread"])
    ]
    total = c.observed - c.expected
    by_practice = None
    if "origin" in c.dimensions and total != 0:
        of = c.dimensions["origin"]
        by_practice = sum(
            float(v) for n, v in zip(of["names"], of["each"], strict=True) if n in origins
        )
        by_practice /= total
    related = _events(c, events)
    around = slice(max(c.first - 1, 0), c.since + 1)
    evidence = rule.Evidence(
        subject=row["subject_type"] or "unknown",
        direction=c.direction,
        events=related,
        independents=tuple(moved),
        within_share=min(within) if within else None,
        by_practice=by_practice,
        spread=min(spreads) if spreads else None,
        is_lockdown=bool(
            (s.is_lockdown | s.is_restricted)[around].any() or s.is_lockdown[c.window].any()
        ),
    )
    decision = rule.decide(evidence)
    parts = _shown(c)
    neighbour = next(
        (
            (name, *d["neighbour"])
            for name, d in c.dimensions.items()
            if d["neighbour"] is not None and row["subject_type"] == "mix"
        ),
        None,
    )
    ratio = None
    if row["numerator_count"] is not None and row["denominator_count"]:
        ratio = row["numerator_count"] / row["denominator_count"]
    return {
        "check_code": row["check_code"],
        "breakdown_code": row["breakdown_code"],
        "area_id": row["area_id"],
        "month": row["month"],
        "attribution_code": decision.attribution,
        "reason_code": decision.reason_code,
        "attribution_text": _text(c, decision, parts, neighbour, moved),
        "score": score(
            row["p_value"],
            row["q_value"],
            row["watch_p_value"],
            row["alert_q_value"],
            ratio,
            row["alert_from"] if row["detector_type"] == "rule" else None,
        ),
        "since_month": s.month(c.since),
        "since_from_month": s.month(c.first),
        "since_to_month": s.month(c.last),
        "since_method": c.method,
        "later_changes": json.dumps([s.month(at).isoformat() for at in c.later]),
        "baseline_period_count": int(c.before.size),
        "difference": None if math.isnan(total) else total,
        "contribution_method": _contribution_method(c) if parts else None,
        "contributions": json.dumps(parts, ensure_ascii=False),
        "within_share": evidence.within_share,
        "known_event_code": decision.event.code if decision.event else None,
        "known_event_relation": decision.relation,
        "related_events": json.dumps(
            [{"event": e.code, "relation": how} for how, e in related], ensure_ascii=False
        ),
        "independents": json.dumps([_series(m) for m in moved], ensure_ascii=False),
    }


def _contribution_method(c: _Case) -> str:
    if c.is_since_change:
        return "since the change"
    return "baseline" if c.is_exact else "baseline scaled to expected"


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) or math.isinf(value) else float(f"{value:.4g}")


def _series(m: rule.Series) -> dict[str, Any]:
    return {
        "series": m.code,
        "verdict": m.verdict,
        "ratio": _rounded(m.ratio),
        "ratio_lower": _rounded(m.lower),
        "ratio_upper": _rounded(m.upper),
        "smallest_detectable_ratio": _rounded(m.detectable),
        "bears_on_check": m.bears_on_check,
    }


def _shown(c: _Case) -> list[dict[str, Any]]:
    """The parts of every dimension, each by size; of each dimension they sum to the difference."""
    found: list[dict[str, Any]] = []
    for dimension, d in c.dimensions.items():
        for part in shown(d["names"], d["now"], d["before"], d["each"]):
            found.append(
                {
                    "dimension": dimension,
                    "part": part.name or f"{part.part_count} others",
                    "observed_count": int(part.now),
                    "baseline_count": int(part.before),
                    "contribution": part.contribution,
                }
            )
        if d["rest"] != 0:
            found.append({"dimension": dimension, "part": "in no part", "contribution": d["rest"]})
    return found


def _date_text(month: dt.date, width: int) -> str:
    if width == 1:
        return f"{month:%B %Y}"
    return f"the quarter from {month:%B %Y}"


def _since_text(c: _Case) -> str:
    s = c.series
    at = _date_text(s.month(c.since), s.width)
    if c.method == OF_RULE:
        return f"It is so since {at}."
    if c.method != CHANGE:
        return f"No single change is seen in the series; it alerts since {at}."
    if c.first == c.last:
        return f"It began in {at} (90%)."
    return (
        f"It began in {at} (90%: {_date_text(s.month(c.first), s.width)} to "
        f"{_date_text(s.month(c.last), s.width)})."
    )


def _ratio_text(m: rule.Series) -> str:
    return f"x{m.ratio:.2f}, {m.lower:.2f} to {m.upper:.2f}"


def _independent_text(moved: list[rule.Series]) -> str:
    said = []
    words = {
        ind.MOVED_UP: "rose",
        ind.MOVED_DOWN: "fell",
        ind.DID_NOT_MOVE: "did not move",
        ind.COULD_NOT_SHOW: "could not have shown it",
        ind.UNCLEAR: "is unclear",
    }
    for m in moved:
        if m.verdict in words:
            said.append(f"{m.name} {words[m.verdict]} ({_ratio_text(m)})")
    if not said:
        return ""
    return "Independent series: " + "; ".join(said) + "."


def _text(
    c: _Case,
    decision: rule.Decision,
    parts: list[dict[str, Any]],
    neighbour: tuple[str, str, float] | None,
    moved: list[rule.Series],
) -> str:
    word = {"recording": "Recording", "crime": "Crime", "cannot_tell": "Cannot tell"}
    sentences = [f"{word[decision.attribution]}: {decision.reason}.", _since_text(c)]
    total = c.observed - c.expected
    largest = []
    for dimension in c.dimensions:
        # Figures below the force are in the parts; words go out in messages, and hold none.
        if dimension == "npu":
            continue
        of = [p for p in parts if p["dimension"] == dimension]
        single = [p for p in of if not p["part"].endswith(" others") and p["part"] != "in no part"]
        if len(of) > 1 and single and total != 0 and not math.isnan(total):
            part = max(single, key=lambda p: p["contribution"] * np.sign(total))
            # Where a system takes over from another, its parts are the whole and more.
            if 0 < part["contribution"] / total <= 1:
                largest.append(
                    f"{DIMENSION_NAMES.get(dimension, dimension)} {part['part']} "
                    f"({part['contribution'] / total:.0%})"
                )
    if largest:
        sentences.append("Largest parts of the difference: " + ", ".join(largest) + ".")
    if neighbour is not None:
        dimension, name, _ = neighbour
        way = "fell" if c.direction > 0 else "rose"
        sentences.append(
            f"Its neighbour that went the other way: {DIMENSION_NAMES.get(dimension, dimension)} "
            f"{name}, whose share {way}."
        )
    sentences.append(_independent_text(moved))
    return " ".join(s for s in sentences if s)
