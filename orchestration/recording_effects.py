"""The methods of ``mart_recording_effect``, side by side: tables in, one row per estimate out.

Belongs here: putting series, pairs of counts and donors of the warehouse into the shape that the
functions of ``orchestration.statistics`` take, and their results into rows of one layout. Called by
the dbt models ``int_recording_effects_of_records`` and ``int_recording_effects_of_offences``; reads
and writes nothing itself. Does not belong here: formulas (``statistics``), which rows and dates
count (SQL and seeds), what is said of a row for a reader (the mart).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from orchestration.statistics import hospital_control as hospital
from orchestration.statistics import recording_effect as effects
from orchestration.statistics import synthetic_control as synthetic
from orchestration.statistics.intervals import Interval
from orchestration.statistics.rates import (
    change_of_ratio,
    dispersion,
    log_rate_ratio,
    series_dispersion,
)
from orchestration.statistics.rates import ratio_interval as interval_of

Rows = list[dict[str, Any]]

ESTIMATED = "estimated"
NOT_ASSESSED = "not_assessed"

_TEXT = (
    "measure_code",
    "area_id",
    "method_code",
    "variant_code",
    "estimate_status",
    "reason_text",
    "caution_text",
)
_WHOLE = (
    "baseline_count",
    "current_count",
    "used_period_count",
    "donor_count",
    "placebo_rank",
    "distance_rank",
    "compared_unit_count",
    "rmspe_ratio_rank",
)
_NUMBERS = (
    *(
        f"{name}{end}"
        for name in ("recorded_ratio", "effect_ratio", "adjusted_ratio")
        for end in ("", "_lower", "_upper")
    ),
    "adjusted_rise_probability",
    "p_value",
    "dispersion",
    "autocorrelation",
    "vif",
    "condition_number",
    "attained_level",
    "conformal_lower",
    "conformal_upper",
    "pre_rmspe",
    "rmspe_ratio",
    "leave_one_out_least",
    "leave_one_out_greatest",
    "ratio_before_last_change",
)
SCHEMA = pa.schema(
    [(name, pa.string()) for name in _TEXT]
    + [(name, pa.int64()) for name in _WHOLE]
    + [(name, pa.float64()) for name in _NUMBERS]
)


def table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table of ``SCHEMA``; what is not a number is empty."""
    listed = list(rows)
    columns: dict[str, list[Any]] = {name: [r.get(name) for r in listed] for name in SCHEMA.names}
    for name in _NUMBERS:
        columns[name] = [None if v is None or np.isnan(v) else float(v) for v in columns[name]]
    return pa.table(columns, schema=SCHEMA)


class Recorded(NamedTuple):
    """The recorded change of one measure in one area."""

    measure_code: str
    area_id: str
    baseline_count: int | None
    current_count: int | None
    ratio: Interval
    dispersion: float | None
    degrees_of_freedom: float = np.inf


class Scatter(NamedTuple):
    """phi of a year's sum and the degrees of freedom behind it; NaN where counts do not tell.

    Of ``int_indicator_dispersion`` or ``int_offence_dispersion``, so that one change has one
    interval in every mart.
    """

    phi: float
    degrees_of_freedom: float

    @property
    def known(self) -> float | None:
        return None if np.isnan(self.phi) else self.phi

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Scatter:
        """From a row of one of the two."""
        values = (found["phi_of_sums"], found["phi_degrees"])
        return cls(*(np.nan if v is None else float(v) for v in values))


UNKNOWN = Scatter(np.nan, np.nan)


def row(
    recorded: Recorded,
    method: str,
    variant: str,
    effect: Interval | None,
    *,
    reason: str = "",
    adjusted: Interval | None = None,
    **diagnostics: Any,
) -> dict[str, Any]:
    """One row: the effect and what it leaves of the recorded change, or why there is none."""
    found: dict[str, Any] = {
        "measure_code": recorded.measure_code,
        "area_id": recorded.area_id,
        "method_code": method,
        "variant_code": variant,
        "baseline_count": recorded.baseline_count,
        "current_count": recorded.current_count,
        "dispersion": recorded.dispersion,
        "estimate_status": ESTIMATED,
        **_limits("recorded_ratio", recorded.ratio),
        **diagnostics,
    }
    known = effect is not None and not (
        np.isnan(float(effect.lower)) and np.isnan(float(effect.upper))
    )
    if not known:
        found["estimate_status"] = NOT_ASSESSED
        found["reason_text"] = reason or "The counts give no ratio."
        return found
    assert effect is not None
    left = adjusted or effects.adjusted_change(recorded.ratio, effect)
    return {
        **found,
        **_limits("effect_ratio", effect),
        **_limits("adjusted_ratio", left),
        "adjusted_rise_probability": float(effects.probability_above(left)),
    }


