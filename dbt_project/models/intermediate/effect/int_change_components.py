"""The parts of every change, with intervals by simulation.

Python, because the parts are simulated together, so that they sum to the change in every draw; one
call for all indicators and areas. The work is in orchestration.change_parts.
"""


def model(dbt, session):
    from orchestration import change_parts
    from orchestration.rows import rows_of

    dbt.config(materialized="table")

    scatter = {
        (e["measure_code"], e["area_id"]): e["dispersion"]
        for e in rows_of(dbt.ref("int_recording_effects_of_records"))
        if e["variant_code"] == "none" and e["dispersion"] is not None
    }
    pairs = rows_of(dbt.ref("int_indicator_pairs"))
    pairs = [p for p in pairs if p["area_type"] == "force"]
    counts = rows_of(dbt.ref("int_change_component_counts"))
    rules = [r["rule_code"] for r in rows_of(dbt.ref("like_for_like_rules"))]
    return change_parts.table(pairs, counts, rules, scatter)
