"""One pass over the bytes of a delimited text file: identity, encoding, line ends, header.

Nothing here knows a table; recognising and reading belong elsewhere.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from orchestration.sources import packed
from orchestration.sources.headers import fold
from orchestration.sources.model import Scan

CHUNK = 1 << 20
#: How much of the start of a file is looked at for the header and for signs of a binary file.
HEAD = 256 << 10

#: First bytes of formats that are never delimited text, with the words for them.
BINARY = (
    (b"PK\x03\x04", "a zip archive or an Office workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "an image"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def why_not_text(head: bytes) -> str | None:
    """Words for what the bytes are when they are not delimited text, else None."""
    for magic, words in BINARY:
        if head.startswith(magic):
            return words
    sample = head[: 64 << 10]
    control = len(sample) - len(sample.translate(None, _CONTROL))
    if len(sample) >= 512 and control / len(sample) > 0.05:
        return "binary data"
    return None


_CONTROL = bytes(b for b in range(32) if b not in b"\t\n\r\x1a\x1c\x1d\x1e\x1f")


#: Several times faster than ``in`` for two bytes, on text full of line ends.
_EMPTY_LF = re.compile(rb"\n\n").search
_EMPTY_CRLF = re.compile(rb"\n\r").search
_LONE_CR = re.compile(rb"\r[^\n]").search


def _chunks(source: Path | bytes, is_packed: bool = False) -> Iterator[bytes]:
    if is_packed and isinstance(source, Path):
        yield from packed.chunks(source)
        return
    if isinstance(source, bytes):
        for start in range(0, len(source), CHUNK):
            yield source[start : start + CHUNK]
        return
    with source.open("rb", buffering=0) as handle:
        while chunk := handle.read(CHUNK):
            yield chunk


def scan(source: Path | bytes, *, is_packed: bool = False) -> Scan:
    """Scan a delimited file given as a path or as bytes, or one packed with gzip at a path.

    Of a packed file everything said is of the text in it, but for the SHA-256, which is of the file
    as it is. Memory is a few megabytes whatever the size of a file given as a path. Raises OSError
    where the file cannot be read, ``LoadRefused`` where it cannot be unpacked.
    """
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8 = True
    pending = False  # the decoder holds the start of a character
    size = lf = cr = commas = 0
    quotes = nul = blank = lone_cr = False
    head = b""
    last = b"\n"  # a file that begins with a line end begins with an empty line
    for chunk in _chunks(source, is_packed):
        if not is_packed:
            digest.update(chunk)
        size += len(chunk)
        if len(head) < HEAD:
            head += chunk[: HEAD - len(head)]
        if utf8 and (pending or not chunk.isascii()):
            try:
                decoder.decode(chunk)
                pending = bool(decoder.getstate()[0])
            except UnicodeDecodeError:
                utf8 = False
        lf += chunk.count(b"\n")
        commas += chunk.count(b",")
        quotes = quotes or b'"' in chunk
        nul = nul or b"\0" in chunk
        join = last + chunk[:1]
        blank = blank or join in (b"\n\n", b"\n\r")
        lone_cr = lone_cr or (last == b"\r" and chunk[:1] != b"\n")
        # Three narrow searches, because this loop is most of the cost of a run in which nothing
        # changed: where carriage returns are mixed with bare line feeds, the counts show it below.
        if b"\r" in chunk:
            cr += chunk.count(b"\r")
            lone_cr = lone_cr or _LONE_CR(chunk) is not None
            blank = blank or _EMPTY_CRLF(chunk) is not None
        else:
            blank = blank or _EMPTY_LF(chunk) is not None
        last = chunk[-1:]
    if pending:
        utf8 = False
    lone_cr = lone_cr or last == b"\r"
    if cr == 0:
        newline = "\n"
    elif cr == lf and not lone_cr:
        newline = "\r\n"
    elif lf == 0:
        newline = "\r"
    else:
        newline = "mixed"
    encoding = "utf-8" if utf8 else "cp1252"
    lines = lf + (last != b"\n")
    if size == 0:
        lines = 0
    elif blank or newline in ("\r", "mixed"):
        lines, blank = _count_lines(source, is_packed)
    return Scan(
        byte_count=size,
        sha256=file_sha256(source) if is_packed else digest.hexdigest(),
        encoding=encoding,
        has_bom=head.startswith(codecs.BOM_UTF8),
        newline=newline,
        has_quotes=quotes,
        has_nul=nul,
        has_blank_lines=blank,
        line_count=max(lines - 1, 0),
        header=read_header(head, encoding),
        comma_count=commas,
    )


def _count_lines(source: Path | bytes, is_packed: bool = False) -> tuple[int, bool]:
    """Lines that hold anything, and whether there are empty ones: every kind of line end told
    apart (the slow, rare way)."""
    raw: BinaryIO = (
        io.BytesIO(source)
        if isinstance(source, bytes)
        else packed.opened(source, is_packed=is_packed)
    )
    filled = empty = 0
    with raw, io.TextIOWrapper(raw, encoding="latin-1", newline="") as text:
        for line in text:
            if line.strip("\r\n"):
                filled += 1
            else:
                empty += 1
    return filled, empty > 0


def head_records(head: bytes, encoding: str, limit: int = 1) -> list[list[str]]:
    """The first ``limit`` records (never empty lines) of the start of a file, blanks folded."""
    text = head.decode(encoding, errors="replace").removeprefix("\ufeff")
    found: list[list[str]] = []
    try:
        for record in csv.reader(io.StringIO(text, newline="")):
            if record:
                found.append([fold(title) for title in record])
            if len(found) == limit:
                break
    except csv.Error:
        pass  # an endless quoted field: what came before it is what there is
    return found


def read_header(head: bytes, encoding: str) -> tuple[str, ...]:
    """Titles of the first record, blanks folded; empty where there is none."""
    records = head_records(head, encoding)
    return tuple(records[0]) if records else ()


def head_of(source: Path | bytes, *, is_packed: bool = False) -> bytes:
    """The first bytes of a file, as many as ``scan`` looks at for the header.

    Raises ``LoadRefused`` where a packed one cannot be unpacked so far.
    """
    if isinstance(source, bytes):
        return source[:HEAD]
    if is_packed:
        return next(packed.chunks(source), b"")[:HEAD]
    with source.open("rb") as handle:
        return handle.read(HEAD)
