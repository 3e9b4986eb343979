"""One extract as the simulator makes it: a table under its canonical titles, before any format.

What a row means is the contracts' business; how it becomes bytes is ``write``'s.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Extract:
    """A file to be.

    ``table`` is ``source/table``; ``period`` the month (``2019-04``) or financial year
    (``2019/20``) the file is of, None where it has none; ``stem`` its name without suffix
    (``legacy_crimes_2019-04``); ``data`` typed columns in the order of the contract.
    """

    table: str
    period: str | None
    stem: str
    data: pa.Table
