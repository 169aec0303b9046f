"""The course of a long run, short enough to draw: loops of a launch, put together in windows."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.launch import Launch
    from edgebench.schema.sustained import Conditions, Sustained
    from edgebench.schema.workload import Workload

NS = 1e-9
WINDOWS = 120


class Window(NamedTuple):
    """Speed of `phase` over the loops of one window, `at_s` seconds after the first loop began."""

    phase: str
    at_s: float
    tok_s: float
    temperature_c: float | None


def longest(launches: Sequence[Launch]) -> Sustained | None:
    """Of the launches that looped; the last of equally long ones."""
    looped = [launch.sustained for launch in reversed(launches) if launch.sustained]
    return max(looped, key=looped_s, default=None)


def looped_s(looped: Sustained) -> float:
    """How long, of what was asked: the loop that ends a run may end after that."""
    if not looped.started_ns:
        return 0.0
    ended = looped.started_ns[-1] + looped.wall_ns[-1]
    return min(looped.asked_s, (ended - looped.started_ns[0]) * NS)


def windows(looped: Sustained | None, workload: Workload) -> tuple[Window, ...]:
    """Of decode where the workload has any, else of prefill. Empty: nothing looped."""
    if looped is None:
        return ()
    phase = "decode" if looped.decode_ns else "prefill"
    spent = looped.decode_ns or looped.prefill_ns or ()
    each = workload.output_tokens if phase == "decode" else workload.prompt_tokens
    every = max(1, -(-len(spent) // WINDOWS))
    places = [slice(begin, begin + every) for begin in range(0, len(spent), every)]
    return tuple(
        _window(looped, phase, each * workload.sequences / (sum(spent[place]) * NS), place)
        for place in places
        if sum(spent[place])
    )


def _window(looped: Sustained, phase: str, per_s: float, place: slice) -> Window:
    """`per_s` is one loop's tokens over the time of all loops of the window."""
    walls = looped.wall_ns[place]
    middle = looped.started_ns[place.start] + sum(walls) / 2
    at_s = (middle - looped.started_ns[0]) * NS
    return Window(phase, at_s, per_s * len(walls), _temperature(looped.conditions, middle))


def _temperature(conditions: Conditions | None, moment_ns: float) -> float | None:
    """What the last look before that moment saw."""
    if conditions is None or not conditions.temperature_c:
        return None
    place = bisect_right(conditions.times_ns, moment_ns) - 1
    return conditions.temperature_c[place] if place >= 0 else None
