"""Results of queries as rows, and numbers as columns: what commands and Python models share.

What does not belong here: what is asked, and what the numbers mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import ArrayLike


def rows_of(result: Any) -> list[dict[str, Any]]:
    """What is left of a query's result (a cursor or a relation), each row by its columns' names."""
    names = [d[0] for d in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def finite_column(values: ArrayLike, where: ArrayLike = True) -> pa.Array:
    """Numbers (n,) as a column, NULL where one is infinite or undefined, or ``where`` is false.

    No ratio to nothing: an infinite or undefined one is none.
    """
    import numpy as np
    import pyarrow as pa

    numbers = np.atleast_1d(np.asarray(values, dtype=np.float64))
    known = np.where(np.isfinite(numbers) & where, numbers, np.nan)
    return pa.array(known, pa.float64(), from_pandas=True)
