"""How much more each indicator scatters than a Poisson count, where its months can tell.

Python, because it takes a fitted model of trend and season; one call for all series of one span.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.statistics.rates import series_dispersion

    dbt.config(materialized="table")
    rows = dbt.ref("int_dispersion_months").fetchnumpy()
    keys = ("indicator_code", "area_id", "basis")
    texts = [np.asarray(rows[k]).astype(str) for k in keys]
    months = np.asarray(rows["month"]).astype("datetime64[M]").astype(np.int64)
    names, series = np.unique(np.column_stack(texts), axis=0, return_inverse=True)
    series = series.reshape(-1)
    first = months.min() if months.size else 0
    width = int(months.max() - first) + 1 if months.size else 0
    counts = np.full((len(names), width), np.nan)
    days = np.ones((len(names), width))
    counts[series, months - first] = np.asarray(rows["event_count"], dtype=np.float64)
    days[series, months - first] = np.asarray(rows["days_in_month"], dtype=np.float64)
    found, season = series_dispersion(counts, days)
    columns = {k: pa.array(names[:, i].tolist(), pa.string()) for i, k in enumerate(keys)}
    columns["month_count"] = pa.array(found.months, pa.int64())
    columns["dispersion_status"] = pa.array(found.status.tolist(), pa.string())
    columns["season_type"] = pa.array(season.tolist(), pa.string())
    for name, values in (
        ("phi", found.phi),
        ("phi_of_sums", found.phi_of_sums),
        ("phi_degrees", found.degrees_of_freedom),
    ):
        columns[name] = pa.array(values, pa.float64(), from_pandas=True)
    return pa.table(columns)
