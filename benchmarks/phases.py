"""Where the time of a load goes: named phases of the loader, each without those inside it.

The loader is not changed for this: its functions are wrapped while a measurement lasts, and its
statements are told apart by how they begin. A phase whose function has been renamed is counted
under the phase around it, so the sum is right in any case.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Function, by module and name, and its phase.
FUNCTIONS = (
    ("orchestration.landing", "list_landing", "list and hash the landing"),
    ("orchestration.landing", "find_in_file", "unpack, hash and look at every file"),
    ("orchestration.landing", "keep_raw_copy", "faithful copy, verified and synced"),
    ("orchestration.load", "_materialise_all", "unpack again"),
    ("orchestration.load", "_stage", "read + contract + write rows"),
    ("orchestration.load", "_read_parquet", "read + contract + write rows: Parquet"),
    ("orchestration.load", "_read_exact", "read + contract + write rows: exact reader"),
    ("orchestration.load", "_find_duplicates", "repeated keys"),
    ("orchestration.load", "_gate", "gate: profile scan"),
    ("orchestration.load", "_loader_measures", "gate: history of the series"),
    ("orchestration.gates.gate", "run_gate", "gate: Great Expectations"),
    ("orchestration.gates.gate", "_write_docs", "gate: Data Docs"),
    ("orchestration.load", "_settle", "ledger"),
    ("orchestration.load", "_attempt", "ledger"),
)
OTHER = "everything else"
COMMIT = "commit, checkpoint, close"


class Phases:
    """Seconds by phase of the thread that made it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._stack: list[tuple[str, float]] = []
        self._thread = threading.get_ident()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time spent inside counts for ``name``, and no longer for the phase around it."""
        if threading.get_ident() != self._thread:
            yield
            return
        now = time.perf_counter()
        if self._stack:
            outer, since = self._stack[-1]
            self.seconds[outer] += now - since
        self._stack.append((name, now))
        try:
            yield
        finally:
            now = time.perf_counter()
            own, since = self._stack.pop()
            self.seconds[own] += now - since
            if self._stack:
                self._stack[-1] = (self._stack[-1][0], now)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Wrap the functions of ``FUNCTIONS`` while this lasts."""
        import importlib

        before: list[tuple[Any, str, Callable[..., Any]]] = []
        for module_name, name, phase in FUNCTIONS:
            module = importlib.import_module(module_name)
            function = getattr(module, name, None)
            if function is None:
                continue
            before.append((module, name, function))
            setattr(module, name, self._wrapped(function, phase))
        try:
            with self.phase(OTHER):
                yield
        finally:
            for module, name, function in before:
                setattr(module, name, function)

    def _wrapped(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.phase(phase):
                return function(*args, **kwargs)

        return wrapped

    def connection(self, con: Any) -> Any:
        """``con``, with commits counted as a phase of their own."""
        return _Connection(con, self)


class _Connection:
    def __init__(self, con: Any, phases: Phases) -> None:
        self._con = con
        self._phases = phases

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)

    def execute(self, query: str, *args: Any, **kwargs: Any) -> Any:
        if query == "commit":
            with self._phases.phase(COMMIT):
                return self._con.execute(query, *args, **kwargs)
        return self._con.execute(query, *args, **kwargs)
