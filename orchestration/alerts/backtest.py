"""The alerts of a span held to what is known of it, and to changes that are put in.

Two questions, because labels are few: what did the checks say *as it happened* (alerts that opened,
against episodes that are known from elsewhere), and what would they have said of a change of known
size in a series that was quiet (*put in*). Both judge each period only by those before it and with
the false discovery rate of the run, as the mart does.

A change is put into one series at a time, and the series is judged within the run that it was part
of: its p replaces its own among all p of the family (source and period), and with peers its data
replace its own among its peers. Benjamini and Hochberg call a p that replaces another a discovery
exactly where it is at most ``rate * R / m``, R being the number of discoveries if it were 0, so
that thousands of changes need no run of their own (:func:`discovery_limits`).

Pure: numpy, no I/O. Reading a release, labels and printing belong to ``backtest_report``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from orchestration.detectors.choose import FARRINGTON
from orchestration.recording_checks import judge_ledger
from orchestration.statistics.intervals import wilson_interval

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.str_]

PASS, WATCH, ALERT, NOT_ASSESSED = "PASS", "WATCH", "ALERT", "NOT ASSESSED"
#: Months in which a change is found or missed, and in which an alert after a known start is its.
HORIZON = 6
#: A series is quiet where it had no alert for so many months.
QUIET = 12
#: Assessed periods without the finding that an episode outlasts: as the alert book.
GAP = 1
#: Changes of each size put into each check.
CHANGES = 100
#: Rules that a change of volume, or a part of the month that is missing, can reach. Others are
#: about what is there or not, or about places among forces: nothing of a size can be put in.
OF_VOLUME = frozenset({"doubled_volume", "police_uk_doubled", "home_office_doubled"})
OF_DAYS = frozenset({"missing_days"})


class Effect(NamedTuple):
    """A change of known size. ``size``: part of the count that is added (or, below 0, lost); of a
    share, part of its odds. ``shape``: one period, from then on, or growing to its size over twelve
    months."""

    code: str
    shape: Literal["spike", "step", "drift"]
    size: float


#: 15% is what CONNECT is said to have added, 50% what the tables of docs/detectors.md use; a period
#: that is doubled or half missing is what supply does.
EFFECTS = (
    Effect("step_up_15", "step", 0.15),
    Effect("step_up_50", "step", 0.50),
    Effect("step_down_15", "step", -0.15),
    Effect("step_down_50", "step", -0.50),
    Effect("doubled_once", "spike", 1.0),
    Effect("halved_once", "spike", -0.50),
    Effect("drift_up_50", "drift", 0.50),
)


class Check(NamedTuple):
    """What the seed ``recording_checks`` says of a check."""

    code: str
    direction: str
    is_held_to_peers: bool
    is_migration: bool
    watch_p_value: float
    alert_q_value: float
    alert_from: float
    least_change: float


class Ledger(NamedTuple):
    """Rows of ``mart_recording_practice``, (rows,) each, by series and month.

    ``series``: 0 upwards; ``check``, ``breakdown``, ``area`` (``force/...``), ``source``, ``kind``
    (detector_type), ``status``, ``detector``: text; ``month``: months since 1970; ``width``: months
    of a period; ``x``, ``n``: counts, NaN where missing or not supplied; ``weight``: in baselines;
    ``p``: NaN where nothing was tested; ``direction``: 1 up, -1 down, 0 neither.
    """

    series: Ints
    check: Texts
    breakdown: Texts
    area: Texts
    source: Texts
    month: Ints
    width: Ints
    kind: Texts
    x: Array
    n: Array
    weight: Array
    p: Array
    status: Texts
    direction: NDArray[np.int8]
    detector: Texts

    def of_forces(self) -> Flags:
        """Rows of whole forces (rows,): units are held to their force, and not judged here."""
        return np.char.startswith(self.area, "force/")

    def family(self) -> Ints:
        """Rows of one false discovery rate: of a source and period (rows,)."""
        _, source = np.unique(self.source, return_inverse=True)
        return source * 100_000 + self.month

    def part(self) -> Texts:
        """The check as the alert book names it, its breakdown included (rows,)."""
        plain = self.breakdown == "all"
        return np.where(
            plain, self.check, np.char.add(np.char.add(self.check, "/"), self.breakdown)
        )


class Label(NamedTuple):
    """A time and place where recording is known to have been otherwise.

    ``kind``: event, book or hold-out. ``first``, ``last``: months since 1970, both included; an
    alert that opens in them is taken for it. ``area`` as in the ledger; ``part`` (as the alert book
    names a check), ``checks`` (codes) and ``source`` empty for any.
    """

    code: str
    kind: str
    area: str
    first: int
    last: int
    part: str = ""
    source: str = ""
    checks: tuple[str, ...] = ()


# --------------------------------------------------------------------------------------- judging


def judge_again(ledger: Ledger, checks: dict[str, Check]) -> dict[str, np.ndarray]:
    """What was tested, judged once more from the counts; results as ``judge_ledger`` gives them.

    Of forces: a unit's counts are not enough for it, being held to those of its force.
    """
    return judge_ledger(
        series=ledger.series,
        month=ledger.month.astype("datetime64[M]"),
        month_count=ledger.width,
        detector_type=ledger.kind,
        numerator=ledger.x,
        denominator=ledger.n,
        weight=ledger.weight,
        is_to_assess=~np.isnan(ledger.p) & ledger.of_forces(),
        family=ledger.family(),
        peers=_peers(ledger, checks),
        is_migration=np.array([checks[c].is_migration for c in ledger.check.tolist()])
        & (ledger.kind == "share"),
    )


def _peers(ledger: Ledger, checks: dict[str, Check]) -> Ints:
    held = np.array([checks[c].is_held_to_peers for c in ledger.check.tolist()], dtype=bool)
    _, group = np.unique(ledger.part(), return_inverse=True)
    return np.where(held & ledger.of_forces(), group, -1)


def discovery_limits(p_values: ArrayLike, family: ArrayLike, rate: float) -> Array:
    """The largest p that would be a discovery in the place of each, all others as they are.

    ``p_values``, ``family`` (n,), NaN where nothing was tested (NaN there). With m tests of the
    family and R discoveries if this one's p were 0, it is ``rate * R / m``.
    """
    p = np.asarray(p_values, dtype=np.float64)
    _, group = np.unique(np.asarray(family), return_inverse=True)
    limits = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    if not known.size:
        return limits
    known = known[np.lexsort((p[known], group[known]))]
    for of_family in np.split(known, np.flatnonzero(np.diff(group[known])) + 1):
        m = of_family.size
        k = np.arange(1, m + 1)
        in_order = p[of_family]
        held = np.flatnonzero(in_order <= rate * k / m)
        discoveries = held[-1] + 1 if held.size else 0
        # With its p at 0, those before it move up one place.
        before = np.concatenate([[0.0], in_order[:-1]])
        moved = np.maximum.accumulate(np.where(before <= rate * k / m, k, 0))
        limits[of_family] = rate * np.where(discoveries > k, discoveries, moved) / m
    return limits


# ------------------------------------------------------------------------------- as it happened


class Found(NamedTuple):
    """One label: how many checks of how many were assessed in its months and alerted in them, which
    (by name, first first), when first, and after how many months."""

    label: Label
    assessed: int
    alerted: tuple[str, ...]
    first_month: int | None
    delay: int | None


class Happened(NamedTuple):
    """Of a group of rows: assessed periods outside labelled months; alerts that opened, of them in
    labelled months; periods in ALERT outside; labels assessed and found; delays in months."""

    assessed: int
    opened: int
    opened_labelled: int
    alert_periods: int
    labels: int
    labels_found: int
    delays: tuple[int, ...]

    @property
    def opened_outside(self) -> int:
        return self.opened - self.opened_labelled


def in_labels(ledger: Ledger, labels: Sequence[Label]) -> Flags:
    """Whether a row's period has a month of a label of its area (rows,)."""
    inside = np.zeros(ledger.month.shape, dtype=bool)
    part = ledger.part()
    for label in labels:
        inside |= _of_label(ledger, part, label)
    return inside


