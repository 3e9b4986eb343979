"""Rules find the paper's errors from its numbers, and only these; planted errors are found too.

Nothing here has a warehouse: what the paper's own numbers say holds with any records.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction as F

import pytest
from claims_support import changed, look, register, rules, seed_rows

from orchestration.claims import (
    Claim,
    RegisterError,
    check_claims,
    claims_from_rows,
    rules_from_rows,
)
from orchestration.claims.checks import FAIL, NOT_APPLICABLE, NOT_ASSESSED, PASS
from orchestration.claims.register import Figure, parse_period
from orchestration.settings import PROJECT

CLAIMS = register()
CHECKED, JUDGED = look(CLAIMS)
FROM_THE_PAPER = ("unit_wrong", "arithmetic_wrong", "not_comparable")


def test_the_errors_that_the_paper_has_are_found_and_no_other() -> None:
    found = {
        c: (j.verdict, j.deciding_check) for c, j in JUDGED.items() if j.verdict in FROM_THE_PAPER
    }
    assert found == {
        "P06.2": ("unit_wrong", "unit_plausibility"),
        "P12.3": ("arithmetic_wrong", "percent_arithmetic"),
        "P20.1": ("not_comparable", "cross_claim"),
        "P36.1": ("arithmetic_wrong", "percent_arithmetic"),
        "P37.5": ("arithmetic_wrong", "integer_numerator"),
        "P37.7": ("not_comparable", "cross_claim"),
        "P44.1": ("not_comparable", "cohort_maturity"),
        "P44.2": ("not_comparable", "cohort_maturity"),
        "P69.1": ("not_comparable", "cross_claim"),
    }
    accepted = {
        r["claim_id"]
        for r in seed_rows("published_claims")
        if r["expected_verdict"] in FROM_THE_PAPER
    }
    assert accepted == set(found)


def test_no_rule_knows_a_claim_or_a_number_of_the_paper() -> None:
    code = "".join(
        line
        for path in sorted((PROJECT / "orchestration" / "claims").glob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
        if '"""' not in line and not line.lstrip().startswith(("#", "``"))
    )
    assert not re.search(r"""["'](P\d\d|A\d\d|EQ)\.\d""", code)
    metrics = {c.metric_code for c in CLAIMS.values()}
    assert {m for m in metrics if f'"{m}"' in code} <= {"baseline_year"}


@pytest.mark.parametrize(
    ("claim_id", "said"),
    [
        ("P06.2", ["9.6 times", "per 100,000"]),
        ("P12.3", ["11.6%", "7 of 95", "11 of 147 to 169"]),
        ("P36.1", ["-11.1%", "76 against 90", "80 against 95", "-15.2%", "0.65 to 1.21"]),
        ("P36.2", ["0.93 to 1.26", "not distinguishable from chance"]),
        ("P36.3", ["0.10 to 1.59", "not distinguishable from chance", "too few"]),
        ("P36.4", ["0.11 to 4.43", "not distinguishable from chance", "too few"]),
        ("P37.4", ["not distinguishable from chance"]),
        ("P37.5", ["16, 27 or 43", "41, 48"]),
        ("P37.7", ["+8.4% in P36.2", "another measure"]),
        ("P44.1", ["6.14%", "9.77%", "unfinished"]),
        ("P76.2b", ["£758,795", "£170,795", "29.0%"]),
        ("A10.5", ["57%", "1.9 times"]),
        ("A10.3", ["to the pound", "£292,228 over"]),
    ],
)
def test_what_a_reader_must_be_shown_first(claim_id: str, said: list[str]) -> None:
    judged = JUDGED[claim_id]
    assert judged.is_shown_first
    assert [words for words in said if words not in judged.sentence] == []


def test_the_four_headline_changes_say_how_many_events_it_would_take() -> None:
    needed = {c: JUDGED[c].change.events_needed for c in ("P36.1", "P36.2", "P36.3", "P36.4")}
    for claim_id, events in needed.items():
        change = JUDGED[claim_id].change
        assert change.lower < 1 < change.upper
        assert change.is_printed
        assert f"about {events:,.0f} in the earlier period" in JUDGED[claim_id].sentence
        assert events > float(CLAIMS[claim_id].baseline_value)
    # The smaller the change, the more it takes.
    assert needed["P36.3"] < needed["P36.4"] < needed["P36.1"] < needed["P36.2"]


@pytest.mark.parametrize(
    ("claim_id", "mended"),
    [
        ("P36.1", {"published_value": F(-11)}),
        ("P36.1", {"current_value": F(76)}),
        ("P12.3", {"published_value": F(12)}),
        ("P12.3", {"denominator": F(150)}),
        ("P06.2", {"unit": "per 100,000 population"}),
        ("P37.5", {"published_value": F(14)}),  # 6 of 43
        ("P37.5", {"denominator_groups": ("another",)}),
        ("P20.1", {"published_value": F(26)}),
        ("P69.1", {"published_value": F(500)}),
        ("P37.7", {"published_value": F(8)}),
    ],
)
def test_a_corrected_error_is_none(claim_id: str, mended: dict) -> None:
    _, judged = look(changed(CLAIMS, claim_id, **mended))
    assert judged[claim_id].verdict not in FROM_THE_PAPER


