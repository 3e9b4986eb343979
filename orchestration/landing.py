"""What has arrived: walk the landing, know every file by its bytes, keep a faithful copy.

Discovery decides nothing about rows. It turns files (and the members of zip archives, and the
sheets of workbooks) into *arrivals* in the ledger, each claimed by a table, refused in words, or
recognised by nobody. Loading them is the loader's work (load.py); saying which table claims a file
is the sources' (sources/registry.py).
"""

from __future__ import annotations

import atexit
import datetime as dt
import errno
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.progress import Progress, silent
from orchestration.settings import Settings
from orchestration.sources import packed
from orchestration.sources.model import (
    Found,
    LoadRefused,
    Member,
    Note,
    Refused,
    Scan,
    Unrecognised,
)
from orchestration.sources.packed import MAX_EXPANSION, UNSUSPICIOUS

if TYPE_CHECKING:
    import duckdb

#: Unpacked members kept between discovery and loading, so that they need not be unpacked twice.
CACHE_BYTES = 1_000_000_000
#: Why a load cannot be read: no copy of it was kept, and it is gone from the landing.
NOT_KEPT = "not_kept"


class LandingError(Exception):
    """The landing itself cannot be used; the message says what to do."""


@dataclass(frozen=True)
class LandedFile:
    """One file in the landing. ``name`` is its path relative to the landing; ``problem`` says in
    words why it could not be read (then ``sha256`` is empty)."""

    path: Path
    name: str
    byte_count: int
    modified_ns: int
    sha256: str
    problem: str | None = None

    @property
    def base_name(self) -> str:
        return self.name.rsplit("/", 1)[-1]

    @property
    def sent_at(self) -> dt.datetime:
        """When the file was last changed, in UTC without a zone, as the ledger keeps time."""
        return dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=self.modified_ns // 1000)

    @property
    def identity(self) -> tuple[str, str]:
        """What the file is: its bytes, and the name that can claim a period for them."""
        return self.sha256, self.base_name


@dataclass(frozen=True)
class Arrival:
    """One thing to load or to report: a file, a zip member, or a sheet."""

    arrival_id: str
    number: int
    file_sha256: str
    file_name: str
    member_name: str | None
    found: Found
    #: when the file was last changed (UTC), as far as its sender's machine tells
    sent_at: dt.datetime | None = None

    @property
    def base_name(self) -> str:
        return (self.member_name or self.file_name).rsplit("/", 1)[-1]


def list_landing(landing: Path) -> list[LandedFile]:
    """Every regular file under the landing, oldest first (then by name), with its SHA-256.

    Files and folders whose name begins with a dot or an underscore are passed over: they are never
    extracts (``__MACOSX``, or the truth that the simulator writes beside its extracts). Linked
    folders are walked like others, each folder once. A file or folder that cannot be read is
    listed with its problem. Raises LandingError where the landing is missing or not a folder.
    """
    if not landing.exists():
        raise LandingError(
            f"the landing {landing} does not exist; create it, or name another with --landing"
        )
    if not landing.is_dir():
        raise LandingError(
            f"the landing {landing} is a file, not a folder; name the folder that holds the "
            "extracts with --landing"
        )
    found: list[tuple[int, str, Path, int]] = []
    problems: list[LandedFile] = []
    walked: set[tuple[int, int]] = set()

    def unreadable(path: Path, error: OSError) -> LandedFile:
        words = f"it cannot be read ({error.strerror}): let this user read it, or take it away"
        return LandedFile(path, _name(path, landing), 0, 0, "", words)

    def of_folder(error: OSError) -> None:
        path = Path(error.filename)
        if path == landing:
            raise LandingError(f"the landing {landing} cannot be read: {error.strerror}")
        if error.errno != errno.ENOENT:
            problems.append(unreadable(path, error))

    for folder, folders, files in os.walk(landing, onerror=of_folder, followlinks=True):
        try:
            here = Path(folder).stat()
        except FileNotFoundError:
            continue
        if (here.st_dev, here.st_ino) in walked:  # a link back to where we have been
            folders.clear()
            continue
        walked.add((here.st_dev, here.st_ino))
        folders[:] = sorted(f for f in folders if not f.startswith((".", "_")))
        for file in files:
            if file.startswith((".", "_")):
                continue
            path = Path(folder) / file
            try:
                stat = path.stat()
            except OSError as error:
                # A link to nothing or to itself, or a file taken away while we looked, is no file.
                if error.errno not in (errno.ENOENT, errno.ELOOP):
                    problems.append(unreadable(path, error))
                continue
            if path.is_file():
                found.append((stat.st_mtime_ns, _name(path, landing), path, stat.st_size))
    found.sort()

    def hashed(entry: tuple[int, str, Path, int]) -> LandedFile | None:
        modified, name, path, size = entry
        try:
            with path.open("rb") as handle:
                digest = hashlib.file_digest(handle, "sha256").hexdigest()
        except FileNotFoundError:
            return None
        except OSError as error:
            return unreadable(path, error)
        return LandedFile(path, name, size, modified, digest)

    with ThreadPoolExecutor(2) as pool:
        return [f for f in pool.map(hashed, found) if f is not None] + problems


