"""How many threads to use when nobody says: one kind of core, a thread per core, in the quota."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from edgebench.machine import arm_parts, kernel_files

if TYPE_CHECKING:
    from edgebench.schema.device import Cluster, Device

    Kind: TypeAlias = tuple[Cluster, ...]

# A lone prime core is faster than its neighbours and slower than all of them together.
FEWEST_CORES = 2


class Threads(NamedTuple):
    """The number of threads, and a sentence that says why."""

    number: int
    why: str


def default_threads(device: Device, cpus: str | None = None) -> Threads:
    """Physical cores of one kind, within the affinity mask, the cgroup's quota and `cpus`.

    Threads of a model wait for the slowest among them, so cores of one kind are used: the fastest
    kind with at least two cores. Machines whose cores are alike use all of them.
    """
    device = _kept_on(device, cpus) if cpus else device
    kinds = kinds_of(device)
    chosen = _fastest(kinds, device)
    mixed = len(kinds) > 1
    cores = _cores(chosen, device) if mixed else device.physical_cores
    number = max(1, min(cores, device.usable_cpus))
    what = f"{cores} physical core{'s' * (cores != 1)}"
    if mixed:
        cpus = kernel_files.as_cpu_list(_allowed(chosen, device))
        what = f"{what} of one kind ({_name(chosen[0])}, CPUs {cpus})"
    if number < cores:
        return Threads(number, f"{number}: of {what}, {_limit(device)}.")
    return Threads(number, f"{number}: {what}.")


def _kept_on(device: Device, cpus: str) -> Device:
    """The same machine to a process that may use these CPUs only."""
    usable = min(device.usable_cpus, len(kernel_files.cpu_list(cpus)))
    return device.model_copy(update={"affinity": cpus, "usable_cpus": usable})


def cpus_of_one_kind(device: Device) -> frozenset[int]:
    """The CPUs that those threads should stay on, hyper-threads included."""
    return _allowed(_fastest(kinds_of(device), device), device)


def kinds_of(device: Device) -> list[Kind]:
    """Clusters, those together that are faster together; the fastest first.

    Equal cores are often given frequencies of their own (RK3588: 2.26 and 2.4 GHz, Snapdragon X
    Elite: 3.8 and 4.3, Snapdragon 855: 2.4 and 2.8).
    """
    kinds: list[Kind] = []
    for cluster in sorted(device.clusters, key=_speed, reverse=True):
        place = next((n for n, k in enumerate(kinds) if _gains(k, cluster, device)), None)
        if place is None:
            kinds.append((cluster,))
        else:
            kinds[place] = (*kinds[place], cluster)
    return kinds


def _gains(kind: Kind, slower: Cluster, device: Device) -> bool:
    """Whether these equal cores do more with the slower ones, although they then wait for them."""
    last = kind[-1]
    if (last.name, last.part, last.kind) != (slower.name, slower.part, slower.kind):
        return False
    cores = _cores(kind, device)
    return (cores + _cores((slower,), device)) * _share(slower, last) > cores


def _share(slower: Cluster, fast: Cluster) -> float:
    """The slower one's speed, the other's being 1; what the faster does not say counts as equal."""
    pairs = (
        (slower.capacity, fast.capacity),
        (slower.max_frequency_khz, fast.max_frequency_khz),
    )
    return min((min(1.0, (two or 0) / one) for two, one in pairs if one), default=1.0)


def _fastest(kinds: list[Kind], device: Device) -> Kind:
    """Of the kinds that may be used: the fastest with two cores, else the one with most."""
    inside = [kind for kind in kinds if _allowed(kind, device)] or kinds
    several = [kind for kind in inside if _cores(kind, device) >= FEWEST_CORES]
    return max(several or inside, key=lambda kind: _speed(kind[0]))


def _speed(cluster: Cluster) -> tuple[int, bool, int]:
    """Greater is faster: the kernel's measure, then the kind of core, then its frequency."""
    big = cluster.kind != "efficiency" and not arm_parts.is_little(cluster.name)
    return (cluster.capacity or 0, big, cluster.max_frequency_khz or 0)


def _cores(kind: Kind, device: Device) -> int:
    return sum(min(c.cores or len(c.cpus), len(_allowed((c,), device))) for c in kind)


def _allowed(kind: Kind, device: Device) -> frozenset[int]:
    mask = kernel_files.cpu_list(device.affinity or "")
    cpus = frozenset(cpu for cluster in kind for cpu in cluster.cpus)
    return cpus & mask if mask else cpus


def _limit(device: Device) -> str:
    quota = device.cgroup_cpu_limit
    if quota is not None and math.floor(quota) <= device.usable_cpus:
        return f"the cgroup allows {quota:g} CPUs"
    return f"this process may use {device.usable_cpus}"


def _name(cluster: Cluster) -> str:
    microarchitecture = cluster.microarchitecture.name if cluster.microarchitecture else None
    return microarchitecture or cluster.name or cluster.part or "unknown"
