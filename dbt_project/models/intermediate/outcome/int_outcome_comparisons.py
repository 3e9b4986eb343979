"""How the share of crimes with a positive outcome within ninety days changed since the baseline.

Python, because no SQL engine used here has the tails of these distributions; one call for all.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.rows import finite_column
    from orchestration.statistics.rates import (
        LEAST_FOR_PERCENTAGE,
        fisher_p_value,
        log_risk_ratio,
        ratio_interval,
        ratio_p_value,
    )

    dbt.config(materialized="table")
    names = ("success_count", "trial_count", "baseline_success_count", "baseline_trial_count")
    rows = dbt.ref("int_outcome_comparison_requests").fetchnumpy()
    counts = [np.asarray(rows[n], dtype=np.int64) for n in names]
    values = [c.astype(np.float64) for c in counts]
    ratio = log_risk_ratio(*values)
    interval = ratio_interval(ratio)
    p_value = np.atleast_1d(np.asarray(ratio_p_value(ratio)))
    # Few are tested exactly: there the interval is a guide only.
    few = (values[0] < LEAST_FOR_PERCENTAGE) | (values[2] < LEAST_FOR_PERCENTAGE)
    p_value[few] = fisher_p_value(*[v[few] for v in values])
    columns = {n: pa.array(c, pa.int64()) for n, c in zip(names, counts, strict=True)}
    for name, found in (
        ("share_ratio", interval.estimate),
        ("share_ratio_lower", interval.lower),
        ("share_ratio_upper", interval.upper),
        ("p_value", p_value),
    ):
        columns[name] = finite_column(found)
    return pa.table(columns)
