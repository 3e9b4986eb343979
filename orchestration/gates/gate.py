"""Judging loads: Great Expectations over their profile, a verdict for each, Data Docs.

All loads of one table are judged in one validation, so cost hardly grows with their number, and
every failure names its load. "Not assessed" (the measure has no value for this load) is a status of
its own, never a pass; an expectation that breaks is not assessed either, and refuses the load if
it is critical.

What does not belong here: which rows are staged, what happens to a refused load, the ledger (the
loader's); how Great Expectations reaches DuckDB (``dialect``).
"""

from __future__ import annotations

import datetime as dt
import html
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from orchestration.gates import dialect
from orchestration.gates.dialect import Answer, Check, Evaluation, GatePairingError
from orchestration.gates.suites import Expectation, Suite, fill, words

__all__ = ["GatePairingError", "GateReport", "GateResult", "run_gate"]

Status = Literal["pass", "fail", "not_assessed"]
Verdict = Literal["pass", "warning", "fail", "not_assessed"]


@dataclass(frozen=True)
class GateResult:
    """One expectation, one load. ``observed`` is None where the measure has no value;
    ``raised`` marks an expectation that ended in an exception."""

    load_id: str
    expectation_code: str
    measure: str
    severity: Literal["critical", "warning"]
    status: Status
    observed: str | None
    expected: str
    message: str
    who_fixes: str
    raised: bool = False


