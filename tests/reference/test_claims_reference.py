"""The register against the paper itself, an earlier list of its claims, and its grant table."""

from __future__ import annotations

import csv
import re
from fractions import Fraction
from pathlib import Path

import pytest
from claims_support import look, register, seed_rows

pytestmark = pytest.mark.shared

#: Statuses of the earlier list -> verdicts that say the same here, from the paper alone.
SAME = {
    "INCONSISTENT_UNIT": {"unit_wrong"},
    "INCONSISTENT": {"arithmetic_wrong"},
    "INCONSISTENT_DENOMINATOR": {"arithmetic_wrong"},
    "CONFLICTS_WITH_P36.2": {"not_comparable"},
    "INCONSISTENT_WITH_P20": {"not_comparable"},
    "INCONSISTENT_WITH_P79": {"not_comparable"},
    "INCONSISTENT_WITH_P70b": {"not_comparable"},
    "not_comparable": {"not_comparable"},
}
#: Where the verdict is another, and why.
EXPLAINED = {
    "P79.1": "prints the numbers it is the sum of, so it is paragraph 20 that cannot be compared",
    "P44.2": "its denominator is missing, but first of all nothing of it can have finished",
}
#: Recomputed values that are given here in another form, or of which the list says more.
RECOMPUTED_ELSEWHERE = {
    "P44.1": "a change of the rate in points: claims of earlier years have rows of their own",
    "P70.1": "the number of persons: the share is what is printed",
    "P70.2": "as P70.1",
    "P70.3": "as P70.1",
    "P70.4": "as P70.1",
    "P70.5": "as P70.1",
    "P70.6": "as P70.1",
}


def table(shared: Path, name: str) -> list[dict[str, str]]:
    path = shared / "reference" / "claims" / name
    if not path.is_file():
        pytest.skip(f"needs {path}, which is absent here")
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def number(text: str) -> Fraction | None:
    return Fraction(text) if re.fullmatch(r"-?\d+(\.\d+)?", text or "") else None


def test_every_quote_stands_in_the_paper(shared: Path) -> None:
    path = shared / "reference" / "board_paper.txt"
    if not path.is_file():
        pytest.skip(f"needs {path}, which is absent here")
    paper = " ".join(path.read_text(encoding="utf-8").split())
    missing = [
        r["claim_id"]
        for r in seed_rows("published_claims")
        if " ".join(r["quote"].split()) not in paper
    ]
    assert missing == []


def test_every_claim_of_the_earlier_list_is_in_the_register_with_its_numbers(shared: Path) -> None:
    claims = register()
    listed = table(shared, "published_claims.csv")
    assert len(listed) == 74
    assert [r["claim_id"] for r in listed if r["claim_id"] not in claims] == []
    assert len(claims) > 2 * len(listed)
    apart = []
    for row in listed:
        claim = claims[row["claim_id"]]
        here = {claim.published_value, claim.published_to_value, claim.numerator}
        here |= {claim.denominator, claim.current_value, claim.baseline_value}
        for column in ("value_current", "value_baseline", "numerator", "denominator"):
            value = number(row[column])
            derived = row["claim_id"].startswith("P70.") and column == "numerator"
            is_text = claim.published_text is not None and row[column] in claim.published_text
            if value is not None and value not in here and not derived and not is_text:
                apart.append((row["claim_id"], column, row[column]))
        published = number(row["published_pct_or_rate"])
        if published is not None and published not in here:
            apart.append((row["claim_id"], "published", row["published_pct_or_rate"]))
    assert apart == []


def test_recomputed_values_agree_with_the_earlier_list(shared: Path) -> None:
    _, judged = look(register())
    compared, apart = 0, []
    for row in table(shared, "published_claims.csv"):
        value, ours = number(row["recomputed"]), judged[row["claim_id"]].recomputed_value
        if row["claim_id"] in RECOMPUTED_ELSEWHERE or value is None or ours is None:
            continue
        compared += 1
        places = len(row["recomputed"].partition(".")[2])
        if abs(float(value) - ours) > 0.5 * 10**-places + 1e-9:
            apart.append((row["claim_id"], row["recomputed"], ours))
    assert apart == []
    assert compared >= 7


def test_its_findings_are_found(shared: Path) -> None:
    _, judged = look(register())
    apart = {}
    for row in table(shared, "published_claims.csv"):
        expected = SAME.get(row["status"])
        verdict = judged[row["claim_id"]].verdict
        if expected is None:
            # Whatever else the list says, it says nothing is wrong in the numbers.
            expected = {"not_derivable"}
        if verdict not in expected:
            apart[row["claim_id"]] = (row["status"], verdict)
    assert apart.keys() == EXPLAINED.keys(), apart


def test_appendix_a_is_the_papers(shared: Path) -> None:
    """Every amount, and that every row and column adds up, as the table in order has it."""
    claims = register()
    columns = {
        "original_grant": 1,
        "new_bid": 2,
        "total_grant": 3,
        "oct_ytd_spend": 4,
        "nov_mar_forecast": 5,
        "total_forecast": 6,
    }
    rows = table(shared, "appendix_a.csv")
    printed = [r for r in rows if "NOT_printed" not in r["kind"]]
    assert len(printed) == 13
    seen = set()
    for line, row in enumerate(printed, 1):
        for column, place in columns.items():
            claim = claims.get(f"A{line:02d}.{place}")
            if claim is None:
                assert (column, Fraction(row[column])) == ("new_bid", 0)  # an empty cell
                continue
            seen.add(claim.claim_id)
            assert claim.published_value == Fraction(row[column]), claim.claim_id
    assert seen == {c for c in claims if c.startswith("A")}
    checked, judged = look(claims)
    sums = {k[0]: v for k, v in checked.items() if k[1] == "additive_closure"}
    for place in columns.values():
        assert sums[f"A10.{place}"].status == "pass"
        assert sums[f"A13.{place}"].status == "pass"
    # What is not printed in it follows: match is overspent, by the amount that the table gives.
    (match,) = [r for r in rows if r["kind"] == "subtotal_NOT_printed"]
    said = judged["P76.2b"].sentence
    assert f"£{int(match['total_forecast']):,}" in said
    assert f"£{int(match['variance']):,} (29.0%) more" in said
    assert float(match["variance_pct"]) == pytest.approx(29.05)
