"""The machine a result was measured on. `null` means that the machine does not say."""

from __future__ import annotations

from edgebench.schema import Strict


class Cluster(Strict):
    """CPUs of one kind. x86 names them by family and model, ARM by implementer and part."""

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


class Cache(Strict):
    level: int
    kind: str
    size_bytes: int
    instances: int


class Device(Strict):
    """`id` names the folder under results/; it is derived from what the machine calls itself."""

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
