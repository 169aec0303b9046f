"""What disturbs a measurement, named, with what to do about it. Nothing is changed here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from edgebench.machine import contention, kernel_files, placement, power_source, throttling
from edgebench.schema.note import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.device import Device

# A few pages of sleeping daemons lie in swap on any machine; they disturb nobody.
SWAPPED_SHARE = 0.01


def load_average() -> float | None:
    """Runnable processes over the last minute; None where the system does not count them."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def notes(
    device: Device,
    load: float | None,
    root: Path = Path("/"),
    mask: frozenset[int] | None = None,
) -> tuple[Note, ...]:
    """Warnings about this machine before anything is measured.

    `mask`: the CPUs that threads may run on; by default this process's own affinity mask.
    """
    allowed = _own_mask(device) if mask is None else mask
    return (
        *contention.notes(root, load, device.usable_cpus),
        *throttling.notes(root),
        *_governor(device),
        *power_source.notes(root),
        *_swap(root, device),
        *placement.notes(root, device, allowed),
        *_environment(device),
        *_hypervisor(device),
    )


def swapped_bytes(root: Path) -> int | None:
    """What lies in swap, proc(5); None where the system does not say."""
    written = kernel_files.fields(root / "proc/meminfo")
    total, free = (written.get(key, "").removesuffix(" kB") for key in ("SwapTotal", "SwapFree"))
    return (int(total) - int(free)) * 1024 if total.isdigit() and free.isdigit() else None


def _own_mask(device: Device) -> frozenset[int]:
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(cpu for cluster in device.clusters for cpu in cluster.cpus)


def _governor(device: Device) -> Iterator[Note]:
    governors = {c.governor for c in device.clusters if c.governor}
    if governors - {"performance"}:
        yield Note(
            name="governor",
            message=f"The frequency governor is {', '.join(sorted(governors))}: "
            "'cpupower frequency-set -g performance' makes runs steadier.",
        )


def _swap(root: Path, device: Device) -> Iterator[Note]:
    found = swapped_bytes(root)
    if found is not None and found > SWAPPED_SHARE * device.memory_total_bytes:
        yield Note(
            name="swap",
            message=f"{found / 2**20:.0f} MiB lie in swap, and reading them back takes time from "
            "whoever needs them: free memory, or measure a smaller model.",
        )


def _environment(device: Device) -> Iterator[Note]:
    if device.environment:
        yield Note(
            name="environment",
            message=f"{', '.join(device.environment)} can change which kernels run: "
            "unset unless meant.",
        )


def _hypervisor(device: Device) -> Iterator[Note]:
    if device.hypervisor:
        yield Note(
            name="virtual_machine",
            message="This is a virtual machine: other guests can slow it down unseen.",
        )