def _limits(name: str, interval: Interval) -> dict[str, float | None]:
    """Limits that are infinite are none."""
    parts = zip(("", "_lower", "_upper"), interval, strict=True)
    return {name + end: _finite(v) for end, v in parts}


def _unknown() -> Interval:
    return Interval(np.float64(np.nan), np.float64(np.nan), np.float64(np.nan))


def at(interval: Interval, index: int) -> Interval:
    """One interval of several."""
    return Interval(*(np.atleast_1d(v)[index] for v in interval))


def assessed(recorded: Recorded, scope: str, scenarios: Sequence[Mapping[str, Any]]) -> Rows:
    """A row for each scenario of the seed ``recording_effect_assessments``."""
    found = []
    for scenario in scenarios:
        if scope != "none" and scenario["recording_scope"] != scope:
            continue
        if scope == "none" and scenario["recording_scope"] != "all":
            continue
        given = Interval(
            *(np.float64(scenario[f"effect_ratio{end}"]) for end in ("", "_lower", "_upper"))
        )
        reason = ""
        if scope == "none":
            given, reason = None, "No scenario of recording applies to this measure."
        elif recorded.current_count is None:
            given, reason = None, "There is no recorded change to divide."
        found.append(row(recorded, "assessed", scenario["variant_code"], given, reason=reason))
    return found


# ------------------------------------------------------------------------------ the force's records


class Series(NamedTuple):
    """Monthly or quarterly counts (S, n), NaN where not known; ``keys``: (measure, area) of each.

    ``days`` (n,); ``is_lockdown``, ``is_measured`` (n,); ``starts``: name and first period of each
    change that lies within the series, in order.
    """

    keys: list[tuple[str, str]]
    counts: np.ndarray
    days: np.ndarray
    is_lockdown: np.ndarray
    is_measured: np.ndarray
    starts: list[tuple[str, int]]


def monthly_series(
    months: Mapping[str, np.ndarray], events: Sequence[tuple[str, np.datetime64]]
) -> Series:
    """From the columns of ``int_recording_effect_months``; every series has every month."""
    names = months["measure_code"].astype(str)
    areas = months["area_id"].astype(str)
    when = months["month"].astype("datetime64[M]")
    keys = sorted(set(zip(names.tolist(), areas.tolist(), strict=True)))
    if not keys:
        empty = np.zeros(0)
        return Series([], np.zeros((0, 0)), empty, empty == 1, empty == 1, [])
    first, last = when.min(), when.max()
    n = int((last - first).astype(int)) + 1
    place = {key: index for index, key in enumerate(keys)}
    series = np.array([place[k] for k in zip(names.tolist(), areas.tolist(), strict=True)])
    period = (when - first).astype(int)
    counts = np.full((len(keys), n), np.nan)
    counts[series, period] = np.ma.filled(
        np.ma.asarray(months["event_count"]).astype(np.float64), np.nan
    )
    days, lockdown, measured = np.full(n, 30.0), np.zeros(n, bool), np.zeros(n, bool)
    days[period] = months["days_in_month"]
    lockdown[period] = months["is_lockdown_month"]
    measured[period] = months["is_current_month"]
    starts = [
        (name, int((day.astype("datetime64[M]") - first).astype(int))) for name, day in events
    ]
    return Series(keys, counts, days, lockdown, measured, [s for s in starts if s[1] < n])


