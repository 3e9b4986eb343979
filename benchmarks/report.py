"""Results as text for a person. What does not belong here: measuring, judging."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measure import Result

GIB = 1 << 30


def amount(value: float, unit: str) -> str:
    """A value with its unit: a ratio, bytes as GiB, a count, a share in percent, or seconds."""
    if unit == "bytes":
        return f"{value / GIB:.2f} GiB"
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "share":
        return f"{value:.2%}"
    if unit == "x":
        return f"{value:.2f}"
    return f"{value:.2f} {unit}"


def render(results: Sequence[Result], described: Sequence[str]) -> str:
    """The whole report."""
    lines = []
    for text in dict.fromkeys(described):
        lines.append(f"measured on: {text}")
    for r in results:
        lines += ["", *_result(r)]
    judged = [r for r in results if r.is_met is not None]
    lines += ["", "ratio = ours / baseline, median of the pairs (least to greatest)", ""]
    lines.append(f"{'':2} {'':58} {'measured':>26} {'target':>9}  met")
    for r in results:
        measured = "not measured"
        if r.value is not None:
            measured = amount(r.value.median, r.unit)
            if len(r.value.values) > 1:
                measured += f" ({r.value.low:.2f} to {r.value.high:.2f})"
        target = amount(r.target, r.unit) if r.target is not None else ""
        met = {True: "yes", False: "NO", None: ""}[r.is_met]
        lines.append(f"{r.case:>2} {r.title:58} {measured:>26} {target:>9}  {met}")
    met_count = sum(bool(r.is_met) for r in judged)
    if judged:
        lines.append(f"{met_count} of {len(judged)} targets met")
    else:
        lines.append("no targets judged: they are set for the full measurement")
    return "\n".join(lines)


def _result(r: Result) -> list[str]:
    lines = [f"{r.case}. {r.title}"]
    if r.problem:
        lines.append(f"   not measured: {r.problem}")
    if r.comparison is not None:
        for label, words, spread in (
            ("ours", r.ours, r.comparison.ours),
            ("baseline", r.baseline, r.comparison.baseline),
        ):
            lines.append(
                f"   {label:9} {spread.median:8.3f} s ({spread.low:.3f} to {spread.high:.3f})  "
                f"{words}"
            )
    for label, seconds, words in r.details:
        shown = f"{seconds:8.3f} s" if seconds is not None else " " * 10
        lines.append(f"     {label:44} {shown}  {words}".rstrip())
    lines += [f"     {line}" for line in r.table]
    return lines
