"""A transfer shown on stderr: a bar on a terminal, now and then a line in a log."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LINE_INTERVAL_S = 5.0


def transfer_progress(stream: TextIO = sys.stderr) -> Bar | Lines:
    """What suits `stream`: the bar on a terminal, lines elsewhere."""
    return Bar(stream) if stream.isatty() else Lines(stream)


class Bar:
    """Bytes, rate and time left, in one line that vanishes when the transfer is over."""

    def __init__(self, stream: TextIO, *, force_terminal: bool | None = None) -> None:
        self._console = Console(file=stream, force_terminal=force_terminal)
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def start(self, label: str, total_bytes: int | None, done: int) -> None:
        """Show a bar that is already `done` bytes long."""
        self.finish()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task(label, total=total_bytes, completed=done)
        self._progress.start()

    def advance(self, n: int) -> None:
        """`n` more bytes."""
        if self._progress is not None:
            self._progress.advance(self._task, n)

    def note(self, text: str) -> None:
        """A line above the bar."""
        self._console.print(text, markup=False, highlight=False)

    def finish(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
        self._progress = None


class Lines:
    """One line at the start, then at most one every LINE_INTERVAL_S, and one at the end."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._label = ""
        self._total: int | None = None
        self._done = 0
        self._shown_at = 0.0

    def start(self, label: str, total_bytes: int | None, done: int) -> None:
        """Say what is coming."""
        self._label, self._total, self._done = label, total_bytes, done
        self._show()

    def advance(self, n: int) -> None:
        """`n` more bytes; mostly silent."""
        self._done += n
        if self._clock() - self._shown_at >= LINE_INTERVAL_S:
            self._show()

    def note(self, text: str) -> None:
        """A line."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def finish(self) -> None:
        """Say how far it came."""
        self._show()

    def _show(self) -> None:
        self._shown_at = self._clock()
        total = f" of {decimal(self._total)}" if self._total is not None else ""
        self.note(f"{self._label}: {decimal(self._done)}{total}")
