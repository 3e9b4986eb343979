"""The first five measurements, of open data, each against a baseline that anyone would accept.

A case returns results; it never judges, prints or raises for a figure it does not like. What is
compared is always done in turn, in one process where both can be, on files that were read just
before (so neither side pays for a cold disk).
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import generate
from benchmarks.inputs import STREET, Inputs, program
from benchmarks.measure import Comparison, Finished, Result, Spread, in_turn, run_process, seconds
from benchmarks.phases import COMMIT, Phases
from orchestration import load, models
from orchestration.contracts import spec as contract_spec
from orchestration.settings import DBT_PROJECT, PROJECT, Settings
from orchestration.sqltext import ident, lit
from orchestration.warehouse import writer

GIB = 1 << 30


class NotMeasured(Exception):
    """A case cannot be measured here; the message says why."""


@cache
def once_per_process() -> tuple[tuple[str, float, str], ...]:
    """Do what a process does once, and how long each took."""

    def gate() -> None:
        from orchestration.gates import dialect

        dialect.self_check()

    def contracts() -> None:
        contract_spec(STREET)

    words = "once per process, not in the ratio"
    return (
        ("contracts (imports pandera)", seconds(contracts), words),
        ("gate (imports Great Expectations, self-check)", seconds(gate), words),
    )


# ----------------------------------------------------------------------- 1: the full load


def full_load(inputs: Inputs) -> list[Result]:
    """The street files from landing to committed rows, against DuckDB's bare reader."""
    once = once_per_process()
    files = inputs.plain_files
    landing = inputs.street_landing
    size_mb = sum(f.stat().st_size for f in files) / 1e6
    parts: list[dict[str, float]] = []
    rows: list[int] = []

    def ours() -> float:
        settings = inputs.settings("full-load", landing)
        phases = Phases()
        started = time.perf_counter()
        with phases.watching():
            outcomes = load_waiting(settings, phases)
        spent = time.perf_counter() - started
        rows.append(sum(o.row_count_entered for o in outcomes))
        parts.append(dict(phases.seconds))
        return spent

    target = inputs.work / "bare.duckdb"

    def bare() -> float:
        target.unlink(missing_ok=True)
        return seconds(lambda: rows.append(read_bare(target, files)))

    inputs.progress.line(f"1: loading {len(files)} street files ({size_mb:,.0f} MB), in turn")
    compared = in_turn(
        ours, bare, inputs.size.load_repetitions, warm_up=True, after_each=_tell(inputs, 1)
    )
    result = Result(
        1,
        "full load of the street files",
        compared.ratio,
        1.5,
        comparison=compared,
        ours=f"hash, unpack, copy, read, contract, gate, enter, commit ({rows[0]:,} rows)",
        baseline="DuckDB CREATE TABLE AS read_csv(explicit columns), checkpoint, unpacked files",
    )
    counted = parts[-inputs.size.load_repetitions :]
    total = compared.ours.median
    for name in sorted({n for p in counted for n in p}, key=lambda n: -counted[0].get(n, 0)):
        spent = Spread(tuple(p.get(name, 0.0) for p in counted)).median
        result.details.append((name, spent, f"{spent / compared.baseline.median:.2f} x baseline"))
    entered = rows[0]
    result.details.append(("rows a second", None, f"{entered / total:,.0f}"))
    result.details += once
    if len(set(rows)) != 1:
        result.problem = f"the two sides hold different numbers of rows: {sorted(set(rows))}"
    return [result]


def load_waiting(
    settings: Settings, phases: Phases | None = None, after: Callable[[Any], None] | None = None
) -> list[load.LoadOutcome]:
    """Load what waits in the landing into its street table; closed, so checkpointed, on return."""
    phases = phases or Phases()
    with ExitStack() as stack:
        with phases.phase("open the warehouse, create its tables"):
            connection = stack.enter_context(writer(settings))
        con: Any = phases.connection(connection)
        load.begin_run(con, settings, "benchmark", "benchmark")
        load.discover(con, settings, "benchmark")
        outcomes = load.load_table(con, settings, STREET, "benchmark")
        if after is not None:
            after(con)
        with phases.phase(COMMIT):
            stack.close()
    refused = [o for o in outcomes if o.outcome not in load.ENTERED]
    if refused or not outcomes:
        why = refused[0].reason if refused else "no street file was found"
        raise NotMeasured(f"a street file did not enter: {why}")
    return outcomes


