"""Whether two records are of one device, and by which fields they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.errors import BadInput

if TYPE_CHECKING:
    from edgebench.schema.device import Device

FIELDS = ("id", "board", "architecture", "logical_cpus", "physical_cores", "memory_total_bytes")


def differing(one: Device, two: Device) -> dict[str, tuple[object, object]]:
    """Fields that tell two devices apart, with both values; empty where the ids agree."""
    if one.id == two.id:
        return {}
    pairs = {name: (getattr(one, name), getattr(two, name)) for name in FIELDS}
    pairs["clusters.name"] = (_cpus(one), _cpus(two))
    return {name: both for name, both in pairs.items() if both[0] != both[1]}


def require(base: Device, here: Device, source: str) -> None:
    """Raises BadInput that names the fields in which `source` is of another device."""
    if differ := differing(base, here):
        fields = "; ".join(
            f"device.{name}: {one} against {two}" for name, (one, two) in differ.items()
        )
        raise BadInput(
            f"{source} was measured on another device: {fields}.",
            "A speed is judged against the same device: write {device} into the path of the "
            "baseline, and store one here with pytest --edgebench-store.",
        )


def _cpus(device: Device) -> str:
    return ", ".join(dict.fromkeys(each.name or each.part or "unknown" for each in device.clusters))
