"""A scenario's world, month by month: every extract of the force and its partners, and the truth.

Draws happen here only in that each part gets a generator of its own, so that no part's draws
depend on another's. Files are ``write``'s, defects ``dirt``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.simulate import audits, grants, hospital, logs, programme, systems
from orchestration.simulate.batch import Batch
from orchestration.simulate.crimes import (
    CODES,
    GO_LIVE_AT,
    ORIGINS,
    VIOLENCE_WITH_INJURY,
    S,
    crimes,
)
from orchestration.simulate.extract import Extract
from orchestration.simulate.geography import Geography, geography
from orchestration.simulate.logs import AUDIT_GROUPS, Logs
from orchestration.simulate.persons import UNKNOWN_AGE, VICTIM
from orchestration.simulate.plan import MonthPlan, plan
from orchestration.simulate.scenario import GO_LIVE, MONTHS, Scenario
from orchestration.simulate.systems import Named, moments, picked

CUT_OVER = GO_LIVE[:7]


@dataclass
class Truth:
    """What really is, beside what the extracts say. Never an extract.

    ``keep`` is given each month's records as they are made (see :mod:`truth`); without it they are
    gathered in ``records``.
    """

    #: one row per crime: its counted reference, where and when it counts, and what it really is
    records: list[pa.Table] = field(default_factory=list)
    #: crimes that are in both systems
    links: list[pa.Table] = field(default_factory=list)
    #: defects that were put in, and what must become of each
    defects: list[pa.Table] = field(default_factory=list)
    keep: Callable[[pa.Table], None] | None = None

    def add(self, records: pa.Table) -> None:
        """A month's records."""
        (self.keep or self.records.append)(records)


@dataclass
class _Running:
    """Numbers that go on from month to month, and what waits for a later one."""

    crime: int = 1
    investigation: int = 1
    log: int = 1
    key: int = 0
    to_convert: list[tuple[Batch, pa.Array]] = field(default_factory=list)
    history: list[pa.Table] = field(default_factory=list)
    logs: list[Logs] = field(default_factory=list)


def _generator(seed: int, *path: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *path])))


def world(scenario: Scenario, seed: int, truth: Truth) -> Iterator[Extract]:
    """Every extract, in the order in which a force would have sent them; fills ``truth``.

    Same scenario and seed, same extracts. Memory is that of about two months.
    """
    geo = geography()
    yield Extract("geography/beats", None, "geography_beats", geo.table())
    plans = plan(scenario, _generator(seed, 0))
    running = _Running()
    for number, month_plan in enumerate(plans):
        yield from _month(scenario, seed, number, month_plan, geo, running, truth)
    yield from _waiting_logs(seed, len(plans), None, running)
    yield from _waiting_history(None, running)
    yield from hospital.admissions(scenario, _generator(seed, 1, 1), geo)
    yield from hospital.attendances(scenario, _generator(seed, 1, 2), geo)
    yield from grants.extracts(scenario, _generator(seed, 1, 3))
    yield from programme.extracts(scenario, _generator(seed, 1, 4))