def read_bare(target: Path, files: Sequence[Path]) -> int:
    """Create ``target`` with one table of the files, the plainest way; rows read."""
    import duckdb

    columns = ", ".join(
        f"{lit(title)}: {lit('double' if title in ('Longitude', 'Latitude') else 'varchar')}"
        for title, _, _ in generate.COLUMNS
    )
    names = ", ".join(lit(str(f)) for f in files)
    with duckdb.connect(str(target)) as con:
        con.execute(
            f"create table street as select * from read_csv([{names}], columns = {{{columns}}}, "
            "header = true, auto_detect = false, delim = ',')"
        )
        con.execute("checkpoint")
        return int(con.execute("select count(*) from street").fetchone()[0])  # type: ignore[index]


# ----------------------------------------------------------------------- 2: the gate

#: What an analyst would write to measure every file of a table in one scan.
HAND_WRITTEN = """
select _load_id,
    count(*) as row_count,
    count(*) > 1 and bit_xor(hash(crime_id, month, reported_by, falls_within, longitude, latitude,
        location, lsoa_code, lsoa_name, crime_type, last_outcome_category, context)) = 0
        as is_doubled,
    min(month) as month_first, max(month) as month_last,
    min(reported_by) as force_first, max(reported_by) as force_last,
    count(distinct crime_type) as crime_type_count,
    100.0 * count(*) filter (crime_id is null and crime_type <> 'Anti-social behaviour')
        / nullif(count(*) filter (crime_type <> 'Anti-social behaviour'), 0) as no_crime_id_pct,
    100.0 * (1 - count(distinct crime_id) filter (hash(crime_id) % 16 = 0)
        / nullif(count(crime_id) filter (hash(crime_id) % 16 = 0), 0)) as repeated_id_pct,
    100.0 * (count(*) - count(lsoa_code)) / count(*) as no_place_pct
from street group by _load_id order by _load_id
"""


def gate_alone(inputs: Inputs) -> list[Result]:
    """Profile scan, Great Expectations and Data Docs, against one hand-written scan."""
    once_per_process()
    return [_gate_at(inputs, rows) for rows in inputs.size.gate_rows]


