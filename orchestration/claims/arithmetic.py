"""Which whole numbers a rounded percentage can come from.

Percentages are exact fractions, ``decimals`` the places they were printed with. Either way of
rounding a half is allowed: what a paper rounded with is not known.

Source of the idea of testing printed numbers for a whole numerator: Brown and Heathers, The GRIM
test, Social Psychological and Personality Science 8 (2017) 363-369.
"""

from __future__ import annotations

import math
from fractions import Fraction

SEARCHED = 2000
"""Denominators tried for the smallest ones that fit: a percentage with two decimals needs fewer."""


def half_step(decimals: int) -> Fraction:
    """Half of the last printed place: 0.05 for one decimal, 50 for whole hundreds (-2)."""
    return Fraction(1, 2) * Fraction(10) ** -decimals


def agrees(value: Fraction, published: Fraction, decimals: int) -> bool:
    """Whether a value, rounded to the printed places, is the published one."""
    return abs(value - published) <= half_step(decimals)


def numerators(percentage: Fraction, decimals: int, denominator: int) -> range:
    """Whole numbers that are the percentage of the denominator; empty where none is."""
    low = (percentage - half_step(decimals)) * denominator / 100
    high = (percentage + half_step(decimals)) * denominator / 100
    return range(max(0, math.ceil(low)), math.floor(high) + 1)


def denominators(percentage: Fraction, decimals: int, numerator: int) -> range | None:
    """Whole numbers of which the numerator is the percentage; None where they have no end.

    They have none where the percentage could be 0, or the numerator is 0.
    """
    low = percentage - half_step(decimals)
    if low <= 0 or numerator == 0:
        return None
    first = math.ceil(100 * numerator / (percentage + half_step(decimals)))
    return range(max(1, first), math.floor(100 * numerator / low) + 1)


def smallest_pairs(percentage: Fraction, decimals: int, wanted: int = 3) -> list[tuple[int, int]]:
    """The ``wanted`` smallest denominators with a whole numerator, as (numerator, denominator).

    Multiples of a pair found already are passed over: they say nothing new. Fewer where no more are
    found below SEARCHED.
    """
    found: list[tuple[int, int]] = []
    for n in range(1, SEARCHED):
        for x in numerators(percentage, decimals, n):
            if any(x * m == y * n for y, m in found) or len(found) == wanted:
                continue
            found.append((x, n))
        if len(found) == wanted:
            break
    return found


def change_pct(current: Fraction, baseline: Fraction) -> Fraction | None:
    """Change from the baseline in percent; None where the baseline is 0."""
    return None if baseline == 0 else 100 * (current - baseline) / baseline


def change_range(
    current: Fraction, baseline: Fraction, rounding: int
) -> tuple[Fraction, Fraction] | None:
    """Least and greatest change in percent of whole counts that were rounded to ``rounding``.

    Rounded to 5, a printed 80 stands for 78 to 82. None where the baseline could be 0.
    """
    reach = (rounding - 1) // 2
    if baseline - reach <= 0:
        return None
    low, high = max(Fraction(0), current - reach), current + reach
    least, greatest = baseline + reach, baseline - reach
    return 100 * (low - least) / least, 100 * (high - greatest) / greatest


def share_pct(numerator: Fraction, denominator: Fraction) -> Fraction | None:
    """Share in percent; None of nothing."""
    return None if denominator == 0 else 100 * numerator / denominator
