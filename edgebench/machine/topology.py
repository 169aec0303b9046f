"""How CPUs, caches and memory hang together, from sysfs (Linux, ABI sysfs-devices-system-cpu)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edgebench.machine import kernel_files
from edgebench.machine.found import Cache, NumaNode

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from edgebench.schema.device import CoreKind

# Tremont and everything after it: a module of four efficiency cores has one second-level cache.
MODULE_CPUS = 4


def caches(root: Path) -> tuple[Cache, ...]:
    """Each distinct cache: how many of it there are, and how many CPUs share one."""
    seen: dict[tuple[int, str, int, int | None], set[str]] = {}
    known: set[tuple[str, str]] = set()
    for folder in _cpu_files(root, "cache/index[0-9]*"):
        shared = kernel_files.text(folder / "shared_cpu_list")
        if shared and (folder.name, shared) in known:
            continue
        known.add((folder.name, shared))
        level, size = kernel_files.integer(folder / "level"), _size_bytes(folder / "size")
        if level is not None and size is not None:
            kind = kernel_files.text(folder / "type").lower()
            key = (level, kind, size, len(kernel_files.cpu_list(shared)) or None)
            seen.setdefault(key, set()).add(shared or folder.parts[-3])
    return tuple(
        Cache(level=level, kind=kind, size_bytes=size, instances=len(lists), shared_by=shared_by)
        for (level, kind, size, shared_by), lists in sorted(seen.items(), key=_order)
    )


def siblings(root: Path) -> dict[int, frozenset[int]]:
    """Of each CPU that is online: the hyper-threads of its core, itself among them."""
    found = {}
    for folder in _cpu_files(root, "topology"):
        written = kernel_files.text(folder / "thread_siblings_list")
        shared = kernel_files.cpu_list(written or kernel_files.text(folder / "core_cpus_list"))
        if shared:
            found[int(folder.parent.name.removeprefix("cpu"))] = shared
    return found


def cores(siblings_of: dict[int, frozenset[int]], cpus: Iterable[int]) -> int | None:
    """Physical cores among `cpus`; None where the system does not say it of each."""
    groups = [siblings_of.get(cpu) for cpu in cpus]
    return len(set(groups)) if groups and None not in groups else None


def core_kinds(root: Path) -> dict[int, CoreKind]:
    """The kind of each CPU of a hybrid Intel machine; empty for every other.

    The kernel has one performance-monitoring unit per kind (ABI sysfs-devices-system-cpu).
    """
    named: tuple[tuple[CoreKind, str], ...] = (
        ("performance", "cpu_core"),
        ("efficiency", "cpu_atom"),
        ("efficiency", "cpu_lowpower"),
    )
    return {
        cpu: kind
        for kind, name in named
        for cpu in kernel_files.cpu_list(kernel_files.text(root / f"sys/devices/{name}/cpus"))
    }


def kinds_by_module(root: Path, cpus: Iterable[int]) -> dict[int, CoreKind]:
    """The same for a kernel that does not say it, by who shares a second-level cache.

    Empty unless there are CPUs of both kinds.
    """
    shared = {cpu: _second_level(root, cpu) for cpu in cpus}
    kinds: dict[int, CoreKind] = {
        cpu: "efficiency" if len(group) == MODULE_CPUS else "performance"
        for cpu, group in shared.items()
        if group
    }
    return kinds if len(set(kinds.values())) == 2 else {}


def numa_nodes(root: Path) -> tuple[NumaNode, ...]:
    """Nodes that have CPUs or memory, by number."""
    folders = (root / "sys/devices/system/node").glob("node[0-9]*")
    numbered = sorted((int(folder.name.removeprefix("node")), folder) for folder in folders)
    nodes = (
        NumaNode(
            node=number,
            cpus=kernel_files.text(folder / "cpulist"),
            memory_bytes=_node_memory_bytes(folder),
        )
        for number, folder in numbered
    )
    return tuple(node for node in nodes if node.cpus or node.memory_bytes)


def smt_active(root: Path, siblings_of: dict[int, frozenset[int]]) -> bool | None:
    """Whether any core runs two threads at once; None where the system does not say."""
    active = kernel_files.integer(root / "sys/devices/system/cpu/smt/active")
    if active is not None:
        return bool(active)
    return any(len(group) > 1 for group in siblings_of.values()) if siblings_of else None


def _second_level(root: Path, cpu: int) -> frozenset[int]:
    folder = root / f"sys/devices/system/cpu/cpu{cpu}/cache/index2"
    return kernel_files.cpu_list(kernel_files.text(folder / "shared_cpu_list"))


def _cpu_files(root: Path, pattern: str) -> list[Path]:
    return sorted(root.glob(f"sys/devices/system/cpu/cpu[0-9]*/{pattern}"))


def _order(item: tuple[tuple[int, str, int, int | None], set[str]]) -> tuple[int, str, int, int]:
    level, kind, size, shared_by = item[0]
    return level, kind, size, shared_by or 0


def _node_memory_bytes(folder: Path) -> int | None:
    found = re.search(r"MemTotal:\s+(\d+) kB", kernel_files.text(folder / "meminfo"))
    return int(found[1]) * 1024 if found else None


def _size_bytes(path: Path) -> int | None:
    match = re.fullmatch(r"(\d+)([KMG]?)", kernel_files.text(path))
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]] if match else None
