"""The recording effect of every published offence of the force and its region, by every method.

Python, because synthetic controls are fitted; one call for all offences. The work is in
orchestration.recording_effects and orchestration.statistics.
"""


def model(dbt, session):
    import numpy as np

    from orchestration import recording_effects as effects
    from orchestration.rows import rows_of
    from orchestration.statistics.hospital_control import Bounds, bounds_of_sum

    dbt.config(materialized="table")

    events = effects.events_of(rows_of(dbt.ref("int_recording_effect_events")))
    (configuration,) = rows_of(dbt.ref("stg_ledger__configuration"))
    donors = sorted(rows_of(dbt.ref("int_recording_effect_donors")), key=lambda d: d["force_code"])
    forces = [d["force_code"] for d in donors]
    region_of = {f["force_code"]: f["region_code"] for f in rows_of(dbt.ref("forces"))}
    calendar, panels = effects.quarterly_panels(
        dbt.ref("int_recording_effect_quarters").fetchnumpy(),
        events,
        forces,
        configuration["baseline_year"],
        configuration["current_year"],
    )
    region = f"region/{configuration['region_code']}"
    whole = "country/E92000001"

    years = {
        (a["area_id"], a["financial_year"]): bounds_of_sum(
            Bounds([a["months_lower"]], [a["months_upper"]]),
            None
            if a["total_lower"] is None or a["total_upper"] is None
            else Bounds(a["total_lower"], a["total_upper"]),
        )
        for a in rows_of(dbt.ref("int_recording_effect_admissions"))
    }
    both = (configuration["current_year"], configuration["baseline_year"])
    wanted = [(area, year) for area in (region, whole) for year in both]
    admissions = None
    if all(key in years for key in wanted):
        before = {region: [], whole: []}
        for month in sorted(rows_of(dbt.ref("int_hospital_months")), key=lambda m: m["month"]):
            if month["area_id"] in before and (
                month["financial_year"] <= configuration["baseline_year"]
            ):
                value = month["episode_count"]
                before[month["area_id"]].append(np.nan if value is None else float(value))
        admissions = effects.Admissions(
            *(years[key] for key in wanted),
            *(effects.months_dispersion(before[area]) for area in (region, whole)),
            {
                code: tuple(years[f"region/{code}", year] for year in both)
                for code in sorted({str(r) for r in region_of.values()})
                if all((f"region/{code}", year) in years for year in both)
            },
        )
    # One series of each offence of the force, by the name that the mart has for it.
    keys = ("offence_level", "offence_group", "offence_name")
    quarters = dbt.ref("int_recording_effect_quarters")
    named = rows_of(quarters.project(", ".join((*keys, "measure_code"))).distinct())
    codes = {tuple(n[k] for k in keys): n["measure_code"] for n in named}
    scatters = {
        codes[key]: effects.Scatter.of(d)
        for d in rows_of(dbt.ref("int_offence_dispersion"))
        if d["force_code"] == configuration["force_code"]
        and (key := tuple(d[k] for k in keys)) in codes
    }
    measures = {
        m["measure_key"]: m
        for m in rows_of(dbt.ref("recording_effect_measures"))
        if m["measure_source"] == "home_office"
    }
    found = effects.effects_of_offences(
        calendar,
        panels,
        forces,
        [d["force_name"] for d in donors],
        configuration["force_code"],
        [region_of[f] for f in forces],
        {
            "main": np.array([d["is_donor"] for d in donors]),
            "strict": np.array([d["is_strict_donor"] for d in donors]),
        },
        measures,
        rows_of(dbt.ref("recording_effect_assessments")),
        region,
        admissions,
        scatters,
    )
    return effects.table(found)
