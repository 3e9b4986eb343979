"""The register of claims and its checks, read from the seeds as dbt loads them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import duckdb
import yaml

from orchestration.claims import (
    Checked,
    Claim,
    Figure,
    Judgement,
    Rule,
    check_claims,
    claims_from_rows,
    judge_claims,
    rules_from_rows,
)
from orchestration.settings import DBT_PROJECT

SEEDS = DBT_PROJECT / "seeds"


@cache
def seed_rows(name: str) -> tuple[dict[str, Any], ...]:
    """Rows of a seed with the types that it declares."""
    described = yaml.safe_load((SEEDS / "_claims_seeds.yml").read_text(encoding="utf-8"))
    (seed,) = [s for s in described["seeds"] if s["name"] == name]
    types = seed["config"]["column_types"]
    listed = ", ".join(f"'{column}': '{kind}'" for column, kind in types.items())
    found = duckdb.sql(
        f"from read_csv('{SEEDS / f'{name}.csv'}', header = true, columns = {{{listed}}})"
    )
    return tuple(dict(zip(found.columns, row, strict=True)) for row in found.fetchall())


def register() -> dict[str, Claim]:
    """The claims of the seed."""
    return {c.claim_id: c for c in claims_from_rows(seed_rows("published_claims"))}


def rules() -> list[Rule]:
    """The checks of the seed."""
    return rules_from_rows(seed_rows("claim_checks"))


def look(
    claims: dict[str, Claim], figures: dict[str, Figure] | None = None
) -> tuple[dict[tuple[str, str], Checked], dict[str, Judgement]]:
    """Checks by claim and code, and judgements by claim; without figures from the paper alone."""
    listed = list(claims.values())
    checked = check_claims(listed, figures or {}, rules())
    judged = judge_claims(listed, figures or {}, rules(), checked)
    return (
        {(c.claim_id, c.check_code): c for c in checked},
        {j.claim_id: j for j in judged},
    )


def changed(claims: dict[str, Claim], claim_id: str, **fields: Any) -> dict[str, Claim]:
    """The register with some fields of one claim set to something else."""
    return {**claims, claim_id: replace(claims[claim_id], **fields)}
