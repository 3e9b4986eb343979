"""Every indicator's change with its interval, and the counts that it would take to see it.

Python, because no SQL engine used here has beta and t quantiles; one call for all indicators.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.rows import finite_column
    from orchestration.statistics.intervals import rate_ratio_interval, rate_ratio_p_value
    from orchestration.statistics.power import events_needed, smallest_detectable_ratio
    from orchestration.statistics.rates import count_ratio, dispersion_of_chance

    dbt.config(materialized="table")
    rows = dbt.ref("int_indicator_ratio_requests").fetchnumpy()
    keys = ("indicator_code", "area_id", "basis")

    def numbers(name):
        values = np.ma.asarray(rows[name])
        return values.astype(np.float64).filled(np.nan)

    phi, degrees = numbers("phi_of_sums"), numbers("phi_degrees")
    is_range = np.ma.asarray(rows["is_range"]).astype(bool).filled(False)
    columns = {k: pa.array(np.asarray(rows[k]).tolist(), pa.string()) for k in keys}

    def put(name, values, where=True):
        columns[name] = finite_column(values, where)

    for prefix in ("", "unrestricted_"):
        now, most_now = numbers(f"{prefix}current_count"), numbers(f"{prefix}current_most_count")
        was, most_was = numbers(f"{prefix}baseline_count"), numbers(f"{prefix}baseline_most_count")
        days = numbers(f"{prefix}current_day_count"), numbers(f"{prefix}baseline_day_count")
        # Of a range the least ratio and the greatest; of a count both are its own.
        least = count_ratio(now, days[0], most_was, days[1], phi, degrees)
        greatest = count_ratio(most_now, days[0], was, days[1], phi, degrees)
        put(f"{prefix}rate_ratio", least.interval.estimate, ~is_range)
        put(f"{prefix}rate_ratio_lower", least.interval.lower)
        put(f"{prefix}rate_ratio_upper", greatest.interval.upper)
        put(f"{prefix}p_value", least.p_value, ~is_range)
        if prefix:
            continue
        put("phi_of_chance", dispersion_of_chance(now, days[0], was, days[1]), ~is_range)
        kinds = np.where(least.method == greatest.method, least.method, "quasi_poisson")
        kinds = np.where(np.isnan(now + was), None, kinds)
        columns["interval_type"] = pa.array(kinds.tolist(), pa.string())
        least_midp = rate_ratio_interval(now, days[0], most_was, days[1], method="midp")
        greatest_midp = rate_ratio_interval(most_now, days[0], was, days[1], method="midp")
        put("midp_lower", least_midp.lower)
        put("midp_upper", greatest_midp.upper)
        midp = rate_ratio_p_value(now, days[0], was, days[1], method="midp")
        put("midp_p_value", midp, ~is_range)
        # How far the counts at hand could see, and how many it would take to see this change.
        scale = np.where(np.isnan(phi), 1.0, phi)
        base = np.where(was > 0, was, np.nan)
        exposure = days[0] / days[1]
        ratio = np.where(least.interval.estimate > 0, least.interval.estimate, np.nan)
        ratio = np.where(np.isfinite(ratio), ratio, np.nan)
        for direction in ("rise", "fall"):
            found = smallest_detectable_ratio(
                base, direction=direction, phi=scale, exposure_ratio=exposure
            )
            put(f"smallest_detectable_{direction}_ratio", found, ~is_range)
        needed = events_needed(ratio, phi=scale, exposure_ratio=exposure)
        put("events_needed", needed, ~is_range)
    return pa.table(columns)
