"""Apple silicon: the counters behind IOReport's energy model, through an optional package.

`zeus-apple-silicon` (Apache-2.0) reads them without root. Apple does not document the model, and
chips differ in what they tell.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from edgebench.power import READ_EVERY_S, Domain, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgebench.schema.energy import Quality, Scope

PACKAGE = "zeus_apple_silicon"
FIELDS: dict[str, tuple[str, Scope]] = {
    "cpu_total_mj": ("cpu", "cores"),
    "gpu_mj": ("gpu", "gpu"),
    "dram_mj": ("dram", "memory"),
    "ane_mj": ("ane", "accelerator"),
}


def new_monitor() -> Any:
    """Raises ImportError without the package, RuntimeError on another machine."""
    return import_module(PACKAGE).AppleEnergyMonitor()


class IOReport:
    """Counters in millijoules; parts that this chip does not tell have no domain."""

    method = "counter:ioreport"
    quality: Quality = "B"
    kind: Literal["energy", "power"] = "energy"
    update_every_s = 0.02
    read_every_s = READ_EVERY_S

    def __init__(self, monitor: Callable[[], Any] = new_monitor) -> None:
        self._monitor_of = monitor
        self._monitor: Any = None
        self._fields: tuple[str, ...] = ()

    def why_not(self) -> str | None:
        try:
            self._open()
        except ImportError:
            return "Only on Apple silicon, with: pip install zeus-apple-silicon."
        except Exception as error:  # noqa: BLE001 - the package raises its own kinds
            return f"zeus-apple-silicon does not start here ({type(error).__name__})."
        return None if self._fields else "This chip tells no energy through IOReport."

    def domains(self) -> tuple[Domain, ...]:
        self._open()
        return tuple(Domain(*FIELDS[field]) for field in self._fields)

    def read(self) -> tuple[Reading, ...]:
        told = self._open().get_cumulative_energy()
        return tuple(_reading(getattr(told, field, None)) for field in self._fields)

    def _open(self) -> Any:
        if self._monitor is None:
            monitor = self._monitor_of()
            told = monitor.get_cumulative_energy()
            self._fields = tuple(f for f in FIELDS if getattr(told, f, None) is not None)
            self._monitor = monitor
        return self._monitor


def _reading(millijoules: float | None) -> Reading:
    if millijoules is None:
        return Reading(None, "IOReport stopped telling it.")
    return Reading(millijoules * 1000.0)