@dataclass(frozen=True)
class GateReport:
    """Every result of one gate run, and where its Data Docs page lies (None if none was built;
    ``docs_error`` says why if one was asked for)."""

    results: list[GateResult]
    docs_path: Path | None = None
    docs_error: str | None = None
    _by_load: dict[str, list[GateResult]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for r in self.results:
            self._by_load.setdefault(r.load_id, []).append(r)

    def for_load(self, load_id: str) -> list[GateResult]:
        """The results of one load, in the order of the suite."""
        return self._by_load.get(load_id, [])

    def verdict(self, load_id: str) -> Verdict:
        """``fail`` if any critical expectation fails or broke; ``warning`` if any other does;
        ``not_assessed`` if nothing could be assessed, or the load was never judged."""
        results = self.for_load(load_id)
        bad = {r.severity for r in results if r.status == "fail" or r.raised}
        if "critical" in bad:
            return "fail"
        if bad:
            return "warning"
        return "pass" if any(r.status == "pass" for r in results) else "not_assessed"


def run_gate(profile_db: Path, suite: Suite, run_name: str, docs_dir: Path | None) -> GateReport:
    """Judge every load in table ``load_profile`` of a DuckDB file by a suite.

    No connection of this process may hold the file. ``run_name`` names the run in Data Docs:
    the page is ``docs_dir/<run_name>/<source>__<table>.html`` (a run of the same name again gets
    a page beside it, none is overwritten); ``docs_dir`` None builds none. Raises
    GatePairingError if Great Expectations cannot be trusted here: no load has passed then.
    """
    dialect.self_check()
    loads, labelled = _read_profile(Path(profile_db), suite)
    if not loads:
        return GateReport(results=[])
    described = {m.name: m.description for m in suite.measures}
    checks = [
        Check(
            code=e.code,
            type=e.type,
            column=e.measure,
            kwargs=e.kwargs,
            severity=e.severity,
            description=f"{described[e.measure]}: {e.expected} [{e.code}]",
        )
        for e in suite.expectations
    ]
    evaluation = dialect.evaluate(
        Path(profile_db),
        checks,
        load_count=len(loads),
        suite_name=suite.table,
        label_columns=("load_label",) if labelled else (),
    )
    results = [
        _judge(load, e, evaluation.answers[e.code]) for load in loads for e in suite.expectations
    ]
    report = GateReport(results=results)
    if docs_dir is None:
        return report
    labels = {load["load_id"]: str(load.get("load_label") or load["load_id"]) for load in loads}
    # The verdict stands whether or not its page can be written (a full disk, say).
    try:
        path = _write_docs(evaluation, suite, report, labels, run_name, Path(docs_dir))
    except Exception as problem:
        return replace(report, docs_error=f"{type(problem).__name__}: {problem}")
    return replace(report, docs_path=path)


def _read_profile(file: Path, suite: Suite) -> tuple[list[dict[str, Any]], bool]:
    """The profile's rows, and whether they carry a label. The connection is closed again."""
    import duckdb

    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            result = connection.execute("select * from load_profile order by load_id")
            names = [d[0] for d in result.description]
            rows = [
                {
                    name: float(value) if isinstance(value, Decimal) else value
                    for name, value in zip(names, row, strict=True)
                }
                for row in result.fetchall()
            ]
    except duckdb.Error as error:
        raise GatePairingError(f"the profile of the loads cannot be read: {error}") from error
    missing = [m.name for m in suite.measures if m.name not in names]
    if missing:
        raise GatePairingError(f"the profile of {suite.table} has no measure {', '.join(missing)}")
    ids = [row["load_id"] for row in rows]
    if None in ids or len(set(ids)) != len(ids):
        raise GatePairingError(f"the profile of {suite.table} names a load twice, or not at all")
    return rows, "load_label" in names


def _judge(load: Mapping[str, Any], e: Expectation, answer: Answer) -> GateResult:
    value = load[e.measure]
    status: Status
    if answer.raised is not None:
        status, message = "not_assessed", f"the check could not be run: {answer.raised}"
    elif value is None:
        # Great Expectations leaves nulls out; a null that failed would be a broken pairing.
        if load["load_id"] in answer.failing:
            raise GatePairingError(
                f"{e.code} failed load {load['load_id']}, which has no value; {dialect.versions()}"
            )
        status, message = "not_assessed", f"not assessed: {e.measure} has no value for this load"
    elif load["load_id"] in answer.failing:
        status = "fail"
        message = fill(e.message, {**load, "observed": value, "expected": e.expected})
    else:
        status, message = "pass", f"{words(value)} (expected: {e.expected})"
    return GateResult(
        load_id=load["load_id"],
        expectation_code=e.code,
        measure=e.measure,
        severity=e.severity,
        status=status,
        observed=_plain(value),
        expected=e.expected,
        message=message,
        who_fixes=e.who_fixes,
        raised=answer.raised is not None,
    )


def _plain(value: Any) -> str | None:
    """A value as text without grouping or needless decimals, for the ledger."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.6g}"
    return str(value)


# --------------------------------------------------------------------------- Data Docs

# Great Expectations' pages fetch style sheets and scripts from the internet and advertise a
# newsletter. Here they are read on closed networks and must not call out: scripts, remote links,
# footer and the navigation that needs the scripts are dropped, and a style sheet takes their place.
_STYLE = """<style>
body{font:15px/1.5 system-ui,sans-serif;color:#1d2733}
body{margin:2rem auto;max-width:72rem;padding:0 1rem}
table{border-collapse:collapse;margin:.5rem 0}
td,th{border:1px solid #d5dbe2;padding:.3rem .6rem;text-align:left;vertical-align:top}
pre,code{white-space:pre-wrap;overflow-wrap:anywhere}
.text-success{color:#1a7f37}.text-danger{color:#b42318}.text-warning{color:#9a6700}
.modal,.d-none{display:none}
img,svg{max-height:3rem}
</style>"""
_UNWANTED = re.compile(
    r"<link\b[^>]*\bhref=[\"']?(?:https?:)?//[^>]*>"
    r"|<img\b[^>]*\bsrc=[\"']?(?:https?:)?//[^>]*>"
    r"|<script\b.*?</script\s*>|<footer\b.*?</footer\s*>",
    re.IGNORECASE | re.DOTALL,
)
_NAVIGATION = re.compile(r"<body>.*?(?=<div class=\"col-md-10 )", re.DOTALL)
_MARKS = {"pass": "pass", "warning": "warning", "fail": "REFUSED", "not_assessed": "not assessed"}


def _write_docs(
    evaluation: Evaluation,
    suite: Suite,
    report: GateReport,
    labels: Mapping[str, str],
    run_name: str,
    docs_dir: Path,
) -> Path:
    """Render Great Expectations' validation page; never overwrite one. Returns its path.

    One page is rendered from the result at hand. Great Expectations' site builder would read
    every earlier validation again to do the same, so each run would cost more than the last.
    """
    with dialect.quiet():
        from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
        from great_expectations.render.view import DefaultJinjaPageView

        evaluation.result.meta["run_id"] = {
            "run_name": run_name,
            "run_time": dt.datetime.now(dt.UTC).isoformat(),
        }
        document = ValidationResultsPageRenderer(run_info_at_end=True).render(evaluation.result)
        page = DefaultJinjaPageView().render(document)
    top = f"<body>{_loads_table(suite, report, labels, run_name)}"
    page = _UNWANTED.sub("", page).replace("</head>", f"{_STYLE}</head>", 1)
    page = _NAVIGATION.sub(lambda _: top, page, count=1)
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", run_name).strip(".-") or "run"
    folder = docs_dir / safe
    folder.mkdir(parents=True, exist_ok=True)
    stem = suite.table.replace("/", "__")
    number = 1
    while True:
        path = folder / (f"{stem}.html" if number == 1 else f"{stem}-{number}.html")
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(page)
            break
        except FileExistsError:
            number += 1
        except OSError:
            path.unlink(missing_ok=True)
            raise
    _write_index(docs_dir)
    return path


def _loads_table(suite: Suite, report: GateReport, labels: Mapping[str, str], run_name: str) -> str:
    """Every load with its verdict and what it fails, in words: what the data owner reads first."""
    rows = []
    for load_id, label in labels.items():
        said = [
            f"<li>{html.escape(r.message)} <small>({html.escape(r.expectation_code)}, "
            f"{r.severity}; {html.escape(r.who_fixes)})</small></li>"
            for r in report.for_load(load_id)
            if r.status == "fail" or r.raised
        ]
        rows.append(
            f"<tr><td>{html.escape(label)}</td><td>{_MARKS[report.verdict(load_id)]}</td>"
            f"<td><ul>{''.join(said)}</ul></td></tr>"
        )
    return (
        f'<p><a href="../index.html">All gate runs</a></p><h1>{html.escape(suite.table)}</h1>'
        f"<p>Run {html.escape(run_name)}</p><table><tr><th>Load</th><th>Verdict</th>"
        f"<th>What it does not satisfy</th></tr>{''.join(rows)}</table>"
    )


def _write_index(docs_dir: Path) -> None:
    """The site's front page: every run, newest first, read off the folders."""
    runs = sorted((p for p in docs_dir.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    items = "".join(
        f"<li>{html.escape(run.name)}: "
        + ", ".join(
            f'<a href="{run.name}/{page.name}">{html.escape(page.stem.replace("__", "/"))}</a>'
            for page in sorted(run.glob("*.html"))
        )
        + "</li>"
        for run in reversed(runs)
    )
    partial = docs_dir / f".index.{os.getpid()}"
    partial.write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Gate runs</title>'
        f"{_STYLE}</head><body><h1>Gate runs</h1><ul>{items}</ul></body></html>",
        encoding="utf-8",
    )
    partial.replace(docs_dir / "index.html")
