"""The machine a result was measured on. `null` means that the machine does not say."""

from __future__ import annotations

from typing import Literal

from edgebench.schema import Quantity, Strict, Whole
from edgebench.schema.ceilings import Ceilings

CoreKind = Literal["performance", "efficiency"]


class Microarchitecture(Strict):
    """`exact` is false where the CPU's numbers leave more than one possible."""

    name: str
    exact: bool


class Cluster(Strict):
    """CPUs of one kind. x86 names them by family and model, ARM by implementer and part.

    `kind` is that of hybrid Intel CPUs. `capacity` is Linux's: 1024 is the fastest core's.
    `cores` counts physical cores.
    """

    cpus: tuple[Whole, ...]
    name: str | None
    vendor: str | None
    family: Whole | None = None
    model: Whole | None = None
    stepping: Whole | None = None
    implementer: str | None = None
    part: str | None = None
    variant: str | None = None
    revision: Whole | None = None
    max_frequency_khz: Whole | None = None
    governor: str | None = None
    microarchitecture: Microarchitecture | None = None
    kind: CoreKind | None = None
    capacity: Whole | None = None
    cores: Whole | None = None


class Cache(Strict):
    """`shared_by` counts the CPUs that share one instance."""

    level: Whole
    kind: str
    size_bytes: Whole
    instances: Whole
    shared_by: Whole | None = None


class NumaNode(Strict):
    """`cpus` is a list as the kernel writes it, e.g. `0-3,8`; empty: memory without CPUs."""

    node: Whole
    cpus: str
    memory_bytes: Whole | None


class Firmware(Strict):
    """What the device tree or DMI calls the machine; serial numbers are not read."""

    model: str | None = None
    compatible: tuple[str, ...] = ()
    dmi_vendor: str | None = None
    dmi_product: str | None = None
    dmi_board_vendor: str | None = None
    dmi_board: str | None = None


class Device(Strict):
    """`id` names the folder under results/; it is derived from what the machine calls itself.

    `ceilings` is what `edgebench roofline` measured here before; null: it has not been run.
    `emulated` names the emulator that played this machine: times are then the emulator's, and no
    speed is shown. null: nothing shows that anything is emulated.
    `profile` is the id of the hardware profile that matched. `instruction_sets` are the flags that
    matter to language models; `affinity` the CPUs that this process may use, e.g. `0-3,8`.
    """

    id: str
    architecture: str
    board: str | None
    clusters: tuple[Cluster, ...]
    cpu_flags: tuple[str, ...]
    caches: tuple[Cache, ...]
    logical_cpus: Whole
    physical_cores: Whole
    usable_cpus: Whole
    memory_total_bytes: Whole
    cgroup_cpu_limit: Quantity | None
    cgroup_memory_limit_bytes: Whole | None
    hypervisor: str | None
    kernel: str
    operating_system: str | None
    environment: dict[str, str]
    ceilings: Ceilings | None = None
    emulated: str | None = None
    profile: str | None = None
    firmware: Firmware | None = None
    instruction_sets: tuple[str, ...] = ()
    numa_nodes: tuple[NumaNode, ...] = ()
    smt_active: bool | None = None
    affinity: str | None = None
    gpus: tuple[str, ...] = ()
