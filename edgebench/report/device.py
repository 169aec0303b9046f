"""A detected machine, as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.printable import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.device import Cache, Cluster, Device


def render(device: Device, threads: str) -> str:
    """What was detected; `threads` is the sentence about the default number of threads."""
    lines = _lines(device, threads)
    return "".join(f"{name:<10} {clean(text)}\n" for name, text in lines if text)


def _lines(device: Device, threads: str) -> Iterator[tuple[str, str]]:
    yield "device", f"{device.id}, {device.architecture}"
    yield "board", device.board or ""
    for cluster in device.clusters:
        yield "cluster", _cluster(cluster)
    yield "isa", " ".join(device.instruction_sets)
    for cache in device.caches:
        yield "cache", _cache(cache)
    yield "memory", f"{device.memory_total_bytes / 2**30:.1f} GiB"
    if len(device.numa_nodes) > 1:
        nodes = (f"node {each.node}: CPUs {each.cpus or 'none'}" for each in device.numa_nodes)
        yield "numa", "; ".join(nodes)
    quota = device.cgroup_cpu_limit
    limit = f", the cgroup allows {quota:g}" if quota is not None else ""
    yield "allowed", f"CPUs {device.affinity or 'unknown'}{limit}"
    yield "threads", threads
    yield "gpu", ", ".join(device.gpus)
    yield "virtual", device.hypervisor or ""
    yield "system", ", ".join(t for t in (device.operating_system, device.kernel) if t)


def _cache(cache: Cache) -> str:
    shared = f", each shared by {cache.shared_by} CPUs" if (cache.shared_by or 1) > 1 else ""
    size = f"{cache.instances} x {cache.size_bytes / 1024:g} KiB"
    return f"level {cache.level} {cache.kind}: {size}{shared}"


def _cluster(cluster: Cluster) -> str:
    found = cluster.microarchitecture
    label = f", {found.name}{'' if found.exact else ' (not exactly known)'}" if found else ""
    named = cluster.name or f"{cluster.vendor or cluster.implementer or 'unknown'} {cluster.part}"
    threads = len(cluster.cpus)
    cores = f"{cluster.cores} cores, {threads} threads" if cluster.cores else f"{threads} CPUs"
    khz = cluster.max_frequency_khz
    return (
        f"{named}{label if found and found.name != named else ''}: {cores}"
        f"{f', up to {khz / 1e6:.2f} GHz' if khz else ''}"
        f"{f', {cluster.kind} cores' if cluster.kind else ''}"
    )
