"""The ``plumbline`` console program: a thin face over the Dagster job, the ledger and releases.

Belongs here: options, printing, exit codes. Everything it does can be done from Dagster or from
Python by calling what it calls. Heavy imports happen inside the commands that need them.

Exit codes: 0 done, 1 failed (a run: nothing was published), 2 a load was refused and the rest is
published, or the request itself was wrong.
"""

from __future__ import annotations

import csv
import functools
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from orchestration.settings import Settings, SettingsError, load_settings

ATTRIBUTION = "Contains public sector information licensed under the Open Government Licence v3.0"


class Failure(click.ClickException):
    """Something went wrong, in words; exit code 1."""

    def show(self, file: Any = None) -> None:
        click.echo(f"plumbline: {self.message}", err=True)


class Refusal(Failure):
    """A request that cannot be met, in words; exit code 2."""

    exit_code = 2


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--home``, ``--config`` and ``--json`` on every command; ``settings`` handed in."""

    @click.option("--home", type=click.Path(path_type=Path), help="PLUMBLINE_HOME (./data).")
    @click.option("--config", type=click.Path(path_type=Path), help="plumbline.yml to use.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
    @functools.wraps(command)
    def wrapped(
        *args: Any, home: Path | None, config: Path | None, as_json: bool, **kwargs: Any
    ) -> Any:
        try:
            if config is not None:
                # Code lists, models and the processes started from here read the same file.
                os.environ["PLUMBLINE_CONFIG"] = str(config.absolute())
            settings = load_settings(home=home, config=config)
        except SettingsError as error:
            raise Refusal(str(error)) from None
        return command(*args, settings=settings, as_json=as_json, **kwargs)

    return wrapped


# ----------------------------------------------------------------------- printing


def _emit_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, default=str, ensure_ascii=False))


def _table(rows: list[dict[str, Any]], columns: list[str] | None = None, title: str = "") -> None:
    """Rows as a table on standard output; nothing is cut when it is not a terminal."""
    from rich.console import Console
    from rich.table import Table

    if not rows:
        click.echo(f"{title}: none" if title else "no rows")
        return
    names = columns or list(rows[0])
    console = Console() if sys.stdout.isatty() else Console(width=220, force_terminal=False)
    if len(names) * 9 > console.width:
        # A table of that many columns cannot be read: one value a line instead.
        width = max(len(n) for n in names)
        for number, row in enumerate(rows, 1):
            click.echo(f"-- row {number}")
            for name in names:
                click.echo(f"{name.ljust(width)}  {_cell(row.get(name))}")
        return
    shown = Table(title=title or None, title_justify="left", show_lines=False)
    for name in names:
        numeric = all(isinstance(r.get(name), (int, float, type(None))) for r in rows)
        shown.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(_cell(row.get(name)) for name in names))
    console.print(shown, markup=False)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return str(value)


def _command(settings: Settings, words: str) -> str:
    """A command as it can be typed here: where the program is, and which home is meant."""
    program = "plumbline"
    if shutil.which(program) is None:
        path, here = Path(sys.executable).with_name(program), Path.cwd()
        program = shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
    home = (
        "" if settings.home == Path.cwd() / "data" else f" --home {shlex.quote(str(settings.home))}"
    )
    return f"{program} {words}{home}"


# ----------------------------------------------------------------------- commands


class _Program(click.Group):
    """A group whose unforeseen errors end in a sentence and a log file, not in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            import tempfile
            import traceback

            with tempfile.NamedTemporaryFile(
                "w", prefix="plumbline-", suffix=".log", delete=False, encoding="utf-8"
            ) as log:
                log.write(traceback.format_exc())
            raise Failure(
                f"something unforeseen went wrong ({type(error).__name__}: "
                f"{' '.join(str(error).split())[:500]}); nothing was published. The full text is "
                f"in {log.name}: please report it"
            ) from None


@click.group(
    cls=_Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="plumbline", prog_name="plumbline")
def main() -> None:
    """Plumbline: how much of a change in recorded violence is violence, and how much recording."""


@main.command()
@click.option("--landing", type=click.Path(path_type=Path), help="Folder the extracts are in.")
@click.option("--select", help="Assets to run, in Dagster's selection syntax; default all.")
@click.option("--no-wait", is_flag=True, help="Do not wait where another run is writing.")
@_common
def run(
    settings: Settings, as_json: bool, landing: Path | None, select: str | None, no_wait: bool
) -> None:
    """Load what is new in the landing, gate it, build, test, publish.

    Exit code 0 where all went well, 2 where a load was refused (the rest is published), 1 where
    the run failed (nothing was published).
    """
    from orchestration.progress import for_stream
    from orchestration.run import execute_run

    if landing is not None:
        settings = settings.model_copy(update={"landing": landing.expanduser().absolute()})
    progress = for_stream()
    if settings.landing is None and not _has_files(settings.landing_dir):
        if _holds_real_loads(settings):
            raise Failure(
                f"no landing was named and {settings.landing_dir} is empty, and {settings.home} "
                "holds loads that are not simulated: name the folder with --landing (or "
                "PLUMBLINE_LANDING). To see a simulated force, name another --home. Nothing was "
                "published"
            )
        _simulate_landing(settings, progress)
    report = execute_run(settings, progress, select=select, wait_seconds=0 if no_wait else None)
    if as_json:
        _emit_json({**vars(report), "attribution": ATTRIBUTION})
    else:
        _print_report(report, settings)
    if words := _ending(report):
        click.echo(f"plumbline: {words}", err=True)
    raise SystemExit(report.exit_code)


def _ending(report: Any) -> str:
    """What the exit code of a run means, in words that are true of this run."""
    if report.exit_code == 0:
        return ""
    if report.exit_code == 2:
        what = "something was refused, as said above; everything else is published"
    elif report.is_new_release:
        what = f"the run failed after it had published the release {report.release_id}"
    elif report.release_id:
        what = (
            "the run failed and nothing was published; what was published before stays "
            f"(release {report.release_id})"
        )
    else:
        what = "the run failed and nothing was published"
    return f"exit code {report.exit_code}: {what}"


def _holds_real_loads(settings: Settings) -> bool:
    """Whether anything was ever loaded here that the simulator did not write."""
    from orchestration.privacy import holds_simulated_persons
    from orchestration.warehouse import ledger_reader

    with ledger_reader(settings) as con:
        if con is None or holds_simulated_persons(con):
            return False
        return con.execute("select 1 from ledger.load limit 1").fetchone() is not None


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(p.is_file() for p in folder.rglob("*"))


