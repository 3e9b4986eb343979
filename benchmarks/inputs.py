"""What the benchmarks are measured on: the published street files where they are at hand, else
generated ones in the same layout; how large the simulated force is; and homes to work in.

What does not belong here: measuring.
"""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks import generate
from orchestration.progress import Progress
from orchestration.settings import PROJECT, Settings, load_settings

STREET = "police_uk/street"


@dataclass(frozen=True)
class Size:
    """How much is measured, and how often."""

    files: int | None  # street files of the full load; None for all there are
    load_repetitions: int
    gate_repetitions: int
    gate_rows: tuple[int, ...]
    run_repetitions: int
    years: int  # of the large warehouse
    month_repetitions: int
    many_rows: int
    #: scales of the simulated force: the last is measured, one before it for how memory grows
    force_scales: tuple[float, ...]
    force_repetitions: int
    dirty_scale: float
    linkage_scale: float
    #: simulated worlds for each condition of the recording effect
    effect_worlds: int
    #: whether memory is that of a whole run (minutes), or of the load alone
    is_whole_run: bool = False


FULL = Size(None, 3, 5, (1_200_000, 10_000_000), 5, 10, 7, 10_000_000, (1, 10), 2, 1, 1, 500)
QUICK = Size(16, 2, 3, (200_000,), 2, 1, 3, 500_000, (0.2,), 1, 0.1, 0.05, 60)
#: Cases left out of a quick run: a whole run, without which nothing can be unchanged, takes longer.
SLOW_CASES = frozenset({3})


@dataclass
class Inputs:
    """The files to measure on. ``work`` is scratch, removed at the end."""

    work: Path
    size: Size
    progress: Progress
    landing: Path | None = None
    #: words for the report: what was measured on
    described: list[str] = field(default_factory=list)

    def settings(self, name: str, landing: Path, *, fresh: bool = True) -> Settings:
        """Settings of a home of its own below the scratch folder; emptied if ``fresh``."""
        home = self.work / "homes" / name
        if fresh:
            shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True, exist_ok=True)
        return load_settings(home=home, landing=landing)

    @cached_property
    def plain_files(self) -> list[Path]:
        """The street files, unpacked, in the order of their names."""
        folder = self.work / "plain"
        archive = self._published
        if archive is None:
            count = self.size.files or 82
            self.described.append(f"{count} generated street files")
            self.progress.line(f"generating {count} street files")
            return generate.write_files(folder, generate.plan(2, -(-count // 2))[:count])
        with zipfile.ZipFile(archive) as packed:
            names = sorted(n for n in packed.namelist() if n.endswith("-street.csv"))
            names = names[: self.size.files]
            self.described.append(f"{len(names)} files of {archive.name}")
            packed.extractall(folder, names)
        return [folder / n for n in names]

    @cached_property
    def street_landing(self) -> Path:
        """A landing that holds one archive of the street files, and nothing else."""
        folder = self.work / "street-landing"
        folder.mkdir(parents=True, exist_ok=True)
        files = self.plain_files
        archive = self._published
        if archive is not None and self.size.files is None:
            (folder / archive.name).symlink_to(archive)
            return folder
        with zipfile.ZipFile(
            folder / "street.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1
        ) as packed:
            for path in files:
                packed.write(path, f"{path.name[:7]}/{path.name}")
        return folder

    @cached_property
    def whole_landing(self) -> Path:
        """The landing a whole run is made on: the one given, or the street files."""
        if self.landing is not None and self.size.files is None:
            return self.landing
        return self.street_landing

    @cached_property
    def _published(self) -> Path | None:
        if self.landing is None:
            return None
        found = sorted(self.landing.rglob("*street*.zip"))
        return found[0].absolute() if found else None


def default_landing() -> Path | None:
    """Where published files are looked for when no landing is given; None where there are none."""
    folder = PROJECT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def program(settings: Settings, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Command and environment of the console program of this very environment."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PLUMBLINE_", "DAGSTER_"))}
    env["PLUMBLINE_HOME"] = str(settings.home)
    if settings.config_path is not None:
        env["PLUMBLINE_CONFIG"] = str(settings.config_path)
    env["PYTHONPATH"] = os.pathsep.join(p for p in (str(PROJECT), env.get("PYTHONPATH")) if p)
    return [sys.executable, "-m", "orchestration.cli", *arguments], env