def _of_label(ledger: Ledger, part: Texts, label: Label) -> Flags:
    rows = (ledger.area == label.area) & (ledger.month <= label.last)
    rows &= ledger.month + ledger.width > label.first
    if label.part:
        rows &= part == label.part
    if label.checks:
        rows &= np.isin(ledger.check, label.checks)
    if label.source:
        rows &= ledger.source == label.source
    return rows


def openings(ledger: Ledger, gap: int = GAP) -> Ints:
    """Rows in which an alert opens: ALERT in a direction, with more than ``gap`` assessed periods
    since the last of that series and direction."""
    assessed = ledger.status != NOT_ASSESSED
    place = np.cumsum(assessed)
    rows = np.flatnonzero(ledger.status == ALERT)
    rows = rows[np.lexsort((ledger.month[rows], ledger.direction[rows], ledger.series[rows]))]
    if not rows.size:
        return rows
    new = np.ones(rows.size, dtype=bool)
    new[1:] = (
        (np.diff(ledger.series[rows]) != 0)
        | (np.diff(ledger.direction[rows].astype(np.int64)) != 0)
        | (np.diff(place[rows]) > gap + 1)
    )
    return np.sort(rows[new])


def label_results(
    ledger: Ledger, labels: Sequence[Label], first: int, last: int
) -> tuple[Found, ...]:
    """Every label that reaches into the months ``first`` to ``last``, and what was said in it."""
    part = ledger.part()
    span = (ledger.month >= first) & (ledger.month <= last)
    found = []
    for label in labels:
        if label.last < first or label.first > last:
            continue
        rows = span & _of_label(ledger, part, label) & (ledger.status != NOT_ASSESSED)
        alerts = np.flatnonzero(rows & (ledger.status == ALERT))
        alerts = alerts[np.argsort(ledger.month[alerts], kind="stable")]
        start = int(ledger.month[alerts[0]]) if alerts.size else None
        found.append(
            Found(
                label,
                np.unique(part[rows]).size,
                tuple(dict.fromkeys(part[alerts].tolist())),
                start,
                None if start is None else max(start - label.first, 0),
            )
        )
    return tuple(found)


