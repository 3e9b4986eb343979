"""Releases: immutable copies of the marts, and the one link that says which is current.

A release is a folder that is never changed once it has its name::

    releases/<release id>/plumbline.duckdb       every mart, schema main, and release_info
    releases/<release id>/parquet/<mart>.parquet
    releases/<release id>/manifest.json          checksums, row counts, columns, provenance
    releases/current -> <release id>             a relative symbolic link, replaced atomically

It is built in ``releases/.building-<id>``, audited there, renamed, and only then linked, so a crash
at any instant leaves ``current`` on a complete release. Readers that hold the old release keep a
consistent view; new readers get the new one. A link to versioned names and not one file replaced in
place: a process that still has the old file open would be given the old data for a new connection.
A reader that opens several files in turn resolves ``current`` once (``current()``) and opens them
below the folder it names.

Belongs here: building, checking, linking, listing and removing releases. Does not belong here: what
is in a mart, whether it may be published, and the writer lock, which the caller of
``build_release``, ``rollback`` and ``prune`` holds. Nothing here reads the configuration.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import duckdb

from orchestration.publish.disclosure import Protection
from orchestration.sqltext import ident, lit

DATABASE = "plumbline.duckdb"
MANIFEST = "manifest.json"
CURRENT = "current"
INFO_TABLE = "release_info"
MANIFEST_VERSION = 1

STORAGE_VERSION = "v1.0.0"
"""File format of the published database: the oldest that current tools still ship readers for."""

KEEP_AT_LEAST = 2
"""Releases that pruning never goes below: a reader may have resolved ``current`` a moment ago."""

ATTRIBUTION = "Contains public sector information licensed under the Open Government Licence v3.0"

RELEASE_ID_DESCRIPTION = "Release that this row was published in; equal in every row of a release."

_BUILDING = ".building-"
_REMOVING = ".removing-"
_LINKING = ".current-"
_VALID_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

Provenance = Mapping[str, Any]


class PublishError(Exception):
    """A release could not be built, checked or linked; the message is fit for the user.

    Whenever it is raised, ``current`` still names the release it named before.
    """


class ReleaseExistsError(PublishError):
    """A release with this id is already there."""


@dataclass(frozen=True)
class ReleaseInfo:
    """One release as its manifest describes it.

    ``rows`` gives the number of rows of each mart. ``problems`` is empty for a sound release; a
    damaged one has them in words, and what its manifest could not tell is None or empty.
    """

    release_id: str
    path: Path
    built_at: str | None
    is_current: bool
    rows: dict[str, int] = field(default_factory=dict)
    byte_count: int = 0
    code_version: str | None = None
    problems: tuple[str, ...] = ()
    manifest: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_damaged(self) -> bool:
        """Whether anything is wrong with the release."""
        return bool(self.problems)

    @property
    def database(self) -> Path:
        """The published DuckDB file."""
        return self.path / DATABASE


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    description: str | None


@dataclass(frozen=True)
class _Mart:
    name: str
    description: str | None
    columns: tuple[_Column, ...]


# ------------------------------------------------------------------------------------------- build


def version_at(moment: datetime, of: str) -> str:
    """An id that sorts by time (UTC): the moment, to the millisecond, and of what it is."""
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}Z-{of}"


def build_release(
    warehouse: Path,
    releases_dir: Path,
    *,
    release_id: str,
    marts: list[str] | None = None,
    protections: Mapping[str, Protection],
    provenance: Provenance,
    keep_last: int,
    memory_limit: str = "1GiB",
) -> ReleaseInfo:
    """Build a release from schema ``marts`` of the working database and make it current.

    ``marts`` left out means every table and view of the schema. ``protections`` says of which marts
    what is withheld (``disclosure.plan``); the others are published as they are. ``provenance``
    goes into the manifest as it is (load ids, gate results, code version) and must be expressible
    as JSON; its ``code_version``, where present, is also put in ``release_info``. The last
    ``keep_last`` releases are kept, never fewer than two.

    The caller holds the writer lock and has closed its own connections to the working database,
    which is opened read-only here. Leftovers of crashed builds are removed first.

    Raises ReleaseExistsError where the id is taken, and PublishError for everything else that
    prevents publishing: no or missing marts, a working database that cannot be opened, a full
    disk, an audit that fails.
    """
    _check_id(release_id)
    try:
        provenance_text = json.dumps(provenance, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise PublishError(
            f"The provenance of release {release_id} is not plain data: {error}"
        ) from error

    with _in_plain_words(f"Release {release_id} could not be built"):
        releases_dir.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(releases_dir)
        final = releases_dir / release_id
        if final.exists():
            raise ReleaseExistsError(f"There is already a release {release_id}.")
        building = releases_dir / f"{_BUILDING}{release_id}"
        try:
            (building / "parquet").mkdir(parents=True)
            built_at = datetime.now(UTC).isoformat(timespec="milliseconds")
            described = _write_data(
                warehouse,
                building,
                release_id=release_id,
                built_at=built_at,
                marts=marts,
                protections=protections,
                code_version=provenance.get("code_version"),
                memory_limit=memory_limit,
            )
            manifest = {
                "manifest_version": MANIFEST_VERSION,
                "release_id": release_id,
                "built_at": built_at,
                "plumbline_version": _plumbline_version(),
                "code_version": provenance.get("code_version"),
                "duckdb_version": duckdb.__version__,
                "storage_version": STORAGE_VERSION,
                "attribution": ATTRIBUTION,
                "marts": described,
                "files": _describe_files(building),
                "provenance": json.loads(provenance_text),
            }
            (building / MANIFEST).write_text(
                json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
            )
            _seal(building)
            problems = verify_release(building, release_id=release_id)
            if problems:
                raise PublishError(
                    f"Release {release_id} did not pass its own audit: " + "; ".join(problems)
                )
            building.rename(final)
            _sync(releases_dir)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise

    swap_current(releases_dir, release_id)
    prune(releases_dir, keep_last=keep_last)
    return _read_info(final, is_current=True)


def _write_data(
    warehouse: Path,
    building: Path,
    *,
    release_id: str,
    built_at: str,
    marts: list[str] | None,
    protections: Mapping[str, Protection],
    code_version: str | None,
    memory_limit: str,
) -> dict[str, Any]:
    """Write the database and the Parquet files; return the manifest's description of the marts."""
    spill = building / ".spill"
    described: dict[str, Any] = {}
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"set memory_limit = {lit(memory_limit)}")
        connection.execute(f"set temp_directory = {lit(str(spill))}")
        try:
            connection.execute(f"attach {lit(str(warehouse))} as source (read_only)")
        except duckdb.Error as error:
            raise PublishError(
                f"The working database {warehouse} cannot be opened for reading: "
                f"{_first_line(error)}"
            ) from error
        target = building / DATABASE
        connection.execute(
            f"attach {lit(str(target))} as release (storage_version {lit(STORAGE_VERSION)})"
        )
        for mart in _marts_of(connection, marts):
            described[mart.name] = _write_mart(
                connection, mart, building, release_id, protections.get(mart.name)
            )
        _write_info_table(connection, release_id, built_at, code_version)
        connection.execute("checkpoint release")
        connection.execute("detach release")
        connection.execute("detach source")
    shutil.rmtree(spill, ignore_errors=True)
    return described


