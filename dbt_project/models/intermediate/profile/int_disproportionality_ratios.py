"""Rates of ethnic groups relative to the white population, and how they changed, with intervals.

Python, because the functions are those of orchestration.statistics.rates; one call for all groups.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.rows import finite_column
    from orchestration.statistics.rates import (
        change_of_ratio,
        log_risk_ratio,
        ratio_interval,
        ratio_p_value,
    )

    dbt.config(materialized="table")
    rows = dbt.ref("int_disproportionality_requests").fetchnumpy()
    people, white = (
        np.asarray(rows[f"{n}_population_count"], dtype=np.float64) for n in ("group", "white")
    )

    def ratio_of(period):
        group, other = (
            np.asarray(rows[f"{period}_{n}_count"], dtype=np.float64) for n in ("group", "white")
        )
        return log_risk_ratio(group, people, other, white)

    ratios = {period: ratio_of(period) for period in ("baseline", "current")}
    ratios["change"] = change_of_ratio(ratios["current"], ratios["baseline"])
    columns = {
        n: pa.array(np.asarray(rows[n]).tolist(), pa.string())
        for n in ("measure_code", "ethnic_group_code")
    }
    for name, ratio in ratios.items():
        interval = ratio_interval(ratio)
        for suffix, values in (
            ("ratio", interval.estimate),
            ("ratio_lower", interval.lower),
            ("ratio_upper", interval.upper),
            ("p_value", ratio_p_value(ratio)),
        ):
            columns[f"{name}_{suffix}"] = finite_column(values)
    return pa.table(columns)
