"""How hot and how fast the CPUs are, looked at now and then while a worker is looped.

Sources: Documentation/ABI/testing/sysfs-class-thermal for cooling devices, and those of
machine/counters.py and machine/throttling.py. What nobody tells stays None.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.machine import counters, kernel_files, throttling
from edgebench.schema.sustained import Conditions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import TracebackType

# Cooling devices of these types hold CPUs back; fans and chargers cool by themselves.
SLOWS_CPUS = ("cpufreq", "processor", "powerclamp", "cpuidle")


class Look(NamedTuple):
    """One look; the fields are those of Conditions."""

    temperature_c: float | None
    frequency_khz: int | None
    throttle_count: int | None
    cooling_state: int | None
    firmware_throttled: bool | None


def look(root: Path, cpus: Collection[int] = ()) -> Look:
    """Of all CPUs, or for the frequency of `cpus` only."""
    return Look(
        temperature_c=counters.temperature_c(root),
        frequency_khz=_frequency_khz(root, cpus) if cpus else counters.frequency_khz(root),
        throttle_count=throttling.throttle_count(root),
        cooling_state=cooling_state(root),
        firmware_throttled=_firmware_throttled(root),
    )


class Watch:
    """`with Watch(...) as seen:` around a launch, then `seen.conditions()`."""

    def __init__(
        self,
        period_s: float,
        *,
        cpus: Collection[int] = (),
        root: Path = Path("/"),
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._period_s, self._cpus, self._root, self._clock = period_s, cpus, root, clock
        self._seen: list[tuple[int, Look]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, daemon=True)

    def __enter__(self) -> Watch:
        self.look()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.look()

    def look(self) -> Look:
        """Look now, and keep it."""
        seen = look(self._root, self._cpus)
        self._seen.append((self._clock(), seen))
        return seen

    def latest(self) -> Look:
        return self._seen[-1][1]

    def conditions(self) -> Conditions:
        """Everything seen so far."""
        seen = list(self._seen)
        columns = {name: tuple(getattr(one, name) for _, one in seen) for name in Look._fields}
        told: dict[str, Any] = {
            name: None if all(value is None for value in column) else column
            for name, column in columns.items()
        }
        return Conditions(times_ns=tuple(moment for moment, _ in seen), **told)

    def _keep_looking(self) -> None:
        while not self._ended.wait(self._period_s):
            self.look()


def cooling_state(root: Path) -> int | None:
    """The highest state of a cooling device that slows CPUs; None where there is none."""
    states = (
        kernel_files.integer(folder / "cur_state")
        for folder in root.glob("sys/class/thermal/cooling_device*")
        if any(kind in kernel_files.text(folder / "type").lower() for kind in SLOWS_CPUS)
    )
    return max((state for state in states if state is not None and state >= 0), default=None)


def _frequency_khz(root: Path, cpus: Collection[int]) -> int | None:
    paths = (root / f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq" for cpu in cpus)
    known = (kernel_files.integer(path) for path in paths)
    return max((value for value in known if value is not None), default=None)


def _firmware_throttled(root: Path) -> bool | None:
    if not any(next(root.glob(pattern), None) for pattern in throttling.FIRMWARE_FILES):
        return None
    return bool(throttling.firmware_states(root)[0])