def _gate_at(inputs: Inputs, rows: int) -> Result:
    import duckdb
    import pyarrow as pa

    from orchestration.gates import gate, measures, suites

    forces = 2 if rows < 5_000_000 else len(generate.FORCES)
    months = max(1, round(rows / generate.ROWS_PER_FILE / forces))
    files = generate.plan(forces, months)
    count = sum(f.rows for f in files)
    inputs.progress.line(f"2: generating {count:,} rows in {len(files)} loads")
    settings = inputs.settings("gate", inputs.work)
    settings.work_dir.mkdir(parents=True, exist_ok=True)
    spec = contract_spec(STREET)
    suite = suites.suite_for(spec)
    columns = [c.name for c in spec.columns]
    path = inputs.work / "gate.duckdb"
    path.unlink(missing_ok=True)
    types = ", ".join(f"{ident(c.name)} {c.sql_type}" for c in spec.columns)
    con = duckdb.connect(str(path), config={"memory_limit": settings.warehouse.memory_limit})
    con.execute(
        f"create table street ({types}, _load_id varchar, _row_number integer, _period varchar)"
    )
    generate.insert_rows(con, "street", files)
    con.execute("checkpoint")
    context = pa.table(
        {
            "load_id": [f.slot for f in files],
            "load_label": [f.path for f in files],
            "row_count_read": [f.rows for f in files],
            "row_count_entered": [f.rows for f in files],
            "row_count_quarantined": [0 for _ in files],
            "quarantined_pct": [0.0 for _ in files],
            "row_count_previous": pa.nulls(len(files), pa.int64()),
            "row_count_typical": [float(generate.ROWS_PER_FILE) for _ in files],
            "claim_period": [f.month for f in files],
            "claim": [f.slot for f in files],
            "is_replacing": [False for _ in files],
        }
    )
    con.register("_context", context)
    wanted = ", ".join(lit(f.slot) for f in files)
    sql = measures.profile_sql(
        suite,
        f"(select * from street where _load_id in ({wanted}))",
        columns=columns,
        loader="_context",
        label=True,
    )
    scans: list[float] = []
    verdicts: set[str] = set()

    def ours() -> float:
        started = time.perf_counter()
        profile = con.execute(sql).to_arrow_table()
        scans.append(time.perf_counter() - started)
        with tempfile.TemporaryDirectory(dir=settings.work_dir) as folder:
            side_path = Path(folder) / "profile.duckdb"
            with duckdb.connect(str(side_path)) as side:
                side.register("profile", profile)
                side.execute("create table load_profile as select * from profile")
            report = gate.run_gate(side_path, suite, "benchmark", settings.docs_dir)
        spent = time.perf_counter() - started
        verdicts.update(report.verdict(f.slot) for f in files)
        return spent

    def by_hand() -> float:
        return seconds(lambda: con.execute(HAND_WRITTEN).fetchall())

    compared = in_turn(
        ours, by_hand, inputs.size.gate_repetitions, warm_up=True, after_each=_tell(inputs, 2)
    )
    con.close()
    path.unlink()
    scan = Spread(tuple(scans[1:])).median
    rest = compared.ours.median - scan
    return Result(
        2,
        f"gate alone, {count / 1e6:.1f} million rows in {len(files)} loads",
        compared.ratio,
        3.0,
        comparison=compared,
        ours="profile scan + Great Expectations + Data Docs",
        baseline="one hand-written SQL scan of the same measures",
        details=[
            ("profile scan", scan, f"{scan / compared.baseline.median:.2f} x baseline"),
            ("Great Expectations + Data Docs", rest, f"{len(suite.expectations)} expectations"),
        ],
        problem=None if verdicts <= {"pass", "warning"} else f"verdicts: {sorted(verdicts)}",
    )


# ----------------------------------------------------------------------- 3: nothing changed


def unchanged_run(inputs: Inputs) -> list[Result]:
    """``plumbline run`` with nothing new, against ``dbt parse``; both as programs."""
    landing = inputs.whole_landing
    settings = inputs.settings("unchanged", landing)
    command, env = program(settings, "run", "--landing", str(landing), "--json")
    log = inputs.work / "logs"
    inputs.progress.line(f"3: a first full run on {landing}")
    first = run_process(command, cwd=PROJECT, env=env, log=log / "first.log")
    if first.exit_code not in (0, 2):
        raise NotMeasured(f"the first run ended with exit code {first.exit_code}: {said(first)}")

    def again() -> Finished:
        return run_process(command, cwd=PROJECT, env=env, log=log / "unchanged.log")

    def ours() -> float:
        done = again()
        if not _is_unchanged(done):  # someone edited the checkout meanwhile: once more is fair
            again()
            done = again()
        if not _is_unchanged(done):
            raise NotMeasured(f"a run with nothing new was not without change: {said(done)}")
        return done.seconds

    parse = [models.dbt_executable(), "parse"]
    parse += ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    dbt_env = env | models.environment(settings)
    dbt_env["DBT_TARGET_PATH"] = str(inputs.work / "dbt" / "target")
    dbt_env["DBT_LOG_PATH"] = str(inputs.work / "dbt" / "logs")

    def baseline(*more: str) -> float:
        done = run_process([*parse, *more], cwd=PROJECT, env=dbt_env, log=log / "parse.log")
        if done.exit_code != 0:
            raise NotMeasured(f"dbt parse ended with exit code {done.exit_code}: {said(done)}")
        return done.seconds

    cold = baseline("--no-partial-parse")
    compared = in_turn(
        ours, baseline, inputs.size.run_repetitions, warm_up=True, after_each=_tell(inputs, 3)
    )
    described = ", ".join(_landing_words(landing))
    return [
        Result(
            3,
            "run with nothing new",
            compared.ratio,
            1.5,
            comparison=compared,
            ours=f"plumbline run ({described})",
            baseline="dbt parse with its cache warm",
            details=[
                ("dbt parse without its cache", cold, "once"),
                (
                    "the first, full run",
                    first.seconds,
                    f"the run with nothing new took {compared.ours.median / first.seconds:.1%}",
                ),
            ],
        )
    ]


