"""Command and control logs: those that crimes came from, those that should have given one and did
not, and those of which no crime could come.

Also what an auditor who reads them would find. The extract's words are here too, because no other
system has logs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.simulate.batch import NEVER, Batch, minutes
from orchestration.simulate.crimes import (
    CLASS_OF_CODE,
    EXTRACT_END,
    LOG_REVIEW,
    NO_TRACE,
    month_of,
)
from orchestration.simulate.geography import Geography
from orchestration.simulate.persons import draw, shares
from orchestration.simulate.plan import MonthPlan
from orchestration.simulate.scenario import CLASSES, LQT_FROM, Scenario
from orchestration.simulate.systems import log_numbers, moments, padded, picked

#: What a report of each class of crime is opened as, and what a classifier makes of its text.
OPENING = {
    "vwi": ("VIOL", "DOM", "assault"),
    "vwoi": ("VIOL", "DOM", "assault"),
    "harass": ("HAR", "DOM", "harassment"),
    "sexual": ("SEX", "SEX", "sexual"),
    "robbery": ("ROB", "ROB", "robbery"),
    "burglary": ("BURG", "BURG", "theft"),
    "vehicle": ("VEH", "VEH", "theft"),
    "theft": ("THEFT", "THEFT", "theft"),
    "damage": ("DAM", "DOM", "damage"),
    "drugs": ("DRUG", "DRUG", "other"),
    "weapons": ("KNIFE", "KNIFE", "person_with_knife"),
    "public": ("POL", "DOM", "threats"),
    "society": ("OTH", "OTH", "other"),
    "homicide": ("VIOL", "VIOL", "assault"),
}
OPENING_CODES = (
    *dict.fromkeys(w for o in OPENING.values() for w in o[:2]),
    "ASB",
    "WEL",
    "SUSP",
)
CATEGORIES = (
    "person_with_knife",
    "assault",
    "spiking",
    "threats",
    "robbery",
    "theft",
    "damage",
    "sexual",
    "harassment",
    "nuisance",
    "welfare",
    "other",
)
#: Logs of which no crime can come: opened as, category, share (simulator's).
QUIET = (
    ("ASB", "nuisance", 0.38),
    ("WEL", "welfare", 0.27),
    ("SUSP", "other", 0.16),
    ("OTH", "other", 0.14),
    ("KNIFE", "person_with_knife", 0.05),
)
CLOSINGS = (
    "CRIME",
    "CRIME;NOTRACE",
    "NOCRIME",
    "NOTRACE",
    "ADVICE",
    "ASB",
    "DUP",
    "TRANSFER",
)
RESULTS = ("crime_required", "no_crime", "correct")
#: Share of logs that the Log Quality Team looks at, other than those it finds a crime in.
REVIEWED = 0.10
AUDIT_GROUPS = ("violence", "sexual", "robbery", "other")
_GROUP = np.array(
    [
        0
        if c in ("vwi", "vwoi", "harass", "homicide")
        else 1
        if c == "sexual"
        else 2
        if c == "robbery"
        else 3
        for c in CLASSES
    ]
)


@dataclass
class Logs:
    """Logs as columns in the extract's order, and what an audit of each would find."""

    table: pa.Table
    month: np.ndarray
    group: np.ndarray
    required: np.ndarray
    recorded: np.ndarray
    in_time: np.ndarray

    def of(self, chosen: np.ndarray) -> Logs:
        return Logs(
            self.table.take(pa.array(chosen)),
            *(
                values[chosen]
                for values in (self.month, self.group, self.required, self.recorded, self.in_time)
            ),
        )

    @staticmethod
    def joined(parts: list[Logs]) -> Logs:
        return Logs(
            pa.concat_tables([p.table for p in parts]),
            *(
                np.concatenate([getattr(p, name) for p in parts])
                for name in ("month", "group", "required", "recorded", "in_time")
            ),
        )


def _positions(words: tuple[str, ...], of: list[str]) -> np.ndarray:
    return np.array([words.index(w) for w in of])


_OPENING = _positions(OPENING_CODES, [OPENING[c][0] for c in CLASSES])
_OPENING_DOMESTIC = _positions(OPENING_CODES, [OPENING[c][1] for c in CLASSES])
_CATEGORY = _positions(CATEGORIES, [OPENING[c][2] for c in CLASSES])


def of_crimes(
    scenario: Scenario,
    rng: np.random.Generator,
    geo: Geography,
    batch: Batch,
    references: pa.Array,
) -> Logs:
    """The logs that a month's records came from, one each, whatever system the records are in."""
    with_log = np.flatnonzero(batch["log"] >= 0)
    # The first record of a log is the one the log names.
    order = with_log[np.lexsort((batch["recorded_at"][with_log], batch["log"][with_log]))]
    _, starts, counts = np.unique(batch["log"][order], return_index=True, return_counts=True)
    first = order[starts]
    count = len(first)
    klass = batch["klass"][first]
    opened = batch["reported_at"][first]
    reviewed_crime = batch["origin"][first] == LOG_REVIEW
    no_trace = batch["origin"][first] == NO_TRACE
    domestic = batch["is_domestic"][first]
    spiking = batch["is_spiking"][first]
    opening = np.where(domestic, _OPENING_DOMESTIC[klass], _OPENING[klass])
    opening = np.where(no_trace & (rng.random(count) < 0.45), OPENING_CODES.index("KNIFE"), opening)
    category = np.where(spiking, CATEGORIES.index("spiking"), _CATEGORY[klass])
    category = np.where(
        opening == OPENING_CODES.index("KNIFE"), CATEGORIES.index("person_with_knife"), category
    )
    wrongly = np.array([CLOSINGS.index(c) for c in ("NOTRACE", "NOCRIME", "ADVICE")])
    closing = np.where(no_trace, CLOSINGS.index("CRIME;NOTRACE"), CLOSINGS.index("CRIME"))
    closing = np.where(reviewed_crime, wrongly[rng.integers(0, 3, count)], closing)
    reviewed = _is_reviewed(scenario, rng, opened)
    result = np.where(reviewed_crime, 0, np.where(reviewed, 2, -1))
    # What the team finds is recorded within hours of its finding it.
    at = np.where(
        reviewed_crime,
        np.maximum(opened, batch["recorded_at"][first] - minutes(rng.random(count) * 360)),
        opened + minutes(60 * (30 + rng.exponential(96, count))),
    )
    within = (batch["recorded_at"] - batch["reported_at"]) <= np.timedelta64(86_400, "s")
    in_time = np.add.reduceat(within[order].astype(np.int64), starts) if count else counts
    return _logs(
        rng,
        geo,
        opened=opened,
        numbers=log_numbers(batch).take(pa.array(first)),
        opening=opening,
        closing=closing,
        category=category,
        lsoa=batch["lsoa"][first],
        linked=references.take(pa.array(first)),
        reviewed_at=np.where(result >= 0, np.minimum(at, EXTRACT_END), NEVER),
        result=result,
        group=_GROUP[klass],
        required=counts,
        recorded=counts,
        in_time=in_time,
    )


