"""The measurements of a force's own records, all of them on what ``plumbline simulate`` writes.

6: writing and loading them, against DuckDB's bare readers. 7: what became of the defects of the
dirty scenario. 8: whether crimes that are in both recording systems are found to be one. The last
two compare with the truth beside the extracts, so what they give depends on no machine.

What does not belong here: the defects themselves (``defects``), the program that loads (the
product's), judging.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import defects
from benchmarks.cases import NotMeasured, once_per_process, said
from benchmarks.inputs import Inputs, program
from benchmarks.measure import Comparison, Finished, Result, Spread, run_process
from benchmarks.phases import COMMIT, Phases
from orchestration import load, models
from orchestration.contracts import CONTRACTS
from orchestration.contracts import spec as contract_spec
from orchestration.settings import DBT_PROJECT, PROJECT, Settings, load_settings
from orchestration.simulate.truth import FOLDER
from orchestration.sources.registry import FORCE_SOURCES
from orchestration.sqltext import ident, lit
from orchestration.warehouse import writer

GIB = 1 << 30
#: Every table of a force's own extracts, in the order in which a run loads them.
TABLES = tuple(t for t in CONTRACTS if t.partition("/")[0] in FORCE_SOURCES)
#: What the linkage is made from.
LINKED = ("legacy/", "connect/", "incidents/", "geography/")
SIDES = {"ours": "the load", "bare": "the baseline"}
#: Bytes of disk for a crime with its persons and log: landing, copies, two databases (measured,
#: rounded up).
BYTES_PER_SCALE = 1_700_000_000


# ----------------------------------------------------------------------- 6: a force's extracts


@dataclass(frozen=True)
class Simulation:
    """Extracts as written by the program: where, how many, in what time."""

    landing: Path
    rows: int
    crimes: int
    files: int
    bytes: int
    done: Finished


def simulated(inputs: Inputs, scenario: str, scale: float) -> Simulation:
    """Write a scenario with the console program, in a process of its own."""
    landing = inputs.work / f"{scenario}-{scale:g}"
    settings = inputs.settings("simulate", landing)
    arguments = ["simulate", "--out", str(landing), "--scenario", scenario]
    command, env = program(settings, *arguments, "--scale", f"{scale:g}", "--json")
    log = inputs.work / "logs" / "simulate.log"
    done = run_process(command, cwd=PROJECT, env=env, log=log)
    if done.exit_code != 0:
        raise NotMeasured(f"plumbline simulate ended with exit code {done.exit_code}: {said(done)}")
    summary = last_json(done)
    rows = summary["rows"]
    return Simulation(
        landing,
        rows=sum(rows.values()),
        crimes=rows["legacy/crimes"] + rows["connect/investigations"],
        files=sum(summary["files"].values()),
        bytes=sum(p.stat().st_size for p in extracts(landing)),
        done=done,
    )


def extracts(landing: Path) -> list[Path]:
    """The extracts of a simulated landing, without the truth and the manifest."""
    return sorted(p for p in landing.glob("*/*") if p.is_file() and p.parent.name != FOLDER)


def force_extracts(inputs: Inputs) -> list[Result]:
    """Writing a force's extracts, and loading them against bare DuckDB on the same files."""
    scales = inputs.size.force_scales
    large = scales[-1]
    need, free = large * BYTES_PER_SCALE, shutil.disk_usage(inputs.work).free
    if free < need:
        raise NotMeasured(
            f"scale {large:g} needs about {need / GIB:.0f} GiB of disk under {inputs.work}, and "
            f"{free / GIB:.1f} GiB are free"
        )
    results: list[Result] = []
    smaller: Loads | None = None
    for scale in scales:
        inputs.progress.line(f"6: simulating at scale {scale:g}")
        written = simulated(inputs, "reference", scale)
        inputs.described.append(
            f"simulated extracts: {written.rows:,} rows in {written.files} files, "
            f"{written.bytes / 1e6:,.0f} MB (scale {scale:g})"
        )
        is_large = scale == large
        if is_large:
            results.append(_simulating(written, scale, smaller))
        try:
            repetitions = inputs.size.force_repetitions if is_large else 1
            runs = _loads(inputs, written, repetitions)
        except NotMeasured as problem:
            title = f"load {written.rows / 1e6:.1f} million rows of a force (scale {scale:g})"
            return [*results, Result(6, title, None, problem=str(problem))]
        finally:
            shutil.rmtree(written.landing)
        if is_large:
            results += [_loading(runs, scale, smaller), _memory(runs, smaller)]
        smaller = runs
    return results


