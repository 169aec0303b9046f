"""Counters of energy: unrolled where they began anew, and read off at any moment in between."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

from edgebench.power.lines import at
from edgebench.power.plausible import Unmeasurable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.power.phases import Window


class Unrolled(NamedTuple):
    """Microjoules since the first reading, which never fall, and how often the counter wrapped."""

    times_ns: tuple[int, ...]
    energy_uj: tuple[float, ...]
    wraps: int


class Possible(NamedTuple):
    """What the counter can do: begin anew after `range_uj`, move every so often, take so much."""

    range_uj: int | None
    update_every_s: float
    highest_w: float


def unrolled(times_ns: Sequence[int], values: Sequence[float], possible: Possible) -> Unrolled:
    """Add the range wherever the counter began anew.

    A step back is a wrap only if the counter has a range and the step forward that it then stands
    for takes no more than is possible; otherwise the counter was reset or is wrong. Raises
    Unmeasurable then, and where it may have wrapped twice between two readings.
    """
    energy, wraps = [0.0], 0
    for index in range(1, len(values)):
        gap_s = (times_ns[index] - times_ns[index - 1]) / 1e9
        step = values[index] - values[index - 1]
        if step < 0 and possible.range_uj is not None:
            step, wraps = step + possible.range_uj, wraps + 1
        _refuse_step(step, gap_s, possible)
        energy.append(energy[-1] + step)
    return Unrolled(tuple(times_ns), tuple(energy), wraps)


def _refuse_step(step_uj: float, gap_s: float, possible: Possible) -> None:
    most_uj = possible.highest_w * max(gap_s, possible.update_every_s) * 1e6
    if possible.range_uj is not None and most_uj >= possible.range_uj:
        raise Unmeasurable(f"It was not read for {gap_s:.0f} s and may have begun anew unseen.")
    if step_uj < 0:
        raise Unmeasurable("The counter ran backwards.")
    if step_uj > most_uj:
        raise Unmeasurable(
            f"The counter jumped by {step_uj / 1e6:.3g} J within {gap_s:.3g} s, or ran backwards: "
            f"more than {possible.highest_w:g} W cannot be."
        )


class Span(NamedTuple):
    """Microjoules of one window, and the bounds that hold whatever happened between readings."""

    energy_uj: float
    low_uj: float
    high_uj: float


def within(counted: Unrolled, window: Window) -> Span:
    """Read off at both ends of the window, in a straight line between two readings.

    Raises Unmeasurable where the readings do not reach around the window.
    """
    times, energy = counted.times_ns, counted.energy_uj
    after = bisect_left(times, window.end_ns)
    before = bisect_right(times, window.begin_ns) - 1
    if before < 0 or after >= len(times):
        raise Unmeasurable("It was not read before and after the phase.")
    inner_first, inner_last = (
        bisect_left(times, window.begin_ns),
        bisect_right(times, window.end_ns) - 1,
    )
    inner = energy[inner_last] - energy[inner_first] if inner_last > inner_first else 0.0
    outer = energy[after] - energy[before]
    found = at(times, energy, window.end_ns) - at(times, energy, window.begin_ns)
    return Span(min(max(found, inner), outer), inner, outer)
