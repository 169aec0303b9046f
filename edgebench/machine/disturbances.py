"""What disturbs a measurement, named, with what to do about it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from edgebench.schema.result import Note

if TYPE_CHECKING:
    from edgebench.schema.device import Device

# A process that runs half of the time disturbs whoever needs every core.
BUSY_SHARE = 0.3


def load_average() -> float | None:
    """Runnable processes over the last minute; None where the system does not count them."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def notes(device: Device, load: float | None) -> tuple[Note, ...]:
    """Warnings about this machine before anything is measured."""
    found = []
    if load is not None and load > BUSY_SHARE * device.usable_cpus:
        found.append(
            Note(
                name="busy",
                message=f"Load average was {load:.1f} on {device.usable_cpus} CPUs at the start: "
                "stop other programs, or read CPU seconds per token beside the speed.",
            )
        )
    governors = {c.governor for c in device.clusters if c.governor}
    if governors - {"performance"}:
        found.append(
            Note(
                name="governor",
                message=f"The frequency governor is {', '.join(sorted(governors))}: "
                "'cpupower frequency-set -g performance' makes runs steadier.",
            )
        )
    if device.environment:
        found.append(
            Note(
                name="environment",
                message=f"{', '.join(device.environment)} can change which kernels run: "
                "unset unless meant.",
            )
        )
    if device.hypervisor:
        found.append(
            Note(
                name="virtual_machine",
                message="This is a virtual machine: other guests can slow it down unseen.",
            )
        )
    return tuple(found)
