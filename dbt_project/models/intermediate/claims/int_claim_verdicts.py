"""The verdict on every published claim, from its checks; Python as int_claim_checks.

Whether what a claim is compared with is simulated is read here, too: it is no news about a paper.
A force's records are where they take the published key; published tables only where a file that the
simulator wrote was loaded (the NHS publishes artificial records beside its real tables).
"""


def model(dbt, session):
    import pyarrow as pa

    from orchestration.claims import (
        Checked,
        claims_from_rows,
        figures_from_rows,
        judge_claims,
        rules_from_rows,
    )
    from orchestration.privacy import DEMO, SIMULATED_FILES
    from orchestration.rows import rows_of

    dbt.config(materialized="table")

    claims = claims_from_rows(rows_of(dbt.ref("int_claim_register")))
    figures = figures_from_rows(rows_of(dbt.ref("int_claim_figures")))
    rules = rules_from_rows(rows_of(dbt.ref("claim_checks")))
    checked = [Checked(**row) for row in rows_of(dbt.ref("int_claim_checks"))]
    judged = judge_claims(claims, figures, rules, checked)
    key = dict(dbt.source("ledger", "configuration").project("key, value").fetchall())
    has_simulated_files = SIMULATED_FILES in key
    has_demo_key = key.get("person_key_fingerprint") == DEMO.fingerprint
    source_types = {f.figure_code: f.source_type for f in figures.values()}
    sources = [source_types.get(claim.figure_code) for claim in claims]
    texts = ("claim_id", "verdict", "deciding_check", "assessed_by", "published_text")
    texts += ("warehouse_text", "sentence")
    numbers = ("recomputed_value", "warehouse_value", "warehouse_lower", "warehouse_upper")
    changes = {
        "change_ratio": "ratio",
        "change_ratio_lower": "lower",
        "change_ratio_upper": "upper",
        "change_p_value": "p_value",
        "events_needed": "events_needed",
    }

    def of_change(one, field):
        # No ratio to nothing, and no number of events for no change: an infinite one is none.
        value = None if one.change is None else getattr(one.change, field)
        return value if value is not None and abs(value) != float("inf") else None

    columns = {n: pa.array([getattr(one, n) for one in judged], pa.string()) for n in texts}
    columns |= {n: pa.array([getattr(one, n) for one in judged], pa.float64()) for n in numbers}
    columns |= {
        name: pa.array([of_change(one, field) for one in judged], pa.float64(), from_pandas=True)
        for name, field in changes.items()
    }
    columns["is_shown_first"] = pa.array([one.is_shown_first for one in judged], pa.bool_())
    columns["source_type"] = pa.array(sources, pa.string())
    columns["has_simulated_records"] = pa.array(
        [has_simulated_files or (has_demo_key and source == "records") for source in sources],
        pa.bool_(),
    )
    return pa.table(columns)