def _simulate_landing(settings: Settings, progress: Any) -> None:
    """Fill the landing with what plumbline.yml says to simulate, whole or not at all."""
    import shutil

    from orchestration.simulate import simulate
    from orchestration.sources.sample_landing import write_sample_landing

    what = settings.simulate
    folder = settings.landing_dir
    progress.line(
        f"no landing was given: simulating the scenario {what.scenario!r} (scale {what.scale:g}, "
        f"seed {what.seed}) into {folder} (for real files: plumbline run --landing DIR)"
    )
    building = folder.with_name(f".{folder.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.parent.mkdir(parents=True, exist_ok=True)
    simulate(building, scenario=what.scenario, scale=what.scale, seed=what.seed, progress=progress)
    write_sample_landing(building / "open_data")
    shutil.rmtree(folder, ignore_errors=True)
    building.rename(folder)


@main.command("simulate")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the extracts; the truth goes into _truth inside it.",
)
@click.option(
    "--scenario",
    default="reference",
    show_default=True,
    help="Which world to write: reference, no_change, step_only, crime_wave or dirty.",
)
@click.option("--scale", default=1.0, show_default=True, help="Multiplies the volume.")
@click.option("--seed", default=20211231, show_default=True, help="Same seed, same bytes.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "csv.gz", "parquet", "parquet.gz"]),
    help="Write every extract in this format instead of a mixture.",
)
@_common
def simulate_command(
    settings: Settings,
    as_json: bool,
    out: Path,
    scenario: str,
    scale: float,
    seed: int,
    file_format: str | None,
) -> None:
    """Write a force's extracts (April 2018 to March 2022) with known truth beside them.

    The records are of nobody: they are drawn from a seeded generator.
    """
    from orchestration.progress import for_stream
    from orchestration.simulate import SimulateError, simulate

    try:
        done = simulate(
            out.expanduser().absolute(),
            scenario=scenario,
            scale=scale,
            seed=seed,
            format=file_format,
            progress=for_stream(),
        )
    except SimulateError as error:
        raise Refusal(str(error)) from None
    if as_json:
        _emit_json(done.summary())
        return
    for line in done.lines():
        click.echo(line)


def _print_report(report: Any, settings: Settings) -> None:
    if report.tables:
        _table(
            report.tables,
            [
                "table_name",
                "entered",
                "with_warnings",
                "refused",
                "replayed",
                "row_count_read",
                "row_count_entered",
                "row_count_quarantined",
            ],
            "Loads of this run",
        )
    bad = [
        a
        for a in report.attempts
        if a["outcome"] == "refused" or a["reason_code"] == "still_refused"
    ]
    if bad:
        click.echo("\nRefused:")
        for a in bad:
            click.echo(f"  {_name(a)}: {a['reason']}")
    strange = [
        a
        for a in report.attempts
        if a["outcome"] == "unrecognised" or a["reason_code"] == "still_unrecognised"
    ]
    if strange:
        click.echo("\nUnrecognised (nothing was done with these):")
        for a in strange[:20]:
            click.echo(f"  {_name(a)}: {a['reason']}")
        if len(strange) > 20:
            more = _command(settings, "loads --attempts")
            click.echo(f"  and {len(strange) - 20} more: {more}")
    warned = [a for a in report.attempts if a["outcome"] == "entered_with_warnings"]
    if warned:
        click.echo("\nEntered with warnings:")
        said: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for a in warned:
            said.setdefault((a["file_name"], a["reason"] or ""), []).append(a)
        for (_, reason), same in list(said.items())[:10]:
            others = f" and {len(same) - 1} more like it" if len(same) > 1 else ""
            click.echo(f"  {_name(same[0])}{others}: {reason}")
        if len(said) > 10:
            more = _command(settings, "loads")
            click.echo(f"  and {sum(map(len, list(said.values())[10:]))} more: {more}")
    rules = [q for q in report.quarantine if not q["rule_code"].endswith(".load.refused")]
    if rules:
        click.echo("")
        _table(rules, ["rule_code", "rows", "loads", "who_fixes"], "Quarantined by rule")
    if report.is_new_release and report.marts:
        click.echo("")
        _table([{"mart": k, "rows": v} for k, v in sorted(report.marts.items())], title="Published")
    # A run that failed has no figures: those of an earlier release are not its own.
    has_figures = report.is_new_release or report.exit_code != 1
    if report.headlines and has_figures:
        click.echo("")
        _table(
            report.headlines,
            title=f"The force, same months of both years (release {report.release_id})",
        )
        click.echo(
            "Ratios are current over baseline, with the interval that chance alone explains; like "
            "for like counts only what the practice of the baseline would have recorded."
        )
    if report.figures and has_figures:
        click.echo("")
        _table(report.figures)
    if report.alerts:
        click.echo("")
        _table(
            [
                {
                    "severity": a["severity"],
                    "opened in this run": a["opened"],
                    "over in this run": a["over"],
                    "open": a["open"],
                }
                for a in report.alerts
            ],
            title="Alerts",
        )
        click.echo(f"Which: {_command(settings, 'alerts list')}")
    for notice in report.notices:
        click.echo(f"\n{notice}")
    click.echo("")
    for problem in report.problems:
        click.echo(f"plumbline: {problem}", err=True)
    if report.log:
        click.echo(f"plumbline: the full text is in {report.log}", err=True)
    if report.status == "unchanged":
        click.echo(
            "Nothing changed: every file in the landing was seen before, and the models "
            "and settings are those of the current release."
        )
    if not report.attempts and report.problems:
        return
    if report.release_id:
        what = "New release" if report.is_new_release else "Current release (unchanged)"
        click.echo(f"{what}: {report.release_id}")
        click.echo(f"  database  {settings.releases_dir / 'current' / 'plumbline.duckdb'}")
        click.echo(f"  parquet   {settings.releases_dir / 'current' / 'parquet'}")
    else:
        click.echo("Nothing is published yet.")
    if report.data_docs:
        click.echo(f"  data docs {report.data_docs}")
    if report.release_id:
        click.echo(f"  look      {_command(settings, _look(report))}   (or: make ui)")
    click.echo(f"\n{ATTRIBUTION}.")


#: What a reader may look at first, by mart: the first that has rows is named.
_LOOKS = {
    "mart_force_comparison": "select force_name, offence_count, change_ratio, change_rank from "
    "mart_force_comparison where period_type = 'financial_year' and offence_level = 'all' "
    "order by period_label desc, change_rank limit 5",
    "mart_monthly_series": "select measure_code, area_name, month, value, supply_status from "
    "mart_monthly_series order by month desc, area_name limit 10",
    "mart_load_ledger": "select source, table_name, file_name, outcome from mart_load_ledger",
}


def _look(report: Any) -> str:
    """A query that has something to show in the release of this run."""
    sql = (
        "select indicator_name, baseline_count, current_count, verdict from "
        "mart_headline_indicators where area_type = 'force' and basis = 'recorded' "
        "order by indicator_order"
    )
    if not report.headlines:
        with_rows = [sql for mart, sql in _LOOKS.items() if report.marts.get(mart)]
        sql = (with_rows or ["show tables"])[0]
    return f'query "{sql}"'


