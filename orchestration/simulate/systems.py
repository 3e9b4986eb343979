"""The words of each recording system: a batch of crimes as legacy and as CONNECT would export it.

Also the two ways in which one crime comes to be in both: keyed twice in the weeks of the cut-over,
and converted from the old system because it was still open. What a crime is, is ``crimes``'.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.simulate.batch import NEVER, Batch, Persons, minutes
from orchestration.simulate.crimes import (
    CANCELLED_CODES,
    EXTRACT_END,
    GO_LIVE_AT,
    ORIGINS,
    TOXICOLOGY,
    VIOLENCE_WITH_INJURY,
)
from orchestration.simulate.geography import Geography
from orchestration.simulate.persons import ETHNIC_GROUPS, NOT_RECORDED, UNKNOWN_AGE
from orchestration.simulate.scenario import CODES, CONVERTED_FROM, OVERLAP_LAST_DAY

LEGACY_WEAPONS = ("N", "K", "S", "G", "B", "P", "V", "O")
KNIVES = ("KITCHEN_KNIFE", "LOCK_KNIFE", "MACHETE", "ZOMBIE_KNIFE", "OTHER_KNIFE")
CONNECT_WEAPONS = (
    "NONE",
    "OTHER_KNIFE",
    "OTHER_SHARP",
    "FIREARM",
    "BLUNT_OBJECT",
    "NOXIOUS_SUBSTANCE",
    "VEHICLE",
    "OTHER",
)
CONNECT_USES = ("NONE", "SEEN", "INTIMATED", "THREATENED", "USED_TO_INJURE")
#: Sub-codes of CONNECT where they are not 00: the usual one, and those of spiking.
SUB_CODES = {
    "8N": "06",
    "5D": "01",
    "5E": "10",
    "105A": "01",
    "10D": "01",
    "34B": "01",
    "3B": "01",
    "1": "01",
    "4.1": "01",
}
WOUNDING, POISON, NOXIOUS = "8N-01", "8N-02", "5E-24"
AGE_BANDS = ("0-9", "10-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+", "Unknown")
BAND_STARTS = np.array([10, 18, 25, 35, 45, 55, 65])
LEGACY_ETHNICITY = {
    "white": ("W1", "W1", "W1", "W1", "W2", "W9"),
    "asian": ("A1", "A2", "A2", "A3", "A4", "A9"),
    "black": ("B1", "B1", "B2", "B2", "B9", "B9"),
    "mixed": ("M1", "M1", "M1", "M2", "M3", "M9"),
    "other": ("O1", "O9", "O9", "O9", "O9", "O9"),
    "unknown": ("NS", "NS", "NS", "NS", "NS", "NS"),
}
CONNECT_ETHNICITY = {
    "white": ("White - British",) * 4 + ("White - Irish", "White - Other"),
    "asian": (
        "Asian - Indian",
        "Asian - Pakistani",
        "Asian - Pakistani",
        "Asian - Bangladeshi",
        "Asian - Chinese",
        "Asian - Other",
    ),
    "black": ("Black - Caribbean",) * 2 + ("Black - African",) * 2 + ("Black - Other",) * 2,
    "mixed": ("Mixed - White and Black Caribbean",) * 3
    + ("Mixed - White and Black African", "Mixed - White and Asian", "Mixed - Other"),
    "other": ("Other - Arab",) + ("Other - Any other",) * 5,
    "unknown": ("Not stated",) * 6,
}
OFFICER_ETHNICITY = {
    "white": "IC1",
    "asian": "IC4",
    "black": "IC3",
    "mixed": "IC3",
    "other": "IC6",
    "unknown": "IC0",
}

#: Share of the knives that were not used of which the old system says so (simulator's).
SAYS_NO = 0.45

#: What goes wrong when a crime is keyed or converted a second time (simulator's shares).
OTHER_CODE, NO_LOG, NO_LSOA, OTHER_TIME, NO_REFERENCE = 0.06, 0.10, 0.03, 0.08, 0.10
#: Share of CONNECT's crimes of the overlap that were keyed in the old system too, and of those
#: copies the share that someone cancelled as duplicates.
KEYED_TWICE, NOTICED = 0.12, 0.15
#: Cancelled because it is part of, or a duplicate of, a crime already recorded (HOCR, C3).
DUPLICATE = CANCELLED_CODES.index("C3")
#: Codes taken for each other at conversion: violence with injury stays that, everything else too.
CONVERTED_CODES = {
    "8N": "5D",
    "5D": "8N",
    "105A": "8L",
    "8L": "8R",
    "8R": "8L",
    "9A": "9B",
    "58A": "58C",
    "58C": "58A",
    "28E": "28F",
    "45": "126",
    "49": "46",
}


@dataclass(frozen=True)
class Named:
    """A batch whose crimes have the reference of the system it is in."""

    batch: Batch
    references: pa.Array
    numbers: np.ndarray


def padded(numbers: np.ndarray, width: int) -> pa.Array:
    """Whole numbers as text with leading zeros."""
    return pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")


def joined(*parts: pa.Array | str) -> pa.Array:
    """Texts put together element by element."""
    return pc.binary_join_element_wise(*parts, "")


def picked(words: tuple[str, ...] | np.ndarray, at: np.ndarray, given=None) -> pa.Array:
    """``words[at]`` as text, null where not ``given``."""
    mask = None if given is None else ~np.asarray(given)
    indices = pa.array(np.asarray(at, np.int32), mask=mask)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string())).cast(pa.string())


def moments(values: np.ndarray) -> pa.Array:
    """Moments, null where there is none."""
    return pa.array(values.astype("datetime64[s]"), pa.timestamp("s"))


def log_numbers(batch: Batch) -> pa.Array:
    """Number of each crime's log: the day it was opened, and a running number."""
    stamp = pc.strftime(moments(batch["reported_at"]), format="%Y%m%d")
    number = joined(stamp, "-", padded(np.maximum(batch["log"], 0), 7))
    return pc.if_else(pa.array(batch["log"] >= 0), number, pa.scalar(None, pa.string()))


