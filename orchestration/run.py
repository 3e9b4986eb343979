"""One run of the main job from the console: the Dagster job in this process, and its report.

Belongs here: deciding that there is nothing to do without starting Dagster, starting it where
there is, and turning the ledger's record of the run into a report. Printing belongs to ``cli``.
"""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration import landing, load
from orchestration.alerts.run import watch_feeds
from orchestration.privacy import PrivacyError, holds_persons, holds_simulated_persons
from orchestration.progress import Progress, silent, use
from orchestration.publish import release
from orchestration.publish.run import is_published
from orchestration.rows import rows_of
from orchestration.settings import Settings, unlisted_force
from orchestration.warehouse import (
    DiskFull,
    WarehouseBusy,
    is_disk_full,
    says_disk_full,
    snapshot_ledger,
    write_lock,
    writer,
)

EXIT_OK, EXIT_FAILED, EXIT_REFUSED = 0, 1, 2


@dataclass
class RunReport:
    """What a run did. ``status`` is succeeded, refused (a load was, the rest is published),
    unchanged or failed (nothing was published); ``problems`` are sentences for a person."""

    run_id: str
    status: str
    exit_code: int
    problems: list[str] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    release_id: str | None = None
    release_path: str | None = None
    is_new_release: bool = False
    marts: dict[str, int] = field(default_factory=dict)
    data_docs: str | None = None
    #: headline indicators of the release, where there are any
    headlines: list[dict[str, Any]] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    #: alerts by severity: opened and over since the run began, and open now
    alerts: list[dict[str, Any]] = field(default_factory=list)
    #: what a reader must know of what was loaded, in sentences
    notices: list[str] = field(default_factory=list)
    log: str | None = None


def execute_run(
    settings: Settings,
    progress: Progress = silent,
    *,
    select: str | None = None,
    trigger: str = "plumbline run",
    wait_seconds: float | None = None,
) -> RunReport:
    """Do the main job on the landing and say what happened.

    Waits its turn where another run is writing (at most ``wait_seconds``). Never raises for bad
    input, a busy warehouse or a full disk: these are reports with words and an exit code.
    """
    use(progress)
    run_id = str(uuid.uuid4())
    if (words := unlisted_force(settings)) is not None:
        progress.line(f"warning: {words}")
    try:
        with write_lock(settings, waiting=progress.line, wait_seconds=wait_seconds):
            if select is None:
                done = _nothing_to_do(settings, run_id, trigger, progress)
                if done is not None:
                    return done
            return _through_dagster(settings, run_id, trigger, progress, select)
    except (landing.LandingError, WarehouseBusy, DiskFull, PrivacyError) as error:
        return RunReport(run_id, "failed", EXIT_FAILED, [str(error)])
    except Exception as error:
        # SQLite calls a full disk an input/output error as often as not.
        if is_disk_full(error) or _has_no_room(settings):
            return RunReport(run_id, "failed", EXIT_FAILED, [load.disk_full_text(settings)])
        if not isinstance(error, OSError):
            raise
        return RunReport(run_id, "failed", EXIT_FAILED, [f"{error.filename}: {error.strerror}"])


def _has_no_room(settings: Settings) -> bool:
    try:
        return shutil.disk_usage(settings.home).free < 4_000_000
    except OSError:
        return False


def _nothing_to_do(
    settings: Settings, run_id: str, trigger: str, progress: Progress
) -> RunReport | None:
    """The report of a run with nothing to do, recorded as such; None where there is something."""
    files = landing.list_landing(settings.landing_dir)
    if release.current(settings.releases_dir) is None:
        return None
    from orchestration.versions import rules_version

    with writer(settings, waiting=progress.line) as con:
        known = load.known_files(con, rules_version(settings))
        pending = con.execute(
            "select count(*) from ledger.arrival where status = 'pending'"
        ).fetchone()
        if (
            any(f.problem is None and f.identity not in known for f in files)
            or (pending and pending[0])
            or not is_published(con, settings, load.fingerprint(con, settings))
        ):
            return None
        load.begin_run(con, settings, run_id, trigger)
        found = load.discover(con, settings, run_id, progress, files)
        refused = bool(found.refused) or any(
            o.reason_code == "still_refused" for o in found.replayed
        )
        load.end_run(con, run_id, "unchanged", "nothing new in the landing")
        snapshot_ledger(con, settings)
    # That nothing came may itself be news.
    told = watch_feeds(settings)
    for problem in told.problems:
        progress.line(problem)
    with writer(settings, waiting=progress.line) as con:
        report = read_report(con, settings, run_id)
    report.status = "unchanged"
    report.exit_code = EXIT_REFUSED if refused else EXIT_OK
    return report


