"""What a run shows while it goes on: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from edgebench.analysis import metrics, stats
from edgebench.analysis.labels import cell_label
from edgebench.printable import clean
from edgebench.report.table import interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgebench.schema.cell import Cell, MeasuredFile
    from edgebench.schema.result import CellResult


class Goal(NamedTuple):
    """What the run works towards; for the estimate of the time left."""

    cells: int
    precision: float
    min_launches: int
    max_launches: int
    max_time_s: float
    files: tuple[MeasuredFile, ...] = ()


class Pace:
    """Estimates the time left from what launches have cost and how wide intervals still are."""

    def __init__(self, goal: Goal, clock: Callable[[], float], started_s: float) -> None:
        self._goal, self._clock, self._started = goal, clock, started_s
        self._costs: list[float] = []
        self._wanted: dict[str, int] = {}
        self.done = 0

    def launched(self, result: CellResult, elapsed_s: float) -> None:
        self._costs.append(elapsed_s)
        self.done += 1
        self._wanted[result.cell.id] = _launches_wanted(result, self._goal)

    def describe(self, result: CellResult) -> str:
        """The running estimate of a cell, or its last failure."""
        return f"{self.label(result.cell)}: {_estimate(result)}"

    def label(self, cell: Cell) -> str:
        return cell_label(cell, self._goal.files)

    @property
    def total(self) -> int:
        """Launches expected in all: every cell goes on until the slowest to settle is settled."""
        rounds = max(self._wanted.values(), default=self._goal.min_launches)
        return max(self.done, rounds * self._goal.cells)

    def left_s(self) -> float | None:
        if not self._costs:
            return None
        remaining = (self.total - self.done) * sum(self._costs) / len(self._costs)
        budget = self._goal.max_time_s - (self._clock() - self._started)
        return max(0.0, min(remaining, budget))


def _launches_wanted(result: CellResult, goal: Goal) -> int:
    """An interval narrows with the square root of the launches."""
    width, done = metrics.half_width(result), len(result.launches)
    if width is None:
        return goal.min_launches
    wanted = done * (width / goal.precision) ** 2
    return round(min(goal.max_launches, max(goal.min_launches, done, wanted)))


class Lines:
    """One line per step on a stream that is not a terminal."""

    def __init__(self, stream: TextIO, pace: Pace) -> None:
        self._stream, self._pace = stream, pace

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to take down."""

    def stage(self, text: str) -> None:
        self._print(text)

    def launching(self, _cell: Cell, _number: int) -> None:
        """Lines tell what is done."""

    def launched(self, result: CellResult, elapsed_s: float) -> None:
        self._pace.launched(result, elapsed_s)
        progress = f"[{self._pace.done}/{self._pace.total}]"
        self._print(
            f"{progress} {self._pace.describe(result)}; {duration(self._pace.left_s())} left"
        )

    def _print(self, text: str) -> None:
        print(clean(text), file=self._stream, flush=True)


class Screen:
    """A live block on a terminal: what runs, how far it is, the estimates so far.

    It is redrawn when something happened and never in between: a spinner would take CPU time from
    the very cores that are being measured.
    """

    def __init__(self, stream: TextIO, pace: Pace) -> None:
        self._pace = pace
        self._estimates: dict[str, str] = {}
        self._doing = "preparing"
        self._live = Live(
            console=Console(file=stream), get_renderable=self._picture, transient=True,
            auto_refresh=False,
        )  # fmt: skip

    def __enter__(self) -> Screen:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def stage(self, text: str) -> None:
        self._doing = text
        self._live.refresh()

    def launching(self, cell: Cell, number: int) -> None:
        self._doing = f"launch {number + 1} of {self._pace.label(cell)}"
        self._live.refresh()

    def launched(self, result: CellResult, elapsed_s: float) -> None:
        self._pace.launched(result, elapsed_s)
        self._estimates[result.cell.id] = self._pace.describe(result)
        self._live.refresh()

    def _picture(self) -> Group:
        left = duration(self._pace.left_s())
        counted = f" {self._pace.done}/{self._pace.total} launches, {left} left"
        bar = ProgressBar(total=max(1, self._pace.total), completed=self._pace.done, width=40)
        lines = [Text(clean(line)) for line in self._estimates.values()]
        return Group(Text(clean(self._doing)), *lines, bar, Text(counted))


def observer(stream: TextIO, pace: Pace) -> Lines | Screen:
    return Screen(stream, pace) if stream.isatty() else Lines(stream, pace)


def _estimate(result: CellResult) -> str:
    last = result.launches[-1].failure if result.launches else None
    if last is not None:
        return f"failed: {last.kind} at {last.stage}"
    if not metrics.is_sound(result):
        return "not verified"
    if result.emulated is not None:
        return "emulated, no speed"
    found = stats.interval(metrics.primary(result))
    return f"{found.estimate:.1f} tok/s {interval(found)}" if found else "no rate"


def duration(seconds: float | None) -> str:
    """`3 min 05 s`; `?` where nothing is known yet."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
