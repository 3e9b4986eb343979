"""95% intervals of every distinct share: Wilson's, and the exact one of Clopper and Pearson.

Python, because no SQL engine used here has beta quantiles; one call for all distinct shares.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.statistics.intervals import clopper_pearson_interval, wilson_interval

    dbt.config(materialized="table")
    requests = dbt.ref("int_share_requests").fetchnumpy()
    successes = np.asarray(requests["success_count"], dtype=np.int64)
    trials = np.asarray(requests["trial_count"], dtype=np.int64)
    shares = successes.astype(np.float64), trials.astype(np.float64)
    wilson, exact = wilson_interval(*shares), clopper_pearson_interval(*shares)
    return pa.table(
        {
            "success_count": pa.array(successes, pa.int64()),
            "trial_count": pa.array(trials, pa.int64()),
            "wilson_lower": pa.array(np.atleast_1d(wilson.lower), pa.float64()),
            "wilson_upper": pa.array(np.atleast_1d(wilson.upper), pa.float64()),
            "exact_lower": pa.array(np.atleast_1d(exact.lower), pa.float64()),
            "exact_upper": pa.array(np.atleast_1d(exact.upper), pa.float64()),
        }
    )
