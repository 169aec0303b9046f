"""Sensor chips: the kernel's hwmon tells energy in microjoules and power in microwatts.

Source: Documentation/hwmon/sysfs-interface.rst; ina3221.rst (current and voltage of three
channels, in milliamperes and millivolts) and ina2xx.rst. A name ending in mW on a file of
microwatts is the classic mistake: zeus 0.16 makes it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from edgebench.machine import kernel_files
from edgebench.power import READ_EVERY_S, Domain, Reading
from edgebench.power.sysfs import Numbers, readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from edgebench.schema.energy import Quality, Scope

# Chips whose current N flows at voltage N. Elsewhere equal numbers may mean nothing.
PAIRED = ("ina3221",)
CHIPS: dict[str, Scope] = {"power_meter": "system", "amdgpu": "gpu", "xe": "gpu", "i915": "gpu"}
# Labels of the rail that feeds the whole module, on SoC modules with an INA3221 or INA238.
INPUTS = {"VDD_IN", "VIN", "VIN_SYS_5V0", "POM_5V_IN"}


class Channel(NamedTuple):
    """One channel of a chip: one file, or two whose product is the power."""

    name: str
    scope: Scope
    files: tuple[Path, ...]
    update_every_s: float


class _Hwmon:
    """What the meters of energy and of power have in common."""

    quality: Quality
    update_every_s = READ_EVERY_S
    read_every_s = READ_EVERY_S
    _nothing: str
    _find: Callable[[Path], Iterator[Channel]]

    def __init__(self, root: Path = Path("/"), can_read: Callable[[Path], bool] = readable) -> None:
        self._root, self._can_read = root, can_read
        self._found: tuple[Channel, ...] | None = None
        self._numbers = Numbers()

    def why_not(self) -> str | None:
        found = tuple(type(self)._find(self._root))
        if not found:
            return self._nothing
        if not self._channels():
            names = sorted({path.name for channel in found for path in channel.files})
            return f"This user may not read {', '.join(names)}: run as root."
        return None

    def domains(self) -> tuple[Domain, ...]:
        return tuple(
            Domain(c.name, c.scope, update_every_s=c.update_every_s) for c in self._channels()
        )

    def read(self) -> tuple[Reading, ...]:
        return tuple(_read(channel, self._numbers) for channel in self._channels())

    def _channels(self) -> tuple[Channel, ...]:
        if self._found is None:
            every = type(self)._find(self._root)
            self._found = tuple(c for c in every if all(map(self._can_read, c.files)))
        return self._found


def power_channels(root: Path) -> Iterator[Channel]:
    """Power where a chip tells it, else current and voltage where they belong together."""
    for chip in _chips(root):
        files = _numbered(chip, "power", ("input", "average"))
        if files:
            yield from (_channel(chip, "power", n, (path,)) for n, path in files)
        elif kernel_files.text(chip / "name") in PAIRED:
            for n, current in _numbered(chip, "curr", ("input",)):
                voltage = chip / f"in{n}_input"
                if voltage.exists() and kernel_files.integer(chip / f"in{n}_enable") != 0:
                    yield _channel(chip, "in", n, (current, voltage))


def energy_channels(root: Path) -> Iterator[Channel]:
    """Counters of microjoules. Their range is not told, so that none is taken to wrap."""
    for chip in _chips(root):
        yield from (
            _channel(chip, "energy", n, (path,))
            for n, path in _numbered(chip, "energy", ("input",))
        )


class HwmonPower(_Hwmon):
    method = "sampled:hwmon"
    quality: Quality = "C"
    kind: Literal["energy", "power"] = "power"
    _nothing = "No sensor chip that tells power: a wall meter can stand in for it."
    _find = staticmethod(power_channels)


class HwmonEnergy(_Hwmon):
    method = "counter:hwmon"
    quality: Quality = "B"
    kind: Literal["energy", "power"] = "energy"
    _nothing = "No sensor chip that counts energy."
    _find = staticmethod(energy_channels)


def _chips(root: Path) -> tuple[Path, ...]:
    """Without those that show a battery once more: it has a meter of its own."""
    return tuple(
        chip
        for chip in sorted(root.glob("sys/class/hwmon/hwmon*"))
        if not (chip / "device/capacity").exists()
    )


def _numbered(chip: Path, kind: str, endings: Iterable[str]) -> list[tuple[int, Path]]:
    """`power1_input` -> (1, path); the first ending wins where a channel has several."""
    found: dict[int, Path] = {}
    for ending in endings:
        for path in chip.glob(f"{kind}[0-9]*_{ending}"):
            if match := re.fullmatch(rf"{kind}(\d+)_{ending}", path.name):
                found.setdefault(int(match[1]), path)
    return sorted(found.items())


def _channel(chip: Path, kind: str, number: int, files: tuple[Path, ...]) -> Channel:
    name = kernel_files.text(chip / "name") or chip.name
    label = kernel_files.text(chip / f"{kind}{number}_label")
    return Channel(
        name=f"{name}/{label or f'{kind}{number}'}",
        scope=_scope(name, label),
        files=files,
        update_every_s=_update_every_s(chip, number),
    )


def _scope(chip: str, label: str) -> Scope:
    if label in INPUTS:
        return "module"
    if label.startswith("Esocket"):
        return "package"
    return CHIPS.get(chip, "rail")


def _update_every_s(chip: Path, number: int) -> float:
    """`update_interval` is in milliseconds, and so is the interval of an averaged power."""
    for name in (f"power{number}_average_interval", "update_interval"):
        if interval := kernel_files.integer(chip / name):
            return interval / 1000
    return READ_EVERY_S


def _read(channel: Channel, numbers: Numbers) -> Reading:
    readings = [numbers.read(path) for path in channel.files]
    for reading in readings:
        if reading.value is None:
            return reading
    values = [reading.value for reading in readings if reading.value is not None]
    # mA x mV = uW
    return Reading(values[0] if len(values) == 1 else abs(values[0]) * values[1])
