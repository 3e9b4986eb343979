"""The recording effect of every indicator of the force's records, by every method.

Python, because series are fitted (interrupted time series) and intervals are exact; one call for
all series. The work is in orchestration.recording_effects and orchestration.statistics.
"""


def model(dbt, session):
    from orchestration import recording_effects as effects
    from orchestration.rows import rows_of

    dbt.config(materialized="table")

    events = effects.events_of(rows_of(dbt.ref("int_recording_effect_events")))
    (configuration,) = rows_of(dbt.ref("stg_ledger__configuration"))
    series = effects.monthly_series(dbt.ref("int_recording_effect_months").fetchnumpy(), events)
    pairs = {
        (p["indicator_code"], p["area_id"], p["basis"]): p
        for p in rows_of(dbt.ref("int_indicator_pairs"))
    }
    measures = {
        m["measure_key"]: m
        for m in rows_of(dbt.ref("recording_effect_measures"))
        if m["measure_source"] == "force_records"
    }
    scatters = {
        (d["indicator_code"], d["area_id"], d["basis"]): effects.Scatter.of(d)
        for d in rows_of(dbt.ref("int_indicator_dispersion"))
    }
    found = effects.effects_of_records(
        series,
        pairs,
        measures,
        rows_of(dbt.ref("recording_effect_assessments")),
        f"force/{configuration['force_code']}",
        scatters,
    )
    return effects.table(found)
