"""Damaged files of every kind: found out or read, never a crash, and no row lost."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import force_support as force
import pytest

from orchestration.sources import registry
from orchestration.sources.model import LoadRefused, Member, Refused, Unrecognised
from orchestration.sources.sample_landing import write_sample_landing


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    """One generated file of every table and kind, cut to a few kilobytes where it is text."""
    folder = tmp_path_factory.mktemp("landing")
    write_sample_landing(folder)
    with zipfile.ZipFile(folder / "police_uk" / "generated_police_uk_archive.zip") as archive:
        for name in archive.namelist():
            if name.startswith("2021-01"):
                (folder / Path(name).name).write_bytes(archive.read(name))
    for n, table in enumerate(force.FILES):
        for file_format in ("csv", force.FORMATS[1 + n % 3]):
            name, data = force.extract(table, file_format)
            (folder / name).write_bytes(data)
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".zip"):
        for member in registry.identify(path, path.name, None):
            if isinstance(member, Member):
                found.setdefault((member.table, "".join(path.suffixes)), path)
    assert {table for table, _ in found} == set(registry.tables())
    for path in found.values():
        if path.suffix == ".csv":
            path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:30]))
    return list(found.values())


def damage(data: bytes, dice: random.Random) -> bytes:
    """The bytes with one kind of harm done to them."""
    at = dice.randrange(len(data))
    junk = dice.choice([b"\0", b"\xff", b'"', b"\n", b"\r", b",", b",,,", b"\xc3", b"\xef\xbb\xbf"])
    return dice.choice(
        [
            data[:at],
            data[at:],
            data[:at] + junk + data[at:],
            data[:at] + junk + data[at + 1 :],
            data[:at] + dice.randbytes(30) + data[at + 30 :],
            data + data,
            data.replace(b",", b";"),
            data.replace(b"\n", b"\r"),
            data.decode("latin-1").encode("utf-16"),
        ]
    )


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_end_in_words(files, tmp_path, seed, caplog):
    dice = random.Random(seed)
    for path in files:
        rounds = 3 if path.suffix in (".xlsx", ".parquet", ".gz") else 12
        for _ in range(rounds):
            data = path.read_bytes()
            for _ in range(dice.choice((1, 1, 3))):
                data = damage(data, dice) or b"x"
            harmed = tmp_path / path.name
            harmed.write_bytes(data)
            for found in registry.identify(harmed, path.name, None):
                assert isinstance(found, Member | Refused | Unrecognised)
                if not isinstance(found, Member):
                    assert getattr(found, "message", "") or getattr(found, "reason", "")
                    continue
                try:
                    batches = list(registry.read(found, harmed))
                except LoadRefused as refused:
                    assert refused.message
                    continue
                numbers = [n for b in batches for n in b.rows.column("_row_number").to_pylist()]
                numbers += [r.row_number for b in batches for r in b.rejected]
                assert sorted(numbers) == list(range(1, len(numbers) + 1))
                scanned = found.scan
                if (
                    scanned is not None
                    and registry.line_per_record(found)
                    and not scanned.has_quotes
                ):
                    assert len(numbers) == scanned.line_count
    assert not [r for r in caplog.records if r.name == registry.log.name]  # nothing unforeseen
