"""Meters, readings and trials made by hand, for what turns readings into joules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.power import Domain, Series
from edgebench.power.phases import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edgebench.power import Meter, Reading
    from edgebench.schema.energy import Energy

SECOND = 10**9


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now_ns: int = 0) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns


def counter(
    watts: float, seconds: float, *, every_s: float = 0.1, first_uj: int = 0, **fields: Any
) -> Series:
    """What a counter tells that grows evenly from moment 0 on."""
    looks = round(seconds / every_s) + 1
    times = tuple(round(look * every_s * SECOND) for look in range(looks))
    values = tuple(first_uj + watts * moment / 1000 for moment in times)
    return series(times, values, **fields)


def series(times_ns: Sequence[int], values: Sequence[float], **fields: Any) -> Series:
    plain: dict[str, Any] = {
        "domain": Domain("package-0", "package", 2**32),
        "method": "counter:rapl",
        "quality": "B",
        "kind": "energy",
        "update_every_s": 0.001,
        "read_every_s": 0.1,
    }
    return Series(times_ns=tuple(times_ns), values=tuple(values), **(plain | fields))


def power(watts: Sequence[float], *, every_s: float = 0.1, **fields: Any) -> Series:
    """What a sensor of power tells, look by look from moment 0 on."""
    plain: dict[str, Any] = {
        "domain": Domain("VDD_IN", "module"),
        "method": "sampled:hwmon",
        "quality": "C",
        "kind": "power",
        "update_every_s": every_s,
        "read_every_s": every_s,
    }
    times = [round(look * every_s * SECOND) for look in range(len(watts))]
    return series(times, [each * 1e6 for each in watts], **(plain | fields))


def window(begin_s: float, end_s: float) -> Window:
    return Window(round(begin_s * SECOND), round(end_s * SECOND))


def told(meter: Meter) -> dict[str, Reading]:
    """One look at a meter, by the names of its domains."""
    return dict(zip([d.name for d in meter.domains()], meter.read(), strict=True))


def play(
    meter: Meter,
    change: Callable[[float], None],
    *,
    seconds: float = 12.0,
    at: tuple[float, float] = (1.0, 11.0),
) -> dict[str, Energy]:
    """Read the meter as a sampler would while `change(second)` moves the made-up machine.

    The figure of the decode phase `at` those seconds, by domain.
    """
    from edgebench.power.sampler import Sampler

    clock = Clock()
    sampled = Sampler((meter,), clock=clock)
    for look in range(round(seconds / 0.1) + 1):
        clock.now_ns = round(look * 0.1 * SECOND)
        change(clock.now_ns / SECOND)
        sampled.look()
    return {each.meter: each for each in sampled.of({"decode": (window(*at),)})}


def write(path: Path, value: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{round(value)}\n")
