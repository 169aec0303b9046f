"""CPU identity from /proc/cpuinfo and sysfs, CPU by CPU, gathered into clusters.

ARM kernels write no "model name" that means anything: cores are named by MIDR implementer and
part. Where there is no /proc/cpuinfo (macOS, Windows), py-cpuinfo is asked instead; it takes a
second and reports wrong caches, so it is never asked on Linux.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.machine import arm_parts, kernel_files, topology, x86_microarchitectures
from edgebench.machine.found import Cluster, Microarchitecture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from edgebench.schema.device import CoreKind

Block = dict[str, str]


class _Cpu(NamedTuple):
    """One CPU."""

    number: int
    max_frequency_khz: int | None


def clusters(root: Path) -> tuple[Cluster, ...]:
    """CPUs grouped by what distinguishes them; empty where /proc/cpuinfo is missing."""
    siblings_of = siblings(root)
    cpus = _cpus(root, siblings_of)
    groups: dict[Cluster, list[_Cpu]] = {}
    for alike, cpu in cpus:
        groups.setdefault(alike, []).append(cpu)
    whole = _join_those_without_frequency(groups)
    return tuple(_cluster(alike, group, siblings_of) for alike, group in whole.items())


def siblings(root: Path) -> dict[int, frozenset[int]]:
    """Of each CPU: the hyper-threads of its core, itself among them; from sysfs, else cpuinfo."""
    return topology.siblings(root) or _siblings_told(_blocks(root))


def flags(root: Path) -> tuple[str, ...]:
    """Feature flags that every CPU has, sorted."""
    sets = [set((b.get("flags") or b.get("Features", "")).split()) for b in _blocks(root)]
    found = [s for s in sets if s]
    return tuple(sorted(set.intersection(*found))) if found else ()


def architecture(root: Path) -> str:
    """What `uname -m` would say there: the kernel's word, else what /proc/cpuinfo looks like."""
    if told := kernel_files.text(root / "proc/sys/kernel/arch"):
        return told
    keys = {key: value for block in _blocks(root) for key, value in block.items()}
    if "CPU implementer" in keys:
        old = keys.get("CPU architecture", "8") in {"6", "7", "6TEJ"}
        return "armv7l" if old else "aarch64"
    if "isa" in keys:
        return "riscv64"
    return "x86_64" if "vendor_id" in keys else "unknown"


def flags_elsewhere(
    ask: Callable[[], Mapping[str, Any]] | None = None,
) -> tuple[str | None, tuple[str, ...]]:
    """Brand and flags by py-cpuinfo, for systems without /proc/cpuinfo; None and none without it.

    Its known errors are guarded: importing it raises a bare Exception on processors that it does
    not know (Windows on ARM among them), what it runs may fail, and of some systems it tells
    neither a brand nor flags.
    """
    try:
        import cpuinfo

        info = (ask or cpuinfo.get_cpu_info)()
    except Exception:  # noqa: BLE001 - it raises nothing more precise
        return None, ()
    flags = info.get("flags")
    return (
        str(info.get("brand_raw") or "").strip() or None,
        tuple(sorted(map(str, flags))) if isinstance(flags, list | tuple) else (),
    )


def _siblings_told(blocks: Sequence[Block]) -> dict[int, frozenset[int]]:
    """What x86 writes of package and core; nothing where it counts CPUs that it does not list."""
    fields = ("processor", "physical id", "core id", "siblings")
    told = [tuple(_integer(block.get(field)) for field in fields) for block in blocks]
    listed = Counter(package for _, package, *_ in told)
    cores: dict[tuple[int, int], set[int]] = {}
    for cpu, package, core, count in told:
        if cpu is None or package is None or core is None or count != listed[package]:
            return {}
        cores.setdefault((package, core), set()).add(cpu)
    return {cpu: frozenset(group) for group in cores.values() for cpu in group}


def _cpus(root: Path, siblings_of: dict[int, frozenset[int]]) -> list[tuple[Cluster, _Cpu]]:
    """Each CPU with what it has in common with those of its cluster."""
    blocks = _blocks(root)
    # Old 32-bit ARM kernels write what all CPUs share once, below them.
    shared: Block = {k: v for b in blocks if "processor" not in b for k, v in b.items()}
    numbered = {
        number: {**shared, **block}
        for block in blocks
        if (number := _integer(block.get("processor"))) is not None
    }
    online = kernel_files.cpu_list(kernel_files.text(root / "sys/devices/system/cpu/online"))
    numbered = {n: block for n, block in numbered.items() if n in online} or numbered
    kinds = _kinds(root, numbered, siblings_of)
    return [_cpu(root, number, block, kinds.get(number)) for number, block in numbered.items()]


