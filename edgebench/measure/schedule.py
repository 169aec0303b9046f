"""Rounds of all cells in random order, and when to stop. Pure.

Stopping looks at the width of the intervals only, never at significance: stopping when a
difference is significant finds one in up to a third of identical programs (docs/method.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from edgebench.schema.result import Cell, CellResult

StopReason = Literal["precision", "launches", "max_time", "failed"]
MAX_FAILURES = 2
UNLIMITED_S = 7 * 86400.0
_HOPELESS = {"out_of_memory", "wrong_isa"}


class Budget(NamedTuple):
    """How long to go on. `precision` is the relative half-width of the 95 % interval.

    `max_time_s` counts from the first verification; `launch_time_s` from a launch's first call:
    no further trial is begun after it, but each launch has one. With `sustain_s` a launch loops for
    so long instead.
    """

    precision: float = 0.02
    min_launches: int = 5
    max_launches: int = 20
    max_time_s: float = 600.0
    trials: int = 3
    launch_time_s: float = 5.0
    sustain_s: float | None = None


def sustained(budget: Budget, loop_s: float, launches: int | None) -> Budget:
    """One looped launch per cell, or as many as asked for; the loops alone end the run."""
    number = launches or 1
    return budget._replace(
        sustain_s=loop_s, min_launches=number, max_launches=number, max_time_s=UNLIMITED_S
    )


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
    budget: Budget, rounds: int, half_widths: Sequence[float | None], elapsed_s: float
) -> StopReason | None:
    """Whether another round is due. `half_widths` has one entry per cell that is still alive."""
    if not half_widths:
        return "failed"
    if rounds >= budget.max_launches:
        return "launches"
    if elapsed_s >= budget.max_time_s:
        return "max_time"
    narrow = all(width is not None and width <= budget.precision for width in half_widths)
    return "precision" if rounds >= budget.min_launches and narrow else None
