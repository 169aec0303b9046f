"""What a laptop's or phone's battery says that it gives, while nothing is plugged in.

Source: Documentation/ABI/testing/sysfs-class-power: µW, µA and µV of the moment, µWh and µAh of
what is left. The sign of a discharging current differs by driver, so it is not looked at; whether
the battery discharges is asked of `status`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgebench.machine import kernel_files
from edgebench.machine.power_source import batteries
from edgebench.power import Domain, Reading
from edgebench.power.sysfs import number, readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgebench.schema.energy import Quality

UNPLUG = "The battery does not discharge, so it does not tell what the machine takes: unplug it."
# Microjoules in a microwatt hour.
UJ_PER_UWH = 3600.0


class _Battery(ABC):
    """One domain per battery that has the files; all must discharge."""

    quality: Quality = "C"
    _sets: tuple[tuple[str, ...], ...]

    def __init__(self, root: Path = Path("/"), can_read: Callable[[Path], bool] = readable) -> None:
        self._root, self._can_read = root, can_read

    def why_not(self) -> str | None:
        found = batteries(self._root)
        if not found:
            return "No battery: on a board without one, use a wall meter."
        if not self._files():
            return "The battery tells neither power nor energy to this user: use a wall meter."
        if not all(_discharges(files[0].parent) for files in self._files()):
            return UNPLUG
        return None

    def domains(self) -> tuple[Domain, ...]:
        return tuple(Domain(files[0].parent.name, "device") for files in self._files())

    def read(self) -> tuple[Reading, ...]:
        return tuple(self._reading(files) for files in self._files())

    def _reading(self, files: tuple[Path, ...]) -> Reading:
        if not _discharges(files[0].parent):
            return Reading(None, UNPLUG)
        readings = [number(path) for path in files]
        values = [reading.value for reading in readings if reading.value is not None]
        if len(values) < len(readings):
            return next(reading for reading in readings if reading.value is None)
        return Reading(self._told(files, [abs(value) for value in values]))

    @abstractmethod
    def _told(self, files: tuple[Path, ...], values: list[float]) -> float:
        """Microwatts or microjoules, of what each file of one battery says."""

    def _files(self) -> tuple[tuple[Path, ...], ...]:
        """Of each battery the first set that is there and may be read."""
        sets = (
            [tuple(battery / name for name in names) for names in self._sets]
            for battery in batteries(self._root)
        )
        usable = (
            next((each for each in of_one if all(map(self._can_read, each))), None)
            for of_one in sets
        )
        return tuple(files for files in usable if files)


class BatteryPower(_Battery):
    """Power of the moment; gauges renew it about once a second."""

    method = "sampled:battery"
    kind: Literal["energy", "power"] = "power"
    update_every_s = 1.0
    read_every_s = 0.5
    _sets = (("power_now",), ("current_now", "voltage_now"))

    def _told(self, files: tuple[Path, ...], values: list[float]) -> float:
        # µA x µV = pW
        return values[0] if len(files) == 1 else values[0] * values[1] / 1e6


class BatteryEnergy(_Battery):
    """What was taken out so far. Gauges count in coarse steps: only for runs of half an hour.

    Ampere hours are turned into energy step by step, at the voltage of each step.
    """

    method = "counter:battery"
    kind: Literal["energy", "power"] = "energy"
    update_every_s = 15.0
    read_every_s = 1.0
    _sets = (("energy_now",), ("charge_now", "voltage_now"))

    def __init__(self, root: Path = Path("/"), can_read: Callable[[Path], bool] = readable) -> None:
        super().__init__(root, can_read)
        self._last: dict[Path, float] = {}
        self._taken_uj: dict[Path, float] = {}

    def _told(self, files: tuple[Path, ...], values: list[float]) -> float:
        """A battery that gained makes the sum fall, which the sampler's arithmetic refuses."""
        left = values[0]
        step = self._last.get(files[0], left) - left
        volts = values[1] / 1e6 if len(values) > 1 else 1.0
        self._last[files[0]] = left
        taken = self._taken_uj.get(files[0], 0.0) + step * volts * UJ_PER_UWH
        self._taken_uj[files[0]] = taken
        return taken


def _discharges(battery: Path) -> bool:
    return kernel_files.text(battery / "status") == "Discharging"
