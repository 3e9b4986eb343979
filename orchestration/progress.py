"""Telling a person how long work is going: bars on a terminal, plain lines elsewhere.

Only presentation belongs here. Work takes a :class:`Progress` and never asks where it goes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Bar(Protocol):
    """A running count."""

    def advance(self, by: int = 1) -> None: ...


class Progress(Protocol):
    """Where progress goes."""

    def line(self, text: str) -> None: ...

    def bar(self, label: str, total: int): ...


class _NoBar:
    def advance(self, by: int = 1) -> None:
        pass


class Silent:
    """Says nothing."""

    def line(self, text: str) -> None:
        pass

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Bar]:
        yield _NoBar()


silent = Silent()


class Lines:
    """Plain lines on a stream: a start, one every few seconds while it lasts, and an end."""

    def __init__(self, stream=None, every_seconds: float = 5.0) -> None:
        self.stream = stream or sys.stderr
        self.every = every_seconds

    def line(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Bar]:
        outer = self
        started = last = time.monotonic()
        self.line(f"{label} ({total:,})")

        class Counting:
            done = 0

            def advance(self, by: int = 1) -> None:
                nonlocal last
                self.done += by
                now = time.monotonic()
                if now - last >= outer.every:
                    outer.line(f"{label}: {self.done:,} of {total:,}")
                    last = now

        yield Counting()
        spent = time.monotonic() - started
        if spent >= 1:
            self.line(f"{label}: done in {spent:.1f} s")


class Terminal:
    """Bars drawn by rich."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True)

    def line(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False)

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Bar]:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        with RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        ) as drawn:
            task = drawn.add_task(label, total=total)

            class Drawn:
                def advance(self, by: int = 1) -> None:
                    drawn.advance(task, by)

            yield Drawn()


def for_stream() -> Progress:
    """Bars where standard error is a terminal, plain lines where it is not."""
    return Terminal() if sys.stderr.isatty() else Lines()


_current: Progress = silent


def current() -> Progress:
    """The progress of this process: set by the console program, silent elsewhere."""
    return _current


def use(progress: Progress) -> None:
    """Set the progress of this process."""
    global _current
    _current = progress
