"""The recording effect of every indicator of the force's records, by every method.

Python, because series are fitted (interrupted time series) and intervals are exact; one call for
all series. The work is in orchestration.recording_effects and orchestration.statistics.
"""


def model(dbt, session):
    from orchestration import recording_effects as effects

    dbt.config(materialized="table")

    def rows(relation):
        return [dict(zip(relation.columns, r, strict=True)) for r in relation.fetchall()]

    events = [
        (e["event_name"], effects.np.datetime64(e["first_month"]))
        for e in sorted(
            rows(dbt.ref("int_recording_effect_events")), key=lambda e: e["first_month"]
        )
    ]
    (configuration,) = rows(dbt.ref("stg_ledger__configuration"))
    series = effects.monthly_series(dbt.ref("int_recording_effect_months").fetchnumpy(), events)
    pairs = {
        (p["indicator_code"], p["area_id"], p["basis"]): p
        for p in rows(dbt.ref("int_indicator_pairs"))
    }
    measures = {
        m["measure_key"]: m
        for m in rows(dbt.ref("recording_effect_measures"))
        if m["measure_source"] == "force_records"
    }
    scatters = {
        (d["indicator_code"], d["area_id"], d["basis"]): effects.Scatter.of(d)
        for d in rows(dbt.ref("int_indicator_dispersion"))
    }
    found = effects.effects_of_records(
        series,
        pairs,
        measures,
        rows(dbt.ref("recording_effect_assessments")),
        f"force/{configuration['force_code']}",
        scatters,
    )
    return effects.table(found)