def happened(
    ledger: Ledger, labels: Sequence[Label], first: int, last: int, by: Texts
) -> dict[str, Happened]:
    """What was said in the months ``first`` to ``last``, by what ``by`` (rows,) calls each row."""
    span = (ledger.month >= first) & (ledger.month <= last)
    inside = in_labels(ledger, labels)
    outside = span & ~inside & (ledger.status != NOT_ASSESSED)
    opened = openings(ledger)
    opened = opened[span[opened]]
    part = ledger.part()
    of_labels = [(label, np.flatnonzero(span & _of_label(ledger, part, label))) for label in labels]
    results = {}
    for name in sorted(set(by[span].tolist())):
        mine = by == name
        delays = []
        assessed = 0
        for label, rows in of_labels:
            rows = rows[mine[rows] & (ledger.status[rows] != NOT_ASSESSED)]
            if not rows.size:
                continue
            assessed += 1
            said = rows[ledger.status[rows] == ALERT]
            if said.size:
                delays.append(max(int(ledger.month[said].min()) - label.first, 0))
        of_group = opened[mine[opened]]
        results[name] = Happened(
            int((outside & mine).sum()),
            of_group.size,
            int(inside[of_group].sum()),
            int((outside & mine & (ledger.status == ALERT)).sum()),
            assessed,
            len(delays),
            tuple(delays),
        )
    return results


# ----------------------------------------------------------------------------------------- put in


class PutIn(NamedTuple):
    """Changes that were put in, (changes,) each: ``row`` of the ledger that each begins in, into
    what, what was run there, whether an alert in its direction came within the horizon, after how
    many months (NaN where none), and whether the series alerts there without it."""

    row: Ints
    check: Texts
    effect: Texts
    detector: Texts
    is_found: Flags
    delay: Array
    is_found_without: Flags