def without_crime(
    scenario: Scenario,
    plan: MonthPlan,
    rng: np.random.Generator,
    geo: Geography,
    first_number: int,
) -> Logs:
    """Logs opened in the month that gave no crime: missed ones, and those with nothing in them."""
    missed_code = np.repeat(np.arange(len(plan.missed)), plan.missed)
    missed, quiet = len(missed_code), plan.no_crime_logs
    count = missed + quiet
    klass = CLASS_OF_CODE[missed_code]
    kind = draw(rng, shares(tuple(q[2] for q in QUIET)), quiet)
    opening = np.concatenate(
        [_OPENING[klass], _positions(OPENING_CODES, [q[0] for q in QUIET])[kind]]
    )
    category = np.concatenate(
        [_CATEGORY[klass], _positions(CATEGORIES, [q[1] for q in QUIET])[kind]]
    )
    first, following = month_of(plan)
    span = int((following - first) / np.timedelta64(60, "s"))
    opened = first + minutes(rng.random(count) * span)
    closings = np.array([CLOSINGS.index(c) for c in ("NOCRIME", "NOTRACE", "ADVICE", "ASB", "DUP")])
    closing = closings[draw(rng, shares((0.40, 0.22, 0.24, 0.10, 0.04)), count)]
    reviewed = _is_reviewed(scenario, rng, opened)
    # Had the team looked at a missed one, a crime would have been recorded.
    reviewed[:missed] = False
    at = np.minimum(opened + minutes(60 * (30 + rng.exponential(96, count))), EXTRACT_END)
    stamp = pc.strftime(moments(opened), format="%Y%m%d")
    numbers = pc.binary_join_element_wise(
        stamp, padded(np.arange(first_number, first_number + count), 7), "-"
    )
    required = np.concatenate([np.ones(missed, np.int64), np.zeros(quiet, np.int64)])
    return _logs(
        rng,
        geo,
        opened=opened,
        numbers=numbers,
        opening=opening,
        closing=closing,
        category=category,
        lsoa=geo.place("other", rng.random(count)),
        linked=pa.nulls(count, pa.string()),
        reviewed_at=np.where(reviewed, at, NEVER),
        result=np.where(reviewed, 1, -1),
        group=np.concatenate([_GROUP[klass], np.full(quiet, 3)]),
        required=required,
        recorded=np.zeros(count, np.int64),
        in_time=np.zeros(count, np.int64),
    )


def _is_reviewed(scenario: Scenario, rng: np.random.Generator, opened: np.ndarray) -> np.ndarray:
    chosen = rng.random(len(opened)) < REVIEWED
    if not scenario.has_new_practice:
        return np.zeros(len(opened), bool)
    return chosen & (opened >= np.datetime64(LQT_FROM, "s"))


def _logs(
    rng,
    geo: Geography,
    *,
    opened,
    numbers,
    opening,
    closing,
    category,
    lsoa,
    linked,
    reviewed_at,
    result,
    group,
    required,
    recorded,
    in_time,
) -> Logs:
    count = len(opened)
    closed = np.minimum(opened + minutes(20 + rng.exponential(420, count)), EXTRACT_END)
    table = pa.table(
        {
            "log_number": numbers,
            "opened_at": moments(opened),
            "closed_at": moments(closed),
            "opening_code": picked(OPENING_CODES, opening),
            "closing_codes": picked(CLOSINGS, closing),
            "initial_report_text_category": picked(CATEGORIES, category, rng.random(count) >= 0.03),
            "lsoa": picked(geo.lsoa_codes, lsoa, rng.random(count) >= 0.02),
            "linked_crime_ref": linked,
            "ncrs_due_at": moments(opened + np.timedelta64(86_400, "s")),
            "lqt_reviewed_at": moments(reviewed_at),
            "lqt_result": picked(RESULTS, np.maximum(result, 0), result >= 0),
        }
    )
    return Logs(
        table, opened.astype("datetime64[M]"), np.asarray(group), required, recorded, in_time
    )


def in_order(logs: Logs) -> Logs:
    """Logs by the moment they were opened, then by number."""
    keys = pa.table(
        {"opened_at": logs.table.column("opened_at"), "n": logs.table.column("log_number")}
    )
    order = pc.sort_indices(keys, sort_keys=[("opened_at", "ascending"), ("n", "ascending")])
    return logs.of(order.to_numpy())
