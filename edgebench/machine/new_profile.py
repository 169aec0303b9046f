"""A profile of this machine for its vendor to complete: what was detected, and what is missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.device import Cluster, Device

HEAD = """\
# What edgebench detected on this machine. Fill in what is marked, delete what you cannot source,
# save it as hardware/<vendor>/<board>.yaml, and check it: edgebench hardware validate <that file>
# A line of claims looks like those in hardware/nvidia/jetson-orin-nano-8gb.yaml.
"""


def draft(device: Device) -> str:
    """The text of a YAML file that is valid but for its source, which only people can name."""
    return HEAD + "\n".join(_lines(device)) + "\n"


def _lines(device: Device) -> Iterator[str]:
    yield "version: 1"
    yield f"name: {_text(device.board or device.clusters[0].name or device.id)}"
    yield f"vendor: {_text(_vendor(device))}  # who sells it"
    yield "kind: board  # board, phone, laptop, desktop, server, cloud or accelerator"
    yield "match:"
    yield from _match(device)
    yield "soc:"
    yield f"  name: {_text(device.clusters[0].name or 'unknown')}  # the chip"
    yield "  clusters:"
    for cluster in device.clusters:
        yield f"    - {_cores(cluster)}"
    yield "  source: vendor"
    yield "memory:"
    yield "  type: null  # e.g. LPDDR4X-4267"
    yield "  bus_bits: null"
    yield "  transfers_mt_s: null"
    yield "  bandwidth_gb_s: null  # bus_bits / 8 * transfers_mt_s / 1000"
    yield f"  sizes_gib: [{_gib(device.memory_total_bytes)}]"
    yield "  source: vendor"
    yield "meters: []"
    yield "traps: []"
    yield "maintainers: []  # the accounts that answer for this file"
    yield "sources:"
    yield "  vendor:"
    yield "    url: null  # https://… of the data sheet"
    yield "    title: null"
    yield "claims: []"


def _match(device: Device) -> Iterator[str]:
    """The most telling rules first: the device tree, then DMI, then the CPU's numbers."""
    firmware = device.firmware
    if firmware and firmware.compatible:
        yield f"  - compatible: [{_text(firmware.compatible[0])}]"
        return
    marks = iter(("  - ", *["    "] * 9))
    if firmware and firmware.dmi_vendor and firmware.dmi_product:
        yield f"{next(marks)}dmi_vendor: [{_text(firmware.dmi_vendor)}]"
        yield f"{next(marks)}dmi_product_contains: [{_text(firmware.dmi_product)}]"
    yield f"{next(marks)}cpus:"
    for cluster in device.clusters:
        yield f"      - {_rule(cluster)}"
    yield f"    virtual: {str(device.hypervisor is not None).lower()}"


def _rule(cluster: Cluster) -> str:
    if cluster.implementer and cluster.part:
        return (
            f"{{implementer: {_text(cluster.implementer)}, part: {_text(cluster.part)}, "
            f"count: {len(cluster.cpus)}}}"
        )
    if cluster.family is None or cluster.model is None:
        return f"{{name: {_text(cluster.name or 'unknown')}}}"
    numbers = f"family: {cluster.family}, model: {cluster.model}"
    return (
        f"{{vendor: {_text(cluster.vendor or 'unknown')}, {numbers}, "
        f"name_contains: {_text(cluster.name or '')}}}"
    )


def _cores(cluster: Cluster) -> str:
    label = cluster.microarchitecture.name if cluster.microarchitecture else cluster.name
    core = f"core: {_text(label or 'unknown')}, count: {cluster.cores or len(cluster.cpus)}"
    khz = cluster.max_frequency_khz
    return f"{{{core}, max_frequency_mhz: {khz / 1000:g}}}" if khz else f"{{{core}}}"


def _vendor(device: Device) -> str:
    return (device.firmware.dmi_vendor if device.firmware else None) or "unknown"


def _gib(size_bytes: int) -> int:
    """Of the modules: the kernel keeps some for itself, so the next power of two or half of it."""
    found = size_bytes / 2**30
    sizes = sorted({1 << n for n in range(16)} | {3 << n for n in range(14)})
    return next((size for size in sizes if size >= found), sizes[-1])


def _text(value: str) -> str:
    """Quoted, so that YAML takes it for nothing else."""
    return json.dumps(value, ensure_ascii=False)
