"""What a run of the claims suite shows while it goes on: a line per launch and per block."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from edgebench.analysis import metrics, stats
from edgebench.analysis.labels import cell_label
from edgebench.printable import clean
from edgebench.report.progress import duration
from edgebench.report.table import interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgebench.schema.cell import Cell, MeasuredFile
    from edgebench.schema.result import CellResult


class Pace:
    """Time left of everything that was expected, scaled by what it really took so far.

    Loops last as long as they were told to, on any machine: `looping_s` is not scaled.
    """

    def __init__(self, expected_s: float, looping_s: float = 0.0) -> None:
        self._left_s, self._looping_s = expected_s - looping_s, looping_s
        self._expected_s = self._took_s = 0.0

    def looped(self, expected_s: float) -> None:
        self._looping_s = max(0.0, self._looping_s - expected_s)

    def done(self, expected_s: float, took_s: float) -> None:
        self._left_s = max(0.0, self._left_s - expected_s)
        self._expected_s += expected_s
        self._took_s += took_s

    def skipped(self, expected_s: float) -> None:
        self._left_s = max(0.0, self._left_s - expected_s)

    def scaled(self, expected_s: float) -> float:
        known = self._expected_s > 0
        return expected_s * (self._took_s / self._expected_s if known else 1.0)

    def left_s(self) -> float:
        return self.scaled(self._left_s) + self._looping_s


class SuiteLines:
    """Lines on standard error, whatever it is: an hour's work is read back, not watched."""

    def __init__(
        self,
        stream: TextIO,
        pace: Pace,
        files: Sequence[MeasuredFile],
        expected_s: Mapping[str, float],
        launches: int,
        *,
        looping: bool = False,
    ) -> None:
        self._stream, self._pace, self._files, self._looping = stream, pace, files, looping
        self._expected_s, self._launches, self._done = expected_s, launches, 0

    def __enter__(self) -> SuiteLines:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to take down."""

    def stage(self, text: str) -> None:
        say(self._stream, f"  {text}")

    def launching(self, _cell: Cell, _number: int) -> None:
        """The line comes when it is done."""

    def launched(self, result: CellResult, elapsed_s: float) -> None:
        self._done += 1
        expected_s = self._expected_s.get(result.cell.id, 0.0)
        if self._looping:
            self._pace.looped(expected_s)
        else:
            self._pace.done(expected_s, elapsed_s)
        left = duration(self._pace.left_s())
        label = cell_label(result.cell, self._files)
        counted = f"  [{self._done}/{self._launches}]"
        say(self._stream, f"{counted} {label}: {_estimate(result)}; about {left} left in all")


def say(stream: TextIO, text: str) -> None:
    print(clean(text), file=stream, flush=True)


def _estimate(result: CellResult) -> str:
    last = result.launches[-1].failure if result.launches else None
    if last is not None:
        return f"failed: {last.kind} at {last.stage}"
    found = stats.interval(metrics.primary(result)) if metrics.may_show_speed(result) else None
    return f"{found.estimate:.1f} tok/s {interval(found)}" if found else "no rate"
