"""Ratio of two daily rates with its exact 95% interval and p-value, for every distinct pair.

Python, because no SQL engine used here has beta quantiles; one call for all distinct pairs.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.rows import finite_column
    from orchestration.statistics.intervals import rate_ratio_interval, rate_ratio_p_value

    dbt.config(materialized="table")
    requests = dbt.ref("int_profile_ratio_requests").fetchnumpy()
    names = ("current_count", "current_day_count", "baseline_count", "baseline_day_count")
    values = {n: np.asarray(requests[n], dtype=np.int64) for n in names}
    arguments = [values[n].astype(np.float64) for n in names]
    interval = rate_ratio_interval(*arguments)
    p_value = rate_ratio_p_value(*arguments)
    columns = {n: pa.array(v, pa.int64()) for n, v in values.items()}
    for name, found in (
        ("rate_ratio", interval.estimate),
        ("rate_ratio_lower", interval.lower),
        ("rate_ratio_upper", interval.upper),
        ("p_value", p_value),
    ):
        columns[name] = finite_column(found)
    return pa.table(columns)
