"""How many CPUs and how much memory this process may use: affinity and cgroup limits."""

from __future__ import annotations

import math
import re
from pathlib import Path, PurePosixPath

from edgebench.machine import kernel_files

CAP_IPC_LOCK = 14
QUOTA = ("quota", "period")


def usable_cpus(root: Path, allowed: int) -> int:
    """CPUs of the affinity mask, cut to the cgroup's quota, at least 1."""
    quota = cpu_limit(root)
    return max(1, min(allowed, math.floor(quota)) if quota else allowed)


def affinity(root: Path) -> frozenset[int]:
    """CPUs that this process may run on, proc_pid_status(5); empty where nothing says it."""
    written = kernel_files.fields(root / "proc/self/status").get("Cpus_allowed_list", "")
    return kernel_files.cpu_list(written)


def cpu_limit(root: Path) -> float | None:
    """CPUs that the cgroup may use, the least over all its ancestors (cgroup v2, then v1)."""
    limits = [
        int(quota) / int(period)
        for text in _over_ancestors(root, "cpu.max")
        for quota, period in [text.split()]
        if quota != "max"
    ]
    for folder in _v1_folders(root, "cpu"):
        quota_us, period_us = (_number(folder / f"cpu.cfs_{each}_us") for each in QUOTA)
        if quota_us and period_us and quota_us > 0:
            limits.append(quota_us / period_us)
    return min(limits, default=None)


def memory_limit_bytes(root: Path) -> int | None:
    """Bytes that the cgroup may use, the least over all its ancestors (cgroup v2, then v1)."""
    limits = [int(t) for t in _over_ancestors(root, "memory.max") if t != "max"]
    found = (_number(f / "memory.limit_in_bytes") for f in _v1_folders(root, "memory"))
    limits += [limit for limit in found if limit is not None and limit < 1 << 60]
    return min(limits, default=None)


def lockable_bytes(root: Path) -> int | None:
    """What this process may lock in memory (RLIMIT_MEMLOCK); None where nothing limits it.

    CAP_IPC_LOCK lifts the limit, mlock(2).
    """
    capable = kernel_files.fields(root / "proc/self/status").get("CapEff", "0")
    if int(capable, 16) >> CAP_IPC_LOCK & 1:
        return None
    written = kernel_files.text(root / "proc/self/limits")
    found = re.search(r"^Max locked memory +(\d+|unlimited)", written, re.MULTILINE)
    return int(found[1]) if found and found[1] != "unlimited" else None


def memory_used_bytes(root: Path) -> int:
    """What the cgroup holds and cannot drop: its usage without the pages of files (cgroup v2)."""
    group = root / "sys/fs/cgroup" / _group(root)
    used = _number(group / "memory.current")
    stat = dict(line.split(maxsplit=1) for line in _text(group / "memory.stat").splitlines())
    return max(0, (used or 0) - int(stat.get("file", 0)))


def _group(root: Path) -> str:
    lines = _text(root / "proc/self/cgroup").splitlines()
    return next((line[3:].lstrip("/") for line in lines if line.startswith("0::/")), "")


def _over_ancestors(root: Path, name: str) -> list[str]:
    lines = _text(root / "proc/self/cgroup").splitlines()
    group = next((line[3:] for line in lines if line.startswith("0::/")), None)
    if group is None:
        return []
    inside = PurePosixPath(group.lstrip("/"))
    folders = [inside, *inside.parents]
    texts = [_text(root / "sys/fs/cgroup" / folder / name) for folder in folders]
    return [text for text in texts if text]


def _v1_folders(root: Path, controller: str) -> list[Path]:
    """Folders of the process's group and its ancestors (cgroup v1).

    A container mostly sees its own group as the root, whatever path /proc/self/cgroup names.
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controller in controllers.split(","):
            inside = PurePosixPath(path.lstrip("/"))
            mounted = root / "sys/fs/cgroup" / controller
            return [mounted / folder for folder in (inside, *inside.parents)]
    return [root / "sys/fs/cgroup" / controller]


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.lstrip("-").isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