def _name(a: dict[str, Any]) -> str:
    return f"{a['file_name']} [{a['member_name']}]" if a["member_name"] else a["file_name"]


def _ledger(settings: Settings, sql: str, parameters: list[Any] | None = None) -> list[dict]:
    from orchestration.rows import rows_of
    from orchestration.warehouse import ledger_reader

    with ledger_reader(settings) as con:
        if con is None:
            raise Refusal(
                f"there is no ledger under {settings.home} yet: run `plumbline run` first, or name "
                "the right folder with --home or PLUMBLINE_HOME"
            )
        return rows_of(con.execute(sql, parameters or []))


@main.command()
@_common
def status(settings: Settings, as_json: bool) -> None:
    """What is published, from which loads, how fresh, what is in quarantine."""
    from orchestration.publish import release

    releases = (
        release.list_releases(settings.releases_dir) if settings.releases_dir.exists() else []
    )
    current = next((r for r in releases if r.is_current), None)
    tables = _ledger(
        settings,
        """
        select p.source || '/' || p.table_name as table_name,
            count(distinct p.load_id) as loads, sum(p.row_count) as rows,
            min(p.slot) as first_period, max(p.slot) as last_period,
            max(p.entered_at) as last_entered_at
        from ledger.load_period as p where p.superseded_at is null
        group by 1 order by 1
        """,
    )
    quarantine = _ledger(
        settings,
        """
        select rule_code, count(distinct load_id || ':' || row_number) as rows
        from ledger.quarantine
        where load_id in (select load_id from ledger.load_period where superseded_at is null)
        group by 1 order by 2 desc
        """,
    )
    refused = _ledger(
        settings,
        "select file_name, member_name, reason, entered_at as refused_at from ledger.load "
        "where outcome = 'refused' order by entered_at desc",
    )
    last = _ledger(
        settings,
        "select run_id, status, started_at, finished_at, trigger, message from ledger.run "
        "order by started_at desc limit 1",
    )
    causes = _alert_ledger(
        settings,
        """
        select cause, arg_max(severity, list_position(['note', 'warning', 'critical'], severity))
            as severity, count(*) as open_alerts, min(opened_month) as since,
            string_agg(distinct who_acts, '; ' order by who_acts) as who_acts
        from ledger.alert where state = 'open' and closed_as is null
        group by cause
        order by max(list_position(['note', 'warning', 'critical'], severity)) desc, 4 desc, 1
        """,
        [],
    )
    if as_json:
        _emit_json(
            {
                "home": settings.home,
                "release": None
                if current is None
                else {
                    "release_id": current.release_id,
                    "built_at": current.built_at,
                    "path": current.path,
                    "marts": current.rows,
                    "problems": current.problems,
                },
                "releases_kept": len(releases),
                "tables": tables,
                "quarantine": quarantine,
                "refused": refused,
                "open_alerts": causes,
                "last_run": last[0] if last else None,
                "attribution": ATTRIBUTION,
            }
        )
        return
    if current is None:
        click.echo("Nothing is published yet.")
    else:
        click.echo(
            f"Published: release {current.release_id}, built {current.built_at} "
            f"({len(releases)} kept)"
        )
        for problem in current.problems:
            click.echo(f"  damaged: {problem}", err=True)
    if last:
        ended = last[0]["finished_at"] or "still running or interrupted"
        click.echo(
            f"Last run: {last[0]['status']}, ended {ended} (started by {last[0]['trigger']})"
        )
    click.echo("")
    _table(tables, title="Current loads")
    click.echo("")
    _table(quarantine, title="In quarantine, of current loads")
    if refused:
        click.echo("")
        _table(refused, title="Refused loads")
    if causes:
        click.echo("")
        _table(causes[:10], title="Open alerts by cause")
        if len(causes) > 10:
            click.echo(f"and {len(causes) - 10} more: {_command(settings, 'alerts list')}")


@main.command()
@click.option("--attempts", is_flag=True, help="Every attempt, replays and unrecognised too.")
@click.option("--outcome", help="Only this outcome, such as refused.")
@click.option("--table", "table_name", help="Only this table, such as police_uk/street.")
@_common
def loads(
    settings: Settings,
    as_json: bool,
    attempts: bool,
    outcome: str | None,
    table_name: str | None,
) -> None:
    """The load ledger: every load, what became of it and why."""
    where = "($1 is null or outcome = $1) and ($2 is null or source || '/' || table_name = $2)"
    if attempts:
        sql = f"""
            select attempted_at, run_id, file_name, member_name,
                source || '/' || table_name as table_name, outcome, reason_code, reason, load_id
            from ledger.attempt where {where} order by attempted_at, file_name, member_name
        """
    else:
        sql = f"""
            select l.file_name, l.member_name, l.source || '/' || l.table_name as table_name,
                l.outcome, l.row_count_read, l.row_count_entered, l.row_count_quarantined,
                l.period_min, l.period_max,
                exists (select 1 from ledger.load_period as p where p.load_id = l.load_id
                    and p.superseded_at is null) as is_current,
                l.gate_status, l.reason_code, l.reason, l.load_id, l.entered_at, l.data_docs
            from ledger.load as l where {where.replace("outcome", "l.outcome")}
            order by l.entered_at, l.file_name, l.member_name
        """
    rows = _ledger(settings, sql, [outcome, table_name])
    if as_json:
        _emit_json(rows)
        return
    columns = (
        ["attempted_at", "file_name", "member_name", "table_name", "outcome", "reason"]
        if attempts
        else [
            "file_name",
            "member_name",
            "table_name",
            "outcome",
            "row_count_read",
            "row_count_entered",
            "row_count_quarantined",
            "is_current",
            "gate_status",
            "reason",
        ]
    )
    _table(rows, columns, "Attempts" if attempts else "Loads")
    if not attempts and rows:
        click.echo(
            f"{len(rows):,} loads; rows read {sum(r['row_count_read'] for r in rows):,} = entered "
            f"{sum(r['row_count_entered'] for r in rows):,} + quarantined "
            f"{sum(r['row_count_quarantined'] for r in rows):,}"
        )


