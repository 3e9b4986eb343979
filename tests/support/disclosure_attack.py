"""The attack on published counts: what a reader can work out of the cells that are withheld.

A linear programme over everything that is shown, written apart from the code that chooses what to
withhold: unknowns are the smallest parts, every shown cell is an equation over them (or, where it
is rounded, two inequalities), and nothing is known of a withheld cell but that it is not negative.
Least and greatest of each withheld cell are what the reader learns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, kron


class Attack:
    """What a reader of shown sums can say of others.

    ``equations`` is a matrix shown cells x unknowns, ``least`` and ``most`` what is shown of each.
    """

    def __init__(self, equations: csr_matrix, least: np.ndarray, most: np.ndarray) -> None:
        self.unknowns = equations.shape[1]
        exact = least == most
        self.exact, self.value = equations[exact], least[exact]
        self.inexact = csr_matrix(
            np.vstack([equations[~exact].toarray(), -equations[~exact].toarray()])
        )
        self.limits = np.concatenate([most[~exact], -least[~exact]])

    def range_of(self, cell: np.ndarray) -> tuple[float, float]:
        """Least and greatest value of a sum of unknowns (coefficients ``cell``)."""
        ends = []
        for sign in (1, -1):
            found = linprog(
                sign * cell,
                A_eq=self.exact if self.exact.shape[0] else None,
                b_eq=self.value if self.exact.shape[0] else None,
                A_ub=self.inexact if self.inexact.shape[0] else None,
                b_ub=self.limits if self.inexact.shape[0] else None,
                bounds=(0, None),
                method="highs",
            )
            if found.status == 3:
                ends.append(-np.inf * sign * -1 if sign < 0 else -np.inf)
                continue
            assert found.status == 0, found.message
            ends.append(sign * found.fun)
        low, high = ends
        return low, high


def cells_of(incidences: Sequence[np.ndarray]) -> csr_matrix:
    """Every cell of a table (in order of its axes) as a sum of unknowns."""
    cells = csr_matrix(np.ones((1, 1)))
    for incidence in incidences:
        cells = kron(cells, csr_matrix(np.asarray(incidence, dtype=float)), format="csr")
    return cells


def attack_table(
    counts: np.ndarray, incidences: Sequence[np.ndarray], is_withheld: np.ndarray
) -> Attack:
    """The attack on one table of exact counts; NaN and withheld cells say nothing."""
    shown = (~is_withheld & ~np.isnan(counts)).ravel()
    value = counts.ravel()[shown]
    return Attack(cells_of(incidences)[shown], value, value)
