"""What a departure is made of: parts that sum to observed less expected, exactly.

Belongs here: the parts of one departure over one dimension (offence codes, areas, origins), how
much of a ratio's change lies within the parts and how much in their mix, and how widely a change is
spread. Does not belong here: which parts there are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from orchestration.statistics.rates import LEAST_FOR_PERCENTAGE

Array = NDArray[np.float64]


def contributions(
    observed: float,
    expected: float,
    now: ArrayLike,
    before: ArrayLike,
    whole_now: float = 1.0,
) -> tuple[Array, float]:
    """Each part's observed less expected, (P,), and what no part holds; the sum is exact.

    ``now``, ``before`` (P,): the parts' counts in the period and in its baseline; ``whole_now``:
    the denominator in the period (1 for counts). A part is expected to be the same part of
    ``expected`` as it was of the baseline: with the baseline's own ratio as ``expected`` that is
    x / n - x0 / n0, with a model's it is the baseline scaled to the model. The second result is
    not 0 where the parts do not sum to what was observed, or the baseline had none. Raises
    ValueError for a denominator not above 0 and shapes that differ.
    """
    x, x0 = np.asarray(now, dtype=np.float64), np.asarray(before, dtype=np.float64)
    if x.shape != x0.shape or x.ndim != 1:
        raise ValueError(f"now is {x.shape}, before {x0.shape}; both (P,)")
    if not whole_now > 0:
        raise ValueError(f"the denominator is {whole_now}; it must be above 0")
    total = x0.sum()
    usual = expected * x0 / total if total > 0 else np.zeros_like(x0)
    each = x / whole_now - usual
    rest = (observed - expected) - each.sum()
    scale = max(abs(observed), abs(expected), 1e-300)
    return each, 0.0 if abs(rest) < 1e-9 * scale else float(rest)


class Shown(NamedTuple):
    """A part as it is shown; ``name`` is empty for the parts that are taken together."""

    name: str
    now: float
    before: float
    contribution: float
    part_count: int


def shown(
    names: list[str],
    now: ArrayLike,
    before: ArrayLike,
    each: ArrayLike,
    *,
    least: float = LEAST_FOR_PERCENTAGE,
    most: int = 12,
) -> list[Shown]:
    """The parts by the size of their contribution, those of few events and the smallest together.

    ``least``: a part with fewer events now, or fewer than that in the baseline, is not shown by
    itself, unless it had none in either; at least two parts are taken together, so that none is
    told by what is left. ``most``: parts shown by themselves. The contributions keep their sum.
    """
    x, x0 = np.asarray(now, dtype=np.float64), np.asarray(before, dtype=np.float64)
    value = np.asarray(each, dtype=np.float64)
    there = [int(i) for i in np.argsort(-np.abs(value), kind="stable") if x[i] > 0 or x0[i] > 0]

    def small(count: float) -> bool:
        return 0 < count < least

    alone = [i for i in there if not small(x[i]) and not small(x0[i])]
    together = [i for i in there if i not in set(alone)] + alone[most:]
    alone = alone[:most]
    if len(together) == 1 and alone:
        together.append(alone.pop())
    parts = [Shown(names[i], float(x[i]), float(x0[i]), float(value[i]), 1) for i in alone]
    if together:
        parts.append(
            Shown(
                "",
                float(x[together].sum()),
                float(x0[together].sum()),
                float(value[together].sum()),
                len(together),
            )
        )
    return parts


class Split(NamedTuple):
    """The change of a ratio: ``within`` the parts, and by the ``mix`` of the parts."""

    within: float
    mix: float

    @property
    def within_share(self) -> float:
        """Part of the change that lies within; NaN where nothing changed."""
        whole = self.within + self.mix
        return self.within / whole if whole != 0 else float("nan")


def within_and_mix(
    numerator_now: ArrayLike,
    denominator_now: ArrayLike,
    numerator_before: ArrayLike,
    denominator_before: ArrayLike,
) -> Split:
    """Did the ratio change in the parts, or did the parts with a high ratio become more?

    All (P,). The two sum to the change of the ratio of the sums (Kitagawa, J. Am. Statist. Assoc.
    50, 1955, 1168-1194). A part without a denominator on one side has the ratio of the other:
    that it came or went is mix. Raises ValueError where a whole denominator is not above 0.
    """
    x, n = np.asarray(numerator_now, np.float64), np.asarray(denominator_now, np.float64)
    x0, n0 = np.asarray(numerator_before, np.float64), np.asarray(denominator_before, np.float64)
    if not n.sum() > 0 or not n0.sum() > 0:
        raise ValueError("both denominators must be above 0")
    with np.errstate(divide="ignore", invalid="ignore"):
        p, p0 = x / n, x0 / n0
    p, p0 = np.where(n > 0, p, p0), np.where(n0 > 0, p0, p)
    p, p0 = np.nan_to_num(p), np.nan_to_num(p0)
    share, share0 = n / n.sum(), n0 / n0.sum()
    return Split(
        float((0.5 * (share + share0) * (p - p0)).sum()),
        float((0.5 * (p + p0) * (share - share0)).sum()),
    )


def spread(now: ArrayLike, usual: ArrayLike, direction: int) -> float:
    """Part of what was expected that lies in parts which moved in ``direction`` (1 up, -1 down).

    ``now``, ``usual`` (P,): counts and expected counts. Parts of fewer than 20 expected say
    nothing; NaN where there are fewer than two others.
    """
    x, e = np.asarray(now, np.float64), np.asarray(usual, np.float64)
    told = e >= LEAST_FOR_PERCENTAGE
    if told.sum() < 2:
        return float("nan")
    moved = (x[told] - e[told]) * direction > 0
    return float(e[told][moved].sum() / e[told].sum())