def _name(path: Path, landing: Path) -> str:
    """Path within the landing, as text that can be stored: bytes that are not UTF-8 are spelt."""
    name = path.relative_to(landing).as_posix()
    return os.fsencode(name).decode("utf-8", "backslashreplace")


# ----------------------------------------------------------------------- raw copies


def check_unchanged(file: LandedFile) -> None:
    """Raise LandingError where a file is no longer the one whose bytes were hashed."""
    stat = file.path.stat()
    if (stat.st_mtime_ns, stat.st_size) != (file.modified_ns, file.byte_count):
        raise LandingError(f"{file.path} changed while it was being read")


def raw_path(settings: Settings, sha256: str) -> Path:
    """Where the untouched copy of a file lives."""
    return settings.raw_dir / sha256[:2] / sha256


def keep_raw_copy(settings: Settings, file: LandedFile, *, is_personal: bool = False) -> Path:
    """Copy the bytes to the content-addressed store, read-only, verified, whole or not at all.

    A copy that holds references to persons can be read by its owner only. Raises LandingError
    where the file changed while it was copied.
    """
    target = raw_path(settings, file.sha256)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{file.sha256}.{os.getpid()}.part")
    try:
        part.touch(mode=0o600)
        shutil.copyfile(file.path, part)
        with part.open("rb+") as handle:
            if hashlib.file_digest(handle, "sha256").hexdigest() != file.sha256:
                raise LandingError(
                    f"{file.path} changed while it was being read; let the copy into the landing "
                    "finish and run again"
                )
            os.fsync(handle.fileno())
        part.chmod(0o400 if is_personal else 0o444)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


# ----------------------------------------------------------------------- archives


class BadArchive(Exception):
    """An archive, or a member of one, that cannot be unpacked; the message says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def archive_members(path: Path) -> list[zipfile.ZipInfo]:
    """The files inside a zip archive, in name order. Raises BadArchive where it is not whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [
                i
                for i in archive.infolist()
                if not i.is_dir()
                and not i.filename.startswith("__MACOSX/")
                and not i.filename.rsplit("/", 1)[-1].startswith(".")
            ]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise  # the file itself cannot be had: that says nothing about the archive
        raise BadArchive(
            "archive_unreadable",
            f"the zip archive is damaged or was cut short ({error}); ask for it to be sent again",
        ) from None
    names = Counter(i.filename for i in infos)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise BadArchive(
            "archive_ambiguous",
            f"the zip archive holds {twice[0]} twice, so it is not clear which one is meant; ask "
            "for it to be sent again",
        )
    return sorted(infos, key=lambda i: i.filename)


def extract_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    """Unpack one member to ``target``. Raises BadArchive (damaged, encrypted, a zip bomb)."""
    if info.flag_bits & 0x1:
        raise BadArchive("archive_encrypted", f"{info.filename} is encrypted; send it unencrypted")
    most = max(UNSUSPICIOUS, MAX_EXPANSION * max(info.compress_size, 1))
    if info.file_size > most:
        raise BadArchive(
            "archive_suspicious",
            f"{info.filename} would unpack to {info.file_size:,} bytes from "
            f"{info.compress_size:,}; refused as a possible zip bomb",
        )
    try:
        with archive.open(info) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        target.unlink(missing_ok=True)
        raise BadArchive(
            "archive_member_unreadable",
            f"{info.filename} cannot be unpacked ({error}); ask for the archive to be sent again",
        ) from None