@main.command()
@click.option("--rule", help="Only this rule code (a prefix is enough).")
@click.option("--table", "table_name", help="Only this table, such as home_office/prc.")
@click.option("--limit", default=50, show_default=True, help="Rows shown.")
@click.option(
    "--export",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all rows for the data owner: .xlsx or .csv.",
)
@_common
def quarantine(
    settings: Settings,
    as_json: bool,
    rule: str | None,
    table_name: str | None,
    limit: int,
    export: Path | None,
) -> None:
    """Rows that were refused: rule, offending value, why, and who fixes it."""
    from orchestration.contracts.code_lists import personal_tables
    from orchestration.privacy import WITHHELD

    sql = """
        select q.rule_code, q.column_name, q.value, q.message, q.who_fixes, l.file_name,
            l.member_name, q.row_number, q.row_text, q.load_id, l.outcome as load_outcome,
            q.quarantined_at, q.source || '/' || q.table_name as "table"
        from ledger.quarantine as q left join ledger.load as l on l.load_id = q.load_id
        where ($1 is null or starts_with(q.rule_code, $1))
            and ($2 is null or q.source || '/' || q.table_name = $2)
        order by l.file_name, l.member_name, q.row_number, q.rule_code
    """
    rows = _ledger(settings, sql, [rule, table_name])
    # The supplier finds the row by its number; records of persons do not leave the warehouse.
    personal = personal_tables()
    for row in rows:
        if row.pop("table") in personal:
            row["row_text"] = WITHHELD
    if export is not None:
        _export(rows, export)
        if not as_json:
            click.echo(f"{len(rows):,} quarantined values written to {export}")
            return
    if as_json:
        _emit_json(rows)
        return
    counts: dict[str, int] = {}
    for r in rows:
        counts[r["rule_code"]] = counts.get(r["rule_code"], 0) + 1
    _table([{"rule_code": k, "values": v} for k, v in counts.items()], title="By rule")
    if rows:
        click.echo("")
        _table(
            rows[:limit],
            [
                "file_name",
                "member_name",
                "row_number",
                "rule_code",
                "value",
                "message",
                "who_fixes",
            ],
            f"First {min(limit, len(rows))} of {len(rows):,}",
        )
        target = shlex.quote(str(settings.home / "quarantine.xlsx"))
        click.echo(
            "row_number counts rows below the header: 1 is the second line of a file with one line "
            "of titles.\nAll of them as a workbook (it holds records: keep it as such): "
            + _command(settings, f"quarantine --export {target}")
        )


_RECORD_LEVEL = (
    "Records of single crimes, from the working database: not for publication, and not to leave "
    "the force's own systems."
)


@main.command()
@click.option("--month", help="Only crimes recorded in this month, such as 2021-05.")
@click.option("--reason", help="Only this reason, such as attributes.")
@click.option(
    "--limit",
    default=50,
    show_default=True,
    type=click.IntRange(min=1),
    help="Pairs shown, weakest first.",
)
@_common
def links(
    settings: Settings, as_json: bool, month: str | None, reason: str | None, limit: int
) -> None:
    """Pairs of records of both systems that are taken for one crime, and what speaks for each.

    For whoever may see single records: it reads the working database, not a release, and what it
    prints must not leave the force's own systems. The weakest links stand first.
    """
    import datetime as dt

    import duckdb

    from orchestration.rows import rows_of
    from orchestration.warehouse import WarehouseBusy, warehouse_reader

    day = None
    if month is not None:
        try:
            day = dt.datetime.strptime(month, "%Y-%m").date()
        except ValueError:
            raise Refusal(f"{month!r} is no month: write it as 2021-05") from None
    where = "($1 is null or f.recorded_month = $1) and ($2 is null or l.link_reason = $2)"
    source = (
        "facts.fct_offence_link as l inner join facts.fct_offence as f "
        f"on f.offence_id = l.offence_id where {where}"
    )
    try:
        with warehouse_reader(settings) as con:
            if con is None:
                raise Refusal(
                    f"there is no working database under {settings.home} yet: run `plumbline run` "
                    "first, or name the right folder with --home or PLUMBLINE_HOME"
                )
            counted = con.execute(f"select count(*) from {source}", [day, reason]).fetchone()
            cursor = con.execute(
                f"""
                select l.crime_number, l.investigation_id,
                    strftime(f.recorded_month, '%Y-%m') as month,
                    l.counted_system, l.link_reason, round(l.link_score, 2) as link_score,
                    l.log_agreement as log, l.offence_agreement as offence,
                    l.lsoa_agreement as lsoa, l.occurred_agreement as occurred,
                    l.reported_agreement as reported, l.persons_agreement as persons,
                    l.victims_agreement as victims
                from {source}
                order by l.link_score, l.crime_number
                limit $3
                """,
                [day, reason, limit],
            )
            rows = rows_of(cursor)
    except WarehouseBusy as error:
        raise Refusal(str(error)) from None
    except duckdb.CatalogException:
        raise Refusal(
            f"the working database under {settings.home} has no links yet: `plumbline run` builds "
            "them"
        ) from None
    count = counted[0] if counted else 0
    if as_json:
        _emit_json({"note": _RECORD_LEVEL, "pair_count": count, "pairs": rows})
        return
    click.echo(_RECORD_LEVEL)
    for row in rows:
        agreed = ", ".join(f"{k} {v}" for k, v in list(row.items())[6:] if v != "unknown")
        click.echo(
            f"{row['crime_number']}  {row['investigation_id']}  {row['month']}  "
            f"{row['link_reason']}  {row['link_score']:.2f} bits  ({agreed})"
        )
    click.echo(f"{len(rows):,} of {count:,} pairs, weakest first (score: log2 of the odds).")


def _export(rows: list[dict[str, Any]], path: Path) -> None:
    names = [
        "rule_code",
        "message",
        "value",
        "file_name",
        "member_name",
        "row_number",
        "column_name",
        "who_fixes",
        "row_text",
        "load_id",
        "load_outcome",
        "quarantined_at",
    ]
    suffix = path.suffix.lower()
    try:
        if suffix == ".csv":
            with path.open("w", encoding="utf-8-sig", newline="") as handle:
                writer = csv.DictWriter(handle, names, extrasaction="ignore")
                writer.writeheader()
                writer.writerows({k: _harmless(v) for k, v in r.items()} for r in rows)
            return
        if suffix != ".xlsx":
            raise Refusal(f"cannot write {path}: choose a name that ends in .xlsx or .csv")
        if len(rows) > 1_000_000:
            raise Refusal(
                f"{len(rows):,} rows are more than a worksheet holds: choose .csv, or --rule"
            )
        from openpyxl import Workbook
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

        book = Workbook(write_only=True)
        by_owner: dict[str, list[dict[str, Any]]] = {}
        for r in rows:
            by_owner.setdefault(r["who_fixes"], []).append(r)
        summary = book.create_sheet("summary")
        summary.append(["rule_code", "rows", "who_fixes"])
        tally: dict[tuple[str, str], int] = {}
        for r in rows:
            tally[(r["rule_code"], r["who_fixes"])] = (
                tally.get((r["rule_code"], r["who_fixes"]), 0) + 1
            )
        for (rule_code, owner), count in sorted(tally.items()):
            summary.append([rule_code, count, owner])
        sheet = book.create_sheet("rows")
        sheet.freeze_panes = "A2"
        sheet.append(names)
        for r in rows:
            sheet.append(
                [
                    ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", v)
                    if isinstance(v := _harmless(r.get(n)), str)
                    else v
                    for n in names
                ]
            )
        book.save(path)
    except OSError as error:
        raise Refusal(f"{path} cannot be written: {error.strerror}") from None