def _is_unchanged(done: Finished) -> bool:
    return done.exit_code in (0, 2) and '"status": "unchanged"' in done.output


def _landing_words(landing: Path) -> list[str]:
    files = [p for p in landing.rglob("*") if p.is_file()]
    return [f"{len(files)} files", f"{sum(p.stat().st_size for p in files) / 1e6:,.0f} MB"]


def said(done: Finished) -> str:
    """The end of what a program said."""
    return " ".join(done.output.split())[-500:] or "it said nothing"


# ----------------------------------------------------------------------- 4: ten years


def month_into_many(inputs: Inputs) -> list[Result]:
    """One month loaded into a warehouse of many years, against into an empty one."""
    once_per_process()
    months = inputs.size.years * 12
    files = generate.plan(2, months)
    rows = sum(f.rows for f in files)
    inputs.progress.line(f"4: a warehouse of {inputs.size.years} years ({rows:,} rows)")
    many_landing = inputs.work / "years-landing"
    generate.write_files(many_landing, files)
    many = inputs.settings("years", many_landing)
    load_waiting(many)
    shutil.rmtree(many_landing)
    shutil.rmtree(many.raw_dir)
    landing = inputs.work / "month-landing"
    month = generate.plan(2, 1, skip_months=months)[:1]
    generate.write_files(landing, month)
    empty = inputs.settings("empty", landing)
    with writer(empty):
        pass
    checks: dict[str, list[float]] = {"many": [], "empty": []}

    def into(name: str, prepared: Settings) -> float:
        settings = inputs.settings("month", landing)
        settings.warehouse_path.parent.mkdir(parents=True)
        shutil.copyfile(prepared.warehouse_path, settings.warehouse_path)

        def check(con: Any) -> None:
            def work() -> None:
                problems = load.reconcile(con, STREET)
                problems += load.entered_without_passing(con, STREET)
                if problems:
                    raise NotMeasured(problems[0])
                load.table_totals(con, STREET)

            checks[name].append(seconds(work))

        spent = seconds(lambda: load_waiting(settings, after=check))
        return spent - checks[name][-1]

    compared = in_turn(
        lambda: into("many", many),
        lambda: into("empty", empty),
        inputs.size.month_repetitions,
        warm_up=True,
        after_each=_tell(inputs, 4),
    )
    n = inputs.size.month_repetitions
    checked = Comparison(Spread(tuple(checks["many"][-n:])), Spread(tuple(checks["empty"][-n:])))
    both = Comparison(
        _sum(compared.ours, checked.ours), _sum(compared.baseline, checked.baseline)
    ).ratio
    return [
        Result(
            4,
            f"one month ({month[0].rows:,} rows) into {inputs.size.years} years",
            compared.ratio,
            1.2,
            comparison=compared,
            ours=f"into a warehouse of {rows:,} street rows in {len(files)} loads",
            baseline="the same file into an empty warehouse",
            details=[
                ("checks of the whole table, many years", checked.ours.median, "after the load"),
                ("checks of the whole table, empty", checked.baseline.median, "after the load"),
                ("ratio with those checks", None, f"{both.median:.2f}"),
            ],
        )
    ]


