"""Withholding small counts: whatever the table, a linear programme over all that is shown leaves
every small count anywhere from nought to the least count that is shown."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from disclosure_attack import attack_table, cells_of
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.statistics.disclosure import Earlier, round_half_up, withhold


@st.composite
def axes(draw, atoms):
    """Single rows, and totals of any overlap over them."""
    totals = draw(
        st.lists(st.lists(st.booleans(), min_size=atoms, max_size=atoms).filter(any), max_size=3)
    )
    return np.array([*np.eye(atoms, dtype=bool), *[np.array(t) for t in totals]])


@st.composite
def tables(draw):
    """Counts of a table with totals, and which rows of its first axis are always shown."""
    shape = draw(st.sampled_from([(5,), (3, 4), (4, 3), (2, 6), (2, 2, 3)]))
    incidences = [draw(axes(size)) for size in shape]
    # The last row of the first axis is the whole, always shown.
    incidences[0] = np.vstack([incidences[0], np.ones(shape[0], dtype=bool)])
    size = int(np.prod(shape))
    kinds = st.one_of(st.integers(0, 3), st.integers(0, 12), st.integers(0, 60))
    atoms = np.array(draw(st.lists(kinds, min_size=size, max_size=size)), dtype=float)
    counts = cells_of(incidences) @ atoms
    counts = counts.reshape([len(each) for each in incidences])
    may_hide = np.ones(counts.shape, dtype=bool)
    if draw(st.booleans()):
        may_hide[-1] = False
    return counts, incidences, may_hide


@settings(max_examples=120, deadline=None)
@given(tables(), st.sampled_from([3, 5, 8]))
def test_no_small_count_can_be_told_from_what_is_shown(table, least_shown):
    counts, incidences, may_hide = table
    found = withhold(counts, incidences, least_shown=least_shown, may_hide=may_hide)
    small = may_hide & (counts >= 1) & (counts < least_shown)
    assert (found.is_small == small).all()
    assert not (found.is_withheld & ~may_hide).any()
    attack = attack_table(counts, incidences, found.is_withheld)
    # The most that withholding can do: everything that may be is withheld.
    utmost = attack_table(counts, incidences, may_hide)
    cells = cells_of(incidences).toarray()
    for position in np.flatnonzero(small.ravel()):
        low, high = attack.range_of(cells[position])
        utmost_low, utmost_high = utmost.range_of(cells[position])
        assert low <= max(0, utmost_low) + 1e-6
        assert high >= min(least_shown - 1, utmost_high) - 1e-6


@settings(max_examples=60, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_the_choice_is_the_same_each_time(table, random):
    counts, incidences, may_hide = table
    first = withhold(counts, incidences, least_shown=5, may_hide=may_hide)
    again = withhold(counts.copy(), incidences, least_shown=5, may_hide=may_hide)
    assert (first.is_withheld == again.is_withheld).all()


@settings(max_examples=60, deadline=None)
@given(tables(), st.data())
def test_what_a_reader_knows_already_protects_nothing(table, data):
    counts, incidences, may_hide = table
    flags = data.draw(st.lists(st.integers(0, 4), min_size=counts.size, max_size=counts.size))
    known = (np.array(flags) == 0).reshape(counts.shape)
    none = np.full(counts.shape, np.nan)
    earlier = Earlier(known, ~known, np.where(known, counts, np.nan), none, none)
    found = withhold(counts, incidences, least_shown=5, may_hide=may_hide, earlier=earlier)
    attack = attack_table(counts, incidences, found.is_withheld & ~known)
    utmost = attack_table(counts, incidences, may_hide & ~known)
    cells = cells_of(incidences).toarray()
    for position in np.flatnonzero((found.is_small & ~known).ravel()):
        low, high = attack.range_of(cells[position])
        utmost_low, utmost_high = utmost.range_of(cells[position])
        assert low <= max(0, utmost_low) + 1e-6
        assert high >= min(4, utmost_high) - 1e-6


@settings(max_examples=60, deadline=None)
@given(tables(), st.data())
def test_what_was_withheld_stays_so(table, data):
    counts, incidences, may_hide = table
    flags = data.draw(st.lists(st.booleans(), min_size=counts.size, max_size=counts.size))
    hidden = np.array(flags).reshape(counts.shape)
    found = withhold(counts, incidences, least_shown=5, may_hide=may_hide, is_hidden=hidden)
    assert (found.is_withheld >= (hidden & may_hide)).all()


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1), st.integers(1, 10))
def test_rounding_moves_no_count_by_more_than_half_the_base(counts, base):
    rounded = round_half_up(np.array(counts, dtype=float), base)
    assert (rounded % base == 0).all()
    assert (np.abs(rounded - counts) <= base / 2).all()


def test_the_example_of_the_documentation():
    """Three units in two months: one small count needs three others beside it."""
    counts = np.array([[3, 40, 43], [21, 35, 56], [64, 52, 116], [88, 127, 215]], dtype=float)
    units = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], dtype=bool)
    months = np.array([[1, 0], [0, 1], [1, 1]], dtype=bool)
    may_hide = np.ones(counts.shape, dtype=bool)
    may_hide[3] = False
    found = withhold(counts, [units, months], least_shown=5, may_hide=may_hide)
    assert np.argwhere(found.is_small).tolist() == [[0, 0]]
    assert np.argwhere(found.is_beside).tolist() == [[0, 1], [1, 0], [1, 1]]
    attack = attack_table(counts, [units, months], found.is_withheld)
    low, high = attack.range_of(cells_of([units, months]).toarray()[0])
    assert low == 0
    assert high >= 4


@pytest.mark.parametrize(
    ("counts", "least_shown", "words"),
    [
        ([1.0, -1.0, 0.0], 5, "whole numbers"),
        ([1.5, 1.0, 2.5], 5, "whole numbers"),
        ([1.0, 1.0, 3.0], 5, "its parts make 2"),
        ([1.0, 1.0, 2.0], 0, "at least 1"),
    ],
)
def test_counts_that_cannot_be_are_refused(counts, least_shown, words):
    rows = np.array([[1, 0], [0, 1], [1, 1]], dtype=bool)
    with pytest.raises(ValueError, match=words):
        withhold(np.array(counts), [rows], least_shown=least_shown)


def test_masks_and_incidences_must_fit():
    rows = np.eye(2, dtype=bool)
    with pytest.raises(ValueError, match="incidence matrix"):
        withhold(np.zeros(3), [rows], least_shown=5)
    with pytest.raises(ValueError, match="shape of the counts"):
        withhold(np.zeros(2), [rows], least_shown=5, may_hide=np.ones(3, dtype=bool))
    with pytest.raises(ValueError, match="row of its own"):
        withhold(np.zeros(2), [np.array([[1, 1], [1, 0]], dtype=bool)], least_shown=5)


def test_nothing_is_withheld_where_nothing_is_small():
    for counts in itertools.product([0.0, 5.0, 9.0], repeat=2):
        table = np.array([*counts, sum(counts)])
        rows = np.array([[1, 0], [0, 1], [1, 1]], dtype=bool)
        assert not withhold(table, [rows], least_shown=5).is_withheld.any()


def test_where_no_move_takes_it_far_enough_one_from_elsewhere_does():
    """Nobody else is in the row or the column of the one: whoever may be there is of another."""
    parts = np.vstack([np.eye(3, dtype=bool), np.ones(3, dtype=bool)])
    atoms = np.array([[1, 0, 0], [0, 9, 7], [0, 6, 8]], dtype=float)
    counts = parts.astype(float) @ atoms @ parts.T.astype(float)
    may_hide = np.ones(counts.shape, dtype=bool)
    may_hide[3, 3] = False
    found = withhold(counts, [parts, parts], least_shown=5, may_hide=may_hide)
    assert found.is_small[0, 0]
    assert not found.is_bounded.any()
    low, high = attack_table(counts, [parts, parts], found.is_withheld).range_of(
        cells_of([parts, parts]).toarray()[0]
    )
    assert low == 0
    assert high >= 4