def _harmless(value: Any) -> Any:
    """A refused value must not run as a formula when the workbook is opened."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


@main.command()
@click.argument("sql")
@click.option(
    "--format",
    "output",
    type=click.Choice(["table", "csv", "json"]),
    default=None,
    help="Default: a table on a terminal, CSV elsewhere.",
)
@click.option("--release", "release_id", help="Query this release instead of the current one.")
@click.option("--as-of", help="Query what was published at this date or time (UTC).")
@_common
def query(
    settings: Settings,
    as_json: bool,
    sql: str,
    output: str | None,
    release_id: str | None,
    as_of: str | None,
) -> None:
    """Run read-only SQL on the published database."""
    import duckdb

    from orchestration.publish import release

    path = _release_path(settings, release_id, as_of)
    try:
        con = duckdb.connect(
            str(path / release.DATABASE),
            read_only=True,
            config={"enable_external_access": "false"},
        )
    except duckdb.Error as error:
        raise Refusal(f"the release {path.name} cannot be opened: {error}") from None
    try:
        cursor = con.execute(sql)
        names = [d[0] for d in cursor.description or []]
        rows = cursor.fetchall()
    except duckdb.Error as error:
        words = str(error)
        hint = "" if "read-only" not in words else " (the published database is never written to)"
        raise Refusal(f"the query cannot be run: {words}{hint}") from None
    finally:
        con.close()
    output = "json" if as_json else output or ("table" if sys.stdout.isatty() else "csv")
    if output == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
    elif output == "json":
        _emit_json([dict(zip(names, r, strict=True)) for r in rows])
    else:
        _table([dict(zip(names, r, strict=True)) for r in rows], names)
        click.echo(f"{ATTRIBUTION}.", err=True)


#: Verdicts on published claims, in the order they are printed, and in words.
_CLAIM_GROUPS = {
    "unit_wrong": "The unit is wrong",
    "arithmetic_wrong": "The arithmetic is wrong",
    "not_comparable": "Cannot be compared",
    "does_not_reproduce": "The warehouse has another value",
    "reproduces": "Reproduces",
    "not_derivable": "A number is missing",
    "not_assessed": "Not assessed: what it would be compared with is not loaded",
}


@main.command()
@click.option(
    "--verdict",
    "verdicts",
    multiple=True,
    type=click.Choice(list(_CLAIM_GROUPS)),
    help="Only claims with this verdict; may be repeated. not_assessed: not loaded here.",
)
@click.option(
    "--export",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write claims and checks as a workbook: .xlsx.",
)
@_common
def claims(
    settings: Settings, as_json: bool, verdicts: tuple[str, ...], export: Path | None
) -> None:
    """Every number of the published paper, recomputed and set beside the warehouse.

    First what a reader must be shown, then every claim by verdict. Read from the current release.
    """
    release_id, found, checks = _claims_of_release(settings)
    chosen = [c for c in found if not verdicts or _claim_group(c) in verdicts]
    kept = {c["claim_id"] for c in chosen}
    checks = [c for c in checks if c["claim_id"] in kept]
    if export is not None:
        _export_claims(chosen, checks, export)
        if not as_json:
            click.echo(f"{len(chosen):,} claims and {len(checks):,} checks written to {export}")
            return
    counts = {group: sum(_claim_group(c) == group for c in chosen) for group in _CLAIM_GROUPS}
    if as_json:
        by_claim: dict[str, list[dict[str, Any]]] = {}
        for check in checks:
            by_claim.setdefault(check["claim_id"], []).append(check)
        _emit_json(
            {
                "release_id": release_id,
                "claim_count": len(chosen),
                "counts": counts,
                "claims": [
                    {**c, "checks": by_claim.get(c["claim_id"], [])}
                    for c in sorted(
                        chosen, key=lambda c: (not c["is_shown_first"], c["claim_order"])
                    )
                ],
                "attribution": ATTRIBUTION,
            }
        )
        return
    if not found:
        click.echo(
            f"The register holds no claim of {settings.force.name}: enter those of its paper in "
            "dbt_project/seeds/published_claims.csv, under its force code."
        )
        return
    columns = {
        "claim_id": "claim",
        "paragraph": "paragraph",
        "published_text": "published",
        "sentence": "what is found",
    }

    def rows(some: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{shown: c[name] for name, shown in columns.items()} for c in some]

    if first := [c for c in chosen if c["is_shown_first"]]:
        _table(rows(first), title="To be shown first")
        click.echo("")
    for group, title in _CLAIM_GROUPS.items():
        if some := [c for c in chosen if _claim_group(c) == group]:
            _table(rows(some), title=f"{title} ({len(some)})")
            click.echo("")
    click.echo(
        f"{len(chosen):,} claims: "
        + ", ".join(f"{count} {group}" for group, count in counts.items() if count)
        + f" (release {release_id})."
    )
    if any(c["has_simulated_records"] for c in chosen):
        click.echo(
            "The records that claims are compared with are simulated: what they say is no news "
            "about the paper. What its own numbers say holds with any records."
        )
    click.echo("Every check, as a workbook: " + _command(settings, "claims --export claims.xlsx"))


def _claim_group(claim: dict[str, Any]) -> str:
    """The verdict, but for what could not be assessed here, which is none about the paper."""
    status = claim["assessment_status"]
    return status if status == "not_assessed" else claim["verdict"]


def _claims_of_release(
    settings: Settings,
) -> tuple[str, list[dict[str, Any]], list[dict[str, Any]]]:
    """Release id, claims and checks of the current release, in the paper's order."""
    import duckdb

    from orchestration.publish import release
    from orchestration.rows import rows_of

    path = _release_path(settings, None, None)
    try:
        with duckdb.connect(str(path / release.DATABASE), read_only=True) as con:
            found = []
            for sql in (
                "from mart_published_claims order by claim_order",
                "select k.* from mart_claim_checks as k inner join mart_published_claims as c "
                "on c.claim_id = k.claim_id order by c.claim_order, k.check_order",
            ):
                found.append(rows_of(con.execute(sql)))
    except duckdb.CatalogException:
        raise Refusal(
            f"the release {path.name} is older than the register of claims: `plumbline run` builds "
            "a new one"
        ) from None
    except duckdb.Error as error:
        raise Refusal(f"the release {path.name} cannot be read: {error}") from None
    return path.resolve().name, found[0], found[1]


