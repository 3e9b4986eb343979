"""Intervals, smoothed counts, concentration and changes of all areas' counts.

Python, because no SQL engine used here has gamma and beta quantiles; one call for all areas where
they do not depend on each other, one for each level otherwise.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.rows import finite_column
    from orchestration.statistics.concentration import (
        gini,
        gini_by_chance,
        smoothed_rates,
        top_areas,
    )
    from orchestration.statistics.intervals import (
        poisson_interval,
        rate_ratio_interval,
        rate_ratio_p_value,
        wilson_interval,
    )
    from orchestration.statistics.multiplicity import adjusted_p_values

    dbt.config(materialized="table")
    keys = ("subject_code", "area_type", "area_id")
    rows = dbt.ref("int_area_counts").order(f"{', '.join(keys)}, period_type").fetchnumpy()
    text = {k: np.asarray(rows[k]).astype(str) for k in keys}
    # Baseline and current stand in turns: an area that is counted is counted in both.
    count = np.asarray(rows["event_count"], dtype=np.float64)
    days = np.asarray(rows["day_count"], dtype=np.float64)
    people = np.ma.asarray(rows["population_count"]).astype(np.float64).filled(np.nan)
    n = count.size

    columns = {k: pa.array(v.tolist(), pa.string()) for k, v in text.items()}
    columns["period_type"] = pa.array(np.asarray(rows["period_type"]).tolist(), pa.string())
    found = {
        name: np.full(n, np.nan)
        for name in (
            "smoothed_count",
            "smoothed_count_lower",
            "smoothed_count_upper",
            "gini",
            "gini_by_chance_lower",
            "gini_by_chance_upper",
            "top_tenth_share",
            "baseline_top_tenth_share",
            "baseline_top_tenth_share_lower",
            "baseline_top_tenth_share_upper",
            "rate_ratio",
            "rate_ratio_lower",
            "rate_ratio_upper",
            "p_value",
            "q_value",
        )
    }
    whole = poisson_interval(count)
    found["event_count_lower"], found["event_count_upper"] = map(
        np.atleast_1d, (whole.lower, whole.upper)
    )

    now, was = count[1::2], count[0::2]
    # Most pairs of counts come up many times.
    pairs, of_area = np.unique(
        np.column_stack([now, days[1::2], was, days[0::2]]), axis=0, return_inverse=True
    )
    of_area = of_area.ravel()
    ratio = rate_ratio_interval(*pairs.T)
    for name, values in zip(
        ("rate_ratio", "rate_ratio_lower", "rate_ratio_upper"), ratio, strict=True
    ):
        found[name][1::2] = np.asarray(values)[of_area]
    found["p_value"][1::2] = rate_ratio_p_value(*pairs.T)[of_area]
    found["p_value"][1::2][now + was == 0] = np.nan

    exposure_type = np.full(n, "area", dtype=object)
    is_top = np.zeros(n, dtype=bool)
    levels, level = np.unique(
        np.char.add(np.char.add(text["subject_code"], "|"), text["area_type"]), return_inverse=True
    )
    for number in range(len(levels)):
        both = np.flatnonzero(level == number)
        at = {False: both[0::2], True: both[1::2]}
        top = {}
        for is_now, these in at.items():
            # Where any population of the level is unknown, each of its areas weighs the same.
            known = not np.isnan(people[both]).any() and bool((people[both] > 0).all())
            exposure = people[these] if known else np.ones(these.size)
            exposure_type[these] = "population" if known else "area"
            smooth = smoothed_rates(count[these], exposure)
            found["smoothed_count"][these] = smooth.estimate * exposure
            found["smoothed_count_lower"][these] = smooth.lower * exposure
            found["smoothed_count_upper"][these] = smooth.upper * exposure
            total = count[these].sum()
            top[is_now] = top_areas(count[these])
            is_top[these] = top[is_now] & (count[these] > 0)
            found["gini"][these] = gini(count[these])
            chance = gini_by_chance(int(total), np.ones(these.size))
            found["gini_by_chance_lower"][these] = chance.lower
            found["gini_by_chance_upper"][these] = chance.upper
            if total > 0:
                found["top_tenth_share"][these] = count[these][top[is_now]].sum() / total
                # The areas of the baseline were not chosen by the counts of the current period.
                if is_now:
                    share = wilson_interval(count[these][top[False]].sum(), total)
                    found["baseline_top_tenth_share"][these] = share.estimate
                    found["baseline_top_tenth_share_lower"][these] = share.lower
                    found["baseline_top_tenth_share_upper"][these] = share.upper
        found["q_value"][at[True]] = adjusted_p_values(found["p_value"][at[True]])

    columns["exposure_type"] = pa.array(exposure_type.tolist(), pa.string())
    columns["is_top_tenth"] = pa.array(is_top, pa.bool_())
    for name, values in found.items():
        columns[name] = finite_column(values)
    return pa.table(columns)
