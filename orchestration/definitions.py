"""The Dagster code location: where everything is put together, and the seam for tests.

``build_definitions(settings)`` gives the whole asset graph: the landing, one raw asset per table
with its gate as a blocking check, the dbt models with their tests as checks, the release; jobs,
sensor and schedule. Assets are thin: each calls one function that can be called without Dagster.

No logic belongs here. Loading is in ``load``, publishing in ``publish``, SQL in ``dbt_project``.
"""

import contextlib
import json
import os
import uuid
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets

from orchestration import load, models, progress
from orchestration.alerts.run import (
    after_release,
    has_pending,
    send_pending,
    tell_run_failed,
    watch_feeds,
)
from orchestration.contracts import all_specs
from orchestration.contracts.tablespec import TableSpec
from orchestration.instance import WAREHOUSE_POOL, process_tags
from orchestration.publish.run import publish_if_changed
from orchestration.settings import Settings, load_settings
from orchestration.sources import registry
from orchestration.warehouse import WarehouseBusy, write_lock, writer

# Backfill policies are marked beta; the version is pinned, so the warning tells a user nothing.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

#: First month of data.police.uk.
MONTHS = dg.MonthlyPartitionsDefinition(start_date="2010-12-01", end_offset=1)

LANDING = dg.AssetKey(["landing"])
RELEASE = dg.AssetKey(["release"])
ALERTS = dg.AssetKey(["alerts"])


def raw_key(spec: TableSpec) -> dg.AssetKey:
    """``raw/<source>/<table>``."""
    return dg.AssetKey(["raw", spec.source, spec.table])


def _waiting(context: dg.AssetExecutionContext):
    def tell(text: str) -> None:
        context.log.info(text)
        progress.current().line(text)

    return tell


