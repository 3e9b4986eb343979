"""The truth beside the extracts: what happened, what 2019/20 practice would have made of it.

Written for tests and benchmarks, into a folder whose name begins with an underscore, which the
landing passes over. Nothing of the product reads it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.simulate.scenario import Scenario
from orchestration.simulate.world import Truth

FOLDER = "_truth"

#: Counts that are exact: what a warehouse must find, cell by cell.
CELLS = ("recorded_month", "offence_code", "npu_code", "system")


def counts(records: pa.Table) -> pa.Table:
    """Records that stand, and those that 2019/20 practice would have made, by cell.

    A crime whose place nobody wrote down is in the cell without a unit.
    """
    stands = records.filter(pc.invert(records.column("is_cancelled")))
    unit = pc.if_else(
        stands.column("has_place"), stands.column("npu_code"), pa.scalar(None, pa.string())
    )
    old = pc.cast(pc.invert(stands.column("is_made_by_new_practice")), pa.int64())
    stands = stands.set_column(stands.column_names.index("npu_code"), "npu_code", unit)
    stands = stands.append_column("like_for_like", old)
    found = stands.group_by(list(CELLS)).aggregate([("like_for_like", "sum"), ([], "count_all")])
    found = found.rename_columns(
        [
            {"like_for_like_sum": "like_for_like_count", "count_all": "recorded_count"}.get(n, n)
            for n in found.column_names
        ]
    )
    return found.sort_by([(c, "ascending") for c in CELLS])


def young(records: pa.Table, scenario: Scenario) -> pa.Table:
    """Violence with injury to the young by month: as recorded, and as it would have been.

    ``knife_used_2019_count`` is what 2019/20 practice is expected to have flagged: a mean, not a
    count.
    """
    chosen = records.filter(
        pc.and_(
            pc.and_(
                records.column("is_violence_with_injury"), records.column("has_victim_under_25")
            ),
            pc.invert(records.column("is_cancelled")),
        )
    )
    columns: dict[str, Any] = {"recorded_month": chosen.column("recorded_month")}
    old = pc.invert(chosen.column("is_made_by_new_practice"))
    flags = {
        "recorded_count": None,
        "like_for_like_count": old,
        "knife_count": chosen.column("has_knife"),
        "knife_used_count": chosen.column("is_knife_used"),
        "knife_really_used_count": chosen.column("is_knife_really_used"),
        "knife_really_used_like_for_like_count": pc.and_(
            chosen.column("is_knife_really_used"), old
        ),
        "spiking_count": chosen.column("is_spiking"),
    }
    for name, values in flags.items():
        columns[name] = (
            pa.array([1] * chosen.num_rows, pa.int64())
            if values is None
            else pc.cast(values, pa.int64())
        )
    found = pa.table(columns).group_by("recorded_month").aggregate([(n, "sum") for n in flags])
    found = found.rename_columns([n.removesuffix("_sum") for n in found.column_names])
    expected = pc.multiply(
        pc.cast(found.column("knife_really_used_like_for_like_count"), pa.float64()),
        scenario.knife_completeness[0],
    )
    return found.append_column("knife_used_2019_count", expected).sort_by("recorded_month")


class Book:
    """The truth on its way to disk: records as they come, what is counted of them at the end."""

    def __init__(self, out: Path, scenario: Scenario) -> None:
        self.folder = out / FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)
        self.scenario = scenario
        self.truth = Truth(keep=self._keep)
        self._writer: pq.ParquetWriter | None = None
        self._counts: list[pa.Table] = []
        self._young: list[pa.Table] = []

    def _keep(self, records: pa.Table) -> None:
        if self._writer is None:
            path = self.folder / "records.parquet"
            self._writer = pq.ParquetWriter(path, records.schema, compression="zstd")
        self._writer.write_table(records)
        # A month is in no other part, so that counts of parts are counts of the whole.
        self._counts.append(counts(records))
        self._young.append(young(records, self.scenario))

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
        for name, parts in (
            ("counts", self._counts),
            ("young_violence", self._young),
            ("links", self.truth.links),
            ("defects", self.truth.defects),
        ):
            if parts:
                path = self.folder / f"{name}.parquet"
                pq.write_table(pa.concat_tables(parts), path, compression="zstd")
