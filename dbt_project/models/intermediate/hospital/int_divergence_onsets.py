"""Since when the police's counts have parted from the hospitals', for every pair and area.

Python, because it fits and simulates series; one call for all series of one kind of period.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.statistics.divergence import onset_of_divergence
    from orchestration.statistics.multiplicity import adjusted_p_values

    dbt.config(materialized="table")
    rows = dbt.ref("int_divergence_requests").fetchnumpy()
    keys = ("pair_code", "basis", "area_id", "series_type")
    texts = np.column_stack([np.asarray(rows[k]).astype(str) for k in keys])
    month = np.asarray(rows["period_start"]).astype("datetime64[M]").astype(np.int64)
    police = np.asarray(rows["police_count"], dtype=np.float64)
    lower = np.asarray(rows["hospital_count_lower"], dtype=np.float64)
    upper = np.asarray(rows["hospital_count_upper"], dtype=np.float64)
    restricted = np.asarray(rows["is_restricted_period"], dtype=bool)

    names = []
    parts = {"": [], "unrestricted_": []}
    for series_type, months in (("month", 1), ("quarter", 3)):
        of_type = np.flatnonzero(texts[:, 3] == series_type)
        if not of_type.size:
            continue
        found, series = np.unique(texts[of_type], axis=0, return_inverse=True)
        series = series.reshape(-1)
        first = month[of_type].min()
        at = (month[of_type] - first) // months
        shape = (len(found), int(at.max()) + 1)
        names.append(found)
        for prefix, kept in (("", np.ones(of_type.size, bool)), ("unrestricted_", None)):
            kept = ~restricted[of_type] if kept is None else kept
            a, b, spread = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape)
            where = series[kept], at[kept]
            a[where] = police[of_type][kept]
            # The middle of what rounding allows, all of it as likely.
            b[where] = (lower[of_type][kept] + upper[of_type][kept]) / 2.0
            spread[where] = (upper[of_type][kept] - lower[of_type][kept]) ** 2 / 12.0
            onset = onset_of_divergence(a, b, spread, period=12 // months)
            dates = [
                np.where(index >= 0, first + index * months, np.iinfo(np.int64).min)
                for index in (onset.first, onset.earliest, onset.latest)
            ]
            parts[prefix].append((onset, dates))

    columns = {}
    every = np.concatenate(names) if names else np.empty((0, 4), dtype=str)
    for i, key in enumerate(keys):
        columns[key] = pa.array(every[:, i].tolist(), pa.string())

    def joined(prefix, pick, dtype=np.float64):
        values = [np.asarray(pick(*part), dtype=dtype) for part in parts[prefix]]
        return np.concatenate(values) if values else np.empty(0, dtype=dtype)

    def dates(values):
        days = values.astype("datetime64[M]").astype("datetime64[D]")
        known = values != np.iinfo(np.int64).min
        return pa.array(np.where(known, days, np.datetime64("NaT")), pa.date32(), from_pandas=True)

    def numbers(values):
        return pa.array(values, pa.float64(), from_pandas=True)

    columns["period_count"] = pa.array(joined("", lambda o, _: o.periods, np.int64), pa.int64())
    for prefix in parts:
        shapes = joined(prefix, lambda o, _: o.shape, "<U9")
        p_value = joined(prefix, lambda o, _: o.p_value)
        columns[f"{prefix}onset_shape"] = pa.array(shapes.tolist(), pa.string())
        columns[f"{prefix}onset_start"] = dates(joined(prefix, lambda _, d: d[0], np.int64))
        if not prefix:
            columns["earliest_start"] = dates(joined(prefix, lambda _, d: d[1], np.int64))
            columns["latest_start"] = dates(joined(prefix, lambda _, d: d[2], np.int64))
        columns[f"{prefix}step_ratio"] = numbers(joined(prefix, lambda o, _: o.ratio.estimate))
        columns[f"{prefix}step_ratio_lower"] = numbers(joined(prefix, lambda o, _: o.ratio.lower))
        columns[f"{prefix}step_ratio_upper"] = numbers(joined(prefix, lambda o, _: o.ratio.upper))
        columns[f"{prefix}onset_p_value"] = numbers(p_value)
        columns[f"{prefix}onset_q_value"] = numbers(adjusted_p_values(p_value))
    return pa.table(columns)