def _marts_of(connection: duckdb.DuckDBPyConnection, wanted: list[str] | None) -> list[_Mart]:
    """The marts to publish with the comments that dbt wrote beside them, in order of name."""
    relations = dict(
        connection.execute(
            """
            select table_name, comment from duckdb_tables()
            where database_name = 'source' and schema_name = 'marts'
            union all
            select view_name, comment from duckdb_views()
            where database_name = 'source' and schema_name = 'marts'
            """
        ).fetchall()
    )
    missing = sorted(set(wanted or ()) - set(relations))
    if missing:
        raise PublishError(
            f"These marts are to be published but are not in the warehouse: {', '.join(missing)}."
        )
    names = sorted(relations if wanted is None else set(wanted))
    if not names:
        raise PublishError("There is nothing to publish: the warehouse has no marts.")
    columns: dict[str, list[_Column]] = {name: [] for name in names}
    for table, column, kind, comment in connection.execute(
        """
        select table_name, column_name, data_type, comment from duckdb_columns()
        where database_name = 'source' and schema_name = 'marts'
        order by table_name, column_index
        """
    ).fetchall():
        if table in columns:
            columns[table].append(_Column(column, kind, comment))
    for name, found in columns.items():
        if "/" in name or "\0" in name:
            raise PublishError(f"{name!r} cannot be the name of a file, so no mart may have it.")
        if name.lower() == INFO_TABLE:
            raise PublishError(
                f"A mart may not be called {INFO_TABLE}: the release has that table."
            )
        if any(column.name.lower() == "release_id" for column in found):
            raise PublishError(
                f"The mart {name} has a column release_id; that name is kept for the release."
            )
    return [_Mart(name, relations[name], tuple(columns[name])) for name in names]


