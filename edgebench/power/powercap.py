"""RAPL through powercap: counters of energy that Intel's, AMD's and some ARM processors keep.

Sources: Documentation/power/powercap/powercap.rst; drivers/powercap/intel_rapl_common.c, which
multiplies a 32-bit register that is updated every millisecond, so that the counter begins anew
after `max_energy_range_uj`. Since Linux 5.10 only root may read it (CVE-2020-8694).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from edgebench.machine import kernel_files
from edgebench.power import READ_EVERY_S, Domain, Reading
from edgebench.power.sysfs import Numbers, number, readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edgebench.schema.energy import Quality, Scope

SCOPES: dict[str, Scope] = {
    "core": "cores", "uncore": "uncore", "dram": "memory", "psys": "platform",
}  # fmt: skip
# Two dies that show one counter are read within microseconds: no package takes 1 J in that.
MIRRORED_UJ = 1_000_000


class Zone(NamedTuple):
    """One counter of powercap. `name` says whose part it is: `package-0/dram`."""

    counter: Path
    name: str
    scope: Scope


class Powercap:
    """One domain per zone; packages, and their parts, which are contained in them."""

    method = "counter:rapl"
    quality: Quality = "B"
    kind: Literal["energy", "power"] = "energy"
    update_every_s = 0.001
    read_every_s = READ_EVERY_S

    def __init__(self, root: Path = Path("/"), can_read: Callable[[Path], bool] = readable) -> None:
        self._root, self._can_read = root, can_read
        self._zones: tuple[Zone, ...] | None = None
        self._numbers = Numbers()

    def why_not(self) -> str | None:
        if not zones(self._root, lambda _: True):
            return "No RAPL counter: virtual machines and most ARM boards have none."
        if not zones(self._root, self._can_read):
            return (
                "Only root may read RAPL counters: run 'sudo chmod a+r "
                "/sys/class/powercap/*/energy_uj' after each start."
            )
        return None

    def domains(self) -> tuple[Domain, ...]:
        return tuple(
            Domain(
                z.name, z.scope, kernel_files.integer(z.counter.with_name("max_energy_range_uj"))
            )
            for z in self._open()
        )

    def read(self) -> tuple[Reading, ...]:
        return tuple(self._numbers.read(zone.counter) for zone in self._open())

    def _open(self) -> tuple[Zone, ...]:
        if self._zones is None:
            self._zones = _without_mirrors(zones(self._root, self._can_read))
        return self._zones


def zones(root: Path, can_read: Callable[[Path], bool]) -> tuple[Zone, ...]:
    """Every readable zone once: the MMIO interface shows packages that the MSRs show already."""
    found: dict[str, Zone] = {}
    counters = filter(can_read, root.glob("sys/class/powercap/*/energy_uj"))
    for counter in sorted(counters, key=lambda path: ("mmio" in path.parent.name, path)):
        zone = _zone(counter)
        found.setdefault(zone.name, zone)
    return tuple(found.values())


def _zone(counter: Path) -> Zone:
    folder = counter.parent
    own = kernel_files.text(folder / "name") or folder.name
    scope = SCOPES.get(own, "package" if own.startswith("package") else "rail")
    # intel-rapl:0:1 is a part of intel-rapl:0.
    control, *numbers = folder.name.split(":")
    if len(numbers) < 2:
        return Zone(counter, own, scope)
    parent = folder.with_name(":".join((control, *numbers[:-1])))
    return Zone(counter, f"{kernel_files.text(parent / 'name') or parent.name}/{own}", scope)


def _without_mirrors(found: Iterable[Zone]) -> tuple[Zone, ...]:
    """Drop dies that show the counter of a die before them, as multi-die Zen 1 and 2 do.

    Intel's dies (`package-0-die-1`) have counters of their own, which differ.
    """
    kept: list[tuple[Zone, float | None]] = []
    for zone in found:
        value = number(zone.counter).value
        if not any(_mirrors(zone, value, other, seen) for other, seen in kept):
            kept.append((zone, value))
    return tuple(zone for zone, _ in kept)


def _mirrors(zone: Zone, value: float | None, other: Zone, seen: float | None) -> bool:
    if value is None or seen is None or abs(value - seen) > MIRRORED_UJ:
        return False
    parts = [re.fullmatch(r"(.+)-die-\d+((?:/.+)?)", each.name) for each in (zone, other)]
    return all(parts) and len({part.groups() for part in parts if part}) == 1
