"""Gzip: a packed file read as the bytes in it.

A damaged file, one cut short and one that would unpack to more than any extract does are refused
in words. What the bytes are belongs to the formats (``scan``, ``delimited``, ``columnar``); zip
archives are the landing's.
"""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from orchestration.sources.model import LoadRefused

SUFFIX = ".gz"
#: Packed data may not unpack to more than this many times its size (a bomb does), from
#: ``UNSUSPICIOUS`` bytes up. Extracts pack to a tenth or a twentieth.
MAX_EXPANSION = 200
UNSUSPICIOUS = 10_000_000
_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 20
#: What Python raises for gzip data that are not whole.
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)


def inner_name(name: str) -> str | None:
    """Name of the file inside a packed one (``a.csv`` for ``a.csv.gz``); None for other names."""
    return name[: -len(SUFFIX)] if name.lower().endswith(SUFFIX) else None


def damaged(problem: Exception) -> LoadRefused:
    """The refusal of gzip data that are not whole."""
    return LoadRefused(
        "gzip_unreadable",
        f"the gzip file is damaged or was cut short ({problem or 'it ends too early'}); ask for it "
        "to be sent again",
    )


def chunks(path: Path) -> Iterator[bytes]:
    """The unpacked bytes, a megabyte at a time. Raises ``LoadRefused``."""
    size = path.stat().st_size
    done = 0
    try:
        with gzip.open(path) as source:
            while chunk := source.read(_CHUNK):
                done += len(chunk)
                if done > UNSUSPICIOUS and done > MAX_EXPANSION * size:
                    raise LoadRefused(
                        "gzip_suspicious",
                        f"the gzip file unpacks to more than {MAX_EXPANSION} times its {size:,} "
                        "bytes; refused as a possible bomb",
                    )
                yield chunk
    except DAMAGE as problem:
        raise damaged(problem) from None


def opened(path: Path, *, is_packed: bool) -> BinaryIO:
    """A file open for reading, unpacked on the way where it is packed; may raise ``DAMAGE``."""
    return cast("BinaryIO", gzip.open(path)) if is_packed else path.open("rb")


def unpack(path: Path, target: Path) -> None:
    """Unpack into ``target``, whole or not at all. Raises ``LoadRefused``."""
    try:
        with target.open("wb") as sink:
            for chunk in chunks(path):
                sink.write(chunk)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


@contextmanager
def plain(path: Path, *, must_be_packed: bool = False) -> Iterator[Path]:
    """The file itself, or what is in it where it is packed: in a folder that only this user can
    enter and that is gone afterwards. Raises ``LoadRefused``."""
    with path.open("rb") as handle:
        is_packed = handle.read(2) == _MAGIC
    if not is_packed and not must_be_packed:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        target = Path(folder) / "unpacked"
        unpack(path, target)
        yield target