def effects_of_records(
    series: Series,
    pairs: Mapping[tuple[str, str, str], Mapping[str, Any]],
    measures: Mapping[str, Mapping[str, Any]],
    scenarios: Sequence[Mapping[str, Any]],
    force_area: str,
    scatters: Mapping[tuple[str, str, str], Scatter],
) -> Rows:
    """Every method on every indicator of offences, of the force as a whole.

    ``pairs``: rows of ``int_indicator_pairs`` by indicator, area and basis; ``scatters``: those of
    ``int_indicator_dispersion`` likewise; ``measures``: rows of the seed
    ``recording_effect_measures`` by indicator.
    """
    index = {key: i for i, key in enumerate(series.keys)}
    interrupted = _interruptions(series, 12)

    def change(code: str, area: str, basis: str) -> Recorded:
        pair, scatter = pairs[code, area, basis], scatters.get((code, area, basis), UNKNOWN)
        ratio = _unknown()
        if pair["baseline_count"] is not None and pair["current_count"] is not None:
            ratio = effects.recorded_change(
                pair["current_count"],
                pair["current_day_count"],
                pair["baseline_count"],
                pair["baseline_day_count"],
                scatter.phi,
                scatter.degrees_of_freedom,
            )
        return Recorded(
            code,
            area,
            pair["baseline_count"],
            pair["current_count"],
            ratio,
            scatter.known,
            scatter.degrees_of_freedom if scatter.known else np.inf,
        )

    found: Rows = []
    for code, area, basis in pairs:
        if basis != "recorded" or code not in measures or area != force_area:
            continue
        recorded = change(code, area, basis)
        found += assessed(recorded, measures[code]["recording_scope"], scenarios)
        i = index.get((code, area))
        for variant, result in interrupted.items():
            found.append(_interrupted_row(recorded, variant, result, i, bool(series.starts)))
        found.append(_like_for_like(recorded, pairs, change))
        found.append(_own_hospital(recorded, measures[code]["hospital_code"], change))
    return found


VARIANTS = {
    "together": (True, True),
    "lockdown_kept": (True, False),
    "separate": (False, True),
}


def _interruptions(series: Series, period: int) -> dict[str, effects.Interruption | None]:
    wanted = VARIANTS if period == 12 else {k: VARIANTS[k] for k in ("together", "lockdown_kept")}
    if not series.keys or not series.starts:
        return dict.fromkeys(wanted)
    return {
        name: effects.interrupted_effect(
            series.counts,
            series.days,
            series.starts,
            series.is_measured,
            series.is_lockdown if without else np.zeros_like(series.is_lockdown),
            together=together,
            period=period,
        )
        for name, (together, without) in wanted.items()
    }


def _interrupted_row(
    recorded: Recorded,
    variant: str,
    result: effects.Interruption | None,
    index: int | None,
    has_events: bool,
) -> dict[str, Any]:
    method = "interrupted_time_series"
    if result is None or index is None:
        why = "There is no series of this measure." if has_events else _NO_EVENT
        return row(recorded, method, variant, None, reason=why)
    if not result.is_fitted[index]:
        return row(recorded, method, variant, None, reason=str(result.reason[index]))
    return row(
        recorded,
        method,
        variant,
        at(result.effect, index),
        p_value=float(result.p_value[index]),
        vif=float(result.vif[index]),
        condition_number=float(result.condition_number[index]),
        autocorrelation=float(result.rho[index]),
        used_period_count=int(result.used[index]),
        caution_text=str(result.notes[index]) or None,
    )


_NO_EVENT = (
    "No lasting change of recording between the two years is configured (known_events), so there "
    "is no date to look at."
)


def _like_for_like(recorded: Recorded, pairs: Mapping[Any, Any], change: Any) -> dict[str, Any]:
    code, area = recorded.measure_code, recorded.area_id
    kept = pairs.get((code, area, "like_for_like"))
    if kept is None or kept["baseline_count"] is None or recorded.baseline_count is None:
        why = "No month can be counted in both years."
        return row(recorded, "like_for_like", "rules", None, reason=why)
    if not kept["is_range"]:
        effect = effects.like_for_like_effect(
            recorded.baseline_count,
            kept["baseline_count"],
            recorded.current_count,
            kept["current_count"],
        )
        left = change(code, area, "like_for_like").ratio
        return row(recorded, "like_for_like", "rules", effect, adjusted=left)
    effect = effects.flag_range_effect(
        kept["baseline_count"],
        kept["baseline_possible_count"],
        recorded.current_count,
        kept["current_count"],
        kept["current_possible_count"],
    )
    days = kept["current_day_count"], kept["baseline_day_count"]
    scatter = recorded.dispersion or 1.0, recorded.degrees_of_freedom
    least = effects.recorded_change(
        kept["current_count"], days[0], kept["baseline_most_count"], days[1], *scatter
    )
    most = effects.recorded_change(
        kept["current_most_count"], days[0], kept["baseline_count"], days[1], *scatter
    )
    return row(
        recorded,
        "like_for_like",
        "rules",
        effect,
        adjusted=Interval(np.float64(np.nan), least.lower, most.upper),
        caution_text="A range without an estimate: of some records nobody said whether they count.",
    )


