"""Rounds of all cells in random order, and when to stop. Pure.

Stopping looks at the width of the intervals only, never at significance: stopping when a
difference is significant finds one in up to a third of identical programs (docs/method.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from edgebench.schema.cell import Cell
    from edgebench.schema.result import CellResult

StopReason = Literal["precision", "launches", "max_time", "failed"]
MAX_FAILURES = 2
UNLIMITED_S = 7 * 86400.0
# How much longer than the longest launch of its cell another one is expected to take at most.
MARGIN = 1.25
LONG_WARMUP_NS, SHORT_WARMUP = 1_000_000_000, 8
_HOPELESS = {"out_of_memory", "wrong_isa"}


class Budget(NamedTuple):
    """How long to go on. `precision` is the relative half-width of the 95 % interval.

    `max_time_s` bounds all that is measured: ceilings, idle power, verification and launches.
    `launch_time_s` counts from a launch's first call: no further trial is begun after it, but each
    launch has one. With `sustain_s` a launch loops for so long instead.
    """

    precision: float = 0.02
    min_launches: int = 6
    max_launches: int = 20
    max_time_s: float = 540.0
    trials: int = 3
    launch_time_s: float = 3.0
    sustain_s: float | None = None


def sustained(budget: Budget, loop_s: float, launches: int | None) -> Budget:
    """One looped launch per cell, or as many as asked for; the loops alone end the run."""
    number = launches or 1
    return budget._replace(
        sustain_s=loop_s, min_launches=number, max_launches=number, max_time_s=UNLIMITED_S
    )


class Deadline:
    """When measuring is to be over, and how long each cell's launches have taken so far."""

    def __init__(self, at_s: float, monotonic_s: Callable[[], float]) -> None:
        self._at_s, self._now_s = at_s, monotonic_s
        self._longest_s: dict[str, float] = {}

    def passed(self) -> bool:
        return self._now_s() >= self._at_s

    def has_room_for(self, cell: Cell) -> bool:
        """Whether a launch would end in time, if it took a little more than the longest so far.

        Of a cell that was never launched nothing is known: it may begin while there is any time.
        """
        expected_s = MARGIN * self._longest_s.get(cell.id, 0.0)
        return self._now_s() + expected_s < self._at_s

    def took(self, cell: Cell, seconds: float) -> None:
        self._longest_s[cell.id] = max(seconds, self._longest_s.get(cell.id, 0.0))


def warmup_divisor(entry: CellResult) -> int:
    """Into how many parts the workload is divided for the cell's next warm-up, which does one.

    The first launch of a cell has a whole one, which is its first call after load; where that
    took seconds, later ones touch the same weights in an eighth of the time.
    """
    whole = (
        trial.wall_ns
        for launch in entry.launches
        for trial in launch.trials
        if trial.warmup and trial.divided_by == 1
    )
    slow = max(whole, default=0) >= LONG_WARMUP_NS and entry.emulated is None
    return SHORT_WARMUP if slow else 1


def shuffled(cells: Sequence[Cell], rng: random.Random) -> list[Cell]:
    """One round: every cell once, in an order of its own."""
    return rng.sample(list(cells), len(cells))


def still_alive(result: CellResult) -> bool:
    """False once launching the cell again cannot help: it does not fit, or it keeps failing."""
    verified = result.verification
    if verified is not None and (verified.status == "failed" or verified.failure is not None):
        return False
    failures = [launch.failure for launch in result.launches if launch.failure]
    hopeless = any(failure.kind in _HOPELESS for failure in failures)
    return not hopeless and len(failures) < MAX_FAILURES


def why_stop(
    budget: Budget, rounds: int, half_widths: Sequence[float | None], *, time_is_over: bool
) -> StopReason | None:
    """Whether another round is due. `half_widths` has one entry per cell that is still alive."""
    if not half_widths:
        return "failed"
    if rounds >= budget.max_launches:
        return "launches"
    if time_is_over:
        return "max_time"
    narrow = all(width is not None and width <= budget.precision for width in half_widths)
    return "precision" if rounds >= budget.min_launches and narrow else None
