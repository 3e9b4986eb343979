"""Numbers of claims in words, for sentences and tables. Pure text: nothing is decided here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from orchestration.claims.register import Claim, Figure


def number(value: Fraction | float, decimals: int | None = None) -> str:
    """``1,234.5``: with so many decimals, or as many as a whole number or two places need."""
    if isinstance(value, float) and not math.isfinite(value):
        return "no limit"
    if decimals is None:
        decimals = 0 if value == int(value) else 2
    return f"{float(value):,.{max(0, decimals)}f}"


def percent(value: Fraction | float, decimals: int = 1) -> str:
    """``11.1%``."""
    return f"{number(value, decimals)}%"


def change(value: Fraction | float, decimals: int = 1) -> str:
    """``+8.4%`` or ``-16.0%``."""
    return f"{float(value):+,.{max(0, decimals)}f}%"


def pounds(value: Fraction) -> str:
    """``£2,940,000``."""
    return f"{'-' if value < 0 else ''}£{abs(round(value)):,}"


def spelt(values: Sequence[int]) -> str:
    """``76``, ``75 or 76``, ``827 to 904``: whole numbers that follow one another."""
    if len(values) > 2:
        return f"{values[0]:,} to {values[-1]:,}"
    return " or ".join(f"{v:,}" for v in values)


def listed(words: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def amount(value: Fraction, claim: Claim, decimals: int | None = None) -> str:
    """A value in the claim's unit, with its sign where it is a change."""
    places = claim.decimals if decimals is None else decimals
    if claim.claim_type == "money":
        return pounds(value)
    if claim.claim_type == "change_pct":
        return change(value, places)
    if claim.claim_type == "share_pct":
        return percent(value, places)
    if claim.claim_type == "rank":
        return f"rank {number(value, 0)}"
    if claim.claim_type == "ratio":
        return f"{number(value, places)} times"
    if claim.claim_type == "rate":
        return f"{number(value, places)} {claim.unit}"
    return number(value, max(0, places) if value != int(value) else 0)


def published(claim: Claim) -> str:
    """What the paper prints, in short."""
    if claim.published_value is None:
        return claim.published_text or "no figure"
    text = amount(claim.published_value, claim)
    if claim.published_to_value is not None:
        text = f"{text} to {amount(claim.published_to_value, claim)}"
    if claim.comparison == "over":
        text = f"over {text}"
    elif claim.decimals < 0:
        text = f"about {text}"
    if claim.is_change_of_counts:
        return f"{text} ({number(claim.current_value)} v {number(claim.baseline_value)})"
    if claim.baseline_value is not None:
        return f"{text} (from {amount(claim.baseline_value, claim)})"
    if claim.claim_type == "rank" and claim.denominator is not None:
        return f"{text} of {number(claim.denominator)}"
    if claim.numerator is not None and claim.denominator is not None:
        return (
            f"{number(claim.numerator)} of {number(claim.denominator)}"
            if claim.claim_type == "count"
            else f"{text} ({number(claim.numerator)} of {number(claim.denominator)})"
        )
    if claim.numerator is not None:
        return f"{text} ({number(claim.numerator)})"
    if claim.denominator is not None:
        return f"{text} of {number(claim.denominator)}"
    return text


def found(claim: Claim, figure: Figure | None) -> str | None:
    """What the warehouse has, in short; None where it has nothing."""
    if figure is None or not figure.is_known:
        return None
    if figure.value is None:
        return figure.text_value
    # One more place than printed, so that a difference in rounding can be seen.
    exact = figure.value == int(figure.value)
    text = amount(figure.value, claim, None if exact else max(0, claim.decimals) + 1)
    if figure.value_to is not None:
        text = f"{text} to {amount(figure.value_to, claim)}"
    if figure.numerator is None or figure.denominator is None:
        return text
    pair = (number(figure.numerator), number(figure.denominator))
    if claim.claim_type == "change_pct":
        return f"{text} ({pair[0]} v {pair[1]})"
    if claim.claim_type == "count" and claim.denominator is not None:
        return f"{pair[0]} of {pair[1]}"
    if claim.claim_type == "share_pct":
        return f"{text} ({pair[0]} of {pair[1]})"
    return text