def two_digit_year(values: np.ndarray) -> pa.Array:
    """The last two digits of the year of moments."""
    return padded((values.astype("datetime64[Y]").astype(int) + 1970) % 100, 2)


# ----------------------------------------------------------------------- legacy


def name_legacy(batch: Batch, first_number: int, geo: Geography) -> Named:
    """Crime numbers: unit, running number, year."""
    unit = geo.unit_index[geo.neighbourhood_index[batch["lsoa"]]]
    numbers = np.arange(first_number, first_number + len(batch))
    references = joined(
        picked(geo.unit_codes, unit),
        "/",
        padded(numbers, 7),
        "/",
        two_digit_year(batch["recorded_at"]),
    )
    return Named(batch, references, numbers)


def legacy_crimes(named: Named, rng: np.random.Generator, geo: Geography) -> pa.Table:
    """The extract ``legacy/crimes``."""
    batch = named.batch
    count = len(batch)
    u = rng.random(count)
    neighbourhood = geo.neighbourhood_index[batch["lsoa"]]
    weapon, use = batch["weapon"], batch["use"]
    is_knife = np.isin(weapon, (1, 2))
    used = is_knife & (use >= 2)
    # 'No' is only ever written where it is true; a knife that was used and not flagged is blank.
    says_no = ~used & ~batch["really_used"] & (u < np.where(is_knife, SAYS_NO, 0.03))
    is_open = batch["outcome"] == 0
    cancelled = batch["cancelled_code"]
    return pa.table(
        {
            "crime_number": named.references,
            "incident_log_number": log_numbers(batch),
            "recorded_at": moments(batch["recorded_at"]),
            "reported_at": moments(batch["reported_at"]),
            "occurred_from_at": moments(batch["occurred_from_at"]),
            "occurred_to_at": moments(batch["occurred_to_at"]),
            "offence_code": picked(CODES, batch["code"]),
            "location_lsoa": picked(geo.lsoa_codes, batch["lsoa"], batch["has_lsoa"]),
            "neighbourhood_code": picked(geo.legacy_codes, neighbourhood, batch["has_beat"]),
            "npu_code": picked(geo.unit_codes, geo.unit_index[neighbourhood], batch["has_beat"]),
            "is_domestic": pa.array(batch["is_domestic"], mask=rng.random(count) < 0.02),
            "weapon_code": picked(LEGACY_WEAPONS, weapon, (weapon > 0) | (u < 0.7)),
            "knife_used": picked(("N", "Y"), used.astype(int), used | says_no),
            "outcome_type": pc.if_else(
                pa.array(is_open), pa.scalar(None, pa.string()), padded(batch["outcome"], 1)
            ),
            "outcome_date": pc.cast(moments(batch["outcome_at"]), pa.date32(), safe=False),
            "cancelled_code": picked(CANCELLED_CODES, np.maximum(cancelled, 0), cancelled >= 0),
            "cancelled_at": moments(batch["cancelled_at"]),
        }
    )


