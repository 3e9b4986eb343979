"""Checks of published claims: each looks at one claim, and where it must at the others.

A check says ``pass``, ``fail``, ``not_applicable``, or ``not_assessed`` where what it compares with
is not loaded; what it saw, what it would have needed, and one sentence. It decides nothing: what a
failed check means is in the seed ``claim_checks``, which gives the thresholds too, and ``verdicts``
draws the conclusion. No check knows any claim by name.

Belongs here: rules that hold for any paper. Does not belong here: facts about a paper (the
register) and interval arithmetic (``orchestration.statistics``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from orchestration.claims import arithmetic, words
from orchestration.claims.register import (
    VERDICTS,
    Claim,
    Figure,
    Period,
    RegisterError,
    parse_period,
)
from orchestration.statistics import intervals, power, rates

PASS, FAIL = "pass", "fail"
NOT_APPLICABLE, NOT_ASSESSED = "not_applicable", "not_assessed"


@dataclass(frozen=True)
class Rule:
    """A check and what follows from it: row of the seed ``claim_checks``.

    ``verdict``: that of a claim that fails it, None where it is only shown. ``precedence``: where
    several fail, the lowest decides. ``threshold``: in the unit that the seed gives.
    ``is_shown_first``: whether a reader must be shown that a claim fails it, whatever its verdict.
    """

    check_code: str
    verdict: str | None
    precedence: int
    threshold: float | None = None
    is_shown_first: bool = False


@dataclass(frozen=True)
class Checked:
    """What one check says of one claim."""

    claim_id: str
    check_code: str
    status: str
    observed: str | None
    expected: str | None
    sentence: str


def rules_from_rows(rows: Iterable[Mapping[str, Any]]) -> list[Rule]:
    """Rules from rows of the seed ``claim_checks``, in order of precedence.

    Raises RegisterError for a check that is not known here, one that is missing, an unknown
    verdict, or a threshold that a check needs and has not.
    """
    rules = [
        Rule(
            check_code=row["check_code"],
            verdict=row.get("verdict_if_failed") or None,
            precedence=int(row["precedence"]),
            threshold=None if row.get("threshold") is None else float(row["threshold"]),
            is_shown_first=bool(row.get("is_shown_first")),
        )
        for row in rows
    ]
    codes = {rule.check_code for rule in rules}
    if codes != set(_CHECKS):
        raise RegisterError(
            f"claim_checks and the code differ in: {', '.join(sorted(codes ^ set(_CHECKS)))}"
        )
    for rule in rules:
        if rule.verdict is not None and rule.verdict not in VERDICTS:
            raise RegisterError(f"{rule.check_code}: {rule.verdict!r} is no verdict")
        if rule.check_code in _NEED_THRESHOLD and rule.threshold is None:
            raise RegisterError(f"{rule.check_code} needs a threshold")
    return sorted(rules, key=lambda rule: rule.precedence)


def check_claims(
    claims: Iterable[Claim], figures: Mapping[str, Figure], rules: Iterable[Rule]
) -> list[Checked]:
    """Every check of every claim: one ``Checked`` for each pair, claims in their order."""
    register = _Register.of(list(claims), figures)
    in_order = sorted(rules, key=lambda rule: rule.precedence)
    return [
        _CHECKS[rule.check_code](claim, register, rule)
        for claim in register.claims.values()
        for rule in in_order
    ]


@dataclass(frozen=True)
class _Register:
    """All claims, with what a check of one of them has to look up."""

    claims: dict[str, Claim]
    figures: Mapping[str, Figure]
    #: kind of relation -> claim -> the claims that stand in it to that claim
    relating: dict[str, dict[str, list[Claim]]]
    conflicts: dict[str, list[Claim]]
    #: group of denominators -> the whole numbers that its claims imply
    implied: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, claims: list[Claim], figures: Mapping[str, Figure]) -> _Register:
        relating: dict[str, dict[str, list[Claim]]] = defaultdict(lambda: defaultdict(list))
        conflicts: dict[str, list[Claim]] = defaultdict(list)
        implied: dict[str, set[int]] = {}
        for claim in claims:
            for kind, other in claim.relations:
                relating[kind][other].append(claim)
            if claim.conflict_group:
                conflicts[claim.conflict_group].append(claim)
            # Only a claim of one group says anything of it: of several, which is not known.
            if len(claim.denominator_groups) == 1 and (fitting := _fitting(claim)) is not None:
                group = claim.denominator_groups[0]
                implied[group] = implied.get(group, fitting) & fitting
        return cls(
            {claim.claim_id: claim for claim in claims},
            figures,
            relating,
            conflicts,
            {group: sorted(numbers) for group, numbers in implied.items()},
        )

    def figure(self, claim: Claim) -> Figure | None:
        found = self.figures.get(claim.figure_code or "")
        return found if found is not None and found.is_known else None

    def denominators(self, claim: Claim) -> list[int]:
        """Whole numbers that a share without a denominator can be of: those its groups imply, and
        their sum, where the claim does not say which of the groups it is of."""
        groups = [self.implied.get(group, []) for group in claim.denominator_groups]
        found = {n for numbers in groups for n in numbers}
        if len(groups) > 1 and all(len(numbers) == 1 for numbers in groups):
            found.add(sum(numbers[0] for numbers in groups))
        return sorted(found)


def _fitting(claim: Claim) -> set[int] | None:
    """Denominators that a share of known numerator can have; None where it says nothing."""
    if claim.claim_type != "share_pct" or claim.numerator is None or claim.published_value is None:
        return None
    if claim.denominator is not None:
        return {int(claim.denominator)}
    fitting = arithmetic.denominators(claim.published_value, claim.decimals, int(claim.numerator))
    return None if fitting is None else set(fitting)


# ------------------------------------------------------------------------------------------- units

_PER = {"per 1,000 population": 1_000, "per 10,000 population": 10_000}
_PER |= {"per 100,000 population": 100_000, "per million population": 1_000_000}


def unit_plausibility(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """A share lies in 0 to 100%, a rank within those ranked, a part does not exceed its whole.

    A rate that exceeds the rate of its whole is tried in the other units of population.
    """
    if claim.claim_type == "rank" and claim.denominator is not None:
        fits = claim.published_value is not None and 1 <= claim.published_value <= claim.denominator
        return _checked(
            claim,
            rule,
            fits,
            words.published(claim),
            f"1 to {words.number(claim.denominator)}",
            f"A rank of {words.published(claim)} is {'possible' if fits else 'not possible'}.",
        )
    compared = [
        (register.claims[other], sizes)
        for other in claim.related("part_of")
        if (sizes := _sizes(claim, register.claims[other]))
    ]
    if compared:
        # The whole that it exceeds most, or where it exceeds none any.
        whole, sizes = max(compared, key=lambda one: max(part - of for part, of in one[1]))
        return _part_of(claim, whole, sizes, register, rule)
    if claim.claim_type == "share_pct" and claim.published_value is not None:
        parts = (claim.numerator, claim.denominator)
        fits = 0 <= claim.published_value <= 100 and (None in parts or parts[0] <= parts[1])
        return _checked(
            claim,
            rule,
            fits,
            words.published(claim),
            "0% to 100%",
            f"{words.published(claim)} is {'a possible share' if fits else 'more than the whole'}.",
        )
    return _not_applicable(claim, rule, "It is neither a share, a rank nor part of another claim.")


def _part_of(
    claim: Claim,
    whole: Claim,
    sizes: list[tuple[Fraction, Fraction]],
    register: _Register,
    rule: Rule,
) -> Checked:
    printed, limit = words.published(claim), words.published(whole)
    fits = all(part <= of for part, of in sizes)
    sentence = f"{printed} is no more than the {limit} of {whole.claim_id}, of which it is a part."
    if not fits:
        part, of = max(sizes, key=lambda pair: pair[0] - pair[1])
        times = f", and would be {float(part / of):.1f} times that" if of else ""
        sentence = (
            f"{printed} cannot be: it is a part of what {whole.claim_id} gives as {limit}"
            f"{times}{_unit_that_would(claim, of, register.figure(claim))}."
        )
    return _checked(claim, rule, fits, printed, f"at most {limit}", sentence)


def _sizes(claim: Claim, whole: Claim) -> list[tuple[Fraction, Fraction]]:
    """What a part and its whole are compared by: rates per person, both counts of two changes,
    else the values; none where they cannot be compared."""
    if claim.unit in _PER or whole.unit in _PER:
        if claim.unit not in _PER or whole.unit not in _PER:
            return []
        rates_of = [
            None if one.published_value is None else one.published_value / _PER[one.unit]
            for one in (claim, whole)
        ]
        return [] if None in rates_of else [tuple(rates_of)]
    if claim.is_change_of_counts and whole.is_change_of_counts:
        return [
            (claim.current_value, whole.current_value),
            (claim.baseline_value, whole.baseline_value),
        ]
    values = (_value(claim), _value(whole))
    return [] if None in values else [values]


def _unit_that_would(claim: Claim, whole_size: Fraction, figure: Figure | None) -> str:
    """The units of population in which a rate would fit; where the warehouse has the rate, the one
    that is nearest to it."""
    if claim.unit not in _PER or not claim.published_value:
        return ""
    fitting = [u for u, n in _PER.items() if claim.published_value / n <= whole_size]
    if not fitting:
        return ""
    if figure is None or not figure.value:
        return f"; {words.listed(fitting, 'or')} it could be"
    ours = figure.value / _PER[claim.unit]
    nearest = min(
        fitting,
        key=lambda u: abs(np.log(float(claim.published_value / _PER[u] / ours))),
    )
    return (
        f"; {nearest} it could be: the warehouse has {words.number(ours * _PER[nearest], 1)} "
        f"{nearest}"
    )


def _value(claim: Claim) -> Fraction | None:
    """The count behind a claim where it has one, else the published value."""
    if claim.is_change_of_counts:
        return claim.current_value
    if claim.claim_type == "share_pct":
        return claim.numerator
    return claim.published_value


# ------------------------------------------------------------------------------------- arithmetic


def percent_arithmetic(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """The percentage is that of the printed counts, at the printed rounding.

    Counts that their source rounds (hospital counts to 5) may each be off by half of that: where
    the percentage lies within what this allows, it may have been taken before rounding.
    """
    if claim.is_change_of_counts:
        return _change_arithmetic(claim, rule)
    if (
        claim.claim_type in ("share_pct", "ratio")
        and claim.published_value is not None
        and claim.numerator is not None
        and claim.denominator
    ):
        exact = claim.numerator / claim.denominator
        exact = 100 * exact if claim.claim_type == "share_pct" else exact
        fits = arithmetic.agrees(exact, claim.published_value, claim.decimals)
        pair = f"{words.number(claim.numerator)} of {words.number(claim.denominator)}"
        shown = words.amount(exact, claim, claim.decimals + 1)
        printed = words.amount(claim.published_value, claim)
        sentence = f"{pair} is {shown}, printed as {printed}."
        if not fits:
            sentence = f"{pair} is {shown}, not {printed}{_share_that_would(claim)}."
        return _checked(claim, rule, fits, printed, shown, sentence)
    return _not_applicable(claim, rule, "The numbers behind it are not printed.")


def _share_that_would(claim: Claim) -> str:
    """What would give a share that its numbers do not give."""
    if claim.claim_type != "share_pct":
        return ""
    value, decimals = claim.published_value, claim.decimals
    of_this = arithmetic.numerators(value, decimals, int(claim.denominator))
    with_this = arithmetic.denominators(value, decimals, int(claim.numerator))
    ways = []
    if of_this:
        ways.append(f"{words.spelt(of_this)} of {words.number(claim.denominator)}")
    if with_this:
        ways.append(f"{words.number(claim.numerator)} of {words.spelt(with_this)}")
    return f"; that would need {' or '.join(ways)}" if ways else ""


def _change_arithmetic(claim: Claim, rule: Rule) -> Checked:
    current, baseline = claim.current_value, claim.baseline_value
    printed = words.amount(claim.published_value, claim)
    pair = f"{words.number(current)} against {words.number(baseline)}"
    exact = arithmetic.change_pct(current, baseline)
    if exact is None:
        return _checked(
            claim, rule, False, printed, None, f"{pair} has no percentage: the baseline is none."
        )
    shown = words.change(exact, claim.decimals + 1)
    if arithmetic.agrees(exact, claim.published_value, claim.decimals):
        sentence = f"{pair} is {shown}, printed as {printed}."
        return _checked(claim, rule, True, printed, shown, sentence)
    reach = (
        arithmetic.change_range(current, baseline, claim.count_rounding)
        if claim.count_rounding
        else None
    )
    half = arithmetic.half_step(claim.decimals)
    if reach and reach[0] - half <= claim.published_value <= reach[1] + half:
        sentence = (
            f"{pair} is {shown}; {printed} can come from the counts before they were rounded "
            f"to {claim.count_rounding}."
        )
        return _checked(claim, rule, True, printed, shown, sentence)
    # The same question for the counts: which would have given what is printed?
    ratio = 100 + claim.published_value
    currents = arithmetic.numerators(ratio, claim.decimals, int(baseline))
    baselines = arithmetic.denominators(ratio, claim.decimals, int(current)) or range(0)
    ways = [f"{words.spelt(currents)} against {words.number(baseline)}"] if currents else []
    ways += [f"{words.number(current)} against {words.spelt(baselines)}"] if baselines else []
    mend = f"; {printed} would need {' or '.join(ways)}" if ways else ""
    rounded = (
        f", nor can rounding of the counts to {claim.count_rounding} explain it "
        f"({words.change(reach[0])} to {words.change(reach[1])})"
        if reach
        else ""
    )
    sentence = f"{pair} is {shown}, not {printed}{rounded}{mend}."
    return _checked(claim, rule, False, printed, shown, sentence)


def integer_numerator(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """Some whole number is the printed share of the stated denominator, or of one that other claims
    of the same denominator imply (GRIM)."""
    if (wholes := _wholes_apart(claim, register)) is not None:
        printed, own = words.published(claim), words.spelt(sorted(_fitting(claim)))
        sentence = (
            f"{printed} is a share of {own}, and {words.listed(wholes)} would be of another "
            "number, though all are of the same whole."
        )
        return _checked(claim, rule, False, printed, "one whole for all", sentence)
    if (
        claim.claim_type != "share_pct"
        or claim.published_value is None
        or claim.comparison != "equal"
        or claim.numerator is not None
    ):
        return _not_applicable(claim, rule, "It is no share of unstated numerator.")
    if claim.denominator is not None:
        tried, source = [int(claim.denominator)], "stated"
    else:
        tried, source = register.denominators(claim), "implied by other claims"
    if not tried:
        return _not_applicable(claim, rule, "No denominator is stated, and no other claim has one.")
    printed = words.amount(claim.published_value, claim)
    ways = [
        f"{words.spelt(found)} of {n:,}"
        for n in tried
        if (found := arithmetic.numerators(claim.published_value, claim.decimals, n))
    ]
    expected = f"a whole number of {words.listed([f'{n:,}' for n in tried], 'or')} ({source})"
    if ways:
        sentence = f"{printed} can be {words.listed(ways, 'or')} ({source})."
        return _checked(claim, rule, True, printed, expected, sentence)
    fitting = [
        f"{n:,}" for _, n in arithmetic.smallest_pairs(claim.published_value, claim.decimals)
    ]
    sentence = (
        f"{printed} is no whole number of {words.listed([f'{n:,}' for n in tried], 'or')} "
        f"({source}); it would need {words.listed([*fitting, 'more'], 'or')}."
    )
    return _checked(claim, rule, False, printed, expected, sentence)


def _wholes_apart(claim: Claim, register: _Register) -> list[str] | None:
    """Claims of the same whole whose numbers leave no whole for all; None where there is one."""
    if len(claim.denominator_groups) != 1 or not _fitting(claim):
        return None
    group = claim.denominator_groups[0]
    if register.implied.get(group):
        return None
    return [
        other.claim_id
        for other in register.claims.values()
        if other.claim_id != claim.claim_id
        and other.denominator_groups == (group,)
        and _fitting(other)
        and not _fitting(other) & _fitting(claim)
    ] or None


def rounding_feasibility(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """Some pair of whole numbers gives the printed percentage, and which: what a reader would need
    to be told of a claim that prints no denominator, or no counts at all."""
    value = claim.published_value
    if (
        claim.claim_type not in ("share_pct", "change_pct")
        or value is None
        or claim.comparison != "equal"
        or claim.denominator is not None
        or claim.is_change_of_counts
    ):
        return _not_applicable(claim, rule, "It prints its numbers, or is no percentage.")
    printed = words.amount(value, claim)
    if claim.claim_type == "share_pct" and claim.numerator is not None:
        fitting = arithmetic.denominators(value, claim.decimals, int(claim.numerator))
        if fitting is None:
            return _not_applicable(claim, rule, "Nothing of any number is 0%.")
        shown = f"{words.number(claim.numerator)} of {words.spelt(fitting)}"
        sentence = f"{printed} would be {shown}."
        if not fitting:
            sentence = f"{words.number(claim.numerator)} is {printed} of no whole number."
        return _checked(claim, rule, bool(fitting), printed, shown, sentence)
    ratio = 100 + value if claim.claim_type == "change_pct" else value
    joined = "against" if claim.claim_type == "change_pct" else "of"
    pairs = [f"{x:,} {joined} {n:,}" for x, n in arithmetic.smallest_pairs(ratio, claim.decimals)]
    shown = words.listed(pairs, "or")
    sentence = f"The smallest numbers that give {printed} are {shown}."
    if not pairs:
        sentence = f"No whole numbers below {arithmetic.SEARCHED:,} give {printed}."
    return _checked(claim, rule, bool(pairs), printed, shown or None, sentence)


def additive_closure(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """A total is the sum of the parts that are printed with it, down a column and across a row."""
    parts = [
        (kind, register.relating[kind][claim.claim_id])
        for kind in ("adds_to", "adds_across")
        if register.relating[kind][claim.claim_id]
    ]
    if not parts or claim.published_value is None:
        return _not_applicable(claim, rule, "Nothing is printed that adds up to it.")
    printed = words.amount(claim.published_value, claim)
    sums = {kind: sum((_added(part) for part in added), Fraction(0)) for kind, added in parts}
    shown = [words.amount(total, claim) for total in sums.values()]
    fits = all(total == claim.published_value for total in sums.values())
    text = words.listed(
        [
            f"the {len(added)} printed {'parts' if kind == 'adds_to' else 'parts of its row'} "
            f"add up to {words.amount(sums[kind], claim)}"
            for kind, added in parts
        ]
    )
    sentence = f"{text[0].upper()}{text[1:]}, {'as printed' if fits else f'not {printed}'}."
    return _checked(claim, rule, fits, printed, " and ".join(dict.fromkeys(shown)), sentence)


def _added(part: Claim) -> Fraction:
    if part.published_value is None:
        raise RegisterError(f"{part.claim_id} is to be added up and has no published_value")
    return part.published_value


# ------------------------------------------------------------------------------------- consistency


def cross_claim(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """Claims that a reader takes for one number have one value, and a base is the base used."""
    same = register.conflicts.get(claim.conflict_group or "", [])
    others = [o for o in same if o.claim_id != claim.claim_id and o.published_value is not None]
    bases = [(register.claims[o], True) for o in claim.related("base_of")]
    bases += [(o, False) for o in register.relating["base_of"][claim.claim_id]]
    if claim.published_value is None or not (others or bases):
        return _not_applicable(claim, rule, "No other claim gives the same number.")
    printed = words.amount(claim.published_value, claim)
    against: list[tuple[str, bool]] = []
    for other in others:
        coarser = max(arithmetic.half_step(claim.decimals), arithmetic.half_step(other.decimals))
        exact = claim.claim_type in ("money", "count") and min(claim.decimals, other.decimals) >= 0
        apart = abs(claim.published_value - other.published_value)
        fits = apart == 0 if exact else apart <= coarser
        text = f"{words.amount(other.published_value, other)} in {other.claim_id}"
        if not fits and other.metric_code != claim.metric_code:
            text += ", which is another measure though nothing says so"
        against.append((text, fits))
    for other, is_base in bases:
        base, used = (claim, other) if is_base else (other, claim)
        fits = arithmetic.agrees(used.denominator, base.published_value, base.decimals)
        of_whom = "its base" if is_base else "the base given"
        against.append(
            (
                f"{words.number(used.denominator if is_base else base.published_value)} as "
                f"{of_whom} in {other.claim_id}",
                fits,
            )
        )
    wrong = [text for text, fits in against if not fits]
    shown = words.listed(wrong or [text for text, _ in against])
    sentence = (
        f"{words.published(claim)} {'agrees with' if not wrong else 'stands against'} {shown}."
    )
    return _checked(claim, rule, not wrong, printed, shown, sentence)


def period_completeness(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """A claim says of which period it is, and a comparison of which two.

    A baseline that overlaps the baseline the paper defines without lying in it (2019 for 2019/20)
    is not said.
    """
    if claim.claim_type == "definition":
        return _not_applicable(claim, rule, "A definition has no period.")
    if claim.claim_type == "date":
        is_said = parse_period(claim.published_text) is not None
        return _checked(
            claim,
            rule,
            is_said,
            claim.published_text,
            "a month at least",
            f"{claim.published_text} is {'a month' if is_said else 'no month'}.",
        )
    current, baseline = parse_period(claim.period_current), parse_period(claim.period_baseline)
    is_compared = claim.claim_type in ("change_pct", "trend") or claim.baseline_value is not None
    lacking = []
    if claim.period_current is None:
        lacking.append("the period is not stated")
    elif current is None:
        lacking.append(f"{claim.period_current!r} is no period")
    elif current.first is None:
        lacking.append("the beginning of the period is not stated")
    if is_compared and claim.period_baseline is None:
        lacking.append("what it is compared with is not stated")
    elif is_compared and baseline is None:
        lacking.append(f"{claim.period_baseline!r} is no period")
    elif is_compared:
        lacking += _baseline_adrift(claim, baseline, register)
    observed = claim.period_current or "none"
    if is_compared:
        observed = f"{observed} against {claim.period_baseline or 'none'}"
    text = words.listed(lacking)
    sentence = (
        f"{text[0].upper()}{text[1:]}." if lacking else f"It is said of which period: {observed}."
    )
    expected = "two periods" if is_compared else "a period"
    return _checked(claim, rule, not lacking, observed, expected, sentence)


def _baseline_adrift(claim: Claim, baseline: Period, register: _Register) -> list[str]:
    for other in register.claims.values():
        adopted = parse_period(other.published_text)
        if other.metric_code != "baseline_year" or adopted is None or adopted.first is None:
            continue
        overlaps = (baseline.first or baseline.last) <= adopted.last and (
            baseline.last >= adopted.first
        )
        inside = (
            baseline.first and baseline.first >= adopted.first and (baseline.last <= adopted.last)
        )
        if overlaps and not inside:
            return [
                f"the baseline is {claim.period_baseline} here and {other.published_text} in "
                f"paragraph {other.paragraph}"
            ]
    return []


def cohort_maturity(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """What needs time to finish had it: ``threshold`` days from the end of the period to the day
    that the figure was read at."""
    period = parse_period(claim.period_current)
    if not claim.needs_follow_up or period is None or claim.as_of_date is None:
        return _not_applicable(claim, rule, "It counts nothing that takes time to finish.")
    days = (claim.as_of_date - period.last).days
    fits = days >= rule.threshold
    sentence = (
        f"{words.published(claim)}: the last of it had {days} days to finish when it was read, and "
        f"{rule.threshold:.0f} are needed"
        f"{'' if fits else ', so what is unfinished is set beside what is finished'}."
    )
    return _checked(
        claim, rule, fits, f"{days} days", f"{rule.threshold:.0f} days or more", sentence
    )


def series_vintage(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """Figures of live records say when they were read, and have not changed since."""
    if claim.count_source is None:
        return _not_applicable(claim, rule, "It is not counted from records that change.")
    figure = register.figure(claim)
    if figure is not None and None not in (
        figure.numerator,
        figure.denominator,
        figure.numerator_then,
        figure.denominator_then,
    ):
        then = f"{words.number(figure.numerator_then)} v {words.number(figure.denominator_then)}"
        now = f"{words.number(figure.numerator)} v {words.number(figure.denominator)}"
        fits = then == now
        sentence = f"The records gave {then} at the date of the paper and give {now} now."
        return _checked(claim, rule, fits, then, now, sentence)
    fits = claim.as_of_date is not None
    said = f"as of {claim.as_of_date}" if fits else "no date"
    sentence = (
        f"It was read {said}."
        if fits
        else "The records change with time, and the day they were read is not stated."
    )
    return _checked(claim, rule, fits, said, "the day the records were read", sentence)


# --------------------------------------------------------------------------------- what chance does


def small_numbers(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """No percentage of fewer than ``threshold``, and no hospital count of 1 to 7."""
    least = int(rule.threshold)
    if claim.count_source == "hospital" and claim.claim_type == "count":
        shown = _value(claim)
        if shown is not None:
            fits = not rates.too_small_to_show(float(shown))
            return _checked(
                claim,
                rule,
                fits,
                words.number(shown),
                f"0, or {rates.LEAST_SHOWN} and more",
                f"A hospital count of {words.number(shown)} may{'' if fits else ' not'} be shown.",
            )
    if claim.is_change_of_counts:
        current, baseline = claim.current_value, claim.baseline_value
        fits = bool(rates.percentage_allowed(float(current), float(baseline), least))
        pair = f"{words.number(current)} v {words.number(baseline)}"
        sentence = (
            f"{pair} are {'enough' if fits else 'too few'} for a percentage ({least} are needed)."
        )
        return _checked(claim, rule, fits, pair, f"{least} or more", sentence)
    if claim.numerator == 0 and claim.denominator:
        n = int(claim.denominator)
        most = 100 * float(rates.zero_upper_bound(n))
        sentence = (
            f"None of {n:,} leaves up to {words.percent(most, 0)} possible (one-sided 95% limit)."
        )
        return _checked(claim, rule, n >= least, f"0 of {n:,}", f"{least} or more", sentence)
    if claim.claim_type == "share_pct":
        wholes = [int(claim.denominator)] if claim.denominator else register.denominators(claim)
        if claim.denominator is None and claim.numerator is not None and not wholes:
            wholes = sorted(_fitting(claim) or [])
        if wholes and (max(wholes) < least or min(wholes) >= least):
            fits = min(wholes) >= least
            shown = words.spelt([min(wholes), max(wholes)][: 1 + (len(wholes) > 1)])
            sentence = (
                f"A percentage of {shown} is of {'enough' if fits else 'too few'} "
                f"({least} are needed)."
            )
            return _checked(claim, rule, fits, shown, f"{least} or more", sentence)
    return _not_applicable(claim, rule, "It is no percentage of a known number.")


def change_interval(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """The change is more than chance explains, by the exact interval of the ratio of two rates (of
    two shares: the interval of the ratio of risks); and how many events it would take.

    Both periods are taken as equally long. The counts are the printed ones, or those that printed
    shares imply, or where there are none the warehouse's.
    """
    for other in claim.related("change_from"):
        return _share_interval(claim, register.claims[other], register, rule)
    found = change_of(claim, register.figure(claim))
    if found is None and claim.claim_type == "change_pct" and claim.figure_code is not None:
        return _not_assessed(
            claim, rule, "Its counts are not printed, and nothing is loaded to take them from."
        )
    if found is None:
        return _not_applicable(claim, rule, "It is no change between two known counts.")
    fits = not found.lower <= 1 <= found.upper
    shown = f"{_ratio_text(found.ratio)} ({_ratio_text(found.lower)} to {_ratio_text(found.upper)})"
    source = "" if found.is_printed else " in the warehouse"
    sentence = (
        f"The ratio{source} is {shown}: {'more than' if fits else 'no more than'} chance explains"
    )
    if not fits and np.isfinite(found.events_needed):
        sentence += (
            f"; it would take about {words.number(found.events_needed, 0)} in the earlier period "
            "to show a change of this size"
        )
    return _checked(claim, rule, fits, shown, "an interval without 1", f"{sentence}.")


@dataclass(frozen=True)
class Change:
    """A ratio of two counts of equal periods with its exact 95% interval.

    ``events_needed`` in the first period, to find a true ratio of this size with a probability of
    80%; infinite for no change. ``is_printed``: whether the counts are the paper's.
    """

    ratio: float
    lower: float
    upper: float
    p_value: float
    events_needed: float
    is_printed: bool


def change_of(claim: Claim, figure: Figure | None) -> Change | None:
    """The change behind a claim, from its own counts or the figure's; None where there is none."""
    if claim.claim_type != "change_pct":
        return None
    counts = (claim.current_value, claim.baseline_value)
    if not claim.is_change_of_counts:
        if figure is None or figure.numerator is None or figure.denominator is None:
            return None
        counts = (figure.numerator, figure.denominator)
    current, baseline = (float(count) for count in counts)
    if baseline == 0 or current != int(current) or baseline != int(baseline):
        return None
    interval = intervals.rate_ratio_interval(current, 1.0, baseline, 1.0)
    needed = power.events_needed(current / baseline) if current > 0 else np.inf
    return Change(
        float(interval.estimate),
        float(interval.lower),
        float(interval.upper),
        float(intervals.rate_ratio_p_value(current, 1.0, baseline, 1.0)),
        float(needed),
        claim.is_change_of_counts,
    )