def _write_mart(
    connection: duckdb.DuckDBPyConnection,
    mart: _Mart,
    building: Path,
    release_id: str,
    protection: Protection | None,
) -> dict[str, Any]:
    source = f"source.marts.{ident(mart.name)}"
    target = f"release.main.{ident(mart.name)}"
    if protection is not None:
        connection.register("withheld", protection.rows)
        kinds = [(column.name, column.type) for column in mart.columns]
        source = f"({protection.select(kinds, source, 'withheld')})"
    connection.execute(
        f"create table {target} as select *, {lit(release_id)} as release_id from {source}"
    )
    withheld_count = 0
    columns = (*mart.columns, _Column("release_id", "VARCHAR", RELEASE_ID_DESCRIPTION))
    if mart.description:
        connection.execute(f"comment on table {target} is {lit(mart.description)}")
    for column in columns:
        if column.description:
            connection.execute(
                f"comment on column {target}.{ident(column.name)} is {lit(column.description)}"
            )

    # The copy is compared with what it was copied from, by rows and by content.
    compared = ", ".join(ident(column.name) for column in mart.columns)
    fingerprint = f"select count(*), sum(hash({compared})::hugeint)"
    expected = connection.execute(f"{fingerprint} from {source}").fetchone()
    if connection.execute(f"{fingerprint} from {target}").fetchone() != expected:
        raise PublishError(f"The published copy of {mart.name} differs from the mart.")
    assert expected is not None
    if protection is not None:
        withheld_count = _check_withheld(connection, mart, target, protection)
        connection.unregister("withheld")

    parquet = building / "parquet" / f"{mart.name}.parquet"
    connection.execute(
        f"copy {target} to {lit(str(parquet))} (format parquet, compression zstd, kv_metadata "
        f"{{release_id: {lit(release_id)}, description: {lit(mart.description or '')}, "
        f"attribution: {lit(ATTRIBUTION)}}})"
    )
    return {
        "rows": expected[0],
        "withheld_count": withheld_count,
        "rounded_count": protection.rounded_count if protection else 0,
        "description": mart.description,
        "parquet": f"parquet/{mart.name}.parquet",
        "columns": [
            {"name": column.name, "type": column.type, "description": column.description}
            for column in columns
        ],
    }


def _check_withheld(
    connection: duckdb.DuckDBPyConnection, mart: _Mart, target: str, protection: Protection
) -> int:
    """The published table itself must have as many counts fewer as are to be withheld of its rows;
    returns how many."""
    counts = [ident(count.column) for count in protection.declaration.counts]
    kept = protection.kept(f"source.marts.{ident(mart.name)}", "withheld")

    def number(what: str, source: str) -> int:
        row = connection.execute(f"select {what} from {source}").fetchone()
        return int(row[0]) if row else 0

    empty = " + ".join(f"count(*) - count({name})" for name in counts)
    flags = (f"count(*) filter (d.withheld_{i})" for i in range(len(counts)))
    expected = number(" + ".join(flags), kept)
    is_whole = protection.declaration.left_out is not None or expected == protection.withheld_count
    if not is_whole or number(empty, target) - number(empty, kept) != expected:
        raise PublishError(f"Not all small counts of {mart.name} are withheld.")
    return expected