def landing_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=LANDING,
        group_name="landing",
        pool=WAREHOUSE_POOL,
        kinds={"python"},
        description="Files that have arrived: known by their bytes, copied faithfully, claimed by "
        "a table, refused in words or recognised by nobody.",
    )
    def landing(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with writer(settings, waiting=_waiting(context)) as con:
            _begin(context, con, settings)
            found = load.discover(con, settings, context.run_id, progress.current())
            load.snapshot_ledger(con, settings)
        for outcome in found.refused:
            context.log.warning(f"{outcome.name}: refused: {outcome.reason}")
        return dg.MaterializeResult(
            metadata={
                "folder": dg.MetadataValue.path(str(settings.landing_dir)),
                "files": found.file_count,
                "new_files": found.new_file_count,
                "refused": len(found.refused),
                "unrecognised": dg.MetadataValue.md(
                    "\n".join(f"- `{o.name}`: {o.reason}" for o in found.unrecognised) or "none"
                ),
                "waiting_to_load": dg.MetadataValue.json(found.pending),
            }
        )

    return landing


def _begin(context: dg.AssetExecutionContext, con: Any, settings: Settings) -> None:
    """Note which process carries out the run (so that a killed one is found) and that it began."""
    if "plumbline/pid" not in context.run.tags:
        context.instance.add_run_tags(context.run_id, process_tags())
    load.begin_run(con, settings, context.run_id, _trigger(context))


def _trigger(context: dg.AssetExecutionContext) -> str:
    tags = context.run.tags
    for tag in ("dagster/schedule_name", "dagster/sensor_name", "dagster/backfill"):
        if tag in tags:
            return f"{tag.removeprefix('dagster/')} {tags[tag]}"
    return tags.get("plumbline/trigger", "dagster")


class ReloadConfig(dg.Config):
    """What a backfill does with months that are already in."""

    reload: bool = False


def raw_asset(settings: Settings, spec: TableSpec) -> dg.AssetsDefinition:
    """One raw table: loads what waits for it; its gate and its books are blocking checks."""
    key = raw_key(spec)
    monthly = registry.tables()[spec.name].is_monthly

    @dg.asset(
        key=key,
        deps=[LANDING],
        group_name=spec.source,
        pool=WAREHOUSE_POOL,
        kinds={"duckdb"},
        partitions_def=MONTHS if monthly else None,
        backfill_policy=dg.BackfillPolicy.single_run() if monthly else None,
        description=f"{spec.description}\n\nGrain: {spec.grain}.",
        metadata={
            "attribution": spec.attribution,
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(c.name, c.sql_type, description=c.description)
                    for c in spec.columns
                ]
            ),
        },
        check_specs=[
            dg.AssetCheckSpec(
                "gate",
                asset=key,
                blocking=True,
                description="Every load that entered was assessed and passed its expectations. A "
                "refused load never enters, so it warns and what is published stays; a load that "
                "is in without having passed stops everything downstream.",
            ),
            dg.AssetCheckSpec(
                "books_balance",
                asset=key,
                blocking=True,
                description="For every load, rows read = rows entered + rows quarantined, and the "
                "table and the quarantine hold exactly those rows.",
            ),
        ],
    )
    def raw(context: dg.AssetExecutionContext, config: ReloadConfig) -> Iterator[Any]:
        periods = None
        if monthly and (context.has_partition_key or context.has_partition_key_range):
            periods = {k[:7] for k in context.partition_keys}
        with writer(settings, waiting=_waiting(context)) as con:
            _begin(context, con, settings)
            outcomes = load.load_table(
                con,
                settings,
                spec.name,
                context.run_id,
                progress=progress.current(),
                periods=periods,
                reload=config.reload,
            )
            problems = load.reconcile(con, spec.name)
            unfit = load.entered_without_passing(con, spec.name)
            totals = load.table_totals(con, spec.name)
            if outcomes:
                load.snapshot_ledger(con, settings)
        refused = [o for o in outcomes if o.outcome == "refused"]
        for o in outcomes:
            say = context.log.warning if o.outcome == "refused" else context.log.info
            say(f"{o.name}: {o.outcome}" + (f": {o.reason}" if o.reason else ""))
        if monthly and periods is None:
            for month, rows in _months(outcomes).items():
                context.log_event(
                    dg.AssetMaterialization(
                        key, partition=f"{month}-01", metadata={"dagster/partition_row_count": rows}
                    )
                )
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": totals["row_count"],
                "loads_current": totals["load_count"],
                "rows_quarantined": totals["quarantined_count"],
                "loads_this_run": dg.MetadataValue.md(_outcomes_table(outcomes)),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="gate",
                    passed=not refused and not unfit,
                    severity=(dg.AssetCheckSeverity.ERROR if unfit else dg.AssetCheckSeverity.WARN),
                    metadata={
                        "refused": dg.MetadataValue.md(_outcomes_table(refused)),
                        "entered_without_passing": dg.MetadataValue.json(unfit),
                        **_docs_metadata(settings),
                    },
                ),
                dg.AssetCheckResult(
                    check_name="books_balance",
                    passed=not problems,
                    metadata={"problems": dg.MetadataValue.json(problems)},
                ),
            ],
        )

    return raw


def _docs_metadata(settings: Settings) -> dict[str, Any]:
    index = settings.docs_dir / "index.html"
    return {"data_docs": dg.MetadataValue.path(str(index))} if index.exists() else {}


def _months(outcomes: list[load.LoadOutcome]) -> dict[str, int]:
    months: dict[str, int] = {}
    for o in outcomes:
        if o.outcome in load.ENTERED:
            for slot in o.slots:
                month = slot.rsplit("/", 1)[-1][:7]
                months[month] = months.get(month, 0) + o.row_count_entered
    return months


