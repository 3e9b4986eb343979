"""Audits of crime-data integrity and of investigations: samples of what the other extracts hold.

An audit is a sample with its own error: its shares are near the true ones, not equal to them. Which
records there are to be sampled from is the caller's; what a share means is the models'.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from orchestration.simulate.extract import Extract

#: First month of the audit of under-25 assaults (board paper, paragraph 45).
FIRST_S47_MONTH = "2021-03"
#: Offences sampled a month (paragraph 45).
S47_SIZE = (30, 40)
#: Shares that comply (simulator's; the paper names contact within seven days as an area for
#: improvement and supervisory reviews as a strength).
S47_SHARES = {
    "is_contacted_within_7_days": 0.70,
    "is_victim_updated": 0.85,
    "is_plan_recorded": 0.75,
    "is_supervisory_review_recorded": 0.90,
}
#: Logs sampled a month at scale 1, and the share of them that should have given no crime: an
#: audit looks at logs that read like crimes, and some turn out not to be.
CDI_SIZE, CDI_NO_CRIME = 120, 0.12


Texts = np.ndarray | pa.Array | pa.ChunkedArray


def _taken(values: Texts, chosen: np.ndarray) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, np.ndarray):
        return pa.array(values[chosen], pa.string())
    return values.take(pa.array(chosen))


def s47(rng: np.random.Generator, month: str, refs: Texts) -> Extract:
    """``audits/s47_audit`` of a month: 30 to 40 of the crime references, all where there are fewer.

    Nothing to audit gives a table without rows: such a file is not to be written.
    """
    size = min(int(rng.integers(S47_SIZE[0], S47_SIZE[1] + 1)), len(refs))
    chosen = np.sort(rng.permutation(len(refs))[:size])
    columns = {
        "audit_month": pa.array([month] * size, pa.string()),
        "crime_ref": _taken(refs, chosen),
    }
    for name, share in S47_SHARES.items():
        columns[name] = pa.array(rng.random(size) < share, pa.bool_())
    return Extract("audits/s47_audit", month, f"s47_audit_{month}", pa.table(columns))


def cdi(
    rng: np.random.Generator,
    month: str,
    log_numbers: Texts,
    groups: Texts,
    required: np.ndarray,
    recorded: np.ndarray,
    in_time: np.ndarray,
    size: int = CDI_SIZE,
) -> Extract:
    """``audits/cdi_audit`` of a month: a sample of ``size`` logs (fewer where there are fewer).

    The arrays are parallel, one element per log: its number, offence group (violence, sexual,
    robbery, other), crimes that should have been recorded, crimes recorded, those of them recorded
    within 24 hours. Logs that should have given a crime are sampled alike, whatever their group,
    so that shares of the sample estimate those of the month.
    """
    required = np.asarray(required)
    crime, other = np.flatnonzero(required > 0), np.flatnonzero(required <= 0)
    without = min(int(rng.binomial(size, CDI_NO_CRIME)), len(other))
    chosen = np.concatenate(
        [
            rng.choice(crime, min(size - without, len(crime)), replace=False),
            rng.choice(other, without, replace=False),
        ]
    ).astype(np.int64)
    chosen.sort()
    count = len(chosen)
    data = pa.table(
        {
            "audit_month": pa.array([month] * count, pa.string()),
            "log_number": _taken(log_numbers, chosen),
            "offence_group": _taken(groups, chosen),
            "crimes_required_count": pa.array(required[chosen], pa.int64()),
            "crimes_recorded_count": pa.array(np.asarray(recorded)[chosen], pa.int64()),
            "recorded_within_24_hours_count": pa.array(np.asarray(in_time)[chosen], pa.int64()),
        }
    )
    return Extract("audits/cdi_audit", month, f"cdi_audit_{month}", data)
