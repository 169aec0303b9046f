"""CPU identity, caches and limits, from /proc and /sys.

ARM kernels write no "model name": cores are named by MIDR implementer and part, boards by the
device tree. Where there is no /proc/cpuinfo (macOS, Windows), py-cpuinfo is asked instead; it
takes a second and reports wrong caches, so it is never asked on Linux.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edgebench.schema.device import Cache, Cluster

if TYPE_CHECKING:
    from pathlib import Path

_ARM_IMPLEMENTERS = {"0x41": "Arm", "0x51": "Qualcomm", "0x61": "Apple", "0xc0": "Ampere"}
# Main ID Register part numbers, from the Technical Reference Manual of each core.
_ARM_PARTS = {
    ("0x41", "0xd03"): "Cortex-A53",
    ("0x41", "0xd05"): "Cortex-A55",
    ("0x41", "0xd07"): "Cortex-A57",
    ("0x41", "0xd08"): "Cortex-A72",
    ("0x41", "0xd0b"): "Cortex-A76",
    ("0x41", "0xd0c"): "Neoverse-N1",
    ("0x41", "0xd40"): "Neoverse-V1",
    ("0x41", "0xd41"): "Cortex-A78",
    ("0x41", "0xd42"): "Cortex-A78AE",
    ("0x41", "0xd44"): "Cortex-X1",
    ("0x41", "0xd49"): "Neoverse-N2",
    ("0x41", "0xd4f"): "Neoverse-V2",
}


def clusters(root: Path) -> tuple[Cluster, ...]:
    """CPUs grouped by what distinguishes them; empty where /proc/cpuinfo is missing."""
    groups: dict[Cluster, list[int]] = {}
    for block in _blocks(root):
        number = _integer(block.get("processor"))
        if number is not None:
            groups.setdefault(_cluster(root, number, block), []).append(number)
    return tuple(kind.model_copy(update={"cpus": tuple(cpus)}) for kind, cpus in groups.items())


def flags(root: Path) -> tuple[str, ...]:
    """Feature flags that every CPU has, sorted."""
    sets = [set((b.get("flags") or b.get("Features", "")).split()) for b in _blocks(root)]
    found = [s for s in sets if s]
    return tuple(sorted(set.intersection(*found))) if found else ()


def flags_elsewhere() -> tuple[str | None, tuple[str, ...]]:
    """Brand and flags by py-cpuinfo, for systems without /proc/cpuinfo."""
    import cpuinfo

    info: dict[str, Any] = cpuinfo.get_cpu_info()
    return info.get("brand_raw"), tuple(sorted(info.get("flags", ())))


def caches(root: Path) -> tuple[Cache, ...]:
    """Each distinct cache with how many of it there are, from sysfs."""
    seen: dict[tuple[int, str, int], set[str]] = {}
    for folder in sorted(root.glob("sys/devices/system/cpu/cpu[0-9]*/cache/index[0-9]*")):
        level, size = _integer(_text(folder / "level")), _size(_text(folder / "size"))
        if level is not None and size is not None:
            key = (level, _text(folder / "type").lower(), size)
            seen.setdefault(key, set()).add(_text(folder / "shared_cpu_list") or folder.parts[-3])
    return tuple(
        Cache(level=level, kind=kind, size_bytes=size, instances=len(shared))
        for (level, kind, size), shared in sorted(seen.items())
    )


def physical_cores(root: Path) -> int | None:
    """Distinct groups of hyper-thread siblings among the CPUs that are online."""
    lists = {
        _text(path)
        for path in root.glob("sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list")
    }
    return len(lists - {""}) or None


def board(root: Path) -> str | None:
    """The device tree's model, else DMI's vendor and product; control characters removed."""
    model = _text(root / "proc/device-tree/model")
    dmi = root / "sys/class/dmi/id"
    named = model or f"{_text(dmi / 'sys_vendor')} {_text(dmi / 'product_name')}"
    return "".join(c for c in named if c.isprintable()).strip()[:120] or None


def hypervisor(root: Path) -> str | None:
    """`yes` where the CPU says that it is virtual; None where it does not say."""
    named = _text(root / "sys/hypervisor/type")
    return named or ("yes" if "hypervisor" in flags(root) else None)


def _blocks(root: Path) -> list[dict[str, str]]:
    text = _text(root / "proc/cpuinfo")
    return [
        {
            key.strip(): value.strip()
            for key, _, value in (ln.partition(":") for ln in b.split("\n"))
        }
        for b in re.split(r"\n\s*\n", text)
        if b.strip()
    ]


def _cluster(root: Path, number: int, block: dict[str, str]) -> Cluster:
    implementer, part = block.get("CPU implementer"), block.get("CPU part")
    arm_name = _ARM_PARTS.get((implementer or "", part or ""))
    cpufreq = root / f"sys/devices/system/cpu/cpu{number}/cpufreq"
    return Cluster(
        cpus=(),
        name=arm_name if implementer else block.get("model name"),
        vendor=_ARM_IMPLEMENTERS.get(implementer or "", block.get("vendor_id")),
        family=_integer(block.get("cpu family")),
        model=_integer(block.get("model")),
        stepping=_integer(block.get("stepping")),
        implementer=implementer,
        part=part,
        variant=block.get("CPU variant"),
        revision=_integer(block.get("CPU revision")),
        max_frequency_khz=_integer(_text(cpufreq / "cpuinfo_max_freq")),
        governor=_text(cpufreq / "scaling_governor") or None,
    )


def _size(text: str) -> int | None:
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]] if match else None


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    except OSError:
        return ""