def sweep(settings: Settings) -> None:
    """Remove what a process that was killed left unfinished. The caller holds the write lock."""
    for leftover in (
        *settings.raw_dir.glob("*/.*.part"),
        *(settings.work_dir / "members").glob("*.part"),
    ):
        leftover.unlink(missing_ok=True)
    for folder in settings.work_dir.glob("gate-*"):
        shutil.rmtree(folder, ignore_errors=True)


def forget_members(settings: Settings) -> None:
    """Remove unpacked members that wait to be loaded: they can be unpacked again."""
    shutil.rmtree(settings.work_dir / "members", ignore_errors=True)


@cache
def _private_dir() -> Path:
    """A folder outside of PLUMBLINE_HOME that only this user can enter, gone with this process."""
    folder = Path(tempfile.mkdtemp(prefix="plumbline-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def member_cache(
    settings: Settings, file_sha256: str, member_name: str, *, is_personal: bool = False
) -> Path:
    """Where an unpacked member waits between discovery and loading.

    One with references to persons waits outside of PLUMBLINE_HOME, where nothing plain is kept.
    """
    key = hashlib.sha256(f"{file_sha256}\0{member_name}".encode()).hexdigest()[:32]
    return (_private_dir() if is_personal else settings.work_dir / "members") / key


def is_personal(table: str | None) -> bool:
    """Whether records of a table carry references to persons."""
    from orchestration.contracts import spec

    return table is not None and bool(spec(table).person_references)


def untouched(settings: Settings, arrival: Arrival) -> Path:
    """The untouched bytes of an arrival: the raw copy, or the file in the landing itself where no
    copy is kept because it holds references to persons. Raises BadArchive where neither is there.
    """
    raw = raw_path(settings, arrival.file_sha256)
    if raw.exists():
        return raw
    landed = settings.landing_dir / arrival.file_name
    try:
        with landed.open("rb") as handle:
            if hashlib.file_digest(handle, "sha256").hexdigest() == arrival.file_sha256:
                return landed
    except OSError:
        pass
    raise BadArchive(
        NOT_KEPT,
        "it holds references to persons, so no copy of it is kept (privacy.raw_retention), and it "
        "is no longer in the landing as it was: put it back and run again",
    )


def _needs_unpacking(arrival: Arrival) -> bool:
    """Whether an arrival is packed and its reader cannot unpack it on the way (Parquet)."""
    options = dict(arrival.found.options) if isinstance(arrival.found, Member) else {}
    return options.get("format") == "parquet" and options.get("compression") == "gzip"


def _unpacked(arrival: Arrival) -> Path:
    key = hashlib.sha256(f"{arrival.file_sha256}\0{arrival.member_name}".encode()).hexdigest()[:32]
    return _private_dir() / f"{key}.unpacked"


def _cached(settings: Settings, arrival: Arrival) -> Path:
    assert arrival.member_name is not None
    return member_cache(
        settings,
        arrival.file_sha256,
        arrival.member_name,
        is_personal=is_personal(getattr(arrival.found, "table", None)),
    )


def forget_unpacked(settings: Settings, arrival: Arrival) -> None:
    """Remove what was unpacked of an arrival, once it is settled."""
    if arrival.member_name is not None:
        _cached(settings, arrival).unlink(missing_ok=True)
    if _needs_unpacking(arrival):
        _unpacked(arrival).unlink(missing_ok=True)


def materialise(settings: Settings, arrival: Arrival) -> tuple[Path, bool]:
    """The bytes of an arrival as a file on disk, and whether it is ours to delete afterwards.

    Unpacks the member from the raw copy where it is not waiting already, and Parquet packed with
    gzip outside of PLUMBLINE_HOME. Raises BadArchive.
    """
    path, is_ours = _member(settings, arrival)
    if not _needs_unpacking(arrival):
        return path, is_ours
    target = _unpacked(arrival)
    if not target.exists():
        part = target.with_suffix(".part")
        try:
            packed.unpack(path, part)
        except LoadRefused as refused:
            raise BadArchive(refused.code, refused.message) from None
        part.replace(target)
    return target, True


def _member(settings: Settings, arrival: Arrival) -> tuple[Path, bool]:
    if arrival.member_name is None:
        return untouched(settings, arrival), False
    target = _cached(settings, arrival)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        with zipfile.ZipFile(untouched(settings, arrival)) as archive:
            extract_member(archive, archive.getinfo(arrival.member_name), part)
        part.replace(target)
    return target, True


# ----------------------------------------------------------------------- discovery


def _identify(path: Path, name: str, settings: Settings) -> list[Found]:
    from orchestration.sources import registry

    return registry.identify(path, name, settings)


def find_in_file(
    settings: Settings, file: LandedFile, progress: Progress = silent
) -> list[tuple[str | None, Found]]:
    """Everything in one landed file: pairs of member name (None for the file itself) and Found."""
    base = file.name.rsplit("/", 1)[-1]
    if not base.lower().endswith(".zip"):
        return [(None, f) for f in _identify(file.path, base, settings)]
    try:
        infos = archive_members(file.path)
    except BadArchive as error:
        return [(None, Refused(None, None, error.code, str(error), file.sha256))]
    if not infos:
        return [(None, Unrecognised(None, "the archive holds no files"))]
    found: list[tuple[str | None, Found]] = []
    cache_left = CACHE_BYTES
    (settings.work_dir / "members").mkdir(parents=True, exist_ok=True)

    from orchestration.sources import registry

    def one(info: zipfile.ZipInfo) -> list[Found]:
        nonlocal cache_left
        name = info.filename.rsplit("/", 1)[-1]
        named = registry.table_named(name, settings)
        target = member_cache(
            settings, file.sha256, info.filename, is_personal=named is None or is_personal(named)
        )
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            with zipfile.ZipFile(file.path) as archive:
                extract_member(archive, info, part)
            results = _identify(part, name, settings)
            if any(isinstance(r, Member) for r in results) and cache_left > info.file_size:
                cache_left -= info.file_size
                part.replace(target)
            return results
        except BadArchive as error:
            digest = hashlib.sha256(f"{file.sha256}\0{info.filename}".encode()).hexdigest()
            return [Refused(None, info.filename, error.code, str(error), digest)]
        finally:
            part.unlink(missing_ok=True)

    with (
        ThreadPoolExecutor(2) as pool,
        progress.bar(f"unpacking and identifying {base}", len(infos)) as bar,
    ):
        for info, results in zip(infos, pool.map(one, infos), strict=True):
            found += [(info.filename, f) for f in results]
            bar.advance()
    if not any(isinstance(f, (Member, Refused)) for _, f in found):
        return [(None, Unrecognised(None, "nothing in the archive is claimed by any source"))]
    return found


def pack_found(found: Found) -> tuple[str, str]:
    """A Found as two strings for the ledger: which kind, and its fields as JSON."""
    return type(found).__name__, json.dumps(asdict(found), separators=(",", ":"))


def unpack_found(kind: str, details: str) -> Found:
    """The inverse of :func:`pack_found`."""
    data = json.loads(details)
    if kind == "Member":
        if data["scan"] is not None:
            data["scan"]["header"] = tuple(data["scan"]["header"])
            data["scan"] = Scan(**data["scan"])
        data["notes"] = tuple(Note(**n) for n in data["notes"])
        data["columns"] = tuple((t, c) for t, c in data["columns"])
        data["options"] = tuple((k, v) for k, v in data["options"])
        return Member(**data)
    if kind == "Refused":
        return Refused(**data)
    return Unrecognised(**data)


def pending(con: duckdb.DuckDBPyConnection, table: str | None = None) -> Iterator[Arrival]:
    """Arrivals that wait to be settled, in order of arrival; of one table, or of all."""
    rows = con.execute(
        "select arrival_id, arrival_number, file_sha256, file_name, member_name, found, details, "
        "sent_at from ledger.arrival where status = 'pending' and ($1 is null or table_name = $1) "
        "order by arrival_number",
        [table],
    ).fetchall()
    for row in rows:
        yield Arrival(*row[:5], unpack_found(row[5], row[6]), row[7])


def current_loads(con: duckdb.DuckDBPyConnection, source: str, table: str) -> Iterator[Arrival]:
    """The arrivals that the current loads of a table came from, to be loaded again."""
    rows = con.execute(
        """
        select distinct on (a.load_id) a.arrival_id, a.arrival_number, a.file_sha256,
            a.file_name, a.member_name, a.found, a.details, a.sent_at
        from ledger.arrival as a
        where a.found = 'Member' and a.load_id in (
            select load_id from ledger.load_period
            where source = $1 and table_name = $2 and superseded_at is null
        )
        order by a.load_id, a.arrival_number desc
        """,
        [source, table],
    ).fetchall()
    for row in sorted(rows, key=lambda r: r[1]):
        yield Arrival(*row[:5], unpack_found(row[5], row[6]), row[7])