def put_in(
    ledger: Ledger,
    checks: dict[str, Check],
    labels: Sequence[Label],
    first: int,
    last: int,
    *,
    effects: Sequence[Effect] = EFFECTS,
    changes: int = CHANGES,
    horizon: int = HORIZON,
    seed: int = 0,
    only: Sequence[str] | None = None,
) -> Iterator[tuple[str, PutIn]]:
    """Each check with the changes that were put into it, one check at a time.

    Of whole forces. A change begins in an assessed period of the span whose horizon ends in it, in
    a series without an alert in the twelve months before and outside labelled months; what comes
    after is not looked at when places are drawn, so that the alerts without the change are those of
    chance. ``changes``
    places are drawn for each effect, fewer where there are fewer, by ``seed``: the same whatever
    other checks and effects are asked for. ``only``: these checks.
    """
    assessed = ledger.status != NOT_ASSESSED
    inside = in_labels(ledger, labels)
    peers = _peers(ledger, checks)
    limits = np.full(ledger.p.shape, np.nan)
    rates = {checks[c].alert_q_value for c in np.unique(ledger.check).tolist()}
    family = ledger.family()
    for rate in sorted(r for r in rates if r == r):
        of_rate = np.array([checks[c].alert_q_value == rate for c in ledger.check.tolist()])
        limits[of_rate] = discovery_limits(ledger.p, family, rate)[of_rate]
    starts = np.flatnonzero(np.r_[True, np.diff(ledger.series) != 0])
    start_of = np.repeat(starts, np.diff(np.r_[starts, ledger.series.size]))
    end_of = np.repeat(
        np.r_[starts[1:], ledger.series.size], np.diff(np.r_[starts, ledger.series.size])
    )
    alerts_to = np.r_[0, np.cumsum(ledger.status == ALERT)]
    inside_to = np.r_[0, np.cumsum(inside)]
    place = np.arange(ledger.series.size)
    ahead = np.maximum(horizon // ledger.width, 1)
    back = np.maximum(QUIET // ledger.width, 1)
    until = place + ahead
    earlier = np.maximum(place - back, start_of)
    free = assessed & ledger.of_forces() & (ledger.month >= first) & (until <= end_of)
    free &= ledger.month + (ahead - 1) * ledger.width <= last
    until = np.minimum(until, ledger.series.size)
    free &= alerts_to[place] == alerts_to[earlier]
    free &= inside_to[until] == inside_to[earlier]
    for code in sorted(set(ledger.check.tolist())):
        if only is not None and code not in only:
            continue
        rows = np.flatnonzero(free & (ledger.check == code))
        asked = [e for e in effects if _reaches(checks[code], ledger.kind, rows, e)]
        yield (
            code,
            _put_into(
                ledger, checks[code], rows, asked, changes, seed, start_of, ahead, peers, limits
            ),
        )


def _reaches(check: Check, kind: Texts, rows: Ints, effect: Effect) -> bool:
    if not rows.size:
        return False
    if kind[rows[0]] == "rule":
        if check.code in OF_VOLUME:
            return effect.size > 0 and effect.shape != "drift"
        return check.code in OF_DAYS and effect.size < 0 and effect.shape == "spike"
    return check.direction in ("both", "up" if effect.size > 0 else "down")


class _Drawn(NamedTuple):
    row: Ints
    effect: Ints


def _put_into(
    ledger: Ledger,
    check: Check,
    rows: Ints,
    effects: Sequence[Effect],
    changes: int,
    seed: int,
    start_of: Ints,
    ahead: Ints,
    peers: Ints,
    limits: Array,
) -> PutIn:
    drawn_rows, drawn_effects = [], []
    streams = []
    for number, effect in enumerate(effects):
        random = np.random.default_rng(
            [seed, zlib.crc32(check.code.encode()), zlib.crc32(effect.code.encode())]
        )
        chosen = np.sort(random.choice(rows, min(changes, rows.size), replace=False))
        drawn_rows.append(chosen)
        drawn_effects.append(np.full(chosen.size, number))
        streams.append(random)
    if not drawn_rows:
        nothing = np.empty(0, dtype=bool)
        none = np.empty(0, dtype="<U1")
        return PutIn(np.empty(0, dtype=np.int64), none, none, none, nothing, np.empty(0), nothing)
    drawn = _Drawn(np.concatenate(drawn_rows), np.concatenate(drawn_effects))
    periods = int(ahead[drawn.row[0]])
    width = int(ledger.width[drawn.row[0]])
    window = drawn.row[:, None] + np.arange(periods)
    shape = np.stack([_profile(effects[e], periods, width) for e in drawn.effect])
    sign = np.where(np.array([effects[e].size for e in drawn.effect]) > 0, 1, -1)
    assessed = ledger.status[window] != NOT_ASSESSED
    without = (ledger.status[window] == ALERT) & (ledger.direction[window] == sign[:, None])
    if ledger.kind[drawn.row[0]] == "rule":
        is_alert = _by_rule(ledger, check, window, shape)
        without = ledger.status[window] == ALERT
        without[:, 1:] = False
    else:
        x, n = ledger.x[window], ledger.n[window]
        shared = _is_shared(ledger, check, drawn.row, peers)
        parts = [
            _changed(
                x[of], n[of], shape[of], ledger.kind[drawn.row[0]] == "share", shared, streams[e]
            )
            for e in range(len(effects))
            for of in [drawn.effect == e]
        ]
        new_x = np.concatenate([p[0] for p in parts])
        new_n = np.concatenate([p[1] for p in parts])
        found = _judge_changed(
            ledger, drawn.row, window, new_x, new_n, shared, check.is_migration, start_of, peers
        )
        with np.errstate(invalid="ignore"):
            is_alert = (found["p_value"] <= check.watch_p_value) & (
                found["p_value"] <= limits[window] * (1 + 1e-12)
            )
        is_alert &= found["direction"] == sign[:, None]
        is_alert &= ~_is_small(found, check, str(ledger.kind[drawn.row[0]]))
    is_alert &= assessed
    hit = is_alert.any(axis=1)
    delay = np.where(hit, is_alert.argmax(axis=1) * width, np.nan)
    return PutIn(
        drawn.row,
        np.full(hit.size, check.code),
        np.array([effects[e].code for e in drawn.effect]),
        ledger.detector[drawn.row],
        hit,
        delay,
        (without & assessed).any(axis=1),
    )


def _is_small(found: dict[str, np.ndarray], check: Check, kind: str) -> Flags:
    """Whether a change is too little to matter, as ``mart_recording_practice`` has it."""
    expected = found["expected"]
    rarer = np.minimum(expected, 1 - expected) if kind == "share" else expected
    with np.errstate(invalid="ignore"):
        small = np.abs(found["observed"] - expected) < check.least_change * rarer
    return small & ~(found["is_persistent"] & (found["detector"] == FARRINGTON))


def _profile(effect: Effect, periods: int, width: int) -> Array:
    """How much of the count is added in each period from the first (periods,)."""
    months = np.arange(1, periods + 1) * width
    if effect.shape == "spike":
        return np.where(np.arange(periods) == 0, effect.size, 0.0)
    if effect.shape == "step":
        return np.full(periods, effect.size)
    return effect.size * np.minimum(months / 12, 1.0)


def _by_rule(ledger: Ledger, check: Check, window: Ints, shape: Array) -> Flags:
    x, n = ledger.x[window[:, 0]], ledger.n[window[:, 0]]
    size = shape[:, 0]
    if check.code in OF_DAYS:
        x = x + np.round(-size * (n - x))
    else:
        x = x * (1 + size)
    is_alert = np.zeros(window.shape, dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        is_alert[:, 0] = x / n >= check.alert_from
    return is_alert


def _is_shared(ledger: Ledger, check: Check, rows: Ints, peers: Ints) -> bool:
    """Whether peers have one denominator, so that what is added to one is added to all of it."""
    if not check.is_held_to_peers:
        return False
    row = rows[0]
    of_group = (peers == peers[row]) & (ledger.month == ledger.month[row]) & ~np.isnan(ledger.n)
    return bool(of_group.sum() > 1 and np.unique(ledger.n[of_group]).size == 1)


def _changed(
    x: Array,
    n: Array,
    size: Array,
    is_share: bool,
    is_shared: bool,
    random: np.random.Generator,
) -> tuple[Array, Array]:
    """Counts (changes, periods) with the change in them, drawn, not rounded.

    What is lost is lost one by one (binomial), what is added is drawn in the same way from what is
    there. Of a share the odds change and the whole stays, the rest moves from or to the other
    crimes; where peers share a whole, it grows with the part.
    """
    known = ~np.isnan(x) & (np.isnan(n) | (n >= x) | ~is_share)
    count = np.where(known, x, 0).astype(np.int64)
    if not is_share or is_shared:
        whole, rest = np.divmod(np.maximum(size, 0.0), 1.0)
        added = count * whole + random.binomial(count, rest)
        lost = random.binomial(count, np.clip(-size, 0.0, 1.0))
        new = np.where(known, count + added - lost, x)
        return new, n + (new - x if is_shared else 0.0)
    whole_count = np.where(known, n, 1).astype(np.int64)
    share = count / np.maximum(whole_count, 1)
    with np.errstate(divide="ignore"):
        after = special.expit(special.logit(share) + np.log1p(size))
    with np.errstate(invalid="ignore", divide="ignore"):
        moves_in = np.clip(np.nan_to_num((after - share) / (1 - share)), 0.0, 1.0)
        stays = np.clip(np.nan_to_num(after / share, nan=1.0), 0.0, 1.0)
    moved = random.binomial(whole_count - count, np.where(size > 0, moves_in, 0.0))
    kept = random.binomial(count, np.where(size < 0, stays, 1.0))
    return np.where(known, kept + moved, x), n


def _judge_changed(
    ledger: Ledger,
    rows: Ints,
    window: Ints,
    new_x: Array,
    new_n: Array,
    is_shared: bool,
    is_migration: bool,
    start_of: Ints,
    peers: Ints,
) -> dict[str, np.ndarray]:
    """Results of each change's periods, (changes, periods), each in a copy of its series (and of
    its peers') that ends with the horizon. Each copy is judged from its beginning,
    since what was found before decides what baselines are."""
    kind, width = str(ledger.kind[rows[0]]), int(ledger.width[rows[0]])
    periods = window.shape[1]
    lists, owners = [], []
    by_group: dict[int, Ints] = {}
    for number, row in enumerate(rows.tolist()):
        group = int(peers[row])
        end = ledger.month[row] + (periods - 1) * width
        if group < 0:
            members = np.arange(start_of[row], row + periods)
        else:
            if group not in by_group:
                by_group[group] = np.flatnonzero(peers == group)
            members = by_group[group]
        members = members[ledger.month[members] <= end]
        lists.append(members)
        owners.append(np.full(members.size, number))
    source = np.concatenate(lists)
    owner = np.concatenate(owners)
    x, n = ledger.x[source].copy(), ledger.n[source].copy()
    # Where each change's periods are among the copies.
    key = owner * ledger.series.size + source
    order = np.argsort(key)
    wanted = np.arange(rows.size)[:, None] * ledger.series.size + window
    at = order[np.searchsorted(key[order], wanted)]
    if is_shared:
        month = ledger.month[source]
        grown = np.nan_to_num(new_n - ledger.n[window])
        step = (month - ledger.month[rows][owner]) // width
        there = (step >= 0) & (step < periods)
        n[there] += grown[owner[there], step[there]]
    x[at] = new_x
    if not is_shared:
        n[at] = new_n
    to_assess = ~np.isnan(ledger.p[source])
    _, name = np.unique(owner * ledger.series.size + ledger.series[source], return_inverse=True)
    weight = ledger.weight[source]
    held = peers[rows[0]] >= 0
    # A series that begins later than others of its kind has the same calendar as they.
    alike = (ledger.kind == kind) & (ledger.width == width) & ledger.of_forces()
    base = int(ledger.month[alike].min())
    if kind == "count" and base < ledger.month[source].min():
        first_row = int(np.flatnonzero(alike & (ledger.month == base))[0])
        source, name = np.append(source, first_row), np.append(name, name.max() + 1)
        owner, x, n = np.append(owner, -1), np.append(x, np.nan), np.append(n, np.nan)
        to_assess, weight = np.append(to_assess, False), np.append(weight, 1.0)
    found = judge_ledger(
        series=name,
        month=ledger.month[source].astype("datetime64[M]"),
        month_count=ledger.width[source],
        detector_type=ledger.kind[source],
        numerator=x,
        denominator=n,
        weight=weight,
        is_to_assess=to_assess,
        family=np.zeros(source.size, dtype=np.int64),
        peers=owner if held else np.full(source.size, -1),
        is_migration=np.full(source.size, is_migration),
    )
    wanted = ("p_value", "direction", "detector", "observed", "expected", "is_persistent")
    return {name: found[name][at] for name in wanted}


# -------------------------------------------------------------------------------------- summaries


class Rate(NamedTuple):
    """``count`` of ``total``, with Wilson's 95% limits; NaN where there is none to count."""

    count: int
    total: int
    value: float
    lower: float
    upper: float


def rate_of(count: int, total: int) -> Rate:
    if total == 0:
        return Rate(count, total, np.nan, np.nan, np.nan)
    limits = wilson_interval([float(count)], [float(total)])
    return Rate(count, total, count / total, float(limits.lower[0]), float(limits.upper[0]))


def summary(changes: PutIn, which: Flags) -> dict[str, float | Rate | None]:
    """POD, the same without the change, and the median delay in months of those found."""
    total = int(which.sum())
    delays = changes.delay[which & changes.is_found]
    return {
        "pod": rate_of(int(changes.is_found[which].sum()), total),
        "without": rate_of(int(changes.is_found_without[which].sum()), total),
        "delay": float(np.median(delays)) if delays.size else None,
    }


def together(parts: Sequence[PutIn]) -> PutIn:
    """The changes of several checks as one."""
    return PutIn(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