def legacy_persons(named: Named, rng: np.random.Generator) -> pa.Table:
    """The extract ``legacy/persons``."""
    p = named.batch.persons
    count = len(p.record)
    unsaid = rng.random(count)
    variant = rng.integers(0, 6, count)
    own = np.array([LEGACY_ETHNICITY[g] for g in ETHNIC_GROUPS]).ravel()
    seen = np.array([OFFICER_ETHNICITY[g] for g in ETHNIC_GROUPS])
    return pa.table(
        {
            "crime_number": named.references.take(pa.array(p.record)),
            "person_seq": pa.array(p.number, pa.int32()),
            "role": picked(("victim", "suspect"), p.role),
            "age_at_offence": pa.array(p.age.astype(np.int32), mask=p.age == UNKNOWN_AGE),
            "sex": picked(("M", "F", "U"), p.sex),
            "ethnicity_self": picked(own, p.ethnicity * 6 + variant, unsaid >= 0.25),
            "ethnicity_officer": picked(seen, p.ethnicity, unsaid < 0.85),
            "person_ref": person_references(p),
        }
    )


def person_references(persons: Persons) -> pa.Array:
    """References of persons, null where there is none."""
    text = joined("P", padded(np.maximum(persons.reference, 0), 10))
    return pc.if_else(pa.array(persons.reference >= 0), text, pa.scalar(None, pa.string()))


# ----------------------------------------------------------------------- CONNECT


def name_connect(batch: Batch, first_number: int) -> Named:
    """Investigation identifiers: year and running number."""
    numbers = np.arange(first_number, first_number + len(batch))
    references = joined("INV-", two_digit_year(batch["recorded_at"]), "-", padded(numbers, 8))
    return Named(batch, references, numbers)


def connect_codes(batch: Batch, codes: np.ndarray, rng: np.random.Generator) -> pa.Array:
    """Home Office codes as CONNECT writes them, with a sub-code."""
    words = [f"{c}-{SUB_CODES.get(c, '00')}" for c in CODES]
    at = np.array(codes, np.int64)
    words += [WOUNDING, POISON, NOXIOUS]
    wounding, poison, noxious = len(words) - 3, len(words) - 2, len(words) - 1
    u = rng.random(len(at))
    actual, endangering = CODES.index("8N"), CODES.index("5E")
    spiking = batch["is_spiking"]
    at = np.where((codes == actual) & ~spiking & (u < 0.24), wounding, at)
    at = np.where((codes == actual) & spiking, poison, at)
    at = np.where((codes == endangering) & spiking & (u < 0.5), noxious, at)
    return picked(tuple(words), at)