def _sum(a: Spread, b: Spread) -> Spread:
    return Spread(tuple(x + y for x, y in zip(a.values, b.values, strict=True)))


# ----------------------------------------------------------------------- 5: memory


#: A program that only loads, and reports as a run does. Arguments: home, landing.
LOAD_ALONE = """
import json, sys
from pathlib import Path
from benchmarks.cases import STREET, load_waiting
from orchestration.settings import load_settings
home, landing = (Path(a) for a in sys.argv[1:])
outcomes = load_waiting(load_settings(home=home, landing=landing))
rows = sum(o.row_count_entered for o in outcomes)
print()
print(json.dumps({"tables": [{"table_name": STREET, "row_count_entered": rows}]}))
"""


def peak_memory(inputs: Inputs) -> list[Result]:
    """Memory of a program that loads many rows; with ``--whole-run`` also builds and publishes."""
    count = inputs.size.many_rows
    forces = len(generate.FORCES) if count >= 1_000_000 else 2
    months = max(1, round(count / generate.ROWS_PER_FILE / forces))
    files = generate.plan(forces, months)
    rows = sum(f.rows for f in files)
    need = rows * 700
    free = shutil.disk_usage(inputs.work).free
    if free < need:
        raise NotMeasured(
            f"{rows:,} rows need about {need / GIB:.0f} GiB of disk under {inputs.work}, and "
            f"{free / GIB:.1f} GiB are free"
        )
    inputs.progress.line(f"5: generating {rows:,} rows in {len(files)} files")
    landing = inputs.work / "many-landing"
    generate.write_files(landing, files)
    settings = inputs.settings("many", landing)
    command, env = program(settings, "run", "--landing", str(landing), "--json")
    what = "a run"
    if not inputs.size.is_whole_run:
        what = "a load"
        command = [sys.executable, "-c", LOAD_ALONE, str(settings.home), str(landing)]
    inputs.progress.line(f"5: {what} on {rows:,} rows")
    done = run_process(
        command, cwd=PROJECT, env=env, log=inputs.work / "logs" / "many.log", sample=True
    )
    shutil.rmtree(landing)
    shutil.rmtree(settings.home)
    title = f"peak memory of {what} on {rows / 1e6:.1f} million rows"
    if done.exit_code not in (0, 2):
        raise NotMeasured(f"the run ended with exit code {done.exit_code}: {said(done)}")
    entered = _entered(done)
    peak = max(done.peak_tree or 0, done.peak_process)
    return [
        Result(
            5,
            title,
            Spread((float(peak),)),
            2.0 * GIB,
            unit="bytes",
            details=[
                ("largest single process", None, f"{done.peak_process / GIB:.2f} GiB"),
                (
                    "all processes of the run together",
                    None,
                    f"{done.peak_tree / GIB:.2f} GiB" if done.peak_tree else "not known here",
                ),
                (what, done.seconds, f"{entered / done.seconds:,.0f} rows a second"),
                ("DuckDB's own limit", None, settings.warehouse.memory_limit),
            ],
            problem=None if entered == rows else f"{entered:,} of {rows:,} rows entered",
        )
    ]


def _entered(done: Finished) -> int:
    """Street rows that entered, from the report of a run with ``--json``."""
    start = done.output.find("\n{") + 1
    try:
        report, _ = json.JSONDecoder().raw_decode(done.output[start:])
        return sum(
            int(t["row_count_entered"] or 0) for t in report["tables"] if t["table_name"] == STREET
        )
    except (ValueError, KeyError, TypeError):
        raise NotMeasured(f"the run did not report its tables: {said(done)}") from None


def _tell(inputs: Inputs, case: int) -> Callable[[int], None]:
    return lambda n: inputs.progress.line(f"{case}: repetition {n} done")


#: In the order in which they are numbered.
CASES: dict[int, Callable[[Inputs], list[Result]]] = {
    1: full_load,
    2: gate_alone,
    3: unchanged_run,
    4: month_into_many,
    5: peak_memory,
}