def _through_dagster(
    settings: Settings, run_id: str, trigger: str, progress: Progress, select: str | None
) -> RunReport:
    from orchestration.instance import InstanceError, prepare_instance, process_tags, reap_dead_runs
    from orchestration.models import ModelsError

    # Whatever is wrong with the landing is better said before Dagster is started.
    landing.list_landing(settings.landing_dir)
    progress.line("starting")
    try:
        os.environ["DAGSTER_HOME"] = str(prepare_instance(settings.home))
        import dagster as dg

        from orchestration.definitions import build_definitions

        overrides: dict[str, Any] = {}
        if select is not None:
            job = dg.define_asset_job("selected", selection=dg.AssetSelection.from_string(select))
            overrides = {"jobs": [job], "sensors": [], "schedules": []}
        definitions = build_definitions(settings, **overrides)
        job_def = definitions.resolve_job_def("selected" if select else "plumbline_run")
    except (InstanceError, ModelsError) as error:
        # dbt ends in its own words where there is no room for its manifest.
        if says_disk_full(str(error)):
            return RunReport(run_id, "failed", EXIT_FAILED, [load.disk_full_text(settings)])
        return RunReport(run_id, "failed", EXIT_FAILED, [str(error)])
    before = release.current(settings.releases_dir)
    with dg.DagsterInstance.get() as instance:
        reap_dead_runs(instance)
        result = job_def.execute_in_process(
            instance=instance,
            run_id=run_id,
            tags={**process_tags(), "plumbline/trigger": trigger},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )
    problems, full_text = _failures(result)
    log_path = None
    if problems:
        log_path = settings.home / "logs" / f"run-{run_id}.log"
        try:
            log_path.parent.mkdir(parents=True, exist_ok=True)
            log_path.write_text(full_text, encoding="utf-8")
        except OSError:
            log_path = None
    try:
        with writer(settings, waiting=progress.line) as con:
            if problems:
                load.end_run(con, run_id, "failed", problems[0][:2000])
            snapshot_ledger(con, settings)
            report = read_report(con, settings, run_id)
    except Exception as error:
        if not is_disk_full(error):
            raise
        report = RunReport(run_id, "failed", EXIT_FAILED)
        problems = problems or [load.disk_full_text(settings)]
    after = release.current(settings.releases_dir)
    report.is_new_release = after != before
    report.log = str(log_path) if log_path else None
    report.problems += problems
    refused = any(
        a["outcome"] == "refused" or a["reason_code"] == "still_refused" for a in report.attempts
    )
    if problems:
        report.status, report.exit_code = "failed", EXIT_FAILED
    elif refused:
        report.status, report.exit_code = "refused", EXIT_REFUSED
    else:
        report.status, report.exit_code = "succeeded", EXIT_OK
    return report


def _failures(result: Any) -> tuple[list[str], str]:
    """Sentences and full text of a Dagster result's failed steps."""
    problems: list[str] = []
    full: list[str] = []
    for event in result.all_events:
        if not event.is_step_failure and event.event_type_value != "PIPELINE_FAILURE":
            continue
        data = event.event_specific_data
        error = getattr(data, "error", None)
        if error is None:
            continue
        full.append(str(error.to_string()))
        user = getattr(data, "user_failure_data", None)
        cause = error
        while getattr(cause, "cause", None) is not None:
            cause = cause.cause
        text = (user.description if user and user.description else cause.message).strip()
        name, _, words = text.partition(": ")
        if event.is_step_failure:
            step = (event.step_key or "").replace("__", "/")
            known = name.endswith(
                (
                    "DiskFull",
                    "PublishError",
                    "LandingError",
                    "WarehouseBusy",
                    "GatePairingError",
                    "PrivacyError",
                    "ConfigurationNeeded",
                )
            )
            problems.append(f"{step}: {words if known else text}".strip())
        elif not problems:
            problems.append(text.splitlines()[0])
    if not result.success and not problems:
        problems.append("the run did not succeed; see the Dagster UI for its events")
    return problems, "\n\n".join(full)


