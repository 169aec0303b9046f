"""What the machine takes while nothing is measured: a second figure, with a window of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edgebench.machine import kernel_files
from edgebench.power.integrate import COUNTER_PERIODS, SAMPLED_PERIODS
from edgebench.power.phases import Window
from edgebench.power.sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from edgebench.power import Meter
    from edgebench.power.sampler import Log
    from edgebench.schema.energy import Energy

SHORTEST_S = 10.0
LONGEST_S = 60.0
# Above this share of all CPUs' time, the machine was not idle.
BUSY_SHARE = 0.1


def idle_energy(
    meters: Sequence[Meter],
    logs: Sequence[Log],
    *,
    root: Path,
    shortest_s: float = SHORTEST_S,
    clock: Callable[[], int] = time.monotonic_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Energy, ...]:
    """One figure per domain, null with a reason where other programs kept the machine busy."""
    if not meters and not logs:
        return ()
    before = cpu_ticks(root)
    margin_s = 2 * max((meter.read_every_s for meter in meters), default=1.0)
    with Sampler(meters, logs, clock=clock) as sampled:
        sleep(margin_s)
        begun = clock()
        sleep(window_s(meters, shortest_s))
        window = Window(begun, clock())
        sleep(margin_s)
    found = sampled.of({"idle": (window,)})
    busy = busy_share(before, cpu_ticks(root))
    if busy is not None and busy > BUSY_SHARE:
        return tuple(_not_idle(each, busy) for each in found)
    return found


def window_s(meters: Iterable[Meter], shortest_s: float = SHORTEST_S) -> float:
    """As long as the slowest of the meters needs, within bounds."""
    needed = [
        (SAMPLED_PERIODS + 1) * max(meter.update_every_s, meter.read_every_s)
        if meter.kind == "power"
        else COUNTER_PERIODS * meter.update_every_s
        for meter in meters
    ]
    return min(max([shortest_s, *needed]), LONGEST_S)


def cpu_ticks(root: Path) -> tuple[int, int] | None:
    """Busy and all ticks of all CPUs since boot, proc(5); steal is no idleness."""
    name, *ticks = kernel_files.text(root / "proc/stat").partition("\n")[0].split() or [""]
    if name != "cpu" or len(ticks) < 8:
        return None
    counted = [int(each) for each in ticks[:8]]
    return sum(counted) - counted[3] - counted[4], sum(counted)


def busy_share(before: tuple[int, int] | None, after: tuple[int, int] | None) -> float | None:
    if before is None or after is None or after[1] <= before[1]:
        return None
    return (after[0] - before[0]) / (after[1] - before[1])


def _not_idle(energy: Energy, busy: float) -> Energy:
    none = dict.fromkeys(("joules", "low_joules", "high_joules", "wraps"))
    reason = f"The machine was not idle: other programs took {busy:.0%} of its CPUs."
    return energy.model_copy(update=none | {"reason": energy.reason or reason})
