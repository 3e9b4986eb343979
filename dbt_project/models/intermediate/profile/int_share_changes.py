"""Ratio of a share now to the same share in the baseline, for every distinct pair of shares.

Python, because the functions are those of orchestration.statistics.rates; one call for all pairs.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.rows import finite_column
    from orchestration.statistics.rates import log_risk_ratio, ratio_interval, ratio_p_value

    dbt.config(materialized="table")
    requests = dbt.ref("int_share_change_requests").fetchnumpy()
    names = ("current_count", "current_total_count", "baseline_count", "baseline_total_count")
    values = {n: np.asarray(requests[n], dtype=np.int64) for n in names}
    ratio = log_risk_ratio(*(values[n].astype(np.float64) for n in names))
    interval = ratio_interval(ratio)
    columns = {n: pa.array(v, pa.int64()) for n, v in values.items()}
    for name, found in (
        ("share_ratio", interval.estimate),
        ("share_ratio_lower", interval.lower),
        ("share_ratio_upper", interval.upper),
        ("p_value", ratio_p_value(ratio)),
    ):
        columns[name] = finite_column(found)
    return pa.table(columns)