def _simulating(written: Simulation, scale: float, smaller: Loads | None) -> Result:
    spent = written.done.seconds
    result = Result(
        6,
        f"simulate {written.crimes / 1e6:.1f} million records of crimes (scale {scale:g})",
        Spread((spent,)),
        unit="s",
        details=[
            ("rows a second", None, f"{written.rows / spent:,.0f}"),
            ("bytes a second", None, f"{written.bytes / spent / 1e6:,.0f} MB"),
            ("peak memory of the process", None, f"{written.done.peak_process / GIB:.2f} GiB"),
        ],
    )
    if smaller is not None:
        before = smaller.written
        words = f"{before.done.peak_process / GIB:.2f} GiB"
        result.details.append((f"with {before.rows / 1e6:.1f} million rows", None, words))
    return result


@dataclass(frozen=True)
class Loads:
    """The same files loaded by us and read by bare DuckDB, in turn."""

    written: Simulation
    compared: Comparison
    ours: list[dict[str, Any]]
    bare: list[dict[str, Any]]
    peak_process: int
    peak_tree: int | None
    peak_bare: int

    @property
    def rows(self) -> int:
        return self.written.rows

    @property
    def peak(self) -> int:
        """Bytes of all processes of our side together, where that is known."""
        return max(self.peak_tree or 0, self.peak_process)


def _loads(inputs: Inputs, written: Simulation, repetitions: int) -> Loads:
    """Each side in a process of its own, which says how long it took without its imports."""
    ours: list[dict[str, Any]] = []
    bare: list[dict[str, Any]] = []
    finished: dict[str, list[Finished]] = {"ours": [], "bare": []}

    def once(side: str) -> dict[str, Any]:
        settings = inputs.settings("force", written.landing)
        code = f"import sys; from benchmarks import force; force.{side}_alone(*sys.argv[1:])"
        _, env = program(settings)
        done = run_process(
            [sys.executable, "-c", code, str(settings.home), str(written.landing)],
            cwd=PROJECT,
            env=env,
            log=inputs.work / "logs" / f"force-{side}.log",
            sample=True,
        )
        shutil.rmtree(settings.home)
        if done.exit_code != 0:
            raise NotMeasured(f"{SIDES[side]} ended with exit code {done.exit_code}: {said(done)}")
        finished[side].append(done)
        return last_json(done)

    for n in range(repetitions):
        inputs.progress.line(f"6: loading {written.rows:,} rows, in turn, {n + 1} of {repetitions}")
        ours.append(once("ours"))
        bare.append(once("bare"))
    trees = [d.peak_tree for d in finished["ours"] if d.peak_tree]
    return Loads(
        written,
        Comparison(*(Spread(tuple(r["seconds"] for r in side)) for side in (ours, bare))),
        ours,
        bare,
        peak_process=max(d.peak_process for d in finished["ours"]),
        peak_tree=max(trees, default=None),
        peak_bare=max(d.peak_process for d in finished["bare"]),
    )


def _loading(runs: Loads, scale: float, smaller: Loads | None) -> Result:
    compared = runs.compared
    ours, bare = runs.ours[-1], runs.bare[-1]
    entered = sum(t["rows"] for t in ours["tables"].values())
    read = sum(t["rows"] for t in bare["tables"].values())
    result = Result(
        6,
        f"load {runs.rows / 1e6:.1f} million rows of a force (scale {scale:g})",
        compared.ratio,
        comparison=compared,
        ours=f"hash, look, copy, read, contract, pseudonyms, gate, commit ({entered:,} rows)",
        baseline="DuckDB CREATE TABLE AS of the same columns, checkpoint",
        details=[
            ("rows a second, ours", None, f"{entered / compared.ours.median:,.0f}"),
            ("rows a second, baseline", None, f"{read / compared.baseline.median:,.0f}"),
        ],
    )
    if not entered == read == runs.rows:
        result.problem = f"{runs.rows:,} rows written, {entered:,} entered, {read:,} read"
    if smaller is not None:
        words = f"{smaller.compared.ratio.median:.2f}"
        result.details.append((f"ratio with {smaller.rows / 1e6:.1f} million rows", None, words))
    for name, spent in sorted(ours["phases"].items(), key=lambda p: -p[1]):
        share = spent / ours["seconds"]
        if share >= 0.005:
            result.details.append((name, spent, f"{share:.1%} of the load"))
    for name, table in ours["tables"].items():
        if table["seconds"] >= 0.01 * ours["seconds"]:
            theirs = bare["tables"][name]["seconds"]
            words = f"{table['rows']:,} rows; baseline {theirs:.2f} s"
            result.details.append((f"table {name}", table["seconds"], words))
    return result


