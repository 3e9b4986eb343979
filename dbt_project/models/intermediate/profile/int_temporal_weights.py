"""Aoristic weight of every hour of the week, by subject and period, with what can be said of it.

Python, because the weights are those of orchestration.statistics.aoristic; one call for all groups.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.statistics.aoristic import (
        HOURS,
        KINDS,
        aoristic_totals,
        interval_kind,
        share_interval,
    )
    from orchestration.statistics.multiplicity import adjusted_p_values
    from orchestration.statistics.rates import (
        log_risk_ratio,
        ratio_interval,
        ratio_p_value,
    )

    dbt.config(materialized="table")
    events = dbt.ref("int_temporal_events").fetchnumpy()

    def times(name):
        values = np.ma.asarray(events[name])
        stamps = np.ma.getdata(values).astype("datetime64[s]")
        return np.where(np.ma.getmaskarray(values), np.datetime64("NaT"), stamps)

    start, end = times("occurred_from_at"), times("occurred_to_at")
    subject = np.asarray(events["subject_code"]).astype(str)
    is_current = (np.asarray(events["period_type"]).astype(str) == "current").astype(np.int64)
    subjects, place = np.unique(subject, return_inverse=True)
    # Two groups for each subject: baseline, then current.
    groups, n = 2 * place + is_current, 2 * len(subjects)
    weights = aoristic_totals(start, end, groups, n)
    placed = weights.sum(axis=1).round().astype(np.int64)
    kinds = interval_kind(start, end)
    counts = {k: np.bincount(groups[kinds == k], minlength=n) for k in KINDS}
    at_midnight = (start == start.astype("datetime64[D]")) & np.isin(kinds, KINDS[2:5])
    midnight = np.bincount(groups[at_midnight], minlength=n)

    trials = np.where(placed > 0, placed, np.nan)[:, None]
    share = share_interval(weights, trials)
    # A peak stands out from an even week among all of its hours (Bonferroni).
    strict = share_interval(weights, trials, 1.0 - 0.05 / HOURS)
    # Running sums may leave a weight of all events a rounding error above them.
    parts = np.minimum(weights, np.nan_to_num(trials))
    ratio = log_risk_ratio(parts[1::2], trials[1::2], parts[0::2], trials[0::2])
    few = (np.minimum(weights[1::2], weights[0::2]) < 20) | np.isnan(ratio.log)
    change = ratio_interval(ratio)
    p_value = np.where(few, np.nan, ratio_p_value(ratio))
    q_value = np.array([adjusted_p_values(p) for p in p_value]).reshape(p_value.shape)

    def number(values, where=True):
        return pa.array(
            np.where(where, values, np.nan).ravel().astype(np.float64),
            pa.float64(),
            from_pandas=True,
        )

    def on_current(values, where=True):
        """Values of the comparison, on the rows of the current period."""
        both = np.full((n, HOURS), np.nan)
        both[1::2] = np.where(where, values, np.nan)
        return number(both)

    def repeated(values, kind):
        return pa.array(np.repeat(np.asarray(values), HOURS).tolist(), kind)

    return pa.table(
        {
            "subject_code": repeated(np.repeat(subjects, 2), pa.string()),
            "period_type": repeated(np.tile(["baseline", "current"], len(subjects)), pa.string()),
            "hour_of_week": pa.array(np.tile(np.arange(HOURS), n), pa.int32()),
            "event_count": repeated(np.bincount(groups, minlength=n), pa.int64()),
            "placed_count": repeated(placed, pa.int64()),
            "known_time_count": repeated(counts["known time"], pa.int64()),
            "no_end_count": repeated(counts["no end"] + counts["end before start"], pa.int64()),
            "week_or_longer_count": repeated(counts["a week or more"], pa.int64()),
            "midnight_count": repeated(midnight, pa.int64()),
            "aoristic_weight": number(weights),
            "share": number(share.estimate),
            "share_lower": number(share.lower, placed[:, None] > 0),
            "share_upper": number(share.upper, placed[:, None] > 0),
            "is_peak": pa.array(
                (strict.lower > 1.0 / HOURS).ravel() & np.repeat(placed > 0, HOURS), pa.bool_()
            ),
            "share_ratio": on_current(change.estimate, ~few),
            "share_ratio_lower": on_current(change.lower, ~few),
            "share_ratio_upper": on_current(change.upper, ~few),
            "p_value": on_current(p_value),
            "q_value": on_current(q_value),
        }
    )
