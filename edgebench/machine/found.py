"""What detection finds of a machine, before it is part of a record.

The same fields as edgebench.schema.device, which says what they mean and checks them; a test
holds the two equal. Importing pydantic takes longer than looking at the whole machine does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from edgebench.schema.device import CoreKind


class Microarchitecture(NamedTuple):
    """A label, and whether the CPU's numbers leave no other possible."""

    name: str
    exact: bool


class Cluster(NamedTuple):
    """CPUs of one kind."""

    cpus: tuple[int, ...]
    name: str | None
    vendor: str | None
    family: int | None = None
    model: int | None = None
    stepping: int | None = None
    implementer: str | None = None
    part: str | None = None
    variant: str | None = None
    revision: int | None = None
    max_frequency_khz: int | None = None
    governor: str | None = None
    microarchitecture: Microarchitecture | None = None
    kind: CoreKind | None = None
    capacity: int | None = None
    cores: int | None = None


class Cache(NamedTuple):
    """Caches of one size and kind."""

    level: int
    kind: str
    size_bytes: int
    instances: int
    shared_by: int | None = None


class NumaNode(NamedTuple):
    """A node that has CPUs or memory."""

    node: int
    cpus: str
    memory_bytes: int | None


class Firmware(NamedTuple):
    """What the device tree or DMI calls the machine."""

    model: str | None = None
    compatible: tuple[str, ...] = ()
    dmi_vendor: str | None = None
    dmi_product: str | None = None
    dmi_board_vendor: str | None = None
    dmi_board: str | None = None


class Found(NamedTuple):
    """The machine; what is measured or matched later is None here."""

    id: str
    architecture: str
    board: str | None
    clusters: tuple[Cluster, ...]
    cpu_flags: tuple[str, ...]
    caches: tuple[Cache, ...]
    logical_cpus: int
    physical_cores: int
    usable_cpus: int
    memory_total_bytes: int
    cgroup_cpu_limit: float | None
    cgroup_memory_limit_bytes: int | None
    hypervisor: str | None
    kernel: str
    operating_system: str | None
    environment: dict[str, str]
    ceilings: None = None
    emulated: str | None = None
    profile: None = None
    firmware: Firmware | None = None
    instruction_sets: tuple[str, ...] = ()
    numa_nodes: tuple[NumaNode, ...] = ()
    smt_active: bool | None = None
    affinity: str | None = None
    gpus: tuple[str, ...] = ()


def to_json(found: Found) -> str:
    """The document that the checked Device would give, without a line's end."""
    from json import dumps

    return dumps(_plain(found), indent=1, ensure_ascii=False)


def _plain(value: object) -> object:
    """Named tuples become objects; other tuples stay lists."""
    if not isinstance(value, tuple):
        return value
    if hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    return [_plain(each) for each in value]
