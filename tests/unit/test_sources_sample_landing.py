"""The generated landing: small, the same every time, and read without a refusal."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from orchestration.privacy import SIMULATION_MANIFEST
from orchestration.sources import registry
from orchestration.sources.model import Member, Refused, Unrecognised
from orchestration.sources.sample_landing import write_sample_landing


@pytest.fixture(scope="module")
def landing(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("landing")
    write_sample_landing(folder)
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_same_seed_same_bytes(landing, tmp_path):
    write_sample_landing(tmp_path / "again")
    write_sample_landing(tmp_path / "other", seed=8)
    assert contents(tmp_path / "again") == contents(landing)
    assert contents(tmp_path / "other") != contents(landing)


def test_it_is_small_and_named_as_generated(landing):
    assert sum(p.stat().st_size for p in landing.rglob("*") if p.is_file()) < 3_000_000
    for path in landing.rglob("*"):
        # data.police.uk names are fixed: force and month, nothing else.
        if path.is_file() and path.parent.name != "police_uk":
            known = {"README.txt", SIMULATION_MANIFEST}
            assert "generated" in path.name or path.name in known


def test_every_open_source_is_in_it_and_every_row_can_be_read(landing, tmp_path):
    tables: dict[str, int] = {}
    months: dict[str, set[str]] = {}

    def take(path: Path) -> None:
        for found in registry.identify(path, path.name, None):
            assert not isinstance(found, Refused), found
            if isinstance(found, Unrecognised):
                assert path.name in ("README.txt", SIMULATION_MANIFEST)
                continue
            assert isinstance(found, Member)
            for batch in registry.read(found, path):
                assert batch.rejected == ()
                tables[found.table] = tables.get(found.table, 0) + batch.rows.num_rows
            if found.table == "police_uk/stop_and_search":
                force, month = found.claim.split("/")
                months.setdefault(force, set()).add(month)

    for path in sorted(p for p in landing.rglob("*") if p.is_file()):
        if path.suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
                for name in archive.namelist():
                    member = tmp_path / Path(name).name
                    member.write_bytes(archive.read(name))
                    take(member)
        else:
            take(path)
    assert set(tables) == {t for t in registry.tables() if t.split("/")[0] in registry.OPEN_SOURCES}
    assert min(tables.values()) > 0
    assert max(months["west-midlands"]) == "2021-03"
    assert max(months["staffordshire"]) == "2021-11"