def _own_hospital(recorded: Recorded, code: str | None, change: Any) -> dict[str, Any]:
    method, variant = "hospital_controlled", "own"
    if not code:
        why = "Admissions for assault are no control for this measure."
        return row(recorded, method, variant, None, reason=why)
    try:
        own: Recorded = change(code, recorded.area_id, "recorded")
    except KeyError:
        own = Recorded(code, recorded.area_id, None, None, _unknown(), None)
    if own.baseline_count is None or own.current_count is None or recorded.baseline_count is None:
        why = "No admissions, or no records, of both years."
        return row(recorded, method, variant, None, reason=why)
    now, before = hospital.exactly(own.current_count), hospital.exactly(own.baseline_count)
    phi = own.dispersion or 1.0
    result = hospital.hospital_controlled(
        recorded.ratio, hospital.hospital_change(now, before, phi=phi)
    )
    said = " ".join(hospital.cautions(result, now, before))
    # Recorded over (recorded over admissions): what is left is the change of admissions itself.
    left = result.hospital.ratio
    return row(recorded, method, variant, result.effect, adjusted=left, caution_text=said or None)


def events_of(rows: Rows) -> list[tuple[str, np.datetime64]]:
    """Name and first month of every change of recording, in order of time."""
    return [
        (e["event_name"], np.datetime64(e["first_month"]))
        for e in sorted(rows, key=lambda e: e["first_month"])
    ]


# -------------------------------------------------------------------------- the published offences


class Panel(NamedTuple):
    """Offences of one measure: counts (n, forces), NaN where missing."""

    measure_code: str
    offence_name: str
    counts: np.ndarray


class Calendar(NamedTuple):
    """Quarters of all panels. Masks (n,) and ``starts`` as in ``Series``."""

    labels: list[str]
    days: np.ndarray
    is_lockdown: np.ndarray
    is_baseline: np.ndarray
    is_current: np.ndarray
    starts: list[tuple[str, int]]
    is_of_dispersion: np.ndarray

    @property
    def before(self) -> np.ndarray:
        """Quarters to fit: not of a lockdown, before the first change."""
        first = self.starts[0][1] if self.starts else 0
        return (np.arange(len(self.labels)) < first) & ~self.is_lockdown

    @property
    def after(self) -> np.ndarray:
        last = self.starts[-1][1] if self.starts else len(self.labels)
        return self.is_current & (np.arange(len(self.labels)) >= last)


