"""Exact 95% interval of the ratio of every distinct pair of counts (Clopper-Pearson on the total).

Python, because no SQL engine used here has beta quantiles; one call for all distinct pairs.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.statistics.intervals import rate_ratio_interval

    dbt.config(materialized="table")
    requests = dbt.ref("int_ratio_requests").fetchnumpy()
    a = np.asarray(requests["count_a"], dtype=np.int64)
    b = np.asarray(requests["count_b"], dtype=np.int64)
    interval = rate_ratio_interval(a.astype(np.float64), 1.0, b.astype(np.float64), 1.0)
    return pa.table(
        {
            "count_a": pa.array(a, pa.int64()),
            "count_b": pa.array(b, pa.int64()),
            "ratio": pa.array(np.atleast_1d(interval.estimate), pa.float64()),
            "ratio_lower": pa.array(np.atleast_1d(interval.lower), pa.float64()),
            "ratio_upper": pa.array(np.atleast_1d(interval.upper), pa.float64()),
        }
    )
