"""From the working database to a release, where something changed.

Belongs here: deciding whether to publish, and what a release says of where it came from. How a
release is built and linked is in ``release``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from orchestration import load
from orchestration.progress import Progress, silent
from orchestration.publish import disclosure, release
from orchestration.settings import Settings
from orchestration.versions import code_version
from orchestration.warehouse import snapshot_ledger, writer


@dataclass(frozen=True)
class Published:
    """The current release after a run, and whether this run made it."""

    release_id: str | None
    is_new: bool
    row_counts: dict[str, int] = field(default_factory=dict)


def current_fingerprint(settings: Settings) -> str | None:
    """Fingerprint of what the current release was made from; None where there is none, or where
    it cannot be read."""
    path = release.current(settings.releases_dir)
    if path is None:
        return None
    try:
        manifest = json.loads((path / release.MANIFEST).read_text(encoding="utf-8"))
        return manifest["provenance"]["fingerprint"]
    except (OSError, ValueError, KeyError):
        return None


def is_published(con: Any, settings: Settings, fingerprint: str) -> bool:
    """Whether a release of just this was published already, be it current or rolled back from.

    A release that was withdrawn stays withdrawn until there is something new to publish.
    """
    current = current_fingerprint(settings)
    if current is None:
        return False
    last = con.execute(
        "select fingerprint from ledger.build order by built_at desc limit 1"
    ).fetchone()
    return fingerprint in (current, last[0] if last else None)


def provenance(con: Any, run_id: str, fingerprint: str) -> dict[str, Any]:
    """What a release is made from: loads that are current, their gate results, the run."""
    loads = con.execute(
        """
        select l.load_id, l.source, l.table_name, l.file_name, l.member_name, l.content_sha256,
            l.row_count_entered, l.row_count_quarantined, l.gate_status
        from ledger.load as l
        where l.load_id in (select load_id from ledger.load_period where superseded_at is null)
        order by all
        """
    )
    columns = [d[0] for d in loads.description]
    current = [dict(zip(columns, row, strict=True)) for row in loads.fetchall()]
    gates = con.execute(
        """
        select g.severity, g.status, count(*)
        from ledger.gate_result as g
        where g.load_id in (select load_id from ledger.load_period where superseded_at is null)
        group by all order by all
        """
    )
    return {
        "run_id": run_id,
        "fingerprint": fingerprint,
        "code_version": code_version(),
        "loads": current,
        "gate_results": [{"severity": s, "status": t, "count": n} for s, t, n in gates.fetchall()],
    }


def publish_if_changed(settings: Settings, run_id: str, progress: Progress = silent) -> Published:
    """Build, audit and link a release unless the current one was made from the same things.

    The caller holds the write lock. Raises PublishError in plain words.
    """
    with writer(settings) as con:
        fingerprint = load.fingerprint(con, settings)
        facts = provenance(con, run_id, fingerprint)
        # A release is read through its checksums, so a damaged one is never taken for current.
        path = release.current(settings.releases_dir)
        sound = path is not None and not release.verify_release(path)
        already = is_published(con, settings, fingerprint)
    if sound and path is not None and already:
        published = Published(path.name, False)
    else:
        release_id = release.version_at(load.now(), fingerprint[:8])
        progress.line("publishing a release")
        with writer(settings) as con:
            try:
                planned = disclosure.plan(con, settings)
            except disclosure.DisclosureError as error:
                raise release.PublishError(str(error)) from error
            disclosure.record(con, planned, release_id)
        info = release.build_release(
            settings.warehouse_path,
            settings.releases_dir,
            release_id=release_id,
            protections=planned.marts,
            provenance=facts,
            keep_last=settings.releases.keep_last,
            memory_limit=settings.warehouse.memory_limit,
        )
        published = Published(info.release_id, True, info.rows)
    with writer(settings) as con:
        if published.is_new:
            con.execute(
                "insert into ledger.build values ($1, $2, $3)",
                [fingerprint, load.now(), published.release_id],
            )
        refused = con.execute(
            "select count(*) from ledger.attempt where run_id = $1 and outcome = 'refused'",
            [run_id],
        ).fetchone()
        load.end_run(con, run_id, "refused" if refused and refused[0] else "succeeded")
        snapshot_ledger(con, settings)
    return published
