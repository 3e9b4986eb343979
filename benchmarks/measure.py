"""Repetitions in turn, medians, ratios and targets: the arithmetic of the benchmarks.

What does not belong here: what is measured (``cases``), printing (``report``).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Does something once and returns the seconds that count; preparing and tidying up do not.
Timed = Callable[[], float]


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of some repetitions, in the unit of the values."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)


@dataclass(frozen=True)
class Comparison:
    """Two things done in turn, in seconds, pair by pair."""

    ours: Spread
    baseline: Spread

    @property
    def ratio(self) -> Spread:
        """Ours over the baseline *of the same pair*: both saw the machine in the same state, so
        these ratios vary far less than the seconds do."""
        pairs = zip(self.ours.values, self.baseline.values, strict=True)
        return Spread(tuple(a / b for a, b in pairs))


@dataclass
class Result:
    """One line of the report. ``value`` (a ratio, or an amount in ``unit``: bytes, s, count, share)
    is to be at most ``target``; None for either means that there is nothing to judge."""

    case: int
    title: str
    value: Spread | None
    target: float | None = None
    unit: str = "x"
    comparison: Comparison | None = None
    ours: str = ""
    baseline: str = ""
    #: (label, seconds or other amount, words) shown under the line
    details: list[tuple[str, float | None, str]] = field(default_factory=list)
    #: lines of a table that is shown as it is, under the details
    table: list[str] = field(default_factory=list)
    problem: str | None = None

    @property
    def is_met(self) -> bool | None:
        if self.value is None or self.target is None:
            return None
        return self.value.median <= self.target

    def as_json(self) -> dict[str, Any]:
        """Plain values, for ``bench.json``."""
        data: dict[str, Any] = {
            "case": self.case,
            "title": self.title,
            "ours": self.ours,
            "baseline": self.baseline,
            "unit": self.unit,
            "target": self.target,
            "is_met": self.is_met,
            "problem": self.problem,
            "details": [
                {"label": label, "amount": amount, "words": words}
                for label, amount, words in self.details
            ],
            "table": self.table,
        }
        if self.value is not None:
            data |= {"median": self.value.median, "min": self.value.low, "max": self.value.high}
        if self.comparison is not None:
            data["ours_seconds"] = list(self.comparison.ours.values)
            data["baseline_seconds"] = list(self.comparison.baseline.values)
        return data


def in_turn(
    ours: Timed,
    baseline: Timed,
    repetitions: int,
    *,
    warm_up: bool = False,
    after_each: Callable[[int], None] = lambda n: None,
) -> Comparison:
    """Do ``ours`` and ``baseline`` alternately (A B A B ...), ``repetitions`` times each.

    With ``warm_up`` a first pair is done and not counted. Raises ValueError for fewer than one
    repetition.
    """
    if repetitions < 1:
        raise ValueError("at least one repetition is needed")
    if warm_up:
        ours()
        baseline()
    a: list[float] = []
    b: list[float] = []
    for n in range(repetitions):
        a.append(ours())
        b.append(baseline())
        after_each(n + 1)
    return Comparison(Spread(tuple(a)), Spread(tuple(b)))


def seconds(work: Callable[[], Any]) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


# ----------------------------------------------------------------------- other processes


@dataclass(frozen=True)
class Finished:
    """A process that ended. Memory in bytes: ``peak_process`` of the largest single process (the
    kernel's own high-water mark), ``peak_tree`` of the process and its children together (sampled,
    pages they share counted more than once; None where /proc is absent)."""

    exit_code: int
    seconds: float
    peak_process: int
    peak_tree: int | None
    output: str


def run_process(
    command: Sequence[str], *, cwd: Path, env: dict[str, str], log: Path, sample: bool = False
) -> Finished:
    """Run a program to its end, its output into ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    peak = 0
    done = threading.Event()

    def watch(pid: int) -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, tree_resident_bytes(pid))

    with log.open("wb") as sink:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
        )
        watcher = threading.Thread(target=watch, args=(process.pid,), daemon=True)
        if sample:
            watcher.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            done.set()
        spent = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if sample:
            watcher.join()
    return Finished(
        exit_code=process.returncode,
        seconds=spent,
        peak_process=usage.ru_maxrss * 1024,
        peak_tree=peak or None,
        output=log.read_text(encoding="utf-8", errors="replace"),
    )


def tree_resident_bytes(pid: int) -> int:
    """Resident memory of a process and everything it started, in bytes; 0 where unknown."""
    total = 0
    queue = [pid]
    while queue:
        each = queue.pop()
        folder = Path(f"/proc/{each}")
        try:
            pages = int((folder / "statm").read_text().split()[1])
            for task in (folder / "task").iterdir():
                queue += [int(c) for c in (task / "children").read_text().split()]
        except (OSError, ValueError, IndexError):
            continue  # it ended while we looked
        total += pages * os.sysconf("SC_PAGE_SIZE")
    return total
