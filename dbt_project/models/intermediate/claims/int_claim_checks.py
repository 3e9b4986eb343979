"""Every check of every published claim against the register and the warehouse's figures.

Python, because whether a rounded percentage can come from whole numbers needs exact fractions, and
intervals need quantiles that the SQL engines used here do not have; the rules are pure functions
(orchestration.claims) that tests call with literal examples. What a figure of the warehouse is, is
SQL (int_claim_figures).
"""


def model(dbt, session):
    import pyarrow as pa

    from orchestration.claims import (
        check_claims,
        claims_from_rows,
        figures_from_rows,
        rules_from_rows,
    )
    from orchestration.rows import rows_of

    dbt.config(materialized="table")

    claims = claims_from_rows(rows_of(dbt.ref("int_claim_register")))
    figures = figures_from_rows(rows_of(dbt.ref("int_claim_figures")))
    checked = check_claims(claims, figures, rules_from_rows(rows_of(dbt.ref("claim_checks"))))
    return pa.table(
        {
            name: pa.array([getattr(one, name) for one in checked], pa.string())
            for name in ("claim_id", "check_code", "status", "observed", "expected", "sentence")
        }
    )