def _memory(runs: Loads, smaller: Loads | None) -> Result:
    result = Result(
        6,
        f"peak memory of that load, {runs.rows / 1e6:.1f} million rows",
        Spread((float(runs.peak),)),
        2.0 * GIB,
        unit="bytes",
        details=[
            ("largest single process", None, f"{runs.peak_process / GIB:.2f} GiB"),
            ("DuckDB's own limit", None, load_settings().warehouse.memory_limit),
            ("the baseline, without a limit", None, f"{runs.peak_bare / GIB:.2f} GiB"),
        ],
    )
    if smaller is not None:
        label = f"with {smaller.rows / 1e6:.1f} million rows"
        result.details.append((label, None, f"{smaller.peak / GIB:.2f} GiB"))
        words = f"{runs.peak / smaller.peak:.2f} times the memory"
        label = f"with {runs.rows / smaller.rows:.0f} times as many rows"
        result.details.append((label, None, words))
    return result


def ours_alone(home: str, landing: str) -> None:
    """The body of a process that loads everything; prints what it did as JSON."""
    settings = load_settings(home=Path(home), landing=Path(landing))
    once_per_process()
    for table in TABLES:
        contract_spec(table)
    phases = Phases()
    started = time.perf_counter()
    with phases.watching():
        tables = load_tables(settings, TABLES, phases)
    spent = time.perf_counter() - started
    for table, said_of in tables.items():
        if said_of["refused"] or not said_of["loads"]:
            raise SystemExit(f"{table}: {said_of['refused'] or 'no file was found'}")
    print(json.dumps({"seconds": spent, "phases": phases.seconds, "tables": tables}))


def load_tables(
    settings: Settings, tables: Iterable[str], phases: Phases | None = None
) -> dict[str, dict[str, Any]]:
    """Load what waits for some tables: seconds, rows, loads and reasons of refusal of each; the
    warehouse is closed, so checkpointed, on return."""
    phases = phases or Phases()
    found = {}
    with ExitStack() as stack:
        with phases.phase("open the warehouse, create its tables"):
            connection = stack.enter_context(writer(settings))
        con: Any = phases.connection(connection)
        load.begin_run(con, settings, "benchmark", "benchmark")
        with phases.phase("look at the landing: ledger"):
            load.discover(con, settings, "benchmark")
        for table in tables:
            started = time.perf_counter()
            outcomes = load.load_table(con, settings, table, "benchmark")
            found[table] = {
                "seconds": time.perf_counter() - started,
                "rows": sum(o.row_count_entered for o in outcomes),
                "loads": len(outcomes),
                "refused": [o.reason for o in outcomes if o.outcome == "refused"],
            }
        with phases.phase(COMMIT):
            stack.close()
    return found


def bare_alone(home: str, landing: str) -> None:
    """The body of a process that reads the same files with DuckDB alone; prints JSON."""
    import duckdb

    queries = {table: bare_sql(table, Path(landing)) for table in TABLES}
    tables = {}
    started = time.perf_counter()
    with duckdb.connect(str(Path(home) / "bare.duckdb")) as con:
        for table, query in queries.items():
            before = time.perf_counter()
            name = ident(contract_spec(table).raw_name)
            con.execute(f"create table {name} as {query}")
            count = con.execute(f"select count(*) from {name}").fetchone()
            tables[table] = {"seconds": time.perf_counter() - before, "rows": count[0]}  # type: ignore[index]
        con.execute("checkpoint")
    print(json.dumps({"seconds": time.perf_counter() - started, "tables": tables}))