def _kinds(
    root: Path, numbered: Mapping[int, Block], siblings_of: dict[int, frozenset[int]]
) -> dict[int, CoreKind]:
    """Kinds of core of a hybrid x86 CPU, and of those of its model that have one kind only."""
    told = topology.core_kinds(root)
    first = next(iter(numbered.values()), {})
    vendor, family, model = _x86(first)
    if told or not x86_microarchitectures.is_hybrid(vendor, family, model):
        return told
    return topology.kinds_by_module(root, numbered) or _threaded(first, siblings_of)


def _threaded(first: Block, siblings_of: dict[int, frozenset[int]]) -> dict[int, CoreKind]:
    """Efficiency cores run one thread each. What a guest sees of threads is made up."""
    if "hypervisor" in first.get("flags", "").split():
        return {}
    return {cpu: "performance" for cpu, group in siblings_of.items() if len(group) > 1}


def _cpu(root: Path, number: int, block: Block, kind: CoreKind | None) -> tuple[Cluster, _Cpu]:
    folder = root / f"sys/devices/system/cpu/cpu{number}"
    max_frequency_khz = kernel_files.integer(folder / "cpufreq/cpuinfo_max_freq")
    governor = kernel_files.text(folder / "cpufreq/scaling_governor") or None
    midr = {} if "CPU implementer" in block else _midr(folder)
    if "CPU implementer" in block or midr:
        capacity = kernel_files.integer(folder / "cpu_capacity")
        alike = _arm(block | midr, max_frequency_khz, capacity)
    else:
        alike = _other(block, kind)
    return alike._replace(governor=governor), _Cpu(number, max_frequency_khz)


def _arm(block: Block, max_frequency_khz: int | None, capacity: int | None) -> Cluster:
    """Cores of one part and unlike frequencies or capacities are clusters of their own."""
    implementer, part = block["CPU implementer"], block.get("CPU part", "")
    name = arm_parts.name(implementer, part)
    return Cluster(
        cpus=(),
        name=name,
        vendor=arm_parts.vendor(implementer),
        implementer=implementer,
        part=part or None,
        variant=block.get("CPU variant"),
        revision=_integer(block.get("CPU revision")),
        max_frequency_khz=max_frequency_khz,
        capacity=capacity,
        microarchitecture=Microarchitecture(name=name, exact=True) if name else None,
    )


def _other(block: Block, kind: CoreKind | None) -> Cluster:
    """Of x86 above all. Equal cores differ in their highest frequency: it makes no cluster."""
    vendor, family, model = _x86(block)
    stepping = _integer(block.get("stepping"))
    return Cluster(
        cpus=(),
        name=block.get("model name"),
        vendor=block.get("vendor_id"),
        family=_integer(block.get("cpu family")),
        model=_integer(block.get("model")),
        stepping=stepping,
        kind=kind,
        microarchitecture=x86_microarchitectures.label(vendor, family, model, stepping, kind),
    )


def _join_those_without_frequency(groups: dict[Cluster, list[_Cpu]]) -> dict[Cluster, list[_Cpu]]:
    """Old kernels describe frequencies at one CPU of several; the others are no other kind."""
    speaking = {
        alike._replace(max_frequency_khz=None, governor=None): alike for alike in reversed(groups)
    }
    joined: dict[Cluster, list[_Cpu]] = {}
    for alike, group in groups.items():
        joined.setdefault(speaking.get(alike, alike), []).extend(group)
    return {alike: sorted(group) for alike, group in joined.items()}


def _cluster(
    alike: Cluster, group: Sequence[_Cpu], siblings_of: dict[int, frozenset[int]]
) -> Cluster:
    numbers = tuple(cpu.number for cpu in group)
    known = [cpu.max_frequency_khz for cpu in group if cpu.max_frequency_khz is not None]
    return alike._replace(
        cpus=numbers,
        max_frequency_khz=max(known, default=None),
        cores=topology.cores(siblings_of, numbers),
    )


def _x86(block: Block) -> tuple[str, int, int]:
    """Vendor, family and model; -1 for what the block does not say."""
    family, model = _integer(block.get("cpu family")), _integer(block.get("model"))
    return (
        block.get("vendor_id", ""),
        -1 if family is None else family,
        -1 if model is None else model,
    )


def _midr(folder: Path) -> Block:
    """Fields of MIDR_EL1 (Arm Architecture Reference Manual), where /proc/cpuinfo lacks them."""
    written = kernel_files.text(folder / "regs/identification/midr_el1")
    if not re.fullmatch(r"0x[0-9a-f]{8,16}", written):
        return {}
    value = int(written, 16)
    return {
        "CPU implementer": f"{value >> 24 & 0xFF:#04x}",
        "CPU variant": f"{value >> 20 & 0xF:#x}",
        "CPU part": f"0x{value >> 4 & 0xFFF:03x}",
        "CPU revision": str(value & 0xF),
    }


def _blocks(root: Path) -> list[Block]:
    text = kernel_files.text(root / "proc/cpuinfo")
    return [
        {
            key.strip(): value.strip()
            for key, _, value in (line.partition(":") for line in part.split("\n"))
        }
        for part in re.split(r"\n\s*\n", text)
        if part.strip()
    ]


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
