"""A force that does not exist: its extracts, written in full, with the truth beside them.

``simulate`` writes what a force and its partners would have sent for April 2018 to March 2022. The
same scenario, scale and seed give the same bytes. Importing this costs nothing.
"""

from __future__ import annotations

import calendar
import hashlib
import json
import os
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.privacy import SIMULATION_MANIFEST
from orchestration.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

    from orchestration.simulate.extract import Extract
    from orchestration.simulate.scenario import Scenario
    from orchestration.simulate.world import Truth

#: Formats of a mixture, as a force's systems would export them; CSV where nothing is said.
MIXTURE = {
    "legacy/persons": "csv",
    "connect/investigations": "parquet",
    "connect/involvements": "parquet",
    "hospital/hes_apc": "csv.gz",
    "hospital/ecds": "csv.gz",
}
#: About as many files as a scenario has, for the progress bar.
FILES = 290
DAY_SECONDS = 86_400


class SimulateError(Exception):
    """A request that cannot be met; the message says why."""


@dataclass
class Simulated:
    """What was written. ``rows`` and ``files`` count by table."""

    out: Path
    scenario: str
    scale: float
    seed: int
    rows: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    defect_count: int = 0

    def summary(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "out": str(self.out),
            "scenario": self.scenario,
            "scale": self.scale,
            "seed": self.seed,
            "rows": dict(self.rows),
            "files": dict(self.files),
            "defects": self.defect_count,
            "seconds": round(self.seconds, 1),
        }

    def lines(self) -> list[str]:
        """Sentences for a person."""
        crimes = self.rows["legacy/crimes"] + self.rows["connect/investigations"]
        said = [
            f"Scenario {self.scenario!r}, scale {self.scale:g}, seed {self.seed}: "
            f"{sum(self.files.values()):,} files in {self.out} ({self.seconds:.0f} s)",
            f"  {crimes:,} records of crimes, "
            f"{self.rows['legacy/persons'] + self.rows['connect/involvements']:,} of persons, "
            f"{self.rows['incidents/logs']:,} logs; nobody in them exists",
        ]
        if self.defect_count:
            said.append(f"  {self.defect_count:,} defects were put in")
        said.append(f"  what is true of them: {self.out / '_truth'} (never loaded)")
        return said


def scenario_named(name: str, scale: float = 1.0) -> Scenario:
    """A scenario at a scale. Raises SimulateError for one that does not exist or cannot be."""
    from orchestration.simulate.scenario import SCENARIOS

    if name not in SCENARIOS:
        raise SimulateError(
            f"there is no scenario {name!r}; there are: {', '.join(sorted(SCENARIOS))}"
        )
    if not 0 < scale <= 1000:
        raise SimulateError(f"the scale must lie above 0 and not above 1000, not {scale:g}")
    return replace(SCENARIOS[name], scale=scale)


def simulate(
    out: Path,
    *,
    scenario: str = "reference",
    scale: float = 1.0,
    seed: int = 20211231,
    format: str | None = None,
    progress: Progress = silent,
) -> Simulated:
    """Write a scenario's extracts to the folder ``out``, whole or not at all.

    ``format`` is one of csv, csv.gz, parquet, parquet.gz for every file; None: a mixture. Raises
    SimulateError where the folder is not empty or the request makes no sense.
    """
    import numpy as np

    from orchestration.simulate import truth as truths
    from orchestration.simulate import world as worlds
    from orchestration.simulate.scenario import EXTRACT_DAY

    what = scenario_named(scenario, scale)
    if seed < 0:
        raise SimulateError(f"the seed must not be negative ({seed})")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SimulateError(f"{out} is not an empty folder: name another, or empty it first")
    started = time.monotonic()
    done = Simulated(out, scenario, scale, seed)
    building = out.with_name(f".{out.name}.{os.getpid()}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        book = truths.Book(building, what)
        truth = book.truth
        defects = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 9])))
        digests: dict[str, str] = {}
        sent = calendar.timegm(time.strptime(EXTRACT_DAY, "%Y-%m-%d"))
        with progress.bar(f"simulating {scenario}", FILES) as bar:
            for extract in worlds.world(what, seed, truth):
                chosen = format or MIXTURE.get(extract.table, "csv")
                for file in _write(extract, building, what, defects, chosen, truth):
                    digests[file.name] = file.digest
                    # Files arrive in the order of their times, and these do not depend on today.
                    moment = sent + file.order * DAY_SECONDS + len(digests)
                    os.utime(building / file.name, (moment, moment))
                    done.files[extract.table] += 1
                done.rows[extract.table] += extract.data.num_rows
                bar.advance()
        book.close()
        done.defect_count = sum(t.num_rows for t in truth.defects)
        manifest = {"scenario": scenario, "scale": scale, "seed": seed, "files": digests}
        (building / SIMULATION_MANIFEST).write_text(
            json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8"
        )
        if out.exists():
            out.rmdir()
        building.replace(out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    done.seconds = time.monotonic() - started
    return done


@dataclass(frozen=True)
class _Written:
    """A file in the landing: its name there, its SHA-256, and when it arrives among the others."""

    name: str
    digest: str
    order: int


def _write(
    extract: Extract,
    folder: Path,
    scenario: Scenario,
    rng: np.random.Generator,
    file_format: str,
    truth: Truth,
) -> list[_Written]:
    """Write one extract as it is, or as it arrives where the scenario is a dirty one."""
    import pyarrow as pa

    from orchestration.simulate import dirt, write

    source = extract.table.partition("/")[0]
    if not scenario.is_dirty:
        path, digest = write.write(extract, folder / source, file_format)
        return [_Written(path.relative_to(folder).as_posix(), digest, 0)]
    written = []
    for spoilt in dirt.spoil(extract, rng, file_format):
        path = folder / source / spoilt.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(spoilt.data)
        name = path.relative_to(folder).as_posix()
        written.append(_Written(name, hashlib.sha256(spoilt.data).hexdigest(), spoilt.order))
        if spoilt.defects.num_rows:
            # Found again by the name under which the landing has it.
            at = spoilt.defects.column_names.index("file_name")
            names = pa.array([name] * spoilt.defects.num_rows, pa.string())
            truth.defects.append(spoilt.defects.set_column(at, "file_name", names))
    return written