def bare_sql(table: str, landing: Path) -> str:
    """The plainest query that reads a table's extracts, its contract's types given."""
    import pyarrow.parquet as pq

    about = contract_spec(table)
    types = {c.title: c.sql_type for c in about.columns}
    files = [p for p in extracts(landing) if table_of(p) == table]
    if not files:
        raise NotMeasured(f"there is no extract of {table} in {landing}")
    names = "[" + ", ".join(lit(str(p)) for p in files) + "]"
    if files[0].suffix == ".parquet":
        titles = pq.read_schema(files[0]).names
        columns = ", ".join(f"{ident(t)}::{types[t]} as {ident(t)}" for t in titles)
        return f"select {columns} from read_parquet({names})"
    opener = gzip.open if files[0].suffix == ".gz" else open
    with opener(files[0], "rt", encoding="utf-8") as text:
        titles = next(csv.reader(text))
    columns = ", ".join(f"{lit(t)}: {lit(types[t])}" for t in titles)
    return (
        f"select * from read_csv({names}, columns = {{{columns}}}, header = true, "
        "auto_detect = false, delim = ',')"
    )


def table_of(path: Path) -> str | None:
    """The table whose extract a file is, as the product tells by its name."""
    from orchestration.sources import registry

    return registry.table_named(path.name)


# ----------------------------------------------------------------------- 7: defects


def dirty_scenario(inputs: Inputs) -> list[Result]:
    """What became of every defect of the dirty scenario, and of everything that is clean."""
    scale = inputs.size.dirty_scale
    inputs.progress.line(f"7: the dirty scenario at scale {scale:g}")
    written = simulated(inputs, "dirty", scale)
    settings = inputs.settings("dirty", written.landing)
    tables = load_tables(settings, TABLES)
    found = defects.confusion(settings.warehouse_path, written.landing / FOLDER / "defects.parquet")
    entered = sum(t["rows"] for t in tables.values())
    shutil.rmtree(written.landing)
    shutil.rmtree(settings.home)
    kinds = {r.defect for r in found.rows}
    inputs.described.append(
        f"simulated extracts, dirty: {written.rows:,} clean rows in {written.files} files with "
        f"{found.count:,} defects of {len(kinds)} kinds (scale {scale:g})"
    )
    return [
        Result(
            7,
            f"of {found.count:,} defects, those that did not end as they must",
            Spread((float(found.count - found.as_expected),)),
            0.0,
            unit="count",
            table=found.lines(),
        ),
        Result(
            7,
            "clean rows set aside, clean files refused",
            Spread((float(len(found.false_rows) + len(found.false_files)),)),
            0.0,
            unit="count",
            details=[
                ("clean rows set aside", None, f"{len(found.false_rows)}; {entered:,} entered"),
                ("clean files refused", None, f"{len(found.false_files)}"),
            ],
            table=[f"{name}, row {row}: {rule}" for name, row, rule in found.false_rows[:20]]
            + [f"{name}: {reason}" for name, reason in found.false_files[:20]],
        ),
    ]


# ----------------------------------------------------------------------- 8: linkage

#: Pairs that are one crime, and pairs that were taken for one.
PAIRS = """
select
    t.link_type, f.link_reason, count(*),
    count(*) filter (t.crime_number is not null and f.crime_number is not null)
from read_parquet($1) as t
full join w.facts.fct_offence_link as f
    on f.crime_number = t.crime_number and f.investigation_id = t.investigation_id
group by all
"""


def linkage(inputs: Inputs) -> list[Result]:
    """Crimes that are in both recording systems: which pairs are found, and which are right."""
    scale = inputs.size.linkage_scale
    inputs.progress.line(f"8: the linkage at scale {scale:g}")
    written = simulated(inputs, "reference", scale)
    settings = inputs.settings("linkage", written.landing)
    loaded = load_tables(settings, [t for t in TABLES if t.startswith(LINKED)])
    problems = [r for t in loaded.values() for r in t["refused"]]
    if problems:
        raise NotMeasured(f"an extract did not enter: {problems[0]}")
    inputs.progress.line("8: building facts.fct_offence_link")
    built = _build(inputs, settings)
    counts = pairs(settings.warehouse_path, written.landing / FOLDER / "links.parquet")
    shutil.rmtree(written.landing)
    shutil.rmtree(settings.home)
    inputs.described.append(
        f"simulated extracts: {written.crimes:,} records of crimes, {counts.true:,} pairs of them "
        f"one crime (scale {scale:g})"
    )
    return counts.results(built)