def _export_claims(found: list[dict[str, Any]], checks: list[dict[str, Any]], path: Path) -> None:
    """A workbook: what is shown first, every claim, every check."""
    if path.suffix.lower() != ".xlsx":
        raise Refusal(f"cannot write {path}: choose a name that ends in .xlsx")
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheets = {
        "shown first": [c for c in found if c["is_shown_first"]],
        "claims": found,
        "checks": checks,
    }
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "A2"
        sheet.append(list(rows[0]) if rows else ["none"])
        for row in rows:
            cells = []
            for value in row.values():
                number = isinstance(value, Decimal)
                cell = WriteOnlyCell(sheet, value=float(value) if number else value)
                if isinstance(value, str):
                    cell.data_type = "s"  # never a formula, whatever it begins with
                cells.append(cell)
            sheet.append(cells)
    try:
        book.save(path)
    except OSError as error:
        raise Refusal(f"{path} cannot be written: {error.strerror}") from None


def _release_path(settings: Settings, release_id: str | None, as_of: str | None) -> Path:
    from orchestration.publish import release

    if release_id is not None:
        path = settings.releases_dir / release_id
        if not path.is_dir() or path.name.startswith("."):
            raise Refusal(f"there is no release {release_id}; see `plumbline releases`")
        return path
    if as_of is not None:
        return _release_as_of(settings, as_of)
    current = release.current(settings.releases_dir)
    if current is None:
        raise Refusal(
            f"nothing is published under {settings.home} yet: run `plumbline run` first, or name "
            "the right folder with --home or PLUMBLINE_HOME"
        )
    return current


def _release_as_of(settings: Settings, as_of: str) -> Path:
    import datetime as dt

    from orchestration.publish import release
    from orchestration.publish.asof import parse_moment

    try:
        moment = parse_moment(as_of).replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise Refusal(str(error)) from None
    older = [
        r
        for r in release.list_releases(settings.releases_dir)
        if r.built_at and not r.is_damaged and dt.datetime.fromisoformat(r.built_at) <= moment
    ]
    if not older:
        raise Refusal(
            f"no release that is still kept was published by {as_of} (see `plumbline releases`); "
            f"what was known then can be built again: plumbline releases rebuild --as-of {as_of} "
            "--out DIR"
        )
    return max(older, key=lambda r: r.built_at or "").path


@main.group(invoke_without_command=True)
@_common
@click.pass_context
def releases(context: click.Context, settings: Settings, as_json: bool) -> None:
    """Published releases: list them, go back to an earlier one, rebuild the past."""
    if context.invoked_subcommand is None:
        _list_releases(settings, as_json)


@releases.command("list")
@_common
def releases_list(settings: Settings, as_json: bool) -> None:
    """Releases that are kept, newest first."""
    _list_releases(settings, as_json)


def _list_releases(settings: Settings, as_json: bool) -> None:
    from orchestration.publish import release

    found = release.list_releases(settings.releases_dir) if settings.releases_dir.exists() else []
    rows = [
        {
            "release_id": r.release_id,
            "is_current": r.is_current,
            "built_at": r.built_at,
            "marts": len(r.rows),
            "rows": sum(r.rows.values()),
            "bytes": r.byte_count,
            "code_version": r.code_version,
            "problems": "; ".join(r.problems) or None,
        }
        for r in found
    ]
    if as_json:
        _emit_json(rows)
    else:
        _table(rows, title="Releases")


@releases.command("rollback")
@click.argument("release_id")
@_common
def releases_rollback(settings: Settings, as_json: bool, release_id: str) -> None:
    """Make an earlier release the current one again.

    It stays so until a run finds something new: a load, a changed model or setting. Nothing is
    deleted.
    """
    from orchestration.publish import release
    from orchestration.warehouse import WarehouseBusy, write_lock

    try:
        with write_lock(settings, waiting=lambda text: click.echo(text, err=True)):
            info = release.rollback(settings.releases_dir, release_id)
    except (release.PublishError, WarehouseBusy) as error:
        raise Refusal(str(error)) from None
    if as_json:
        _emit_json({"release_id": info.release_id, "path": info.path})
    else:
        click.echo(
            f"releases/current now points to {info.release_id}, "
            "and will until something new arrives"
        )


@releases.command("rebuild")
@click.option("--as-of", required=True, help="Date or time (UTC) whose knowledge is wanted.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Empty folder for the result."
)
@_common
def releases_rebuild(settings: Settings, as_json: bool, as_of: str, out: Path) -> None:
    """Build the marts again from the loads that were current at a date, into a folder of its own.

    Works for releases that were pruned, too: the ledger keeps what superseded what, and when.
    """
    from orchestration.progress import for_stream
    from orchestration.publish.asof import RebuildError, parse_moment, rebuild_as_of
    from orchestration.publish.release import PublishError
    from orchestration.warehouse import WarehouseBusy

    try:
        info = rebuild_as_of(settings, parse_moment(as_of), out.absolute(), for_stream())
    except (ValueError, RebuildError, PublishError, WarehouseBusy) as error:
        raise Refusal(str(error)) from None
    if as_json:
        _emit_json({"release_id": info.release_id, "path": info.path, "marts": info.rows})
    else:
        click.echo(f"{info.release_id}: {info.database}")


@main.group()
def alerts() -> None:
    """The alert book: what the recording checks found, what was done about it, who was told."""


_ALERTS = """
    select cause, alert_id, severity, state, check_code, check_name, area_type, area_code,
        area_name, direction, opened_month, last_seen_month, closed_as, who_acts,
        known_event_code, sentence
    from ledger.alert
    where ($1 or state = 'open' and closed_as is null)
        and ($2 is null or state = $2) and ($3 is null or severity = $3)
        and ($4 is null or check_code = $4 or starts_with(check_code, $4 || '/'))
    order by
        min(list_position(['critical', 'warning', 'note'], severity)) over (partition by cause),
        max(last_seen_month) over (partition by cause) desc, cause,
        list_position(['critical', 'warning', 'note'], severity), check_code, area_type, area_code,
        direction, opened_month
"""


