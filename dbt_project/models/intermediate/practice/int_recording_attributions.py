"""Why each alert of the recording checks: since when, what it is made of, what else moved.

Python, because it takes change points, exact tests and a rule in words.
"""


def model(dbt, session):
    import pyarrow as pa

    from orchestration.attribution.table import SCHEMA, attribute
    from orchestration.rows import rows_of

    dbt.config(materialized="table")
    rules = rows_of(dbt.ref("like_for_like_rules"))
    found = attribute(
        rows_of(dbt.ref("int_recording_alerts")),
        rows_of(dbt.ref("int_recording_alert_periods")),
        rows_of(dbt.ref("int_recording_check_parts")),
        rows_of(dbt.ref("int_independent_counts")),
        rows_of(dbt.ref("int_attribution_events")),
        [r["record_origin_code"] for r in rules],
    )
    schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in SCHEMA])
    return pa.Table.from_pylist(found, schema)