def _build(inputs: Inputs, settings: Settings) -> Finished:
    command = [models.dbt_executable(), "build", "--select", "+fct_offence_link"]
    # Tests that also read models which are not built here cannot run, unit tests read no data.
    command += ["--indirect-selection", "cautious", "--exclude-resource-type", "unit_test"]
    command += ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    _, env = program(settings)
    env |= models.environment(settings)
    done = run_process(command, cwd=PROJECT, env=env, log=inputs.work / "logs" / "linkage.log")
    if done.exit_code != 0:
        raise NotMeasured(f"dbt build ended with exit code {done.exit_code}: {said(done)}")
    return done


def pairs(database: Path, links: Path) -> Pairs:
    """Found pairs of the warehouse ``database`` against the true ones in file ``links``."""
    import duckdb

    with duckdb.connect() as con:
        con.execute(f"attach {lit(str(database))} as w (read_only)")
        return Pairs(con.execute(PAIRS, [str(links)]).fetchall())


@dataclass(frozen=True)
class Pairs:
    """Pairs by their true type (None: no pair) and the reason they were found for (None: they were
    not): type, reason, how many, how many of them right."""

    rows: list[tuple[str | None, str | None, int, int]]

    def _sums(self, of: Callable[[tuple], str | None]) -> dict[str, tuple[int, int]]:
        """All and right ones by a key."""
        sums: dict[str, tuple[int, int]] = {}
        for row in self.rows:
            key = of(row)
            if key is not None:
                count, right = sums.get(key, (0, 0))
                sums[key] = (count + row[2], right + row[3])
        return dict(sorted(sums.items()))

    @property
    def by_reason(self) -> dict[str, tuple[int, int]]:
        """Found pairs by reason: how many, how many of them right."""
        return self._sums(lambda row: row[1])

    @property
    def by_type(self) -> dict[str, tuple[int, int]]:
        """True pairs by type: how many, how many of them found."""
        return self._sums(lambda row: row[0])

    @property
    def true(self) -> int:
        return sum(count for count, _ in self.by_type.values())

    def results(self, built: Finished | None = None) -> list[Result]:
        """Shares of the found that are wrong, and of the true that were missed."""
        return [
            self._share(
                "linked pairs that are not one crime (1 - precision)", self.by_reason, "right"
            ),
            self._share(
                "pairs of one crime that were not linked (1 - recall)",
                self.by_type,
                "found",
                [("dbt build --select +fct_offence_link", built.seconds, "")] if built else [],
            ),
        ]

    @staticmethod
    def _share(
        title: str,
        groups: dict[str, tuple[int, int]],
        verb: str,
        more: Iterable[tuple[str, float | None, str]] = (),
    ) -> Result:
        total = sum(count for count, _ in groups.values())
        right = sum(good for _, good in groups.values())
        result = Result(8, title, None, 0.01, unit="share")
        if not total:
            result.problem = "there are no such pairs"
            return result
        result.value = Spread((1 - right / total,))
        for name, (count, good) in {"all": (total, right), **groups}.items():
            words = f"{good:,} of {count:,} {verb} ({good / count:.2%})"
            result.details.append((name, None, words))
        result.details += more
        return result


# ----------------------------------------------------------------------- helpers


def last_json(done: Finished) -> dict[str, Any]:
    """The last JSON object that a program's output ends with."""
    start = done.output.rfind("\n{")
    try:
        return json.JSONDecoder().raw_decode(done.output[start + 1 :])[0]
    except ValueError:
        raise NotMeasured(f"the program did not end with JSON: {said(done)}") from None


#: In the order in which they are numbered.
CASES: dict[int, Callable[[Inputs], list[Result]]] = {
    6: force_extracts,
    7: dirty_scenario,
    8: linkage,
}