def connect_investigations(
    named: Named, rng: np.random.Generator, geo: Geography, codes: pa.Array
) -> pa.Table:
    """The extract ``connect/investigations``; ``codes`` from :func:`connect_codes`."""
    batch = named.batch
    count = len(batch)
    u = rng.random(count)
    weapon, use = batch["weapon"], batch["use"]
    knife = np.array([*KNIVES, "OTHER_SHARP"])
    chosen = picked(CONNECT_WEAPONS, weapon)
    kind = picked(knife, rng.integers(0, len(KNIVES), count))
    chosen = pc.if_else(pa.array(weapon == 1), kind, chosen)
    with_injury = VIOLENCE_WITH_INJURY[batch["code"]]
    chosen = pc.if_else(pa.array((weapon == 0) & with_injury), "BODILY_FORCE", chosen)
    two = (weapon > 0) & (u < 0.06)
    chosen = pc.if_else(pa.array(two), joined(chosen, ";BLUNT_OBJECT"), chosen)
    given = (weapon > 0) | with_injury | (u < 0.6)
    chosen = pc.if_else(pa.array(given), chosen, pa.scalar(None, pa.string()))
    cancelled = batch["cancelled_code"] >= 0
    done = batch["outcome"] > 0
    status = np.where(cancelled, 2, np.where(done, 1, 0))
    occurrence = np.where(batch["log"] >= 0, batch["log"], 50_000_000 + named.numbers)
    return pa.table(
        {
            "investigation_id": named.references,
            "occurrence_id": joined(
                "OCC-", two_digit_year(batch["recorded_at"]), "-", padded(occurrence, 8)
            ),
            "log_ref": log_numbers(batch),
            "created_at": moments(batch["recorded_at"]),
            "reported_at": moments(batch["reported_at"]),
            "offence_start": moments(batch["occurred_from_at"]),
            "offence_end": moments(
                np.where(
                    np.isnat(batch["occurred_to_at"]),
                    batch["occurred_from_at"],
                    batch["occurred_to_at"],
                )
            ),
            "current_offence_code": codes,
            "location_lsoa": picked(geo.lsoa_codes, batch["lsoa"], batch["has_lsoa"]),
            "beat_code": picked(geo.beat_codes, geo.beat_index[batch["lsoa"]], batch["has_beat"]),
            "dv_flag": pa.array(batch["is_domestic"]),
            "weapon_list": chosen,
            "weapon_use": picked(CONNECT_USES, use),
            "record_origin": picked(
                ORIGINS,
                np.maximum(batch["origin"], 0),
                (batch["origin"] >= 0) & (batch["is_additional"] | (u < 0.99)),
            ),
            "spiking_flag": pa.array(batch["is_spiking"]),
            "toxicology_result": picked(
                tuple(t.upper() for t in TOXICOLOGY), batch["toxicology"], batch["toxicology"] > 0
            ),
            "outcome_type": pc.if_else(
                pa.array(done),
                joined("OC", padded(batch["outcome"], 1)),
                pa.scalar(None, pa.string()),
            ),
            "outcome_at": moments(batch["outcome_at"]),
            "status": picked(("OPEN", "FINALISED", "CANCELLED"), status),
        }
    )


def connect_involvements(named: Named, rng: np.random.Generator) -> pa.Table:
    """The extract ``connect/involvements``."""
    p = named.batch.persons
    count = len(p.record)
    variant = rng.integers(0, 6, count)
    words = np.array([CONNECT_ETHNICITY[g] for g in ETHNIC_GROUPS]).ravel()
    known = p.age != UNKNOWN_AGE
    band = np.where(known, np.searchsorted(BAND_STARTS, p.age, side="right"), 8)
    sex = ("Male", "Female", "Not recorded")
    return pa.table(
        {
            "investigation_id": named.references.take(pa.array(p.record)),
            "involvement_seq": pa.array(p.number, pa.int32()),
            "role": picked(("VICTIM", "SUSPECT"), p.role),
            "dob_year": pa.array(p.birth_year.astype(np.int32), mask=~known),
            "age_band": picked(AGE_BANDS, band),
            "sex": picked(sex, p.sex, (p.sex != NOT_RECORDED) | (rng.random(count) < 0.5)),
            "ethnicity": picked(words, p.ethnicity * 6 + variant, rng.random(count) >= 0.12),
            "person_ref": person_references(p),
        }
    )


