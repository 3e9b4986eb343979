"""Which counts of a published table to withhold, so that no small one can be worked out.

A table here is an array of counts with one axis per dimension (areas, periods, categories). The
positions of an axis are *rows*: single ones and totals over them. What a row covers is told by an
incidence matrix over *atoms*, the smallest parts that rows are made of: a month covers itself, a
year its twelve months, the force all its units. Every cell of the table is the sum over the atoms
that its rows cover, and a reader who sees some cells can use all of these sums.

*Small* counts (1 to ``least_shown - 1``; zeros are shown) are withheld in any case. Others are
withheld beside them until, for each small count, two other sets of non-negative counts agree with
everything that is shown: one in which it is nought, one in which it reaches ``least_shown - 1``.
The possible sets are convex, so everything between is possible too, and a reader who solves the
linear programme over all totals learns nothing more. The two sets are constructed, not supposed:
a *move* adds to one atom and takes from another on each axis (or adds only, where no shown total
contains it), which changes the cells whose rows contain the one atom but not the other and no
cell besides. If all of these are withheld and none falls below nought, the move leaves all that is
shown as it is. Of all moves the one is taken that withholds least; where none is found, one is
taken from some atom to another (a *transfer*), as often as it takes. This is the hypercube method
of secondary suppression (S. Giessing and D. Repsilber, "Tools and strategies to protect multiple
tables with the GHQUAR cell suppression engine", in: J. Domingo-Ferrer (ed.), Inference Control in
Statistical Databases, LNCS 2316, 2002), with totals of any overlap in place of nested ones.

What else is shown may bound a cell: the crimes of one kind are no more than all crimes of the area
and month. Moves stay within such bounds (``outer_bounds``). Some of them can be lifted, since the
cell that they come from may be withheld as well (``shown_bounds``): this is done where there is no
other way, and said (``is_lifted``).

Readers keep what was published before. A move that changes only counts that were withheld whenever
they were published (or never were) can be made in every release alike, and agrees with all of
them, whatever has changed between them; so can, in the present one alone, a move that changes only
counts that are not as they ever were. No other moves are used. Counts that were small in an
earlier release are protected as those of the present one.

Totals that are shown whatever they are (``may_hide`` false: the whole force) bound what is
possible: of a total of 1, no part can be 4. Where the full range cannot be reached by moves, every
cell that shares a sum with the small one and may be withheld is; no choice hides more than that.

Belongs here: the choice and the rounding, on arrays. Does not belong here: which counts are
sensitive, what is published of a mart, and what earlier releases have shown (``publish``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

_NEVER = 1e12
"""Cost of a cell that must not be withheld; above any sum of real costs."""

_LARGEST = 2_000_000
"""Cells times atoms of a table in which transfers are searched for."""

_TARGETS = 12
"""Atoms of a cell that transfers are tried to."""


Bounds = tuple[NDArray[np.float64], NDArray[np.float64]]
"""What each cell is at least and at most, in the shape of the table."""


@dataclass(frozen=True)
class Earlier:
    """What earlier releases said of the cells of a table; all arrays have its shape.

    ``was_seen``: the cell was shown in one of them, whatever it counted then. ``is_changed``: it
    counts something else than in any of them, or is new. ``least``: the least it counted in one
    (NaN: it was in none). ``least_small`` and ``greatest_small``: least and greatest of its counts
    that were withheld for being small (NaN: none was).
    """

    was_seen: NDArray[np.bool_]
    is_changed: NDArray[np.bool_]
    least: NDArray[np.float64]
    least_small: NDArray[np.float64]
    greatest_small: NDArray[np.float64]

    @classmethod
    def nothing(cls, shape: tuple[int, ...]) -> Earlier:
        """There was no earlier release."""
        none = np.full(shape, np.nan)
        return cls(np.zeros(shape, dtype=bool), np.ones(shape, dtype=bool), none, none, none)


@dataclass(frozen=True)
class Withheld:
    """What to withhold of one table; all arrays have the shape of the table.

    ``is_small`` marks counts withheld for their size, ``is_beside`` those withheld to protect
    them, ``is_bounded`` the small ones for which all that could be withheld is, since what is
    always shown does not leave the whole range, ``is_known`` the small ones that a reader has seen
    before and nothing can protect, and ``is_lifted`` cells whose ``shown_bounds`` a reader must
    not know.
    """

    is_small: NDArray[np.bool_]
    is_beside: NDArray[np.bool_]
    is_bounded: NDArray[np.bool_]
    is_known: NDArray[np.bool_]
    is_lifted: NDArray[np.bool_]

    @property
    def is_withheld(self) -> NDArray[np.bool_]:
        """Every cell not to be shown."""
        return self.is_small | self.is_beside


def withhold(
    counts: NDArray[np.float64],
    incidences: Sequence[NDArray[np.bool_]],
    *,
    least_shown: int,
    may_hide: NDArray[np.bool_] | None = None,
    is_hidden: NDArray[np.bool_] | None = None,
    earlier: Earlier | None = None,
    outer_bounds: Bounds | None = None,
    shown_bounds: Bounds | None = None,
    weight: NDArray[np.float64] | None = None,
) -> Withheld:
    """The cells of a table to withhold.

    ``counts``: one axis per dimension, whole numbers of 0 or more; NaN where a cell is not
    published. ``incidences``: for each axis a matrix rows x atoms, true where the row covers the
    atom; every atom has a row of its own. ``may_hide``: false for cells that are shown whatever
    they are (default: none such). ``is_hidden``: cells to withhold for other reasons, as that an
    earlier release did. ``earlier``: what earlier releases said of the cells. Small counts that a
    reader has seen, and that have not changed since, are withheld and marked as known.
    ``outer_bounds``: what a reader knows each cell to be at least and at most from counts outside
    the table (default: 0 and no bound). ``shown_bounds``: the same from counts that can still be
    withheld. ``weight``: how much worse than others a cell is to withhold, above 0 (default: all
    alike).

    The result depends on the order of rows only where two choices withhold equally much.
    Raises ValueError where shapes do not fit, counts are negative or no whole numbers, a count is
    not the sum of its parts, an atom has no row of its own, or ``least_shown`` is below 1.
    """
    shape = np.shape(counts)
    if 0 in shape or any(np.shape(each)[1] == 0 for each in incidences):
        nothing = np.zeros(shape, dtype=bool)
        return Withheld(nothing, nothing, nothing, nothing, nothing)
    table = _Table(counts, incidences, may_hide, is_hidden, earlier, least_shown)
    table.bound(outer_bounds, shown_bounds)
    if weight is not None:
        table.price = np.where(table.price < _NEVER, table.price * weight, _NEVER)
    is_small = table.may_hide & (table.counts >= 1) & (table.counts < least_shown)
    table.is_hidden |= is_small
    is_bounded = np.zeros(shape, dtype=bool)
    known_small = is_small & table.earlier.was_seen & ~table.earlier.is_changed
    was_small = ~np.isnan(table.earlier.least_small) & ~table.earlier.was_seen & table.may_hide
    table.is_hidden |= was_small
    most = least_shown - 1
    for position in zip(*np.nonzero((is_small & ~known_small) | was_small), strict=True):
        is_safe = True
        if is_small[position]:
            count = table.counts[position]
            is_safe = table.protect(position, count, count, most)
        if was_small[position] and is_safe:
            low = table.earlier.least_small[position]
            high = table.earlier.greatest_small[position]
            is_safe = table.protect(position, low, high, most, is_past=True)
        if not is_safe:
            is_bounded[position] = True
            table.hide_all_beside(position)
    is_beside = table.is_hidden & ~is_small & ~np.isnan(table.counts)
    return Withheld(is_small, is_beside, is_bounded, known_small, table.is_lifted)


def round_half_up(counts: NDArray[np.float64], base: int) -> NDArray[np.float64]:
    """Counts to the nearest multiple of ``base``, halves upwards; a base of 1 changes nothing.

    Raises ValueError where ``base`` is below 1.
    """
    if base < 1:
        raise ValueError(f"counts cannot be rounded to multiples of {base}")
    return np.floor(np.asarray(counts, dtype=float) / base + 0.5) * base


class _Table:
    """The working state: what is hidden so far, and the moves of each axis."""

    def __init__(
        self,
        counts: NDArray[np.float64],
        incidences: Sequence[NDArray[np.bool_]],
        may_hide: NDArray[np.bool_] | None,
        is_hidden: NDArray[np.bool_] | None,
        earlier: Earlier | None,
        least_shown: int,
    ) -> None:
        self.counts = np.array(counts, dtype=float)
        shape = self.counts.shape
        self.incidences = [np.asarray(each, dtype=bool) for each in incidences]
        if least_shown < 1:
            raise ValueError(f"the least count shown must be at least 1, not {least_shown}")
        if tuple(len(each) for each in self.incidences) != shape:
            raise ValueError("each axis needs an incidence matrix with as many rows as it has")
        given = self.counts[~np.isnan(self.counts)]
        if (given < 0).any() or (given != np.floor(given)).any():
            raise ValueError("counts must be whole numbers of 0 or more")
        self.may_hide = _mask(may_hide, shape, default=True) & ~np.isnan(self.counts)
        self.earlier = earlier or Earlier.nothing(shape)
        if self.earlier.was_seen.shape != shape:
            raise ValueError("what was earlier must have the shape of the counts")
        self.is_hidden = _mask(is_hidden, shape, default=False) & self.may_hide
        self.own_rows = [_own_rows(each) for each in self.incidences]
        self._check_sums()
        self.groups = [_connected(each) for each in self.incidences]
        self._cover: NDArray[np.float64] | None = None
        self._moves: list[dict[int, NDArray[np.float64]]] = [{} for _ in shape]
        # A cell of single atoms that is not published cannot be relied upon to give or take; a
        # total that is not published constrains nothing.
        is_atom = np.zeros(shape, dtype=bool)
        is_atom[np.ix_(*self.own_rows)] = True
        self.is_void = np.isnan(self.counts) & is_atom
        self.is_lifted = np.zeros(shape, dtype=bool)
        self.bound(None, None)
        # Withholding many small cells is better than one that says much.
        self.price = np.where(
            np.isnan(self.counts), 0.0, 1.0 + np.log1p(np.nan_to_num(self.counts))
        )
        self.price[~self.may_hide & ~np.isnan(self.counts)] = _NEVER
        self.price[self.is_void] = _NEVER

    def bound(self, outer: Bounds | None, shown: Bounds | None) -> None:
        """How far each cell can fall, and rise: within all bounds, and within those that stay."""
        shape = self.counts.shape
        free = (np.zeros(shape), np.full(shape, np.inf))
        outer, shown = outer or free, shown or free
        if any(np.shape(each) != shape for each in (*outer, *shown)):
            raise ValueError("bounds must have the shape of the counts")
        is_open = np.isnan(self.counts)
        counts = np.where(is_open, 0.0, self.counts)
        least, most = np.maximum(outer[0], shown[0]), np.minimum(outer[1], shown[1])
        if (~is_open & ((least > counts) | (most < counts))).any():
            raise ValueError("a count lies outside its own bounds")
        self.most = np.asarray(outer[1], dtype=float)
        self.limits = [
            (
                np.where(self.is_void, 0, np.where(is_open, np.inf, counts - low)),
                np.where(is_open, np.inf, high - counts),
            )
            for low, high in ((least, most), outer)
        ]

    def _check_sums(self) -> None:
        atoms = self.counts[np.ix_(*self.own_rows)]
        if np.isnan(atoms).all():
            return
        sums = _contract([matrix.astype(float) for matrix in self.incidences], atoms)
        differs = ~np.isnan(sums) & ~np.isnan(self.counts) & (sums != self.counts)
        if differs.any():
            where = tuple(int(i) for i in np.argwhere(differs)[0])
            raise ValueError(
                f"the count at {where} is {self.counts[where]:g}, and its parts make "
                f"{sums[where]:g}"
            )

    def cost(self, *, now_only: bool) -> NDArray[np.float64]:
        """Cost of changing each cell, in all releases alike or in the present one: none where it is
        withheld already."""
        barred = ~self.earlier.is_changed if now_only else self.earlier.was_seen
        return np.where(barred, _NEVER, np.where(self.is_hidden, 0.0, self.price))

    def moves(self, axis: int, row: int) -> NDArray[np.float64]:
        """Moves that add 1 to a row: moves x rows of the axis, entries -1, 0 and 1."""
        found = self._moves[axis].get(row)
        if found is None:
            incidence = self.incidences[axis].astype(np.int8)
            inside = np.flatnonzero(incidence[row])
            outside = np.flatnonzero(incidence[row] == 0)
            alone = incidence[:, inside].T
            pairs = (
                (incidence[:, inside, None] - incidence[:, None, outside])
                .reshape(len(incidence), -1)
                .T
            )
            found = np.concatenate([alone, pairs]).astype(float)
            self._moves[axis][row] = found
        return found

    def protect(
        self,
        position: tuple[int, ...],
        low: float,
        high: float,
        most: int,
        *,
        is_past: bool = False,
    ) -> bool:
        """Withhold what is needed for a cell of ``low`` to ``high`` to reach from nought to
        ``most``; false, with nothing withheld, where that is not found."""
        up = max(min(most, self._ceiling(position, is_past=is_past)) - low, 0)
        down = high if is_past else min(high, self.limits[1][0][position])
        moves = [self.moves(axis, row) for axis, row in enumerate(position)]
        ways = [(limits, now_only) for now_only in (False, True) for limits in self.limits]
        for (fall, rise), now_only in ways[: 2 if is_past else 4]:
            if not now_only:
                fall = np.fmin(fall, self.earlier.least)
            cost = self.cost(now_only=now_only)
            if cost[position] >= _NEVER:
                continue
            both = self._best(moves, cost, fall, rise, up, down)
            if both is not None:
                effects = [(both, up), (-both, down)]
            else:
                # One set of counts after the other, each in as many moves as it takes.
                higher = self._walk(position, moves, cost, fall, rise, 1, up)
                if higher is None:
                    continue
                cost = np.where(higher != 0, 0, cost)
                lower = self._walk(position, moves, cost, fall, rise, -1, down)
                if lower is None:
                    continue
                effects = [(higher, 1.0), (lower, 1.0)]
            for effect, times in effects:
                self.is_hidden |= effect != 0
                change = effect * times
                self.is_lifted |= (change > self.limits[0][1]) | (-change > self.limits[0][0])
            return True
        return False

    def _walk(
        self,
        position: tuple[int, ...],
        moves: list[NDArray[np.float64]],
        cost: NDArray[np.float64],
        fall: NDArray[np.float64],
        rise: NDArray[np.float64],
        direction: int,
        need: float,
    ) -> NDArray[np.float64] | None:
        """The change of every cell, in several moves; cells that one of them changes and another
        changes back are withheld with the rest."""
        change = np.zeros(self.counts.shape)
        touched = np.zeros(self.counts.shape, dtype=bool)
        while need > 0:
            price = np.where(touched, 0.0, cost)
            step, below, above = None, fall + change, rise - change
            for amount in dict.fromkeys((need, 1.0)):
                up, down = (amount, 0.0) if direction > 0 else (0.0, amount)
                step = self._best(moves, price, below, above, up, down)
                if step is not None:
                    break
            if step is None:
                step = self._transfer(position, price, below, above, direction)
            if step is None:
                return None
            step = step * direction
            limits = [below[step < 0], above[step > 0]]
            amount = min([need, *(each.min() for each in limits if each.size)])
            change += amount * step
            touched |= step != 0
            need -= amount
        # A trace of the cells that end where they began: they too have to be withheld.
        change[touched & (change == 0)] = np.finfo(float).tiny
        return change

    def _transfer(
        self,
        position: tuple[int, ...],
        cost: NDArray[np.float64],
        fall: NDArray[np.float64],
        rise: NDArray[np.float64],
        direction: int,
    ) -> NDArray[np.float64] | None:
        """The cheapest way to take one from any atom outside a cell to one inside it (or back,
        ``direction`` -1), whatever cells that changes; None where there is none."""
        covers = self._covers()
        if covers is None:
            return None
        atoms = tuple(incidence.shape[1] for incidence in self.incidences)
        inside = np.ix_(
            *[
                np.flatnonzero(each[row])
                for each, row in zip(self.incidences, position, strict=True)
            ]
        )
        targets = np.arange(covers.shape[1]).reshape(atoms)[inside].ravel()
        gains, loses = (rise, fall) if direction > 0 else (fall, rise)
        plus = (cost + np.where(gains < 1, _NEVER, 0.0)).ravel()
        minus = (cost + np.where(loses < 1, _NEVER, 0.0)).ravel()
        best, effect = _NEVER / 4, None
        for target in targets[:_TARGETS]:
            own = covers[:, target]
            total = own @ plus + ((1 - own) * minus - own * plus) @ covers
            total[targets] = _NEVER
            source = int(np.argmin(total))
            if total[source] < best:
                best, effect = total[source], own - covers[:, source]
        if effect is None:
            return None
        return np.where(np.isnan(self.counts), 0.0, effect.reshape(self.counts.shape))

    def _covers(self) -> NDArray[np.float64] | None:
        """Which cells cover which atoms of the table (cells x atoms); None for a large table."""
        if self._cover is None:
            atoms = [incidence.shape[1] for incidence in self.incidences]
            if self.counts.size * np.prod(atoms) > _LARGEST:
                return None
            self._cover = reduce(np.kron, [i.astype(float) for i in self.incidences])
        return self._cover

    def _best(
        self,
        moves: list[NDArray[np.float64]],
        cost: NDArray[np.float64],
        fall: NDArray[np.float64],
        rise: NDArray[np.float64],
        up: float,
        down: float,
    ) -> NDArray[np.float64] | None:
        """The cheapest move that can be made ``up`` times and, reversed, ``down`` times: its effect
        on every cell; None where there is none."""
        # Cells that the move adds to rise when it is made and fall when it is reversed.
        short_plus = np.where((rise < up) | (fall < down), _NEVER, 0.0)
        short_minus = np.where((fall < up) | (rise < down), _NEVER, 0.0)
        total = _contract([np.abs(m) for m in moves], cost + (short_minus + short_plus) / 2)
        total += _contract(moves, (short_plus - short_minus) / 2)
        best = int(np.argmin(total))
        if total.flat[best] >= _NEVER / 4:
            return None
        choice = np.unravel_index(best, total.shape)
        effect = reduce(np.multiply.outer, [m[i] for m, i in zip(moves, choice, strict=True)])
        return np.where(np.isnan(self.counts), 0.0, effect)

    def _ceiling(self, position: tuple[int, ...], *, is_past: bool) -> float:
        """The least of the totals over a cell that are shown whatever they are."""
        covering = [
            np.flatnonzero((incidence | ~incidence[row]).all(axis=1))
            for incidence, row in zip(self.incidences, position, strict=True)
        ]
        index = np.ix_(*covering)
        counts = np.fmin(self.counts, self.earlier.least)[index] if is_past else self.counts[index]
        # A cell seen before bounds the others as one that is always shown does.
        seen = (self.earlier.was_seen & ~self.earlier.is_changed)[index]
        fixed = (~self.may_hide[index] | seen) & ~np.isnan(counts)
        return float(np.append(counts[fixed], self.most[index].ravel()).min())

    def hide_all_beside(self, position: tuple[int, ...]) -> None:
        """Withhold every cell that shares a sum with one, as far as it may be withheld."""
        index = np.ix_(
            *[
                np.flatnonzero(group == group[row])
                for group, row in zip(self.groups, position, strict=True)
            ]
        )
        self.is_hidden[index] |= self.may_hide[index]
        self.is_lifted[index] = True


def _contract(
    matrices: list[NDArray[np.float64]], array: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum over all rows of the products of one row of each matrix with the array."""
    for axis, matrix in enumerate(matrices):
        array = np.moveaxis(np.tensordot(matrix, array, (1, axis)), 0, axis)
    return array


def _mask(
    given: NDArray[np.bool_] | None, shape: tuple[int, ...], *, default: bool
) -> NDArray[np.bool_]:
    if given is None:
        return np.full(shape, default)
    mask = np.array(given, dtype=bool)
    if mask.shape != shape:
        raise ValueError("masks must have the shape of the counts")
    return mask


def _own_rows(incidence: NDArray[np.bool_]) -> NDArray[np.intp]:
    """For each atom, the row that covers it and no other."""
    single = incidence.sum(axis=1) == 1
    own = np.argmax(incidence & single[:, None], axis=0)
    if not (incidence & single[:, None]).any(axis=0).all():
        raise ValueError("every atom needs a row of its own")
    return own


def _connected(incidence: NDArray[np.bool_]) -> NDArray[np.intp]:
    """A number for each row, equal where rows are linked through shared atoms."""
    group = np.arange(len(incidence))
    while True:
        by_atom = np.where(incidence, group[:, None], len(incidence)).min(axis=0)
        lowest = np.where(incidence, by_atom[None, :], len(incidence)).min(axis=1)
        lowest = np.minimum(group, lowest)
        if (lowest == group).all():
            return group
        group = lowest
