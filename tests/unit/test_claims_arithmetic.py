"""Which whole numbers a rounded percentage can come from."""

from __future__ import annotations

from fractions import Fraction as F

import pytest

from orchestration.claims import arithmetic


@pytest.mark.parametrize(
    ("value", "published", "decimals", "fits"),
    [
        (F(100, 9), F(11), 0, True),
        (F(-100, 9), F(-16), 0, False),
        (F(25, 2), F(12), 0, True),  # a half may go either way
        (F(25, 2), F(13), 0, True),
        (F(796), F(800), -2, True),
        (F(749), F(800), -2, False),
    ],
)
def test_agreement_is_at_the_printed_places(value, published, decimals, fits) -> None:
    assert arithmetic.agrees(value, published, decimals) is fits


def test_numerators_and_denominators_are_each_others_inverse() -> None:
    """Against trying every pair."""
    for decimals in (0, 1):
        for percentage in (F(7), F(146, 10), F(33), F(998, 10), F(0)):
            for n in range(1, 120):
                tried = [
                    x for x in range(130) if arithmetic.agrees(F(100 * x, n), percentage, decimals)
                ]
                assert list(arithmetic.numerators(percentage, decimals, n)) == tried
            for x in range(1, 40):
                found = arithmetic.denominators(percentage, decimals, x)
                if found is None:
                    assert percentage == 0
                    continue
                tried = [
                    n
                    for n in range(1, 1300)
                    if arithmetic.agrees(F(100 * x, n), percentage, decimals)
                ]
                assert [n for n in found if n < 1300] == tried


def test_the_smallest_numbers_that_give_a_percentage() -> None:
    assert arithmetic.smallest_pairs(F(146, 10), 1) == [(6, 41), (7, 48), (13, 89)]
    assert arithmetic.smallest_pairs(F(53), 0) == [(8, 15), (9, 17), (10, 19)]
    assert arithmetic.smallest_pairs(F(50), 0, wanted=1) == [(1, 2)]


def test_rounded_counts_allow_a_range_of_changes() -> None:
    low, high = arithmetic.change_range(F(80), F(90), 5)
    assert low == F(100 * (78 - 92), 92)
    assert high == F(100 * (82 - 88), 88)
    assert arithmetic.change_range(F(5), F(2), 5) is None


def test_nothing_is_no_percentage_of_nothing() -> None:
    assert arithmetic.change_pct(F(4), F(0)) is None
    assert arithmetic.share_pct(F(4), F(0)) is None
