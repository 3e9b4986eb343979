"""Every month of every recording check, held to the months before it.

Python, because it takes the detectors and exact tests; each kind of series is one call.
"""


def model(dbt, session):
    import pyarrow as pa

    from orchestration.recording_checks import judge_ledger

    dbt.config(materialized="table")
    # Numbers for what is text: many texts are slow to sort outside of the engine.
    rows = dbt.ref("int_recording_check_months").project(
        "check_code, breakdown_code, force_code, month, month_count, detector_type, "
        "dense_rank() over (order by check_code, breakdown_code, force_code) - 1 as series, "
        "case when not_assessed_reason = 'not supplied' then cast('nan' as double) "
        "else coalesce(cast(numerator_count as double), 'nan') end as numerator_count, "
        "coalesce(cast(denominator_count as double), 'nan') as denominator_count, "
        "cast(baseline_weight as double) as baseline_weight, "
        "not_assessed_reason is null as is_to_assess, "
        "dense_rank() over (order by source_type, month) as family, "
        "case when is_held_to_peers then dense_rank() over (order by check_code, breakdown_code) "
        "else -1 end as peers"
    )
    table = rows.order("series, month").fetchnumpy()
    found = judge_ledger(
        series=table["series"],
        month=table["month"],
        month_count=table["month_count"],
        detector_type=table["detector_type"],
        numerator=table["numerator_count"],
        denominator=table["denominator_count"],
        weight=table["baseline_weight"],
        is_to_assess=table["is_to_assess"],
        family=table["family"],
        peers=table["peers"],
    )
    columns = {
        name: pa.array(table[name].tolist(), pa.string())
        for name in ("check_code", "breakdown_code", "force_code")
    }
    columns["month"] = pa.array(table["month"].astype("datetime64[D]"))
    for name, values in found.items():
        if values.dtype.kind == "f":
            columns[name] = pa.array(values, pa.float64(), from_pandas=True)
        elif values.dtype.kind == "U":
            columns[name] = pa.array(values.tolist(), pa.string())
        else:
            columns[name] = pa.array(values)
    return pa.table(columns)
