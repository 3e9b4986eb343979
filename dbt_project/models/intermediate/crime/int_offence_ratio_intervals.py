"""Every force's change against its baseline with its interval, exact or as its quarters scatter.

Python, because no SQL engine used here has beta and t quantiles; one call for all changes.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.rows import finite_column
    from orchestration.statistics.rates import count_ratio

    dbt.config(materialized="table")
    requests = dbt.ref("int_offence_ratio_requests")
    table = requests.to_arrow_table()

    def numbers(name):
        return table.column(name).to_numpy().astype(np.float64)

    found = count_ratio(
        numbers("offence_count"),
        1.0,
        numbers("baseline_count"),
        1.0,
        numbers("phi"),
        numbers("phi_degrees"),
    )
    keys = [n for n in table.column_names if n not in ("offence_count", "baseline_count")]
    result = table.select([k for k in keys if k != "phi_degrees"])
    for name, values in (
        ("change_ratio", found.interval.estimate),
        ("change_ratio_lower", found.interval.lower),
        ("change_ratio_upper", found.interval.upper),
        ("change_p_value", found.p_value),
    ):
        result = result.append_column(name, finite_column(values))
    kinds = pa.array(np.atleast_1d(found.method).tolist(), pa.string())
    return result.append_column("interval_type", kinds)