def _month(
    scenario: Scenario,
    seed: int,
    number: int,
    month_plan: MonthPlan,
    geo: Geography,
    running: _Running,
    truth: Truth,
) -> Iterator[Extract]:
    month = month_plan.month
    rng = _generator(seed, 2, number)
    batch = crimes(scenario, month_plan, _generator(seed, 3, number), geo)
    # Logs are numbered through all months.
    has_log = batch["log"] >= 0
    batch = batch.changed(log=np.where(has_log, batch["log"] + running.log, -1))
    running.log += len(batch)
    in_legacy = batch["recorded_at"] < GO_LIVE_AT

    old = batch.take(in_legacy)
    goes_on = systems.is_converted(old)
    kept = _frozen_where(old, goes_on)
    named_old = systems.name_legacy(kept, running.crime, geo)
    running.crime += len(kept)
    counted_old = _merged(named_old, goes_on, old, rng, running)

    new = batch.take(~in_legacy)
    waiting, running.to_convert = (
        (running.to_convert, []) if month == CUT_OVER else ([], running.to_convert)
    )
    parts = [*(b for b, _ in waiting), new]
    everything = Batch.joined(parts)
    order = np.argsort(everything["recorded_at"], kind="stable")
    named_new = systems.name_connect(everything.take(order), running.investigation)
    running.investigation += len(everything)
    # Where each investigation of the parts ended up.
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    references = named_new.references.take(pa.array(place))
    converted_count = len(everything) - len(new)
    if waiting:
        numbers = pa.chunked_array([numbers for _, numbers in waiting]).combine_chunks()
        truth.links.append(_links(numbers, references.slice(0, converted_count), "converted"))
    own_references = references.slice(converted_count)

    again = np.flatnonzero(systems.is_keyed_twice(new, rng))
    copies = systems.keyed_again(new.take(again), rng)
    named_copies = systems.name_legacy(copies, running.crime, geo)
    running.crime += len(copies)
    if len(again):
        truth.links.append(
            _links(named_copies.references, own_references.take(pa.array(again)), "keyed_twice")
        )
    if len(kept) or len(copies):
        yield from _legacy(month, named_old, named_copies, rng, geo)
    if len(everything):
        yield from _connect(month, named_new, rng, geo, running)

    refs = np.empty(len(batch), object)
    refs[in_legacy] = named_old.references.to_numpy(zero_copy_only=False)
    refs[~in_legacy] = own_references.to_numpy(zero_copy_only=False)
    references_of_batch = pa.array(refs, pa.string())
    running.logs.append(logs.of_crimes(scenario, rng, geo, batch, references_of_batch))
    quiet = logs.without_crime(scenario, month_plan, rng, geo, running.log)
    running.log += len(quiet.month)
    running.logs.append(quiet)
    yield from _waiting_logs(seed, number, month, running)
    yield from _waiting_history(month, running)
    yield from _reviews(seed, number, month, batch, references_of_batch)

    truth.add(
        _record_truth(batch, in_legacy, counted_old, references_of_batch, month, geo, running)
    )


def _frozen_where(batch: Batch, chosen: np.ndarray) -> Batch:
    """Crimes as the old system kept them, where they were carried on in the new one."""
    still = systems.frozen(batch)
    columns = {}
    for name, values in batch.columns.items():
        mask = chosen
        columns[name] = np.where(mask, still[name], values)
    return Batch(columns, batch.persons)


def _merged(
    named: Named, goes_on: np.ndarray, old: Batch, rng: np.random.Generator, running: _Running
) -> np.ndarray:
    """Put what is to be converted aside; returns today's code of every crime of the old system."""
    code = old["code"].copy()
    where = np.flatnonzero(goes_on)
    if len(where):
        carried = systems.converted(old.take(where), rng)
        code[where] = carried["code"]
        running.to_convert.append((carried, named.references.take(pa.array(where))))
    return code


def _links(numbers: pa.Array, investigations: pa.Array, kind: str) -> pa.Table:
    return pa.table(
        {
            "crime_number": numbers,
            "investigation_id": investigations,
            "link_type": pa.array([kind] * len(numbers), pa.string()),
        }
    )


# ----------------------------------------------------------------------- extracts


def _legacy(
    month: str, kept: Named, copies: Named, rng: np.random.Generator, geo: Geography
) -> Iterator[Extract]:
    crimes_table = pa.concat_tables(
        [systems.legacy_crimes(n, rng, geo) for n in (kept, copies) if len(n.batch)]
    )
    persons = pa.concat_tables(
        [systems.legacy_persons(n, rng) for n in (kept, copies) if len(n.batch)]
    )
    if len(copies.batch):
        crimes_table = crimes_table.sort_by(
            [("recorded_at", "ascending"), ("crime_number", "ascending")]
        )
    yield Extract("legacy/crimes", month, f"legacy_crimes_{month}", crimes_table)
    yield Extract("legacy/persons", month, f"legacy_persons_{month}", persons)


def _connect(
    month: str, named: Named, rng: np.random.Generator, geo: Geography, running: _Running
) -> Iterator[Extract]:
    batch = named.batch
    now = systems.connect_codes(batch, batch["code"], rng)
    then = systems.connect_codes(batch, batch["first_code"], rng)
    table = systems.connect_investigations(named, rng, geo, now)
    yield Extract("connect/investigations", month, f"connect_investigations_{month}", table)
    involved = systems.connect_involvements(named, rng)
    yield Extract("connect/involvements", month, f"connect_involvements_{month}", involved)
    running.history.append(systems.connect_history(named, rng, now, then))