def _headlines(path: Path) -> list[dict[str, Any]]:
    """Headline indicators of a release for the force; none where it has no force records."""
    import duckdb

    try:
        with duckdb.connect(str(path / release.DATABASE), read_only=True) as con:
            return _rows(
                con,
                """
                select r.indicator_name as indicator, r.baseline_count as baseline,
                    r.current_count as current, round(r.rate_ratio, 3) as ratio,
                    round(r.rate_ratio_lower, 3) as ratio_lower,
                    round(r.rate_ratio_upper, 3) as ratio_upper, r.verdict,
                    l.current_count as like_for_like,
                    coalesce(
                        cast(round(l.rate_ratio, 3) as varchar),
                        round(l.rate_ratio_lower, 3) || ' to ' || round(l.rate_ratio_upper, 3)
                    ) as like_for_like_ratio,
                    l.verdict as like_for_like_verdict
                from mart_headline_indicators as r
                inner join mart_headline_indicators as l
                    on l.indicator_code = r.indicator_code and l.area_id = r.area_id
                    and l.basis = 'like_for_like'
                where r.basis = 'recorded' and r.area_type = 'force' and r.is_headline
                    and r.baseline_count + r.current_count > 0
                order by r.indicator_order
                """,
            )
    except duckdb.Error:
        return []


#: What else a reader asks first of a force's release: each query gives ``figure`` and ``value``.
_FIGURES = (
    """
    select 'To see four times in five a change like that of ' || lower(left(indicator_name, 1))
            || substr(indicator_name, 2) as figure,
        format('{:,} in the baseline; {:,} show a rise to {:.2f} times or beyond and {}',
            events_needed_count, baseline_count, smallest_detectable_rise_ratio,
            coalesce(
                format('a fall to {:.2f} or beyond', smallest_detectable_fall_ratio), 'no fall'
            )) as value
    from mart_headline_indicators
    where basis = 'recorded' and area_type = 'force' and is_headline
        and verdict = 'not distinguishable from chance' and events_needed_count is not null
    order by indicator_order
    limit 4
    """,
    """
    select measure_name || ', ' || strftime(month, '%B %Y') as figure,
        cast(cast(value as bigint) as varchar) as value
    from mart_monthly_series
    where measure_code like 'under_25_vwi_spiking%' and area_type = 'force'
        and basis = 'recorded' and month = (
            select max(current_last_month) from mart_headline_indicators
        ) and value > 0
    order by measure_code
    """,
    """
    select 'Positive outcomes, ' || lower(left(offence_category, 1)) || substr(offence_category, 2)
            || ', recorded in ' || period_label as figure,
        format('{:,} of {:,}, {:.2f} percent', positive_count, recorded_count, positive_pct)
            as value
    from mart_outcomes
    where area_type = 'force' and offence_category like '%under 25'
        and (period_type = 'year_to_date' or (period_type = 'month' and last_month = (
            select max(current_last_month) from mart_headline_indicators)))
        and positive_pct is not null
    order by first_month
    """,
    """
    select line_name || ' of ' || financial_year || ', end of ' || strftime(month, '%B %Y')
            as figure,
        format('{:,} spent, {:,} forecast, {:,} in all, of {:,}',
            cast(actual_year_to_date_amount as bigint), cast(forecast_remaining_amount as bigint),
            cast(outlook_amount as bigint), cast(total_amount as bigint)) as value
    from mart_grant_position
    where line_level = 'funding' and month in (
        select m - interval (n) month from (
            select max(current_last_month) as m from mart_headline_indicators
        ) cross join (values (0), (1)) as months(n)
    )
    order by month, line_name
    """,
    """
    select 'Section 47 investigations audited a month' as figure,
        min(sample_count) || ' to ' || max(sample_count) as value
    from mart_data_integrity_audit
    where audit_code = 's47' and period_type = 'month' and sample_count > 0
    having count(*) > 0
    """,
)


def _figures(path: Path) -> list[dict[str, Any]]:
    """Other figures of a release for the force; none where it has no force records."""
    import duckdb

    found: list[dict[str, Any]] = []
    with duckdb.connect(str(path / release.DATABASE), read_only=True) as con:
        for sql in _FIGURES:
            with suppress(duckdb.Error):
                found += _rows(con, sql)
    return found


