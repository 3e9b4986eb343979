"""How much more each force's offences scatter than Poisson counts, where its quarters can tell.

Python, because it takes a fitted model of year and season; one call for all series of one span.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.statistics.rates import series_dispersion

    dbt.config(materialized="table")
    keys = ("force_code", "offence_level", "offence_group", "offence_name")
    names = ", ".join(keys)
    # A number for each series: a hundred thousand texts are slow to sort outside of the engine.
    rows = dbt.ref("int_offence_dispersion_quarters").project(
        f"*, dense_rank() over (order by {names}) - 1 as series"
    )
    table = rows.order("series, period_start").fetchnumpy()
    series = np.asarray(table["series"], dtype=np.int64)
    month = np.asarray(table["period_start"]).astype("datetime64[M]").astype(np.int64)
    first = month.min() if month.size else 0
    width = int((month.max() - first) // 3) + 1 if month.size else 0
    starts = np.flatnonzero(np.diff(series, prepend=-1))
    counts = np.full((starts.size, width), np.nan)
    days = np.ones((starts.size, width))
    at = series, (month - first) // 3
    counts[at] = np.asarray(table["offence_count"], dtype=np.float64)
    days[at] = np.asarray(table["day_count"], dtype=np.float64)
    found, season = series_dispersion(counts, days, period=4, least_months=12)
    columns = {k: pa.array(np.asarray(table[k])[starts].tolist(), pa.string()) for k in keys}
    columns["quarter_count"] = pa.array(found.months, pa.int64())
    columns["dispersion_status"] = pa.array(found.status.tolist(), pa.string())
    columns["season_type"] = pa.array(season.tolist(), pa.string())
    for name, values in (
        ("phi", found.phi),
        ("phi_of_sums", found.phi_of_sums),
        ("phi_degrees", found.degrees_of_freedom),
    ):
        columns[name] = pa.array(values, pa.float64(), from_pandas=True)
    return pa.table(columns)