@alerts.command("list")
@click.option("--all", "is_all", is_flag=True, help="Those that are closed or seen to as well.")
@click.option(
    "--state",
    type=click.Choice(["open", "acknowledged", "explained", "resolved"]),
    help="Only those in this state.",
)
@click.option("--severity", type=click.Choice(["note", "warning", "critical"]))
@click.option("--check", help="Only those of this check (all its parts, where none is named).")
@_common
def alerts_list(
    settings: Settings,
    as_json: bool,
    is_all: bool,
    state: str | None,
    severity: str | None,
    check: str | None,
) -> None:
    """Alerts that are open and wait for someone, those with one cause together."""
    wide = is_all or state is not None
    rows = _alert_ledger(settings, _ALERTS, [wide, state, severity, check])
    if as_json:
        _emit_json(rows)
        return
    before = [None, *(r["cause"] for r in rows)]
    _table(
        [
            {
                "cause": "" if r["cause"] == previous else r["cause"],
                "alert": r["alert_id"],
                "severity": r["severity"],
                "state": r["closed_as"] or r["state"],
                "what": f"{r['check_code']}"
                + (f" ({r['direction']})" if r["direction"] != "none" else ""),
                "months": f"{r['opened_month']:%Y-%m} to {r['last_seen_month']:%Y-%m}",
                "who acts": r["who_acts"],
            }
            for previous, r in zip(before, rows, strict=False)
        ],
        title="Alerts" if wide else "Open alerts",
    )


def _alert_ledger(settings: Settings, sql: str, parameters: list[Any]) -> list[dict]:
    import duckdb

    try:
        return _ledger(settings, sql, parameters)
    except (duckdb.CatalogException, duckdb.BinderException):
        # A ledger of before there were alerts, or causes, until the next run.
        return []


@alerts.command("show")
@click.argument("alert_id")
@_common
def alerts_show(settings: Settings, as_json: bool, alert_id: str) -> None:
    """One alert with its evidence, what was done about it, and who was told when.

    ALERT_ID may be its beginning, or a name that the alert had before late data joined it to
    another.
    """
    found = _alert_ledger(
        settings,
        "from ledger.alert where len(list_filter(ids, lambda i: starts_with(i, $1))) > 0 "
        "order by alert_id <> $1, opened_month",
        [alert_id],
    )
    if not found or not alert_id:
        raise Refusal(f"there is no alert {alert_id!r}: plumbline alerts list --all shows all")
    if len(found) > 1 and alert_id not in found[0]["ids"]:
        raise Refusal(f"{len(found)} alerts begin with {alert_id!r}: write more of it")
    alert = found[0]
    alert["finding"] = json.loads(alert["finding"])
    done = _alert_ledger(
        settings,
        "select acted_at, kind, acted_by, known_event_code, note from ledger.alert_action "
        "where list_contains($1, alert_id) order by acted_at",
        [alert["ids"]],
    )
    told = _alert_ledger(
        settings,
        "select n.noted_at, n.kind, d.route_name, d.target, d.attempted_at, d.outcome, d.detail "
        "from ledger.alert_news as n left join ledger.alert_delivery as d "
        "on list_contains(d.news_ids, n.news_id) where list_contains($1, n.alert_id) "
        "order by n.noted_at, d.attempted_at",
        [alert["ids"]],
    )
    if as_json:
        _emit_json({**alert, "actions": done, "told": told})
        return
    evidence = alert.pop("finding")
    width = max(map(len, alert))
    for name, value in alert.items():
        if name in ("ids", "months"):
            value = ", ".join(f"{v:%Y-%m}" if name == "months" else v for v in value)
        if value is not None:
            click.echo(f"{name.ljust(width)}  {_cell(value)}")
    click.echo("")
    _table(
        [
            {"evidence": k, "value": _cell(v) if not isinstance(v, list) else _pairs(v)}
            for k, v in evidence.items()
            if k not in ("sentence", "check_code", "area_type", "area_code")
        ],
        title="Evidence of the last month",
    )
    _table(done, title="Done about it")
    _table(told, title="Told")


def _pairs(pairs: list[list[Any]]) -> str:
    return ", ".join(f"{name} {_cell(value)}" for name, value in pairs)


def _act(settings: Settings, as_json: bool, alert_id: str, kind: Any, **given: Any) -> None:
    from orchestration.alerts import store
    from orchestration.load import now
    from orchestration.warehouse import WarehouseBusy, snapshot_ledger, writer

    if not settings.warehouse_path.exists():
        raise Refusal(f"there is no warehouse under {settings.home} yet: run `plumbline run` first")
    try:
        with writer(settings, waiting=lambda text: click.echo(text, err=True)) as con:
            alert = store.act(
                con, alert_id, kind, at=now(), gap_months=settings.alerts.gap_months, **given
            )
            snapshot_ledger(con, settings)
    except (LookupError, WarehouseBusy) as error:
        raise Refusal(str(error)) from None
    if as_json:
        _emit_json({"alert_id": alert.alert_id, "state": alert.state, "by": given["by"]})
    else:
        click.echo(f"{alert.alert_id} is now {alert.state}")