def _rows(con: Any, sql: str, parameters: list[Any] | None = None) -> list[dict[str, Any]]:
    return rows_of(con.execute(sql, parameters or []))


def read_report(con: Any, settings: Settings, run_id: str) -> RunReport:
    """The report of a run from the ledger (any connection that sees schema ``ledger``)."""
    report = RunReport(run_id, "succeeded", EXIT_OK)
    if (words := unlisted_force(settings)) is not None:
        report.notices.append(f"Note: {words}.")
    if holds_simulated_persons(con):
        report.notices.append(
            "The records about persons are simulated or artificial: they are of nobody, and their "
            "references are hashed with the published demonstration key, which protects nobody."
        )
    elif holds_persons(con) and settings.landing_dir.is_relative_to(settings.home):
        report.notices.append(
            f"The landing {settings.landing_dir} lies in {settings.home}, so references to persons "
            "stand there as they came: name a landing elsewhere, and take extracts away once they "
            "are loaded."
        )
    report.attempts = _rows(
        con,
        """
        select a.file_name, a.member_name, a.source, a.table_name, a.outcome, a.reason_code,
            a.reason, a.load_id, coalesce(l.row_count_read, 0) as row_count_read,
            coalesce(l.row_count_entered, 0) as row_count_entered,
            coalesce(l.row_count_quarantined, 0) as row_count_quarantined, l.gate_status
        from ledger.attempt as a
        left join ledger.load as l on l.load_id = a.load_id and a.outcome <> 'replay'
        where a.run_id = $1
        order by a.attempted_at, a.file_name, a.member_name
        """,
        [run_id],
    )
    report.tables = _rows(
        con,
        """
        select coalesce(a.source || '/' || a.table_name, 'unknown') as table_name,
            count(*) filter (where a.outcome in ('entered', 'entered_with_warnings')) as entered,
            count(*) filter (where a.outcome = 'entered_with_warnings') as with_warnings,
            count(*) filter (where a.outcome = 'refused') as refused,
            count(*) filter (where a.outcome = 'replay') as replayed,
            sum(l.row_count_read) as row_count_read,
            sum(l.row_count_entered) as row_count_entered,
            sum(l.row_count_quarantined) as row_count_quarantined
        from ledger.attempt as a
        left join ledger.load as l on l.load_id = a.load_id and a.outcome <> 'replay'
        where a.run_id = $1 and a.outcome <> 'unrecognised'
            and not (a.outcome = 'replay' and a.table_name is null)
        group by 1 order by 1
        """,
        [run_id],
    )
    report.quarantine = _rows(
        con,
        """
        select q.rule_code, count(distinct q.load_id || ':' || coalesce(q.row_number, 0)) as rows,
            count(distinct q.load_id) as loads, any_value(q.message) as message,
            any_value(q.who_fixes) as who_fixes
        from ledger.quarantine as q
        where q.load_id in (select load_id from ledger.attempt where run_id = $1
            and outcome <> 'replay')
        group by 1 order by 2 desc, 1
        """,
        [run_id],
    )
    report.alerts = _rows(
        con,
        """
        select severity, cast(sum(opened) as bigint) as opened, cast(sum(over) as bigint) as over,
            cast(sum(open) as bigint) as open
        from (
            select severity, cast(kind in ('opened', 'reopened') as int) as opened,
                cast(kind in ('ended', 'withdrawn') as int) as over, 0 as open
            from ledger.alert_news
            where kind <> 'run_failed'
                and noted_at >= (select started_at from ledger.run where run_id = $1)
            union all
            select severity, 0, 0, 1 from ledger.alert where state = 'open' and closed_as is null
        )
        group by severity
        order by list_position(['critical', 'warning', 'note'], severity)
        """,
        [run_id],
    )
    path = release.current(settings.releases_dir)
    if path is not None:
        import json

        report.release_id, report.release_path = path.name, str(path)
        try:
            manifest = json.loads((path / release.MANIFEST).read_text(encoding="utf-8"))
            report.marts = {k: v["row_count"] for k, v in manifest["marts"].items()}
        except (OSError, ValueError, KeyError, TypeError):
            report.marts = {}
        report.headlines = _headlines(path)
        report.figures = _figures(path) if report.headlines else []
    index = Path(settings.docs_dir) / "index.html"
    report.data_docs = str(index) if index.exists() else None
    return report