HISTORY_COLUMNS = ("investigation_id", "changed_at", "from_code", "to_code", "reason")
#: Seconds of the minute at which each kind of change is noted: no two changes share a moment.
_RECLASSIFIED, _REQUESTED, _REJECTED, _CANCELLED = 11, 23, 37, 53
#: Requests to cancel on additional verifiable information that came to nothing, a crime (paper,
#: paragraph 13: "often rejected").
REQUESTS = 0.012


def connect_history(
    named: Named, rng: np.random.Generator, now: pa.Array, then: pa.Array
) -> pa.Table:
    """Rows of ``connect/classification_history`` of these investigations, whenever they fell."""
    batch = named.batch
    count = len(batch)
    created = batch["recorded_at"]
    wait = minutes(60 * (1 + rng.exponential(24 * 9, count)))
    at = np.minimum(created + wait, EXTRACT_END - np.timedelta64(86_400, "s"))
    at = np.maximum(at, created)
    cancelled = batch["cancelled_code"] >= 0
    changed = batch["first_code"] != batch["code"]
    asked = ~cancelled & (rng.random(count) < REQUESTS)
    # A cancellation on information that no crime took place was asked for before.
    before = cancelled & (batch["cancelled_code"] == CANCELLED_CODES.index("C2"))
    halfway = created + (batch["cancelled_at"] - created) / 2
    refused = asked & (rng.random(count) < 0.85)
    parts = []
    for which, when, second, reason, source in (
        (changed, at, _RECLASSIFIED, "reclassified", then),
        (asked, at, _REQUESTED, "avi_requested", now),
        (refused, at + minutes(np.full(count, 26 * 60)), _REJECTED, "avi_rejected", now),
        (before, halfway, _REQUESTED, "avi_requested", now),
        (cancelled, batch["cancelled_at"], _CANCELLED, None, now),
    ):
        rows = np.flatnonzero(which)
        take = pa.array(rows)
        moment = when[rows].astype("datetime64[m]").astype("datetime64[s]")
        moment = np.minimum(moment, EXTRACT_END.astype("datetime64[m]")) + np.timedelta64(
            second, "s"
        )
        if reason is None:
            names = tuple(f"cancelled_{c.lower()}" for c in CANCELLED_CODES)
            reasons = picked(names, batch["cancelled_code"][rows])
        else:
            reasons = pa.array([reason] * len(rows), pa.string())
        parts.append(
            pa.table(
                {
                    "investigation_id": named.references.take(take),
                    "changed_at": moments(moment),
                    "from_code": source.take(take),
                    "to_code": now.take(take),
                    "reason": reasons,
                }
            )
        )
    return pa.concat_tables(parts)


# ----------------------------------------------------------------------- in both systems


def is_converted(batch: Batch) -> np.ndarray:
    """Crimes of the old system, recent and still open at go-live: those that were converted."""
    recent = batch["recorded_at"] >= np.datetime64(CONVERTED_FROM, "s")
    recent &= batch["recorded_at"] < GO_LIVE_AT
    is_open = (batch["outcome"] == 0) | (batch["outcome_at"] >= GO_LIVE_AT)
    stands = (batch["cancelled_code"] < 0) | (batch["cancelled_at"] >= GO_LIVE_AT)
    return recent & is_open & stands


def frozen(batch: Batch) -> Batch:
    """Crimes as the old system kept them when they were carried on in the new one."""
    count = len(batch)
    nothing = np.full(count, NEVER)
    return batch.changed(
        outcome=np.zeros(count, np.int8),
        outcome_at=nothing,
        cancelled_code=np.full(count, -1, np.int8),
        cancelled_at=nothing,
    )


