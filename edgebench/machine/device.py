"""The Device block of a result, assembled from what the machine says of itself."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from edgebench.machine import cpu, limits
from edgebench.schema.device import Cluster, Device

if TYPE_CHECKING:
    from collections.abc import Mapping

# Variables that silently choose a kernel, a thread count or an allocator.
_CHOOSES_KERNELS = re.compile(
    r"(OPENBLAS|OMP|MKL|KMP|GOMP|GGML|BLIS|MALLOC)_\w+|LLAMA_(CPP_LIB_PATH|GRAPH_\w+|ARG_\w+)"
    r"|ORT_(GQA|FPA|DISABLE|ENABLE)\w*|GLIBC_TUNABLES|LD_PRELOAD|LD_LIBRARY_PATH"
)
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
_HARMLESS = re.compile(r"[\w.,:=+\- ]{0,80}")


def detect(root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> Device:
    """This machine. Nothing is guessed: what it does not say is None."""
    clusters = cpu.clusters(root)
    flags = cpu.flags(root)
    if not clusters:
        brand, flags = cpu.flags_elsewhere()
        clusters = (Cluster(cpus=tuple(range(os.cpu_count() or 1)), name=brand, vendor=None),)
    logical = sum(len(cluster.cpus) for cluster in clusters)
    cores = cpu.physical_cores(root) or psutil.cpu_count(logical=False) or logical
    board = cpu.board(root)
    return Device(
        id=_identity(clusters, board, logical),
        architecture=platform.machine(),
        board=board,
        clusters=clusters,
        cpu_flags=flags,
        caches=cpu.caches(root),
        logical_cpus=logical,
        physical_cores=cores,
        usable_cpus=limits.usable_cpus(root, limits.allowed_cpus()),
        memory_total_bytes=psutil.virtual_memory().total,
        cgroup_cpu_limit=limits.cpu_limit(root),
        cgroup_memory_limit_bytes=limits.memory_limit_bytes(root),
        hypervisor=cpu.hypervisor(root),
        kernel=f"{platform.system()} {platform.release()}",
        operating_system=_operating_system(root),
        environment=overrides(environ),
    )


def overrides(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that change which code an engine runs.

    Records are made to be shared: of a value that could be a path or a secret only "(set)" is kept.
    """
    return {
        name: environ[name]
        if _HARMLESS.fullmatch(environ[name]) and not _SECRET.search(name)
        else "(set)"
        for name in sorted(environ)
        if _CHOOSES_KERNELS.fullmatch(name)
    }


def default_threads(device: Device) -> int:
    """Physical cores within the affinity mask and the cgroup's quota."""
    return max(1, min(device.physical_cores, device.usable_cpus))


def _identity(clusters: tuple[Cluster, ...], board: str | None, logical: int) -> str:
    """A folder name: the board where the device tree names one, else the CPUs and their count."""
    kinds = [c.name or f"{c.vendor or 'cpu'}-{c.part or c.model or 'unknown'}" for c in clusters]
    if clusters[0].family is not None and clusters[0].model is not None:
        kinds = [f"{kinds[0]} {clusters[0].family}-{clusters[0].model}"]
    named = board if board and clusters[0].implementer else "+".join(dict.fromkeys(kinds))
    slug = re.sub(r"[^a-z0-9]+", "-", named.lower()).strip("-")[:60]
    return f"{slug or 'unknown'}-{logical}cpu"


def _operating_system(root: Path) -> str | None:
    try:
        text = (root / "etc/os-release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.platform(terse=True) or None
    match = re.search(r'^PRETTY_NAME="?([^"\n]{1,80})', text, re.MULTILINE)
    return match[1] if match else None
