"""The machine a result was measured on. `null` means that the machine does not say."""

from __future__ import annotations

from edgebench.schema import Quantity, Strict, Whole


class Cluster(Strict):
    """CPUs of one kind. x86 names them by family and model, ARM by implementer and part."""

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


class Cache(Strict):
    level: Whole
    kind: str
    size_bytes: Whole
    instances: Whole


class Device(Strict):
    """`id` names the folder under results/; it is derived from what the machine calls itself."""

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