def converted(batch: Batch, rng: np.random.Generator) -> Batch:
    """Open crimes of the old system as CONNECT has them: created in the weeks of the cut-over."""
    count = len(batch)
    code = _confused(batch, rng)
    created = GO_LIVE_AT + minutes(6 * 60 + rng.random(count) * (13 * 24 - 8) * 60)
    # Nothing ends before it was there.
    at = np.maximum(batch["outcome_at"], created)
    gone = np.maximum(batch["cancelled_at"], created + np.timedelta64(3_600, "s"))
    return _careless(
        batch.changed(
            code=code,
            first_code=batch["code"],
            recorded_at=created,
            origin=np.full(count, -1, np.int8),
            outcome_at=np.where(np.isnat(batch["outcome_at"]), NEVER, at),
            cancelled_at=np.where(np.isnat(batch["cancelled_at"]), NEVER, gone),
        ),
        rng,
    )


def is_keyed_twice(batch: Batch, rng: np.random.Generator) -> np.ndarray:
    """Crimes of CONNECT's first weeks that someone keyed in the old system as well."""
    end = np.datetime64(OVERLAP_LAST_DAY, "s") + np.timedelta64(86_400, "s")
    inside = (batch["recorded_at"] >= GO_LIVE_AT) & (batch["recorded_at"] < end)
    return inside & (rng.random(len(batch)) < KEYED_TWICE)


def keyed_again(batch: Batch, rng: np.random.Generator) -> Batch:
    """Those crimes as the old system has them: within hours, carelessly, and never finished; some
    were seen to be duplicates and cancelled as such, which cancels the copy and not the crime."""
    count = len(batch)
    at = batch["recorded_at"] + minutes(rng.integers(-180, 180, count))
    at = np.maximum(at, np.maximum(GO_LIVE_AT, batch["reported_at"]))
    noticed = rng.random(count) < NOTICED
    gone = at + minutes(60 * 24 * (1 + rng.random(count) * 20))
    copy = frozen(batch).changed(
        code=_confused(batch, rng),
        recorded_at=at,
        cancelled_code=np.where(noticed, DUPLICATE, -1).astype(np.int8),
        cancelled_at=np.where(noticed, gone, NEVER),
    )
    return _careless(copy, rng)


def is_protected(batch: Batch) -> np.ndarray:
    """Crimes that a scenario may count to the last one: enough of them is written down, in each
    system, for anyone to see that two records are one crime."""
    return batch["is_young"] | np.isin(batch["weapon"], (1, 2))


def _confused(batch: Batch, rng: np.random.Generator) -> np.ndarray:
    """Codes of a second entry: for a few another than that of the first."""
    other = np.arange(len(CODES))
    for old, new in CONVERTED_CODES.items():
        other[CODES.index(old)] = CODES.index(new)
    swap = (rng.random(len(batch)) < OTHER_CODE) & ~is_protected(batch)
    return np.where(swap, other[batch["code"]], batch["code"])


def _careless(batch: Batch, rng: np.random.Generator) -> Batch:
    """What is lost or altered when a crime is put into a system a second time."""
    count = len(batch)
    kept = is_protected(batch)
    edited = rng.random(count) < OTHER_TIME
    shift = minutes(np.where(edited, rng.integers(-60, 0, count), 0))
    persons = batch.persons
    lost = rng.random(len(persons.record)) < NO_REFERENCE
    return replace(
        batch.changed(
            log=np.where((rng.random(count) < NO_LOG) & ~kept, -1, batch["log"]),
            has_lsoa=batch["has_lsoa"] & ((rng.random(count) >= NO_LSOA) | kept),
            occurred_from_at=batch["occurred_from_at"] + shift,
        ),
        persons=replace(persons, reference=np.where(lost, -1, persons.reference)),
    )