def _outcomes_table(outcomes: list[load.LoadOutcome], limit: int = 200) -> str:
    if not outcomes:
        return "none"
    lines = ["| file | outcome | read | entered | quarantined | why |", "|---|---|--:|--:|--:|---|"]
    for o in outcomes[:limit]:
        why = (o.reason or "").replace("|", "/").replace("\n", " ")[:300]
        lines.append(
            f"| {o.name} | {o.outcome} | {o.row_count_read} | {o.row_count_entered} "
            f"| {o.row_count_quarantined} | {why} |"
        )
    if len(outcomes) > limit:
        lines.append(f"| and {len(outcomes) - limit} more | | | | | |")
    return "\n".join(lines)


class Translator(DagsterDbtTranslator):
    """dbt sources are the raw assets; a model's asset is named as the model, in its folder."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            source = dbt_resource_props["source_name"]
            if source == "ledger":
                return dg.AssetKey(["ledger", dbt_resource_props["name"]])
            return dg.AssetKey(["raw", source, dbt_resource_props["name"]])
        return dg.AssetKey([dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        if dbt_resource_props["resource_type"] == "seed":
            return "seeds"
        if dbt_resource_props["name"].startswith("dim_"):
            return "dimensions"
        folder = dbt_resource_props["fqn"][1:-1]
        return folder[0] if folder else "models"


def dbt_models(settings: Settings, manifest: Path) -> dg.AssetsDefinition:
    @dbt_assets(
        manifest=manifest,
        dagster_dbt_translator=Translator(),
        pool=WAREHOUSE_POOL,
        name="dbt_models",
    )
    def dbt_models_(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        with writer(settings, waiting=_waiting(context)) as con:
            load.check_eras(con, settings)
        log_path = settings.dbt_dir / "logs" / "build.log"
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with (
            write_lock(settings, waiting=_waiting(context)),
            progress.current().bar("building and testing models", models.node_count(manifest)) as b,
            log_path.open("w", encoding="utf-8") as log,
            contextlib.redirect_stdout(log),
        ):
            # Unit tests check the logic, not the data: they belong to the test suite. Full refresh:
            # a seed that gained a column since the last version would otherwise not load.
            invocation = dbt.cli(
                ["build", "--exclude-resource-type", "unit_test", "--full-refresh"],
                context=context,
                target_path=settings.dbt_dir / "target",
                raise_on_error=False,
            )
            for event in invocation.stream():
                b.advance()
                yield event
        problems = models.failures(settings.dbt_dir / "target" / "run_results.json")
        if not invocation.is_successful():
            raise dg.Failure(
                "the models were not built, or what they built failed its tests; nothing was "
                "published: " + ("; ".join(problems) or f"see {log_path}"),
                metadata={
                    "problems": dg.MetadataValue.json(problems),
                    "log": dg.MetadataValue.path(str(log_path)),
                },
            )

    return dbt_models_


def release_asset(settings: Settings, models_def: dg.AssetsDefinition) -> dg.AssetsDefinition:
    # Facts are of single crimes and persons: marts are made of them, a release never holds them.
    marts = [key for key in models_def.keys if key.path[-1].startswith(("mart_", "dim_"))]

    @dg.asset(
        key=RELEASE,
        deps=marts,
        group_name="release",
        pool=WAREHOUSE_POOL,
        kinds={"duckdb", "parquet"},
        description="An audited, immutable set of published marts; releases/current points to "
        "the newest. Nothing is published where nothing changed.",
    )
    def release(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with write_lock(settings, waiting=_waiting(context)):
            published = publish_if_changed(settings, context.run_id, progress.current())
        return dg.MaterializeResult(
            metadata={
                "release": published.release_id or "none",
                "is_new": published.is_new,
                "folder": dg.MetadataValue.path(str(settings.releases_dir / "current")),
                "marts": dg.MetadataValue.json(published.row_counts),
            }
        )

    return release


def alerts_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=ALERTS,
        deps=[RELEASE],
        group_name="release",
        pool=WAREHOUSE_POOL,
        kinds={"duckdb"},
        description="The alert book after the release, and news of it on the configured routes. "
        "Neither can make the run fail.",
        check_specs=[
            dg.AssetCheckSpec(
                "nothing_open",
                asset=ALERTS,
                description="No alert on recording practice is open and waits for someone. "
                "An error where one is critical, otherwise a warning; a warning too where the "
                "release has no recording checks, so that nothing was assessed.",
            ),
            dg.AssetCheckSpec(
                "book_and_delivery",
                asset=ALERTS,
                description="The book was updated, and all news reached every route it is for.",
            ),
        ],
    )
    def alerts(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        told = after_release(settings)
        for problem in told.problems:
            context.log.warning(problem)
            progress.current().line(problem)
        is_critical = told.open_counts.get("critical", 0) > 0
        return dg.MaterializeResult(
            metadata={
                "release": told.release_id or "none assessed",
                "news": told.news_count,
                "messages_tried": len(told.attempts),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="nothing_open",
                    passed=told.release_id is not None and not told.open_counts,
                    severity=(
                        dg.AssetCheckSeverity.ERROR if is_critical else dg.AssetCheckSeverity.WARN
                    ),
                    metadata={
                        "open": dg.MetadataValue.json(told.open_counts),
                        "is_assessed": told.release_id is not None,
                    },
                ),
                dg.AssetCheckResult(
                    check_name="book_and_delivery",
                    passed=not told.problems,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"problems": dg.MetadataValue.json(told.problems)},
                ),
            ],
        )

    return alerts


def ledger_specs() -> list[dg.AssetSpec]:
    """The ledger tables the models read, so that the graph shows where they come from."""
    described = {
        "configuration": "Settings the models read: force, baseline, current year.",
        "recording_era": "When each system was the one that recorded crime (plumbline.yml).",
        "known_event": "What is known to have changed what is recorded (plumbline.yml).",
        "code_map": "A force's own codes for the conformed ones (plumbline.yml).",
        "attempt": "Every attempt to load a file, whatever became of it.",
        "load": "Every load: what was read, entered, quarantined, and why one was refused.",
        "load_period": "Which load is current for which period, and what superseded it.",
        "quarantine": "Every value that was refused: rule, row, who fixes it.",
        "gate_result": "Every expectation of every load: pass, fail or not assessed.",
    }
    after = [LANDING, *(raw_key(spec) for spec in all_specs())]
    return [
        dg.AssetSpec(["ledger", name], description=text, group_name="ledger", deps=after)
        for name, text in described.items()
    ]


def run_failure_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="close_failed_runs",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Writes into the ledger that a run failed, and why, so that `plumbline "
        "status` says the same as this page, and tells the routes for engineers.",
    )
    def close_failed_runs(context: dg.RunFailureSensorContext) -> None:
        with writer(settings) as con:
            load.end_run(con, context.dagster_run.run_id, "failed", context.failure_event.message)
            load.snapshot_ledger(con, settings)
        for problem in tell_run_failed(
            settings, context.dagster_run.run_id, context.dagster_run.job_name
        ):
            context.log.warning(problem)

    return close_failed_runs


def alerts_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="tell_pending_alerts",
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends news of alerts that did not get through before. It starts no run.",
    )
    def tell_pending_alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        if not has_pending(settings):
            return dg.SkipReason("nothing is waiting to be told")
        try:
            made, missed = send_pending(settings, wait_seconds=0)
        except WarehouseBusy:
            return dg.SkipReason("a run is writing; it tells what is waiting at its end")
        for name, why in missed.items():
            context.log.warning(f"the route {name} was not reached: {why}")
        through = sum(a.outcome == "delivered" for a in made)
        return dg.SkipReason(f"{through} of {len(made)} attempts got through")

    return tell_pending_alerts


def feeds_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="watch_feeds_daily",
        minimum_interval_seconds=3600,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Once a day: whether a feed is late by its own history, also where nothing "
        "comes and so nothing runs. It starts no run.",
    )
    def watch_feeds_daily(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        at = load.now()
        if context.cursor == at.date().isoformat():
            return dg.SkipReason("the feeds were looked at today")
        # A run that is writing looks at the feeds itself; the sensor asks again in an hour.
        told = watch_feeds(settings, at, wait_seconds=0)
        for problem in told.problems:
            context.log.warning(problem)
        if not told.problems:
            context.update_cursor(at.date().isoformat())
        return dg.SkipReason(f"the feeds were looked at: {told.news_count} news")

    return watch_feeds_daily


def landing_sensor(settings: Settings, job: Any) -> dg.SensorDefinition:
    @dg.sensor(
        job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Starts the main job when files in the landing are new or changed, once they "
        "have been left alone for ten seconds.",
    )
    def new_files_in_landing(context: dg.SensorEvaluationContext):
        if not settings.landing_dir.is_dir():
            return dg.SkipReason(f"the landing {settings.landing_dir} is not a folder")
        import time

        seen = sorted(
            (p.relative_to(settings.landing_dir).as_posix(), s.st_size, s.st_mtime_ns)
            for p in settings.landing_dir.rglob("*")
            if not p.name.startswith(".") and p.is_file() and (s := p.stat())
        )
        state = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(seen)).hex
        if state == context.cursor:
            return dg.SkipReason("nothing new in the landing")
        if any(time.time() - modified / 1e9 < 10 for _, _, modified in seen):
            return dg.SkipReason("files are still arriving")
        context.update_cursor(state)
        return dg.RunRequest(run_key=state)

    return new_files_in_landing


def build_definitions(settings: Settings | None = None, **overrides: Any) -> dg.Definitions:
    """The whole code location for these settings (default: from file and environment).

    ``overrides`` replaces arguments of ``dagster.Definitions`` (assets, resources, executor …),
    for tests.
    """
    settings = settings or load_settings()
    manifest = models.prepare(settings)
    raw = [raw_asset(settings, spec) for spec in all_specs()]
    dbt = dbt_models(settings, manifest)
    everything = dg.AssetSelection.all()
    after_landing = everything - dg.AssetSelection.assets(LANDING)
    run_job = dg.define_asset_job(
        "plumbline_run",
        selection=everything,
        description="The main job: load what is new, gate it, build, test, publish.",
    )
    backfill_job = dg.define_asset_job(
        "backfill",
        selection=after_landing,
        description="Load months again from the raw copies (choose the months as partitions), "
        "for instance after a contract or a gate changed, then build and publish. Loads whose "
        "rules have not changed since they entered are left as they are.",
        config={
            "ops": {"__".join(raw_key(s).path): {"config": {"reload": True}} for s in all_specs()}
        },
    )
    arguments: dict[str, Any] = {
        "assets": [
            landing_asset(settings),
            *raw,
            *ledger_specs(),
            dbt,
            release_asset(settings, dbt),
            alerts_asset(settings),
        ],
        "jobs": [run_job, backfill_job],
        "sensors": [
            landing_sensor(settings, run_job),
            run_failure_sensor(settings),
            alerts_sensor(settings),
            feeds_sensor(settings),
        ],
        "schedules": [
            dg.ScheduleDefinition(
                name="every_morning",
                job=run_job,
                cron_schedule="30 5 * * *",
                execution_timezone="Europe/London",
                description="The main job, every morning before the working day.",
            )
        ],
        "resources": {
            "dbt": DbtCliResource(
                project_dir=os.fspath(models.project_dir()),
                profiles_dir=os.fspath(models.project_dir()),
                dbt_executable=models.dbt_executable(),
            )
        },
        # DuckDB has one writer, so steps gain nothing from processes of their own.
        "executor": dg.in_process_executor,
    }
    arguments.update(overrides)
    return dg.Definitions(**arguments)


@dg.definitions
def defs() -> dg.Definitions:
    """What ``dagster dev`` and ``dg dev`` load."""
    return build_definitions()
