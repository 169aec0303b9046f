"""Where threads may run: hyper-thread siblings, unlike cores, and a quota of CPU time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.machine import kernel_files, threads
from edgebench.schema.note import Note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edgebench.schema.device import Cluster, Device


def notes(root: Path, device: Device, mask: frozenset[int]) -> Iterator[Note]:
    """`mask`: the CPUs that this process may run on."""
    pairs = sibling_groups(root, mask)
    if pairs:
        one_each = kernel_files.as_cpu_list(mask - {cpu for group in pairs for cpu in group[1:]})
        yield Note(
            name="smt_siblings",
            message=f"CPUs {', '.join(map(str, pairs[0]))} are threads of one core, and the mask "
            f"has {len(pairs)} such groups: 'taskset -c {one_each}' leaves one CPU per core.",
        )
    kinds = core_kinds(device, mask)
    if len(kinds) > 1:
        named = ", ".join(f"{name} ({kernel_files.as_cpu_list(kinds[name])})" for name in kinds)
        yield Note(
            name="mixed_cores",
            message=f"The mask mixes {named}, and threads wait for the slowest: "
            "run on one kind with 'taskset -c'.",
        )
    quota = device.cgroup_cpu_limit
    if quota is not None and quota < len(mask):
        yield Note(
            name="cpu_quota",
            message=f"The cgroup may use {quota:g} of {len(mask)} CPUs, and what goes beyond is "
            f"stopped in mid-run: raise its quota, or use --threads {max(1, int(quota))}.",
        )


def sibling_groups(root: Path, mask: frozenset[int]) -> tuple[tuple[int, ...], ...]:
    """CPUs of the mask that share a core, group by group; cores with one of them are left out."""
    folder = root / "sys/devices/system/cpu"
    lists = (
        kernel_files.cpu_list(
            kernel_files.text(folder / f"cpu{cpu}" / "topology/thread_siblings_list")
        )
        for cpu in sorted(mask)
    )
    groups = dict.fromkeys(tuple(sorted(siblings & mask)) for siblings in lists)
    return tuple(group for group in groups if len(group) > 1)


def core_kinds(device: Device, mask: frozenset[int]) -> dict[str, frozenset[int]]:
    """CPUs of the mask by the name and the highest frequency of their cores.

    Equal cores that are faster together are one kind here as for the default threads.
    """
    kinds: dict[str, frozenset[int]] = {}
    for kind in threads.kinds_of(device):
        inside = mask & frozenset(cpu for cluster in kind for cpu in cluster.cpus)
        if inside:
            name = _name(kind[0])
            kinds[name] = kinds.get(name, frozenset()) | inside
    return dict(sorted(kinds.items(), key=lambda item: min(item[1])))


def _name(cluster: Cluster) -> str:
    name = cluster.name or cluster.part or "unknown CPU"
    if cluster.max_frequency_khz is None:
        return name
    return f"{name} at {cluster.max_frequency_khz / 1e6:.2f} GHz"