def quarterly_panels(
    quarters: Mapping[str, np.ndarray],
    events: Sequence[tuple[str, np.datetime64]],
    forces: Sequence[str],
    baseline_year: str,
    current_year: str,
) -> tuple[Calendar, list[Panel]]:
    """From the columns of ``int_recording_effect_quarters``."""
    starts = quarters["period_start"].astype("datetime64[M]")
    when = np.unique(starts)
    if not when.size:
        empty = np.zeros(0, dtype=bool)
        return Calendar([], np.zeros(0), empty, empty, empty, [], empty), []
    n = int((when[-1] - when[0]).astype(int)) // 3 + 1
    period = (starts - when[0]).astype(int) // 3
    first_months = when[0] + 3 * np.arange(n)
    ends = (first_months + 3).astype("datetime64[D]")
    days = (ends - first_months.astype("datetime64[D]")).astype(float)
    labels, lockdown, scatter = [""] * n, np.zeros(n, bool), np.zeros(n, bool)
    years = quarters["financial_year"].astype(str)
    for i in np.unique(period, return_index=True)[1]:
        labels[period[i]] = f"{years[i]} Q{int(quarters['financial_quarter'][i])}"
        lockdown[period[i]] = quarters["is_lockdown_quarter"][i]
        scatter[period[i]] = quarters["is_dispersion_quarter"][i]
    changes = []
    for name, day in events:
        # A change within a quarter is of the next one: the quarter holds both.
        months = int((day.astype("datetime64[M]") - when[0]).astype(int))
        changes.append((name, -(-months // 3)))
    # But the first ends the quarters before where it begins.
    if changes:
        months = int((events[0][1].astype("datetime64[M]") - when[0]).astype(int))
        changes[0] = (changes[0][0], months // 3)
    calendar = Calendar(
        labels,
        days,
        lockdown,
        np.array([label.startswith(baseline_year) for label in labels]),
        np.array([label.startswith(current_year) for label in labels]),
        [c for c in changes if 0 < c[1] < n],
        scatter,
    )
    column = {force: j for j, force in enumerate(forces)}
    place = np.array([column[f] for f in quarters["force_code"].astype(str).tolist()])
    codes = quarters["measure_code"].astype(str)
    counts = np.ma.filled(np.ma.asarray(quarters["offence_count"]).astype(np.float64), np.nan)
    panels = []
    for code in np.unique(codes):
        own = codes == code
        values = np.full((n, len(forces)), np.nan)
        values[period[own], place[own]] = counts[own]
        panels.append(Panel(code, str(quarters["offence_name"][own][0]), values))
    return calendar, panels


class Admissions(NamedTuple):
    """Of a region and of the whole it is part of: bounds of both years; months for the scatter.

    ``others``: bounds of both years (now, before) of every other region, by its code.
    """

    now: hospital.Bounds
    before: hospital.Bounds
    whole_now: hospital.Bounds
    whole_before: hospital.Bounds
    phi: float
    phi_of_rest: float
    others: Mapping[str, tuple[hospital.Bounds, hospital.Bounds]]


def months_dispersion(counts: Sequence[float]) -> float:
    """phi of yearly sums of a region's published months; 1 where they do not tell."""
    phi = float(dispersion(np.asarray(counts, dtype=np.float64)).phi_of_sums)
    return 1.0 if np.isnan(phi) else phi


def effects_of_offences(
    calendar: Calendar,
    panels: Sequence[Panel],
    forces: Sequence[str],
    force_names: Sequence[str],
    force_code: str,
    regions: Sequence[str | None],
    donor_sets: Mapping[str, np.ndarray],
    measures: Mapping[str, Mapping[str, Any]],
    scenarios: Sequence[Mapping[str, Any]],
    region_area: str,
    admissions: Admissions | None,
    scatters: Mapping[str, Scatter],
) -> Rows:
    """Every method on every published offence: of the force, and of its region.

    ``regions``: region code of each force, None outside England; ``measures``: rows of the seed
    ``recording_effect_measures`` by offence name; ``scatters``: the force's rows of
    ``int_offence_dispersion`` by measure. What that does not hold (sums of offences or of forces)
    is found by the same function from the same quarters.
    """
    if force_code not in forces or not panels:
        return []
    treated = list(forces).index(force_code)
    area = f"force/{force_code}"
    own_region = regions[treated]
    english = {str(r) for r in regions if r is not None and str(r).startswith("E12")}
    columns = {code: np.array([r == code for r in regions]) for code in sorted(english)}
    series = Series(
        [(p.measure_code, area) for p in panels],
        np.array([p.counts[:, treated] for p in panels]),
        calendar.days,
        calendar.is_lockdown,
        calendar.is_current,
        calendar.starts,
    )
    # A negative count (crimes cancelled later than they were recorded) is no count to fit.
    series.counts[series.counts < 0] = np.nan
    interrupted = _interruptions(series, 4)
    found: Rows = []
    for i, panel in enumerate(panels):
        measure = measures.get(panel.offence_name, _OTHER_OFFENCE)
        recorded = _year_change(
            panel.measure_code,
            area,
            panel.counts[:, [treated]],
            calendar,
            scatters.get(panel.measure_code),
        )
        found += assessed(recorded, measure["recording_scope"], scenarios)
        for variant, result in interrupted.items():
            found.append(_interrupted_row(recorded, variant, result, i, bool(calendar.starts)))
        control = None
        for variant, donors in donor_sets.items():
            if not calendar.starts:
                found.append(row(recorded, "synthetic_control", variant, None, reason=_NO_EVENT))
                continue
            result = synthetic.synthetic_control(
                panel.counts, treated, donors, calendar.before, calendar.after
            )
            if variant == "main":
                control = result
            found.append(_synthetic_row(recorded, variant, result, calendar, force_names))
        if not measure["hospital_code"]:
            why = "Admissions for assault are no control for this offence."
            found.append(row(recorded, "hospital_controlled", "over_synthetic", None, reason=why))
            continue
        found += _against_hospitals(
            recorded,
            _region_changes(panel, columns, own_region, region_area, calendar),
            control,
            admissions,
        )
    return found


#: An offence that the seed does not name.
_OTHER_OFFENCE = {"recording_scope": "all", "hospital_code": None}


class Regions(NamedTuple):
    """Recorded changes of every region of England by code, of all others, and of the force's."""

    own_code: str | None
    own: Recorded
    rest: Recorded
    by_code: dict[str, Recorded]


def _region_changes(
    panel: Panel,
    columns: Mapping[str, np.ndarray],
    own_code: str | None,
    area: str,
    calendar: Calendar,
) -> Regions:
    nobody = np.zeros(panel.counts.shape[1], bool)
    own = columns.get(str(own_code), nobody)
    rest = np.any([c for code, c in columns.items() if code != own_code] or [nobody], axis=0)

    def change(name: str, of: np.ndarray) -> Recorded:
        return _year_change(panel.measure_code, name, panel.counts[:, of], calendar)

    return Regions(
        own_code,
        change(area, own),
        change("rest", rest),
        {
            # Of the other regions only the counts are used: no dispersion is looked for.
            code: _year_change(
                panel.measure_code, f"region/{code}", panel.counts[:, of], calendar, UNKNOWN
            )
            for code, of in columns.items()
        },
    )


def _year_change(
    code: str,
    area: str,
    counts: np.ndarray,
    calendar: Calendar,
    scatter: Scatter | None = None,
) -> Recorded:
    """Both years whole, of the forces given together. Of counts, as in ``mart_force_comparison``:
    a leap day is not allowed for."""
    unknown = Recorded(code, area, None, None, _unknown(), None)
    if not counts.shape[1]:
        return unknown
    total = counts.sum(axis=1)
    now, before = total[calendar.is_current], total[calendar.is_baseline]
    if now.size != 4 or before.size != 4 or np.isnan(now).any() or np.isnan(before).any():
        return unknown
    a, b = now.sum(), before.sum()
    if a < 0 or b <= 0:
        return unknown._replace(baseline_count=int(b), current_count=int(a))
    if scatter is None:
        quiet = np.where(calendar.is_of_dispersion & (total >= 0), total, np.nan)
        found, _ = series_dispersion(quiet[None, :], calendar.days, period=4, least_months=12)
        scatter = Scatter(float(found.phi_of_sums[0]), float(found.degrees_of_freedom[0]))
    ratio = effects.recorded_change(a, 1.0, b, 1.0, scatter.phi, scatter.degrees_of_freedom)
    return Recorded(code, area, int(b), int(a), ratio, scatter.known)


def _synthetic_row(
    recorded: Recorded,
    variant: str,
    result: synthetic.SyntheticControl,
    calendar: Calendar,
    names: Sequence[str],
) -> dict[str, Any]:
    if result.status != synthetic.FITTED:
        return row(recorded, "synthetic_control", variant, None, reason=result.reason)
    said = synthetic.cautions(result, names)
    last = calendar.starts[-1][1]
    early = result.gaps[last - 1]
    notes = [
        # The day is as configured, and need not be public: the sentence rests on it and says so.
        f"If {calendar.starts[-1][0]} took effect from {calendar.labels[last]} on, as configured: "
        f"in {calendar.labels[last - 1]}, the quarter before, the force stood at x{early:.2f} of "
        "its synthetic control already, and that part of the effect would not be of that change."
    ]
    if np.isnan(early):
        notes = []
    return row(
        recorded,
        "synthetic_control",
        variant,
        result.effect,
        p_value=result.p_value,
        caution_text=" ".join((*notes, *said)) or None,
        used_period_count=int(result.before.sum() + result.after.sum()),
        donor_count=int(result.donors.size),
        placebo_rank=result.rank_of_effect,
        distance_rank=result.rank_of_distance,
        compared_unit_count=result.compared,
        attained_level=result.attained_level,
        conformal_lower=_finite(result.conformal.lower),
        conformal_upper=_finite(result.conformal.upper),
        pre_rmspe=result.pre_rmspe,
        rmspe_ratio=result.rmspe_ratio,
        rmspe_ratio_rank=result.rank_of_rmspe_ratio,
        leave_one_out_least=float(result.leave_one_out.min()),
        leave_one_out_greatest=float(result.leave_one_out.max()),
        ratio_before_last_change=float(early),
    )


def _finite(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _against_hospitals(
    force: Recorded,
    regions: Regions,
    control: synthetic.SyntheticControl | None,
    admissions: Admissions | None,
) -> Rows:
    method, region = "hospital_controlled", regions.own
    if admissions is None:
        why = "Published admissions of the region and of England are not there for both years."
        return [
            row(force, method, "over_synthetic", None, reason=why),
            row(region, method, "region", None, reason=why),
        ]
    change = hospital.change_against_rest(
        admissions.now,
        admissions.before,
        admissions.whole_now,
        admissions.whole_before,
        phi=admissions.phi,
        phi_of_rest=admissions.phi_of_rest,
    )

    def controlled(recorded: Recorded, variant: str, ratio: Interval) -> dict[str, Any]:
        result = hospital.hospital_controlled(ratio, change)
        said = " ".join(hospital.cautions(result, admissions.now, admissions.before))
        return row(recorded, method, variant, result.effect, caution_text=said or None)

    rows = []
    if control is None or control.status != synthetic.FITTED:
        why = "There is no synthetic control of this offence to set against admissions."
        rows.append(row(force, method, "over_synthetic", None, reason=why))
    else:
        rows.append(controlled(force, "over_synthetic", control.effect))
    rows.append(_region_row(regions, change, admissions))
    return rows


def _region_row(
    regions: Regions, change: hospital.HospitalChange, admissions: Admissions
) -> dict[str, Any]:
    """The region's place among the regions. Nine do not tell how far regions drift apart when
    nothing changes, so the estimate has no limits and nothing is claimed of it."""
    method, variant, region, rest = "hospital_controlled", "region", regions.own, regions.rest
    if region.current_count is None or rest.current_count is None:
        why = "Not every force of England has both years whole."
        return row(region, method, variant, None, reason=why)
    own, other = (
        log_rate_ratio(r.current_count, 1.0, r.baseline_count, 1.0, r.dispersion or 1.0)
        for r in (region, rest)
    )
    result = hospital.hospital_controlled(interval_of(change_of_ratio(own, other)), change)
    if np.isnan(result.effect.estimate):
        why = "The admissions of a period are not known, or contradict each other."
        return row(region, method, variant, None, reason=why)
    estimate = float(result.effect.estimate)
    compared = [estimate, *_other_regions(regions, admissions)]
    rank = 1 + sum(e > estimate for e in compared)
    notes = [
        f"Number {rank} of {len(compared)} regions, greatest first. So few do not tell how far "
        "regions part when nothing changes: the estimate has no limits and nothing is claimed."
    ]
    if np.isfinite(result.effect.lower) and np.isfinite(result.effect.upper):
        notes.append(
            f"By the chance of counts alone it would lie between {result.effect.lower:.2f} and "
            f"{result.effect.upper:.2f}."
        )
    notes += hospital.cautions(result, admissions.now, admissions.before)
    return row(
        region,
        method,
        variant,
        Interval(np.float64(estimate), np.float64(0.0), np.float64(np.inf)),
        placebo_rank=rank,
        compared_unit_count=len(compared),
        caution_text=" ".join(notes),
    )


def _other_regions(regions: Regions, admissions: Admissions) -> list[float]:
    """The same ratio of every other region, each against the rest of England, where known."""
    known = [r for r in (regions.own, regions.rest) if r.baseline_count and r.current_count]
    if len(known) < 2:
        return []
    now, before = (
        sum(getattr(r, f"{year}_count") for r in known) for year in ("current", "baseline")
    )
    found = []
    for code, own in regions.by_code.items():
        if code == regions.own_code or code not in admissions.others:
            continue
        if not own.baseline_count or own.current_count is None or own.baseline_count >= before:
            continue
        moved = hospital.change_against_rest(
            *admissions.others[code], admissions.whole_now, admissions.whole_before
        )
        a, b = own.current_count, own.baseline_count
        recorded = (a / b) / ((now - a) / (before - b))
        found.append(recorded / float(moved.ratio.estimate))
    return [e for e in found if np.isfinite(e)]
