"""Every count over the analysts' assessed recording effect, with an interval for both.

Python, as int_count_intervals: the two uncertainties are combined by the functions of
orchestration.statistics. One call for all distinct counts.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.rows import rows_of
    from orchestration.statistics.intervals import Interval
    from orchestration.statistics.recording_effect import adjusted_change

    dbt.config(materialized="table")
    counts = dbt.ref("int_count_intervals").fetchnumpy()
    assessments = rows_of(dbt.ref("recording_effect_assessments"))
    (given,) = [
        a for a in assessments if a["variant_code"] == "published" and a["recording_scope"] == "all"
    ]
    g = Interval(*(np.float64(given[f"effect_ratio{end}"]) for end in ("", "_lower", "_upper")))
    n = np.asarray(counts["observed_count"], dtype=np.int64)
    observed = Interval(
        n.astype(np.float64), np.asarray(counts["count_lower"]), np.asarray(counts["count_upper"])
    )
    found = adjusted_change(observed, g)
    # None of something has no logarithm: its limits are those of the count over those of g.
    none = n == 0
    return pa.table(
        {
            "observed_count": pa.array(n, pa.int64()),
            "adjusted_count": pa.array(n / g.estimate, pa.float64()),
            "adjusted_count_lower": pa.array(np.where(none, 0.0, found.lower), pa.float64()),
            "adjusted_count_upper": pa.array(
                np.where(none, observed.upper / g.lower, found.upper), pa.float64()
            ),
        }
    )