def _write_info_table(
    connection: duckdb.DuckDBPyConnection,
    release_id: str,
    built_at: str,
    code_version: str | None,
) -> None:
    """One row about the release itself, for readers who have only the database."""
    table = f"release.main.{INFO_TABLE}"
    columns = {
        "release_id": (lit(release_id), RELEASE_ID_DESCRIPTION),
        "built_at": (f"timestamptz {lit(built_at)}", "When the release was built."),
        "plumbline_version": (lit(_plumbline_version()), "Version of the program that built it."),
        "code_version": (
            f"{lit(code_version)}::varchar",
            "Version-control identifier of the code that built it; null where not known.",
        ),
        "attribution": (lit(ATTRIBUTION), "Words that any use of the data has to carry."),
    }
    selected = ", ".join(f"{value} as {name}" for name, (value, _) in columns.items())
    connection.execute(f"create table {table} as select {selected}")
    connection.execute(f"comment on table {table} is 'One row: the release itself.'")
    for name, (_, description) in columns.items():
        connection.execute(f"comment on column {table}.{name} is {lit(description)}")


def _describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Relative path -> size in bytes and SHA-256 of every file of a release but its manifest."""
    return {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": _sha256(path),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def _seal(folder: Path) -> None:
    """Make every file read-only and safe on disk, then the folders that name them."""
    folders = [folder]
    for path in folder.rglob("*"):
        if path.is_dir():
            folders.append(path)
        else:
            _sync(path)
            path.chmod(0o444)
    for path in reversed(folders):
        _sync(path)


# ---------------------------------------------------------------------------------------- current


def swap_current(releases_dir: Path, release_id: str) -> None:
    """Make ``current`` name this release, atomically: at no instant is there no current release.

    Raises PublishError where there is no such release, or ``current`` is not a link.
    """
    _check_id(release_id)
    with _in_plain_words(f"Release {release_id} could not be made current"):
        if not (releases_dir / release_id / MANIFEST).is_file():
            raise PublishError(f"There is no release {release_id} in {releases_dir}.")
        link = releases_dir / CURRENT
        if link.exists() and not link.is_symlink():
            raise PublishError(
                f"{link} should be a symbolic link made by plumbline and is not; move it away."
            )
        temporary = releases_dir / f"{_LINKING}{os.getpid()}"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(release_id)
        temporary.replace(link)
        _sync(releases_dir)


def current(releases_dir: Path) -> Path | None:
    """The folder of the current release under its own name, or None where there is none.

    The folder stays the same release whatever is published afterwards, so a reader of several
    files resolves it once.
    """
    try:
        name = (releases_dir / CURRENT).readlink().name
    except OSError:
        return None
    folder = releases_dir / name
    return folder if folder.is_dir() else None


def rollback(releases_dir: Path, release_id: str) -> ReleaseInfo:
    """Make an earlier release current again, after checking every file of it.

    Nothing is removed: the newer release can be returned to in the same way. Raises PublishError
    where there is no such release or it is damaged; ``current`` is then unchanged.
    """
    _check_id(release_id)
    folder = releases_dir / release_id
    if not folder.is_dir():
        known = ", ".join(info.release_id for info in list_releases(releases_dir)) or "none"
        raise PublishError(f"There is no release {release_id}. Releases kept: {known}.")
    problems = verify_release(folder)
    if problems:
        raise PublishError(
            f"Release {release_id} is damaged and was not made current: " + "; ".join(problems)
        )
    swap_current(releases_dir, release_id)
    return _read_info(folder, is_current=True)


# --------------------------------------------------------------------------------- look and check


def list_releases(releases_dir: Path) -> list[ReleaseInfo]:
    """Every release, newest first; damaged ones are in the list with what is wrong with them.

    Reads manifests and looks at the sizes of files; ``verify_release`` reads the files themselves.
    """
    if not releases_dir.is_dir():
        return []
    now = current(releases_dir)
    found = [
        _read_info(path, is_current=path == now)
        for path in releases_dir.iterdir()
        if path.is_dir() and not path.is_symlink() and not path.name.startswith(".")
    ]
    return sorted(found, key=_age_key, reverse=True)


def _age_key(info: ReleaseInfo) -> tuple[str, str]:
    if info.built_at:
        return (info.built_at, info.release_id)
    try:
        modified = info.path.stat().st_mtime
    except OSError:
        modified = 0.0
    return (datetime.fromtimestamp(modified, UTC).isoformat(), info.release_id)


def verify_release(path: Path, *, release_id: str | None = None) -> list[str]:
    """Check a release thoroughly and return what is wrong with it, in words; empty when sound.

    Checks the manifest, the presence, size and SHA-256 of every file, that no file is there which
    the manifest does not know, and that the database and the Parquet files open and have the
    stated marts, row counts, columns and release id. ``release_id`` is the expected one, by
    default the name of the folder.
    """
    manifest, problems = _read_manifest(path, release_id or path.name)
    if manifest is None:
        return problems
    for name, stated in manifest["files"].items():
        file = path / name
        if file.is_file() and file.stat().st_size == stated["bytes"]:
            try:
                if _sha256(file) != stated["sha256"]:
                    problems.append(f"{name} has other content than when it was published")
            except OSError as error:
                problems.append(f"{name} cannot be read: {error.strerror}")
    if problems:
        return problems
    return _verify_tables(path, manifest)


def _verify_tables(path: Path, manifest: dict[str, Any]) -> list[str]:
    problems: list[str] = []
    with duckdb.connect(":memory:") as connection:
        try:
            connection.execute(f"attach {lit(str(path / DATABASE))} as release (read_only)")
        except duckdb.Error as error:
            return [f"{DATABASE} cannot be opened: {_first_line(error)}"]
        tables = {
            name
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where database_name = 'release'"
            ).fetchall()
        }
        expected_tables = {*manifest["marts"], INFO_TABLE}
        if tables != expected_tables:
            differing = ", ".join(sorted(tables ^ expected_tables))
            problems.append(f"{DATABASE} and the manifest differ in tables: {differing}")
        for name, stated in manifest["marts"].items():
            if name not in tables:
                continue
            columns = [column["name"] for column in stated["columns"]]
            for label, relation in (
                (f"{name} in {DATABASE}", f"release.main.{ident(name)}"),
                (stated["parquet"], f"read_parquet({lit(str(path / stated['parquet']))})"),
            ):
                try:
                    result = connection.execute(f"from {relation} limit 0")
                    found = [column[0] for column in result.description or ()]
                    rows, other = connection.execute(
                        "select count(*), count(*) filter (release_id is distinct from "
                        f"{lit(manifest['release_id'])}) from {relation}"
                    ).fetchone() or (0, 0)
                except duckdb.Error as error:
                    problems.append(f"{label} cannot be read: {_first_line(error)}")
                    continue
                if rows != stated["rows"]:
                    problems.append(f"{label} has {rows} rows where {stated['rows']} are stated")
                if other:
                    problems.append(f"{label} has {other} rows of another release")
                if found != columns:
                    problems.append(f"{label} has other columns than stated")
    return problems


def _read_manifest(path: Path, release_id: str) -> tuple[dict[str, Any] | None, list[str]]:
    """The manifest (None where it is unusable) and what a quick look finds wrong."""
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None, [f"{MANIFEST} is missing"]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        return None, [f"{MANIFEST} cannot be read: {_first_line(error)}"]
    try:
        stated_id, version = manifest["release_id"], manifest["manifest_version"]
        sizes = {name: int(about["bytes"]) for name, about in manifest["files"].items()}
        _ = [about["sha256"] for about in manifest["files"].values()]
        _ = [
            (int(about["rows"]), about["parquet"], [column["name"] for column in about["columns"]])
            for about in manifest["marts"].values()
        ]
        _ = str(manifest["built_at"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None, [f"{MANIFEST} lacks what a manifest has to say"]
    if version != MANIFEST_VERSION:
        return None, [f"{MANIFEST} is of version {version}, which this program does not know"]
    problems: list[str] = []
    if stated_id != release_id:
        problems.append(f"{MANIFEST} is that of release {stated_id}")
    for required in (DATABASE, *(about["parquet"] for about in manifest["marts"].values())):
        if required not in sizes:
            problems.append(f"{MANIFEST} does not list {required}")
    for name, size in sizes.items():
        try:
            found = (path / name).stat().st_size
        except OSError:
            problems.append(f"{name} is missing")
            continue
        if found != size:
            problems.append(f"{name} has {found} bytes where {size} are stated")
    for file in path.rglob("*"):
        name = file.relative_to(path).as_posix()
        if file.is_file() and name not in sizes and name != MANIFEST:
            problems.append(f"{name} does not belong to the release")
    return manifest, problems


def _read_info(path: Path, *, is_current: bool) -> ReleaseInfo:
    manifest, problems = _read_manifest(path, path.name)
    if manifest is None:
        return ReleaseInfo(path.name, path, None, is_current, problems=tuple(problems))
    return ReleaseInfo(
        release_id=path.name,
        path=path,
        built_at=manifest["built_at"],
        is_current=is_current,
        rows={name: int(about["rows"]) for name, about in manifest["marts"].items()},
        byte_count=sum(int(about["bytes"]) for about in manifest["files"].values()),
        code_version=manifest.get("code_version"),
        problems=tuple(problems),
        manifest=manifest,
    )


# ----------------------------------------------------------------------------------------- remove


def prune(releases_dir: Path, *, keep_last: int) -> list[str]:
    """Remove old releases and return their ids, oldest first.

    The newest ``keep_last`` sound releases stay (never fewer than two), and the current one
    always. A damaged release goes once it is older than all that stay, so that a fresh damage is
    still seen in the list. A reader that has a removed release open keeps reading it: the system
    frees the space when it closes.
    """
    releases = list_releases(releases_dir)
    sound = [info for info in releases if not info.is_damaged]
    kept = sound[: max(keep_last, KEEP_AT_LEAST)]
    kept_ids = {info.release_id for info in kept}
    oldest_kept = _age_key(kept[-1]) if kept else None
    removed: list[str] = []
    for info in reversed(releases):
        if info.is_current or info.release_id in kept_ids:
            continue
        if info.is_damaged and (oldest_kept is None or _age_key(info) >= oldest_kept):
            continue
        with _in_plain_words(f"The old release {info.release_id} could not be removed"):
            # Renamed first, so that a crash half-way does not leave half a release in the list.
            aside = releases_dir / f"{_REMOVING}{info.release_id}"
            shutil.rmtree(aside, ignore_errors=True)
            info.path.rename(aside)
            shutil.rmtree(aside)
        removed.append(info.release_id)
    return removed


def _remove_leftovers(releases_dir: Path) -> None:
    """Remove what a crashed build, link or removal left; the caller holds the writer lock."""
    for path in releases_dir.iterdir():
        if path.name.startswith(_LINKING):
            path.unlink(missing_ok=True)
        elif path.name.startswith((_BUILDING, _REMOVING)):
            shutil.rmtree(path)


# ------------------------------------------------------------------------------------------ helpers


def _check_id(release_id: str) -> None:
    if not _VALID_ID.fullmatch(release_id) or release_id == CURRENT:
        raise PublishError(
            f"{release_id!r} cannot be the id of a release: letters, digits, dot, underscore and "
            "hyphen only, starting with a letter or digit."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Have a file's content, or a folder's names, written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _plumbline_version() -> str:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version("plumbline")
    return "not installed"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def _in_plain_words(what: str) -> Iterator[None]:
    """Turn errors of the disk and of DuckDB into PublishError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PublishError(_disk_full(what)) from error
        where = f" ({error.filename})" if error.filename else ""
        raise PublishError(f"{what}: {error.strerror or error}{where}.") from error
    except duckdb.Error as error:
        text = str(error)
        if "No space left" in text or "max_temp_directory_size" in text:
            raise PublishError(_disk_full(what)) from error
        raise PublishError(f"{what}: {_first_line(error)}") from error


def _disk_full(what: str) -> str:
    return (
        f"{what}: the disk is full. The release published before is untouched. Free some space "
        "and run again."
    )
