"""The parts of a change between two years, which sum to it: counts in, rows out.

Belongs here: bringing the counts of ``int_change_component_counts`` into arrays, and the parts with
their intervals back into rows. Called by the dbt model ``int_change_components``. Does not belong
here: the arithmetic (``statistics.waterfall``), which record is of which part (SQL), words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from orchestration.statistics import waterfall

CRIME = "crime_that_changed"
KNIFE_FLAGS = "knife_flags"
CANCELLATION = "cancelled_record_rules"
SPIKING = "spiking"
RESIDUAL = "residual"
CHANGE = "change"

SCHEMA = pa.schema(
    [
        ("indicator_code", pa.string()),
        ("area_id", pa.string()),
        ("component_code", pa.string()),
        ("component_count", pa.float64()),
        ("component_count_lower", pa.float64()),
        ("component_count_upper", pa.float64()),
        ("baseline_count", pa.int64()),
        ("current_count", pa.int64()),
    ]
)


def table(
    pairs: Sequence[Mapping[str, Any]],
    counts: Sequence[Mapping[str, Any]],
    rules: Sequence[str],
    scatter: Mapping[tuple[str, str], float],
) -> pa.Table:
    """Rows of ``int_change_components``: each part, and the change, of each pair of counts.

    ``pairs``: rows of ``int_indicator_pairs``; only recorded pairs whose both counts are known, of
    indicators and areas that ``counts`` has. ``scatter``: dispersion by indicator and area.
    """
    cells: dict[tuple[str, str, str, str], Mapping[str, Any]] = {
        (c["indicator_code"], c["area_id"], c["component_group"], c["period_type"]): c
        for c in counts
    }
    counted = {c["indicator_code"] for c in counts}
    wanted = [
        p
        for p in pairs
        if p["basis"] == "recorded"
        and p["indicator_code"] in counted
        and p["baseline_count"] is not None
        and p["current_count"] is not None
    ]
    if not wanted:
        return SCHEMA.empty_table()

    def of(group: str, column: str = "event_count") -> np.ndarray:
        """(R, 2): now and before."""
        return np.array(
            [
                [
                    (cells.get((p["indicator_code"], p["area_id"], group, when)) or {}).get(
                        column, 0
                    )
                    for when in ("current", "baseline")
                ]
                for p in wanted
            ],
            dtype=np.float64,
        )

    named = [*rules, SPIKING, "unstated"]
    found = waterfall.change_parts(
        ordinary=of("ordinary"),
        named=np.stack([of(group) for group in named], axis=1),
        cancelled=of("cancelled"),
        unstated_flags=of("ordinary", "possible_count"),
        asked=of("ordinary", "whole_count"),
        phi=np.array([scatter.get((p["indicator_code"], p["area_id"]), 1.0) for p in wanted]),
    )
    codes = [CRIME, KNIFE_FLAGS, CANCELLATION, *rules, SPIKING, RESIDUAL, CHANGE]
    parts = [
        found.ordinary,
        found.flags,
        found.cancelled,
        *(found.named[:, index] for index in range(len(named))),
        found.whole,
    ]
    rows = []
    for code, part in zip(codes, parts, strict=True):
        for index, pair in enumerate(wanted):
            rows.append(
                {
                    "indicator_code": pair["indicator_code"],
                    "area_id": pair["area_id"],
                    "component_code": code,
                    "component_count": float(part[index, 0]),
                    "component_count_lower": float(part[index, 1]),
                    "component_count_upper": float(part[index, 2]),
                    "baseline_count": pair["baseline_count"],
                    "current_count": pair["current_count"],
                }
            )
    return pa.Table.from_pylist(rows, schema=SCHEMA)
