"""Every month of every recording check, held to the months before it.

Python, because it takes the detectors and exact tests; each kind of series is one call. A unit is
held to the force: what it has, to what it would have with the force's ratio of the month (indirect
standardisation), so that what the whole force goes through is no finding about a unit.
"""


def model(dbt, session):
    import numpy as np
    import pyarrow as pa

    from orchestration.recording_checks import judge_ledger
    from orchestration.statistics.intervals import wilson_interval

    dbt.config(materialized="table")
    # Numbers for what is text: many texts are slow to sort outside of the engine.
    rows = dbt.ref("int_recording_check_months").project(
        "check_code, breakdown_code, npu_code, force_code, month, month_count, "
        "case when npu_code = 'all' then detector_type else 'rate' end as detector_type, "
        "dense_rank() over (order by check_code, breakdown_code, npu_code, force_code, "
        "baseline_code) - 1 as series, "
        "case when not_assessed_reason = 'not supplied' or numerator_count < 0 "
        "then cast('nan' as double) "
        "else coalesce(cast(numerator_count as double), 'nan') end as numerator_count, "
        "coalesce(cast(denominator_count as double), 'nan') as denominator_count, "
        "coalesce(case when npu_code = 'all' then 1.0 else force_ratio end, 'nan') as standard, "
        "npu_code <> 'all' as is_of_unit, "
        "cast(baseline_weight as double) as baseline_weight, "
        "not_assessed_reason is null as is_to_assess, is_migration and npu_code = 'all' "
        "as is_migration, "
        "dense_rank() over (order by source_type, month) as family, "
        "case when is_held_to_peers then dense_rank() over (order by check_code, breakdown_code) "
        "else -1 end as peers"
    )
    table = rows.order("series, month").fetchnumpy()
    standard = table["standard"]
    found = judge_ledger(
        series=table["series"],
        month=table["month"],
        month_count=table["month_count"],
        detector_type=table["detector_type"],
        numerator=table["numerator_count"],
        denominator=table["denominator_count"] * standard,
        weight=table["baseline_weight"],
        is_to_assess=table["is_to_assess"],
        family=table["family"],
        peers=table["peers"],
        is_migration=table["is_migration"],
    )
    # Back from what is expected of a unit to its share.
    for name in ("observed", "expected", "lower_limit", "upper_limit"):
        found[name] = found[name] * standard
    unit = table["is_of_unit"] & (table["denominator_count"] > 0)
    chance = wilson_interval(table["numerator_count"][unit], table["denominator_count"][unit])
    found["value_lower"][unit] = chance.lower
    found["value_upper"][unit] = chance.upper
    columns = {
        name: pa.array(table[name].tolist(), pa.string())
        for name in ("check_code", "breakdown_code", "npu_code", "force_code")
    }
    columns["month"] = pa.array(table["month"].astype("datetime64[D]"))
    for name, values in found.items():
        if values.dtype.kind == "M":
            columns[name] = pa.array(values.astype("datetime64[D]"), pa.date32())
        elif values.dtype.kind == "f":
            columns[name] = pa.array(values, pa.float64(), from_pandas=True)
        elif values.dtype.kind == "U":
            columns[name] = pa.array(values.tolist(), pa.string())
        else:
            columns[name] = pa.array(np.asarray(values))
    return pa.table(columns)