def _share_interval(claim: Claim, before: Claim, register: _Register, rule: Rule) -> Checked:
    pairs = []
    for one in (claim, before):
        wholes = [int(one.denominator)] if one.denominator else register.denominators(one)
        if one.numerator is None or len(wholes) != 1:
            return _not_applicable(claim, rule, "The numbers behind the two shares are not known.")
        pairs.append((float(one.numerator), float(wholes[0])))
    risk = rates.log_risk_ratio(*pairs[0], *pairs[1])
    interval = rates.ratio_interval(risk)
    fits = bool(rates.verdict(interval) != rates.NO_DIFFERENCE)
    shown = (
        f"{_ratio_text(float(interval.estimate))} ({_ratio_text(float(interval.lower))} to "
        f"{_ratio_text(float(interval.upper))})"
    )
    text = " and ".join(f"{x:.0f} of {n:.0f}" for x, n in pairs)
    sentence = (
        f"The ratio of the shares ({text}) is {shown}: "
        f"{'more than' if fits else 'no more than'} chance explains."
    )
    return _checked(claim, rule, fits, shown, "an interval without 1", sentence)


def _ratio_text(value: float) -> str:
    return words.number(value, 2)


# ------------------------------------------------------------------------------------------- money


def within_budget(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """What is expected to be spent is no more than the budget (``threshold`` percent over it)."""
    spent = register.relating["budget"][claim.claim_id]
    if not spent or not claim.published_value:
        return _not_applicable(claim, rule, "It is no budget that spending is set against.")
    expected = sum((_added(part) for part in spent), Fraction(0))
    over = expected - claim.published_value
    fits = 100 * over <= Fraction(rule.threshold) * claim.published_value
    budget, sum_text = words.pounds(claim.published_value), words.pounds(expected)
    share = words.percent(100 * abs(over) / claim.published_value)
    if over == 0:
        sentence = f"{sum_text} is forecast, which is the budget to the pound."
    else:
        sentence = (
            f"{sum_text} is forecast against {budget}, {words.pounds(abs(over))} ({share}) "
            f"{'more' if over > 0 else 'less'}."
        )
    return _checked(claim, rule, fits, sum_text, f"at most {budget}", sentence)


def spending_pace(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """What is left to spend needs no more than ``threshold`` times the monthly rate so far."""
    later = parse_period(claim.period_current)
    for other in claim.related("pace"):
        before = register.claims[other]
        so_far = parse_period(before.period_current)
        if None in (later, so_far, claim.published_value, before.published_value):
            continue
        if not later.month_count or not so_far.month_count:
            continue
        a_month = claim.published_value / later.month_count
        was = before.published_value / so_far.month_count
        share = 100 * claim.published_value / (claim.published_value + before.published_value)
        sentence = (
            f"{words.pounds(claim.published_value)} ({words.percent(share, 0)}) falls in the last "
            f"{later.month_count} months, {words.pounds(a_month)} a month"
        )
        if was <= 0:
            return _checked(
                claim,
                rule,
                claim.published_value == 0,
                words.pounds(a_month),
                "something spent so far",
                f"{sentence}, and nothing was spent in the first {so_far.month_count}.",
            )
        pace = a_month / was
        fits = pace <= Fraction(rule.threshold)
        return _checked(
            claim,
            rule,
            fits,
            f"{float(pace):.2f} times",
            f"at most {rule.threshold:g} times",
            f"{sentence}: {float(pace):.1f} times the {words.pounds(was)} a month so far.",
        )
    return _not_applicable(claim, rule, "It is no spending that is still to come.")


def forecast_to_the_pound(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """A forecast that equals its budget exactly has lines that equal theirs.

    Where the lines are over and under and the sum is the budget to the pound, one of them was set
    to make it so.
    """
    spent = register.relating["budget"][claim.claim_id]
    lines = [
        (line, register.relating["budget"][line.claim_id])
        for line in register.relating["adds_to"][claim.claim_id]
    ]
    lines = [(line, forecasts) for line, forecasts in lines if forecasts]
    if not spent or not lines or claim.published_value is None:
        return _not_applicable(claim, rule, "It is no budget whose lines have forecasts.")
    over = sum((_added(part) for part in spent), Fraction(0)) - claim.published_value
    apart = [
        sum((_added(part) for part in forecasts), Fraction(0)) - _added(line)
        for line, forecasts in lines
    ]
    fits = over != 0 or not any(apart)
    budget = words.pounds(claim.published_value)
    if over != 0:
        sentence = f"The forecast is not the budget of {budget}."
    elif fits:
        sentence = f"The forecast is the budget of {budget}, and so is that of every line."
    else:
        above, below = sum(a for a in apart if a > 0), -sum(a for a in apart if a < 0)
        sentence = (
            f"{budget} is forecast, the budget to the pound, though its lines are together "
            f"{words.pounds(above)} over and {words.pounds(below)} under theirs."
        )
    observed = words.pounds(claim.published_value + over)
    return _checked(claim, rule, fits, observed, "lines that agree with their budgets", sentence)


# ---------------------------------------------------------------------------------- the warehouse


def warehouse_value(claim: Claim, register: _Register, rule: Rule) -> Checked:
    """The figure of the warehouse is the published one, at the published rounding.

    Where counts are printed, they must be the warehouse's, too.
    """
    if claim.figure_code is None:
        return _not_applicable(claim, rule, "No figure of the warehouse corresponds to it.")
    figure = register.figures.get(claim.figure_code)
    if figure is None or not figure.is_known:
        reason = figure.note_text if figure is not None else None
        text = reason or "nothing is loaded to compare it with"
        return _not_assessed(claim, rule, f"Not assessed: {text}.")
    printed, ours = words.published(claim), words.found(claim, figure)
    fits = _same(claim, figure)
    sentence = f"The warehouse has {ours}{', as published' if fits else f', not {printed}'}"
    if not fits and _inside(claim, figure):
        sentence += (
            ", though the published value lies within its interval "
            f"({words.amount(figure.value_lower, claim)} to "
            f"{words.amount(figure.value_upper, claim)})"
        )
    note = f" ({figure.note_text})" if figure.note_text else ""
    return _checked(claim, rule, fits, printed, ours, f"{sentence}{note}.")


def _same(claim: Claim, figure: Figure) -> bool:
    if claim.published_value is None or figure.value is None:
        text = figure.text_value or ""
        return claim.published_text is not None and text.startswith(claim.published_text)
    if claim.published_to_value is not None:
        highest = figure.value if figure.value_to is None else figure.value_to
        return claim.published_value <= figure.value and highest <= claim.published_to_value
    if claim.comparison == "over":
        return figure.value > claim.published_value
    stated = (
        (claim.current_value, claim.baseline_value)
        if claim.is_change_of_counts
        else (claim.numerator, claim.denominator)
    )
    for own, other in zip(stated, (figure.numerator, figure.denominator), strict=True):
        if own is not None and other is not None and own != other:
            return False
    if claim.claim_type == "count" and claim.numerator is not None and figure.numerator is not None:
        return True  # so many of so many: the counts are all that is printed
    return arithmetic.agrees(figure.value, claim.published_value, claim.decimals)


def _inside(claim: Claim, figure: Figure) -> bool:
    return (
        claim.published_value is not None
        and figure.value_lower is not None
        and figure.value_upper is not None
        and figure.value_lower <= claim.published_value <= figure.value_upper
    )


# ------------------------------------------------------------------------------------------ results


def _checked(
    claim: Claim, rule: Rule, fits: bool, observed: str | None, expected: str | None, sentence: str
) -> Checked:
    status = PASS if fits else FAIL
    return Checked(claim.claim_id, rule.check_code, status, observed, expected, sentence)


def _not_applicable(claim: Claim, rule: Rule, sentence: str) -> Checked:
    return Checked(claim.claim_id, rule.check_code, NOT_APPLICABLE, None, None, sentence)


def _not_assessed(claim: Claim, rule: Rule, sentence: str) -> Checked:
    return Checked(claim.claim_id, rule.check_code, NOT_ASSESSED, None, None, sentence)


_CHECKS = {
    check.__name__: check
    for check in (
        unit_plausibility,
        percent_arithmetic,
        integer_numerator,
        rounding_feasibility,
        additive_closure,
        cohort_maturity,
        cross_claim,
        warehouse_value,
        period_completeness,
        small_numbers,
        series_vintage,
        change_interval,
        within_budget,
        spending_pace,
        forecast_to_the_pound,
    )
}
_NEED_THRESHOLD = frozenset({"cohort_maturity", "small_numbers", "within_budget", "spending_pace"})
