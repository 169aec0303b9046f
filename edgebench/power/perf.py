"""RAPL through perf events: the same counters, which the kernel unrolls to 64 bits.

Sources: perf_event_open(2); arch/x86/events/rapl.c. Whole packages only, so it needs CAP_PERFMON
or /proc/sys/kernel/perf_event_paranoid at 0 or below.
"""

from __future__ import annotations

import os
import re
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from edgebench.machine import kernel_files, perf_event
from edgebench.power import READ_EVERY_S, Domain, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edgebench.schema.energy import Quality, Scope

# Real counters move every millisecond; one that stands still this long is a virtual machine's.
STILL_S, LOOK_EVERY_S = 0.1, 0.005
POWER = "sys/bus/event_source/devices/power"
EVENTS: dict[str, Scope] = {
    "energy-pkg": "package", "energy-psys": "platform", "energy-cores": "cores",
    "energy-gpu": "uncore", "energy-ram": "memory",
}  # fmt: skip


class Event(NamedTuple):
    """One counter on one CPU, which stands for its package; a count is `joules` each."""

    name: str
    scope: Scope
    type: int
    config: int
    cpu: int
    joules: float


class Perf:
    """One domain per event and package."""

    method = "counter:perf"
    quality: Quality = "B"
    kind: Literal["energy", "power"] = "energy"
    update_every_s = 0.001
    read_every_s = READ_EVERY_S

    def __init__(
        self,
        root: Path = Path("/"),
        open_event: Callable[[int, int, int], int] | None = None,
        read_count: Callable[[int], int] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._root, self._sleep = root, sleep
        self._open_event, self._read_count = open_event or _open, read_count or _read
        self._opened: list[tuple[Event, int]] = []

    def why_not(self) -> str | None:
        if not (self._root / POWER).is_dir():
            return "The kernel has no perf events for energy: virtual machines and ARM have none."
        try:
            opened = self._events()
        except OSError as error:
            return (
                f"perf events for energy cannot be opened ({error.strerror}): run as root, or "
                "'sudo sysctl kernel.perf_event_paranoid=0'."
            )
        if not opened:
            return "The kernel's perf events for energy name no unit."
        if not self._moves(opened):
            return "perf events for energy are there and stand still: the host keeps its counters."
        return None

    def domains(self) -> tuple[Domain, ...]:
        return tuple(Domain(event.name, event.scope) for event, _ in self._events())

    def read(self) -> tuple[Reading, ...]:
        return tuple(self._reading(event, handle) for event, handle in self._events())

    def _moves(self, opened: Sequence[tuple[Event, int]]) -> bool:
        """Whether any counter does; one that cannot be read says so when it is read."""
        first = [self._reading(event, handle).value for event, handle in opened]
        if None in first:
            return True
        for _ in range(round(STILL_S / LOOK_EVERY_S)):
            self._sleep(LOOK_EVERY_S)
            if [self._reading(event, handle).value for event, handle in opened] != first:
                return True
        return False

    def _reading(self, event: Event, handle: int) -> Reading:
        try:
            return Reading(self._read_count(handle) * event.joules * 1e6)
        except OSError as error:
            return Reading(None, f"{event.name} could not be read: {error.strerror}.")

    def _events(self) -> list[tuple[Event, int]]:
        """Opened once and kept until the process ends: closing them would stop the counter."""
        if not self._opened:
            self._opened = [
                (event, self._open_event(event.type, event.config, event.cpu))
                for event in events(self._root)
            ]
        return self._opened


def events(root: Path) -> Iterator[Event]:
    """What the kernel offers whose unit is joules, once per package."""
    folder = root / POWER
    kind = kernel_files.integer(folder / "type")
    cpus = sorted(kernel_files.cpu_list(kernel_files.text(folder / "cpumask")))
    for name, scope in EVENTS.items():
        config = re.fullmatch(r"event=(0x[0-9a-f]+)", kernel_files.text(folder / "events" / name))
        scale = _scale(kernel_files.text(folder / f"events/{name}.scale"))
        unit = kernel_files.text(folder / f"events/{name}.unit")
        if kind is None or config is None or scale is None or unit != "Joules":
            continue
        for package, cpu in enumerate(cpus):
            label = f"package-{package}" if scope == "package" else f"package-{package}/{name[7:]}"
            yield Event(label, scope, kind, int(config[1], 16), cpu, scale)


def _scale(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _open(kind: int, config: int, cpu: int) -> int:
    """A descriptor that counts on `cpu` for every process. Raises OSError."""
    event = perf_event.Event(kind, config)
    return perf_event.open_event(event, process=perf_event.EVERY_PROCESS, cpu=cpu)


def _read(handle: int) -> int:
    (count,) = struct.unpack("=Q", os.read(handle, 8))
    return int(count)