@pytest.mark.parametrize(
    ("claim_id", "planted", "verdict", "check"),
    [
        ("P36.2", {"published_value": F(94, 10)}, "arithmetic_wrong", "percent_arithmetic"),
        ("P36.3", {"baseline_value": F(8)}, "arithmetic_wrong", "percent_arithmetic"),
        ("P76.2", {"published_value": F(25)}, "arithmetic_wrong", "percent_arithmetic"),
        ("P76.3", {"numerator": F(599800)}, "arithmetic_wrong", "percent_arithmetic"),
        ("P37.2", {"published_value": F(34)}, "arithmetic_wrong", "rounding_feasibility"),
        ("P70.6", {"denominator": F(2)}, "arithmetic_wrong", "integer_numerator"),
        ("P76.5", {"published_value": F(4027801)}, "arithmetic_wrong", "additive_closure"),
        ("P36.4", {"baseline_value": F(12), "published_value": F(-75)}, "unit_wrong", None),
        ("P05.1", {"published_value": F(40)}, "unit_wrong", "unit_plausibility"),
        ("P39.2", {"published_value": F(920)}, "unit_wrong", "unit_plausibility"),
        ("P59.2c", {"published_value": F(15)}, "unit_wrong", "unit_plausibility"),
        ("A10.1", {"published_value": F(2940001)}, "arithmetic_wrong", "additive_closure"),
        (
            "P44.1c",
            {"as_of_date": CLAIMS["P44.1c"].as_of_date.replace(2020, 4)},
            "not_comparable",
            None,
        ),
    ],
)
def test_a_planted_error_is_found(claim_id, planted, verdict, check) -> None:
    assert JUDGED[claim_id].verdict not in FROM_THE_PAPER
    _, judged = look(changed(CLAIMS, claim_id, **planted))
    assert judged[claim_id].verdict == verdict
    assert check in (None, judged[claim_id].deciding_check)


def test_shares_of_one_whole_that_leave_no_whole_are_found_at_both() -> None:
    """9 is 33% of 27 only; of a whole that 12 is 33% of it is not."""
    claims = {**CLAIMS, "X": replace(CLAIMS["P37.2"], claim_id="X", numerator=F(12))}
    checked, judged = look(claims)
    for claim_id in ("P37.2", "X"):
        assert checked[claim_id, "integer_numerator"].status == FAIL
        assert judged[claim_id].verdict == "arithmetic_wrong"
    assert "27, and X would be of another" in judged["P37.2"].sentence


def test_every_amount_of_appendix_a_that_is_off_by_a_pound_breaks_a_sum() -> None:
    sums = [r for r in rules() if r.check_code == "additive_closure"]
    amounts = [c for c in CLAIMS if c.startswith("A")]
    assert len(amounts) == 70
    for claim_id in amounts:
        value = CLAIMS[claim_id].published_value
        claims = changed(CLAIMS, claim_id, published_value=value + 1)
        checked = check_claims(claims.values(), {}, sums)
        assert [c.claim_id for c in checked if c.status == FAIL]
    assert not [k for k, v in CHECKED.items() if k[1] == "additive_closure" and v.status == FAIL]


def test_what_is_not_loaded_is_not_assessed_and_never_a_pass() -> None:
    compared = {k[0]: v.status for k, v in CHECKED.items() if k[1] == "warehouse_value"}
    named = {c for c, claim in CLAIMS.items() if claim.figure_code is not None}
    assert {c for c, status in compared.items() if status == NOT_ASSESSED} == named
    assert {compared[c] for c in CLAIMS.keys() - named} == {NOT_APPLICABLE}
    assert not [j for j in JUDGED.values() if j.verdict == "reproduces"]
    assert CHECKED["P37.6", "change_interval"].status == NOT_ASSESSED
    for judged in JUDGED.values():
        if judged.assessed_by == "not_assessed":
            assert judged.verdict == "not_derivable"
            assert "ot assessed: " in judged.sentence


def figure(claim: Claim, **fields) -> dict[str, Figure]:
    own = {"figure_type": "change", "mart_name": "a mart", **fields}
    return {claim.figure_code: Figure(figure_code=claim.figure_code, **own)}


def test_the_warehouse_confirms_the_percentage_and_the_counts() -> None:
    claim = CLAIMS["P36.2"]
    same = figure(claim, value=F(2800, 333), numerator=F(361), denominator=F(333))
    _, judged = look(CLAIMS, same)
    assert (judged["P36.2"].verdict, judged["P36.2"].assessed_by) == ("reproduces", "records")
    # The same percentage of other counts is another figure.
    others = figure(claim, value=F(2800, 333), numerator=F(722), denominator=F(666))
    _, judged = look(CLAIMS, others)
    assert judged["P36.2"].verdict == "does_not_reproduce"
    hidden = figure(claim, value=F(1), is_suppressed=True)
    checked, judged = look(CLAIMS, hidden)
    assert checked["P36.2", "warehouse_value"].status == NOT_ASSESSED
    assert judged["P36.2"].warehouse_value is None
    assert judged["P36.2"].warehouse_text is None