def _person(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--by``: who says so; the user of the system where it is left out."""
    import getpass

    return click.option("--by", default=getpass.getuser, show_default="you", help="Who says so.")(
        command
    )


@alerts.command("ack")
@click.argument("alert_id")
@click.option("--note", default="", help="What is being done about it.")
@_person
@_common
def alerts_ack(settings: Settings, as_json: bool, alert_id: str, note: str, by: str) -> None:
    """Say that someone has seen to it. Nothing more is told of it but its end."""
    _act(settings, as_json, alert_id, "acknowledge", note=note, by=by)


@alerts.command("explain")
@click.argument("alert_id")
@click.option("--event", help="Code of the known event (plumbline.yml) that explains it.")
@click.option("--note", default="", help="The explanation, in words.")
@_person
@_common
def alerts_explain(
    settings: Settings, as_json: bool, alert_id: str, event: str | None, note: str, by: str
) -> None:
    """Say why it is so. It stays explained while it goes on; nothing more is told of it."""
    if not event and not note.strip():
        raise Refusal("an explanation is a known event (--event), words (--note), or both")
    known = [e.code for e in settings.known_events]
    if event and event not in known:
        raise Refusal(
            f"{event!r} is no known event of plumbline.yml ({', '.join(known) or 'it has none'})"
        )
    _act(settings, as_json, alert_id, "explain", note=note, by=by, known_event_code=event)


@alerts.command("resolve")
@click.argument("alert_id")
@click.option("--note", required=True, help="What was done.")
@_person
@_common
def alerts_resolve(settings: Settings, as_json: bool, alert_id: str, note: str, by: str) -> None:
    """Say that it is dealt with. It opens again where it is found in a later month."""
    _act(settings, as_json, alert_id, "resolve", note=note, by=by)


@alerts.command("reopen")
@click.argument("alert_id")
@click.option("--note", default="", help="Why.")
@_person
@_common
def alerts_reopen(settings: Settings, as_json: bool, alert_id: str, note: str, by: str) -> None:
    """Take back what was said of it last: it is open again."""
    _act(settings, as_json, alert_id, "reopen", note=note, by=by)


@alerts.command("feeds")
@_common
def alerts_feeds(settings: Settings, as_json: bool) -> None:
    """Each feed by its own history: what came last, when the next is due, whether it is late.

    Tells what is news of it, as `plumbline run` and the daily sensor do. Exit code 0 whether a feed
    is late or not; 1 where the book could not be written or a route was not reached.
    """
    from orchestration.alerts.run import feed_states, watch_feeds
    from orchestration.load import now
    from orchestration.warehouse import ledger_reader

    with ledger_reader(settings) as con:
        if con is None:
            raise Refusal(f"there is no ledger under {settings.home} yet: run `plumbline run`")
        states = feed_states(con, now())
    told = watch_feeds(settings)
    rows = [
        {
            "feed": s.name,
            "status": s.status,
            "came_last": s.newest.first if s.newest else None,
            "due_by": s.due_by,
            "arrivals": len(s.lags),
            "usual_lag_days": f"{min(s.lags)} to {max(s.lags)}" if s.lags else None,
            "late_after_days": s.limit_days,
            "reason": s.reason,
        }
        for s in states
    ]
    if as_json:
        _emit_json(rows)
    else:
        _table(rows, title="Feeds")
    if told.problems:
        raise Failure("; ".join(told.problems))


@alerts.command("deliver")
@_common
def alerts_deliver(settings: Settings, as_json: bool) -> None:
    """Tell what did not get through, as every run does at its end.

    Exit code 1 where a route was not reached.
    """
    from orchestration.alerts.run import send_pending
    from orchestration.warehouse import WarehouseBusy

    _need_routes(settings)
    try:
        made, missed = send_pending(settings)
    except WarehouseBusy as error:
        raise Refusal(str(error)) from None
    _print_attempts(made, as_json)
    if missed:
        raise Failure("; ".join(f"{name}: {why}" for name, why in missed.items()))


@alerts.command("test-delivery")
@click.option("--route", "names", multiple=True, help="Only this route (more than once: these).")
@_common
def alerts_test_delivery(settings: Settings, as_json: bool, names: tuple[str, ...]) -> None:
    """Send one test message to each route. Exit code 1 where one did not get through."""
    from orchestration.alerts.run import try_routes
    from orchestration.warehouse import WarehouseBusy

    _need_routes(settings)
    routes = [r for r in settings.alerts.routes if not names or r.name in names]
    unknown = sorted(set(names) - {r.name for r in routes})
    if unknown:
        known = ", ".join(r.name for r in settings.alerts.routes)
        raise Refusal(f"no route is named {', '.join(unknown)}; there are: {known}")
    try:
        made = try_routes(settings, routes)
    except WarehouseBusy as error:
        raise Refusal(str(error)) from None
    _print_attempts(made, as_json)
    missed = [a for a in made if a.outcome != "delivered"]
    if missed or len(made) < len(routes):
        raise Failure(f"{len(routes) - len(made) + len(missed)} of {len(routes)} routes failed")


@alerts.command("back-test")
@click.option("--from", "since", type=click.DateTime(["%Y-%m"]), help="First month of the span.")
@click.option("--to", "until", type=click.DateTime(["%Y-%m"]), help="Last month of the span.")
@click.option("--check", "checks", multiple=True, help="Only this check (more than once: these).")
@click.option("--effect", "effects", multiple=True, help="Put in only this change (as above).")
@click.option(
    "--changes",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Changes of each kind put into each check, at most.",
)
@click.option(
    "--horizon",
    type=click.IntRange(1, 24),
    default=6,
    show_default=True,
    help="Months in which a change is found or missed.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the draws.")
@click.option("--release", "release_id", help="Id of a release that is kept (default: current).")
@_common
def alerts_back_test(
    settings: Settings,
    as_json: bool,
    since: Any,
    until: Any,
    checks: tuple[str, ...],
    effects: tuple[str, ...],
    changes: int,
    horizon: int,
    seed: int,
    release_id: str | None,
) -> None:
    """How good the alerts of a span are: found (POD), false (FPR, PPV), how late.

    By detector and check, from a release: what was said of what is known to have happened, and
    what would be said of changes of known size put into series that were quiet. Writes nothing.
    """
    import duckdb

    from orchestration.alerts import backtest, backtest_report
    from orchestration.months import month_number
    from orchestration.progress import for_stream
    from orchestration.publish import release

    by_code = {e.code: e for e in backtest.EFFECTS}
    catalogue = backtest_report.read_checks()
    for what, given, known in (("check", checks, catalogue), ("effect", effects, by_code)):
        if unknown := sorted(set(given) - set(known)):
            raise Refusal(f"no {what} is named {', '.join(unknown)}; there are: {', '.join(known)}")
    first, last = (None if day is None else month_number(day.date()) for day in (since, until))
    if first is not None and last is not None and first > last:
        raise Refusal("--from lies after --to")
    path = _release_path(settings, release_id, None)
    book = _alert_ledger(
        settings,
        "select alert_id, state, check_code, area_code, opened_month, last_seen_month "
        "from ledger.alert where state in ('explained', 'resolved')",
        [],
    )
    try:
        with duckdb.connect(str(path / release.DATABASE), read_only=True) as con:
            ledger = backtest_report.read_ledger(con, catalogue)
            labels = backtest_report.read_labels(con, book, settings.force.code, horizon)
        report = backtest_report.run(
            ledger,
            catalogue,
            labels,
            first=first,
            last=last,
            only=checks,
            effects=[by_code[code] for code in effects] or backtest.EFFECTS,
            changes=changes,
            seed=seed,
            horizon=horizon,
            progress=for_stream(),
        )
    except backtest_report.NotInRelease as error:
        raise Refusal(str(error)) from None
    except duckdb.Error as error:
        raise Refusal(f"the release {path.name} cannot be read: {error}") from None
    if as_json:
        _emit_json({"release_id": path.name, **report.as_json()})
        return
    for title, rows in report.tables():
        _table(rows, title=title)
    click.echo(
        f"{backtest_report.month_name(report.first)} to {backtest_report.month_name(report.last)}, "
        f"seed {seed}. An alert that nothing explains counts as false, so FPR is at most and PPV "
        "at least what is shown; '-' is not assessed. docs/backtest.md says how it is counted."
    )


def _need_routes(settings: Settings) -> None:
    if not settings.alerts.routes:
        raise Refusal(
            f"no route is configured: write alerts.routes in {settings.config_path or 'a file'} "
            "(plumbline.yml of the project shows how)"
        )


def _print_attempts(made: list[Any], as_json: bool) -> None:
    rows = [
        {
            "route": a.route_name,
            "variable": a.url_variable,
            "target": a.target,
            "attempt": a.attempt_number,
            "outcome": a.outcome,
            "detail": a.detail,
        }
        for a in made
    ]
    if as_json:
        _emit_json(rows)
    else:
        _table(rows, title="Deliveries")


if __name__ == "__main__":
    main()
