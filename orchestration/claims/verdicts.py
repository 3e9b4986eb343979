"""The verdict on a published claim, from what its checks say.

Of the checks that a claim fails and that have a verdict (seed ``claim_checks``), the one of lowest
precedence decides: a wrong unit before wrong arithmetic, before numbers that cannot be compared,
before a warehouse that has another number. A claim that fails none and that the warehouse confirms
reproduces; one that no figure corresponds to is not derivable, and the register says what is
missing; one whose figure is not loaded is not derivable here, which is no finding about the paper.

Belongs here: what follows from checks, and saying it in one sentence. Does not belong here: the
checks, and whether a verdict is the expected one (``mart_published_claims``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from orchestration.claims import arithmetic, words
from orchestration.claims.checks import (
    FAIL,
    NOT_ASSESSED,
    PASS,
    Change,
    Checked,
    Rule,
    change_of,
)
from orchestration.claims.register import Claim, Figure
from orchestration.statistics.intervals import clopper_pearson_interval

PAPER, RECORDS, CONFIGURATION = "paper", "records", "configuration"
MONEY = ("within_budget", "spending_pace", "forecast_to_the_pound")


@dataclass(frozen=True)
class Judgement:
    """The verdict on one claim.

    ``assessed_by``: ``paper`` where the paper's own numbers (or their absence) settle it,
    ``records`` where the warehouse did, ``configuration`` where it was compared with a setting,
    ``not_assessed`` where nothing is loaded to compare with. ``is_shown_first``: whether a reader
    must be shown it before anything else: it has a finding, or fails a check that says so.
    ``recomputed_value``: the percentage or share of the printed counts. ``warehouse_*``: in the
    claim's unit, with the 95% interval where there is one. ``change``: ratio of the counts.
    """

    claim_id: str
    verdict: str
    deciding_check: str | None
    assessed_by: str
    published_text: str
    recomputed_value: float | None
    warehouse_text: str | None
    warehouse_value: float | None
    warehouse_lower: float | None
    warehouse_upper: float | None
    change: Change | None
    is_shown_first: bool
    sentence: str


def judge_claims(
    claims: Iterable[Claim],
    figures: Mapping[str, Figure],
    rules: Iterable[Rule],
    checked: Iterable[Checked],
) -> list[Judgement]:
    """One judgement for each claim, in their order, from the results of ``checks.check_claims``."""
    claims = list(claims)
    totals = {other for claim in claims for other in claim.related("adds_to")}
    in_order = sorted(rules, key=lambda rule: rule.precedence)
    results: dict[str, dict[str, Checked]] = {claim.claim_id: {} for claim in claims}
    for one in checked:
        results[one.claim_id][one.check_code] = one
    with_parts = totals | {o for claim in claims for o in claim.related("adds_across")}
    return [
        _judge(
            claim,
            figures.get(claim.figure_code or ""),
            in_order,
            results[claim.claim_id],
            claim.claim_id in with_parts,
            claim.claim_id in totals,
        )
        for claim in claims
    ]


def _judge(
    claim: Claim,
    figure: Figure | None,
    rules: list[Rule],
    results: Mapping[str, Checked],
    has_parts: bool,
    is_total: bool,
) -> Judgement:
    decision = next(
        (
            rule
            for rule in rules
            if rule.verdict is not None
            and results[rule.check_code].status == FAIL
            and not (rule.check_code == "cross_claim" and _stands_alone(claim, has_parts))
        ),
        None,
    )
    compared = results["warehouse_value"]
    is_setting = figure is not None and figure.source_type == CONFIGURATION
    warehouse = CONFIGURATION if is_setting else RECORDS
    if decision is not None:
        verdict, deciding = decision.verdict, decision.check_code
        assessed_by = warehouse if deciding == "warehouse_value" else PAPER
        sentence = results[deciding].sentence
    elif compared.status == PASS:
        verdict, deciding, assessed_by = "reproduces", "warehouse_value", warehouse
        sentence = compared.sentence
    elif claim.figure_code is not None:
        verdict, deciding, assessed_by = "not_derivable", None, NOT_ASSESSED
        sentence = compared.sentence
        shown = results["percent_arithmetic"]
        if shown.status == PASS:
            sentence = f"{shown.sentence[:-1]}; {sentence[0].lower()}{sentence[1:]}"
    else:
        verdict, deciding, assessed_by = "not_derivable", None, PAPER
        sentence = f"Missing: {claim.missing_text}."
    known = figure if figure is not None and figure.is_known else None
    change = change_of(claim, known)
    lower, upper = _interval(known)
    return Judgement(
        claim_id=claim.claim_id,
        verdict=verdict,
        deciding_check=deciding,
        assessed_by=assessed_by,
        published_text=words.published(claim),
        recomputed_value=_recomputed(claim),
        warehouse_text=words.found(claim, known),
        warehouse_value=None if known is None or known.value is None else float(known.value),
        warehouse_lower=lower,
        warehouse_upper=upper,
        change=change,
        is_shown_first=(decision is not None and assessed_by != CONFIGURATION)
        or any(
            rule.is_shown_first
            and results[rule.check_code].status == FAIL
            # Of money the totals: that a line is over or late is for those who manage it.
            and (is_total or rule.check_code not in MONEY)
            for rule in rules
        ),
        sentence=_with_money(_with_chance(sentence, change, results), results),
    )


def _stands_alone(claim: Claim, has_parts: bool) -> bool:
    """Whether a claim prints the numbers it is made of, so that one which contradicts it and does
    not is the one that cannot be compared."""
    return (
        has_parts
        or claim.is_change_of_counts
        or claim.numerator is not None
        or claim.denominator is not None
    )


def _with_money(sentence: str, results: Mapping[str, Checked]) -> str:
    told = [results[code].sentence for code in MONEY if results[code].status == FAIL]
    return "; ".join([sentence[:-1], *(text[:-1] for text in told)]) + "."


def _with_chance(sentence: str, change: Change | None, results: Mapping[str, Checked]) -> str:
    added = []
    if change is not None and results["change_interval"].status == FAIL:
        needed = (
            f"; it would take about {words.number(change.events_needed, 0)} in the earlier period "
            "to show such a change"
            if np.isfinite(change.events_needed)
            else ""
        )
        added.append(
            "not distinguishable from chance (ratio "
            f"{words.number(change.lower, 2)} to {words.number(change.upper, 2)}{needed})"
        )
    elif results["change_interval"].status == FAIL:
        added.append(
            f"not distinguishable from chance (ratio {results['change_interval'].observed})"
        )
    if results["small_numbers"].status == FAIL:
        added.append(
            f"of too few: {results['small_numbers'].observed}"
            if change is None
            else "too few for a percentage"
        )
    return f"{sentence[:-1]}; {' and '.join(added)}." if added else sentence


def _recomputed(claim: Claim) -> float | None:
    exact: Fraction | None = None
    if claim.is_change_of_counts:
        exact = arithmetic.change_pct(claim.current_value, claim.baseline_value)
    elif claim.numerator is not None and claim.denominator:
        if claim.claim_type == "ratio":
            exact = claim.numerator / claim.denominator
        elif claim.claim_type in ("share_pct", "count"):
            exact = arithmetic.share_pct(claim.numerator, claim.denominator)
    return None if exact is None else float(exact)


def _interval(figure: Figure | None) -> tuple[float | None, float | None]:
    """Limits of the warehouse's figure: its own, or for a share of counts the exact ones.

    Exact (Clopper and Pearson), because many shares here are of few.
    """
    if figure is None:
        return None, None
    if figure.value_lower is not None or figure.value_upper is not None:
        return figure.value_lower, figure.value_upper
    pair = (figure.numerator, figure.denominator)
    if figure.interval_type != "clopper_pearson_95" or None in pair:
        return None, None
    if pair[1] <= 0 or pair[0] > pair[1]:
        return None, None
    interval = clopper_pearson_interval(float(pair[0]), float(pair[1]))
    return 100 * float(interval.lower), 100 * float(interval.upper)


__all__ = ["CONFIGURATION", "NOT_ASSESSED", "PAPER", "RECORDS", "Judgement", "judge_claims"]