def test_an_error_of_the_paper_stays_one_whatever_the_warehouse_has() -> None:
    claim = CLAIMS["P36.1"]
    _, judged = look(CLAIMS, figure(claim, value=F(-16), numerator=F(80), denominator=F(90)))
    assert (judged["P36.1"].verdict, judged["P36.1"].assessed_by) == ("arithmetic_wrong", "paper")


def test_of_the_units_that_fit_the_one_nearest_to_the_warehouse_is_named() -> None:
    claim = CLAIMS["P06.2"]
    _, judged = look(CLAIMS, figure(claim, value=F(1037, 1000)))
    assert "per 100,000 population it could be: the warehouse has 103.7" in judged["P06.2"].sentence
    assert "per million" not in judged["P06.2"].sentence


def test_a_setting_that_agrees_or_differs_is_no_finding() -> None:
    claim = CLAIMS["P35.1"]
    for text, verdict in (("2019/20", "reproduces"), ("2018/19", "does_not_reproduce")):
        _, judged = look(CLAIMS, figure(claim, text_value=text, source_type="configuration"))
        assert (judged["P35.1"].verdict, judged["P35.1"].assessed_by) == (verdict, "configuration")
        assert not judged["P35.1"].is_shown_first


def test_periods_that_are_not_said_are_pointed_out() -> None:
    assert "what it is compared with" not in CHECKED["P36.2", "period_completeness"].sentence
    assert CHECKED["P36.2", "period_completeness"].status == FAIL
    adrift = CHECKED["P37.6", "period_completeness"]
    assert adrift.status == FAIL
    assert "2019 here and 2019/20 in paragraph 35" in adrift.sentence
    assert CHECKED["P45.1", "period_completeness"].status == PASS
    assert CHECKED["P68.2", "period_completeness"].status == FAIL  # until when, not since when


def test_records_that_changed_since_are_pointed_out() -> None:
    claim = CLAIMS["P36.2"]
    counts = {"numerator": F(361), "denominator": F(333), "denominator_then": F(333)}
    for then, status in ((361, PASS), (359, FAIL)):
        figures = figure(claim, value=F(2800, 333), **counts, numerator_then=F(then))
        checked, _ = look(CLAIMS, figures)
        assert checked["P36.2", "series_vintage"].status == status


@pytest.mark.parametrize(("baseline", "status"), [(19, FAIL), (20, PASS)])
def test_percentages_of_fewer_than_twenty_are_too_few(baseline: int, status: str) -> None:
    claims = changed(CLAIMS, "P36.2", current_value=F(30), baseline_value=F(baseline))
    checked, _ = look(claims)
    assert checked["P36.2", "small_numbers"].status == status


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2019/20", "2019-04-01", "2020-03-31"),
        ("2021-11", "2021-11-01", "2021-11-30"),
        ("2021-04 to 2021-11", "2021-04-01", "2021-11-30"),
        ("to 2021-09", "None", "2021-09-30"),
        ("2019", "2019-01-01", "2019-12-31"),
    ],
)
def test_periods(text: str, first: str, last: str) -> None:
    period = parse_period(text)
    assert (str(period.first), str(period.last)) == (first, last)


@pytest.mark.parametrize(
    "text", [None, "", "early 2021", "2019/21", "2021-13", "2021-11 to 2021-04"]
)
def test_what_is_no_period(text: str | None) -> None:
    assert parse_period(text) is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"claim_type": "guess"}, "claim_type"),
        ({"comparison": "about"}, "comparison"),
        ({"relations": "near:P36.1"}, "relation"),
        ({"relations": "part_of:P99.9"}, "P99.9"),
        ({"figure_code": None, "missing_text": None}, "missing"),
    ],
)
def test_a_register_that_cannot_be_used_is_refused_by_claim(fields: dict, words: str) -> None:
    row = {**seed_rows("published_claims")[0], **fields}
    with pytest.raises(RegisterError, match=words) as refused:
        claims_from_rows([row])
    assert row["claim_id"] in str(refused.value)


def test_two_claims_of_one_name_are_refused() -> None:
    row = seed_rows("published_claims")[0]
    with pytest.raises(RegisterError, match=row["claim_id"]):
        claims_from_rows([row, row])


def test_rules_that_do_not_fit_the_code_are_refused() -> None:
    rows = [dict(r) for r in seed_rows("claim_checks")]
    assert [r.check_code for r in rules()] == [r["check_code"] for r in rows]
    with pytest.raises(RegisterError, match="spending_pace"):
        rules_from_rows([r for r in rows if r["check_code"] != "spending_pace"])
    with pytest.raises(RegisterError, match="small_numbers needs a threshold"):
        rules_from_rows(
            [{**r, "threshold": None} if r["check_code"] == "small_numbers" else r for r in rows]
        )
