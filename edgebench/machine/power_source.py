"""Whether this machine runs on its battery: many slow down then, and more as it empties.

Source: Documentation/ABI/testing/sysfs-class-power.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.machine import kernel_files
from edgebench.schema.note import Note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def notes(root: Path) -> Iterator[Note]:
    if on_battery(root):
        yield Note(
            name="battery",
            message="The machine runs on its battery, which often lowers frequencies: "
            "plug it in, unless that is what is to be measured.",
        )


def on_battery(root: Path) -> bool:
    """A battery of the machine discharges and no other supply is online."""
    supplies = sorted(root.glob("sys/class/power_supply/*"))
    plugged = any(kernel_files.integer(supply / "online") == 1 for supply in supplies)
    return not plugged and any(
        kernel_files.text(supply / "status") == "Discharging" for supply in batteries(root)
    )


def batteries(root: Path) -> tuple[Path, ...]:
    """Batteries that feed the machine; those of mice and headsets have the scope `Device`."""
    return tuple(
        supply
        for supply in sorted(root.glob("sys/class/power_supply/*"))
        if kernel_files.text(supply / "type") == "Battery"
        and kernel_files.text(supply / "scope") != "Device"
    )
