"""Exact 95% interval of every distinct count: Garwood's, from quantiles of chi-squared.

Python, because no SQL engine used here has those quantiles; one call for all distinct counts.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.statistics.intervals import poisson_interval

    dbt.config(materialized="table")
    requests = dbt.ref("int_count_requests").fetchnumpy()
    counts = np.asarray(requests["observed_count"], dtype=np.int64)
    interval = poisson_interval(counts.astype(np.float64))
    return pa.table(
        {
            "observed_count": pa.array(counts, pa.int64()),
            "count_lower": pa.array(np.atleast_1d(interval.lower), pa.float64()),
            "count_upper": pa.array(np.atleast_1d(interval.upper), pa.float64()),
        }
    )