def _waiting_history(month: str | None, running: _Running) -> Iterator[Extract]:
    """The changes of a month (None: of all that are left); later ones wait for their month."""
    if not running.history:
        return
    rows = pa.concat_tables(running.history)
    months = pc.strftime(rows.column("changed_at"), format="%Y-%m")
    wanted = [month] if month else sorted(set(months.unique().to_pylist()))
    for one in wanted:
        mine = rows.filter(pc.equal(months, one))
        if mine.num_rows:
            mine = mine.sort_by([("changed_at", "ascending"), ("investigation_id", "ascending")])
            stem = f"connect_classification_history_{one}"
            yield Extract("connect/classification_history", one, stem, mine)
    left = rows.filter(pc.greater(months, month)) if month else rows.slice(0, 0)
    running.history = [left] if left.num_rows else []


def _waiting_logs(
    seed: int, number: int, month: str | None, running: _Running
) -> Iterator[Extract]:
    """Logs of the months before ``month`` (None: all): no crime of a later month comes from them.

    A crime is recorded at most twenty days after its report, so its log is of the same month or of
    the one before.
    """
    everything = Logs.joined(running.logs)
    limit = np.datetime64(month, "M") if month else np.datetime64("9999-01", "M")
    ready = everything.month < limit
    for one in np.unique(everything.month[ready]):
        mine = logs.in_order(everything.of(np.flatnonzero(everything.month == one)))
        name = str(one)
        yield Extract("incidents/logs", name, f"incident_logs_{name}", mine.table)
        place = MONTHS.index(name) if name in MONTHS else number
        audited = audits.cdi(
            _generator(seed, 4, place),
            name,
            mine.table.column("log_number"),
            picked(AUDIT_GROUPS, mine.group),
            mine.required,
            mine.recorded,
            mine.in_time,
        )
        if audited.data.num_rows:
            yield audited
    running.logs = [everything.of(np.flatnonzero(~ready))]


def _reviews(
    seed: int, number: int, month: str, batch: Batch, references: pa.Array
) -> Iterator[Extract]:
    """The monthly audit of section 47 assaults on the young (board paper, paragraph 45)."""
    if month < audits.FIRST_S47_MONTH:
        return
    assaults = (batch["code"] == CODES.index("8N")) & batch["is_young"]
    assaults &= batch["cancelled_code"] < 0
    chosen = references.take(pa.array(np.flatnonzero(assaults)))
    reviewed = audits.s47(_generator(seed, 5, number), month, chosen)
    if reviewed.data.num_rows:
        yield reviewed


# ----------------------------------------------------------------------- the truth


def _record_truth(
    batch: Batch,
    in_legacy: np.ndarray,
    code_of_old: np.ndarray,
    references: pa.Array,
    month: str,
    geo: Geography,
    running: _Running,
) -> pa.Table:
    count = len(batch)
    code = batch["code"].copy()
    code[in_legacy] = code_of_old
    victims = batch.persons.role == VICTIM
    young = victims & (batch.persons.age < 25) & (batch.persons.age != UNKNOWN_AGE)
    has_young = np.zeros(count, bool)
    has_young[batch.persons.record[young]] = True
    knife = np.isin(batch["weapon"], (1, 2))
    neighbourhood = geo.neighbourhood_index[batch["lsoa"]]
    key = running.key + np.arange(count)
    running.key += count
    origin = batch["origin"]
    return pa.table(
        {
            "crime_key": pa.array(key),
            "reference": references,
            "system": picked(("connect", "legacy"), in_legacy.astype(int)),
            "recorded_month": pa.array([month] * count, pa.string()),
            "recorded_at": moments(batch["recorded_at"]),
            "offence_code": picked(CODES, code),
            "lsoa_code": picked(geo.lsoa_codes, batch["lsoa"]),
            "neighbourhood_code": picked(geo.neighbourhood_codes, neighbourhood),
            "npu_code": picked(geo.unit_codes, geo.unit_index[neighbourhood]),
            "has_lsoa": pa.array(batch["has_lsoa"]),
            "has_place": pa.array(batch["has_lsoa"] | batch["has_beat"]),
            "is_violence_with_injury": pa.array(VIOLENCE_WITH_INJURY[code]),
            "has_victim_under_25": pa.array(has_young),
            "has_knife": pa.array(knife),
            "is_knife_used": pa.array(knife & (batch["use"] >= 2)),
            "is_knife_really_used": pa.array(batch["really_used"]),
            "is_spiking": pa.array(batch["is_spiking"]),
            "record_origin": picked(ORIGINS, np.maximum(origin, 0)),
            "is_made_by_new_practice": pa.array(batch["is_additional"]),
            "is_cancelled": pa.array(batch["cancelled_code"] >= 0),
            "is_homicide": pa.array(batch["stratum"] == S["homicide"]),
        }
    )
