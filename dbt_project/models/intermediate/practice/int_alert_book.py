"""The alert book as it is with this evaluation: what the ledger knew before, and what is found now.

Python, because the book is a pure function that the commands use too: alerts have the names here
that ``plumbline alerts`` shows once the release is taken in.
"""


def model(dbt, session):
    import pyarrow as pa

    from orchestration.alerts.evaluation import cells_sql, rows_sql
    from orchestration.alerts.published import SCHEMA, alerts_after, eventful_series
    from orchestration.alerts.store import read_actions, read_known
    from orchestration.rows import rows_of
    from orchestration.sqltext import lit

    dbt.config(materialized="table")
    (settings,) = rows_of(dbt.ref("stg_ledger__configuration"))
    practice = dbt.ref("mart_recording_practice")
    force_code = lit(settings["force_code"])
    # The book has alerts of grants and feeds too: they are no checks of recording.
    checks = {r["check_code"] for r in rows_of(dbt.ref("recording_checks"))}
    known = {
        cell: state
        for cell, state in read_known(session).items()
        if cell[0].partition("/")[0] in checks
    }
    found = rows_of(
        practice.query("practice", rows_sql("practice", force_code=force_code, is_finding="true"))
    )
    others = cells_sql("practice", force_code, eventful_series(known, found))
    alerts = alerts_after(
        known,
        read_actions(session),
        [*found, *rows_of(practice.query("practice", others))],
        gap_months=settings["alert_gap_months"],
    )
    schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in SCHEMA])
    return pa.Table.from_pylist(alerts, schema)
