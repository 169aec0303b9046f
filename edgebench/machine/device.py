"""The Device block of a result, assembled from what the machine says of itself."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from edgebench.machine import (
    cpu,
    devices,
    emulation,
    firmware,
    instruction_sets,
    kernel_files,
    limits,
    sysctl,
    threads,
    topology,
)
from edgebench.machine.found import Cluster, Found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgebench.schema.device import Device

HERE = Path("/")
# Variables that silently choose a kernel, a thread count or an allocator.
_CHOOSES_KERNELS = re.compile(
    r"(OPENBLAS|OMP|MKL|KMP|GOMP|GGML|BLIS|MALLOC)_\w+|LLAMA_(CPP_LIB_PATH|GRAPH_\w+|ARG_\w+)"
    r"|ORT_(GQA|FPA|DISABLE|ENABLE)\w*|GLIBC_TUNABLES|LD_PRELOAD|LD_LIBRARY_PATH"
    r"|(ATEN|ONEDNN|DNNL)_\w+|CUDA_VISIBLE_DEVICES|NVIDIA_TF32_OVERRIDE"
)
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
_HARMLESS = re.compile(r"[\w.,:=+\- ]{0,80}")


def detect(root: Path = HERE, environ: Mapping[str, str] = os.environ) -> Device:
    """This machine, or the one whose files lie below `root`, as a record keeps it."""
    from edgebench.schema.device import Device

    return Device.model_validate(find(root, environ), from_attributes=True)


def find(root: Path = HERE, environ: Mapping[str, str] = os.environ) -> Found:
    """The same before it is checked against the schema, for whom importing that takes too long.

    Nothing is guessed: what it does not say is None. Only what no file says (the architecture,
    and the memory of systems without /proc) is asked of this process.
    """
    told = sysctl.ask(root)
    clusters, flags = _cpus(root, told)
    logical = sum(len(cluster.cpus) for cluster in clusters)
    siblings_of = cpu.siblings(root)
    firmware_names = firmware.read(root)
    board = firmware.board(firmware_names)
    mask = limits.affinity(root) or frozenset(n for each in clusters for n in each.cpus)
    architecture = _architecture(root, told)
    return Found(
        id=_identity(clusters, board, logical),
        architecture=architecture,
        board=board,
        clusters=clusters,
        cpu_flags=flags,
        caches=sysctl.caches(told) or topology.caches(root),
        logical_cpus=logical,
        physical_cores=_physical_cores(root, siblings_of, clusters),
        usable_cpus=limits.usable_cpus(root, len(mask)),
        memory_total_bytes=sysctl.memory_total_bytes(told) or _memory_total_bytes(root),
        cgroup_cpu_limit=limits.cpu_limit(root),
        cgroup_memory_limit_bytes=limits.memory_limit_bytes(root),
        hypervisor=firmware.hypervisor(root, firmware_names, flags),
        kernel=_kernel(root),
        operating_system=_operating_system(root),
        environment=overrides(environ),
        emulated=emulation.emulator(root, environ, architecture),
        firmware=firmware_names,
        instruction_sets=instruction_sets.of_interest(flags, architecture),
        numa_nodes=topology.numa_nodes(root),
        smt_active=topology.smt_active(root, siblings_of),
        affinity=kernel_files.as_cpu_list(mask),
        gpus=devices.nvidia_gpu(root).names,
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
    """How many threads to use; edgebench.machine.threads says why."""
    return threads.default_threads(device).number


def _identity(clusters: tuple[Cluster, ...], board: str | None, logical: int) -> str:
    """A folder name: the board where the device tree names one, else the CPUs and their count."""
    kinds = [c.name or f"{c.vendor or 'cpu'}-{c.part or c.model or 'unknown'}" for c in clusters]
    if clusters[0].family is not None and clusters[0].model is not None:
        kinds = [f"{kinds[0]} {clusters[0].family}-{clusters[0].model}"]
    named = board if board and clusters[0].implementer else "+".join(dict.fromkeys(kinds))
    slug = re.sub(r"[^a-z0-9]+", "-", named.lower()).strip("-")[:60]
    return f"{slug or 'unknown'}-{logical}cpu"


def _cpus(root: Path, told: sysctl.Told) -> tuple[tuple[Cluster, ...], tuple[str, ...]]:
    """Clusters and flags: from /proc, from macOS, or from py-cpuinfo, which knows other systems."""
    if told:
        return sysctl.clusters(told), sysctl.flags(told)
    if found := cpu.clusters(root):
        return found, cpu.flags(root)
    brand, flags = cpu.flags_elsewhere()
    count = os.cpu_count() or 1
    return (Cluster(cpus=tuple(range(count)), name=brand, vendor=None),), flags


def _architecture(root: Path, told: sysctl.Told) -> str:
    if root == HERE:
        return platform.machine()
    return sysctl.architecture(told) if told else cpu.architecture(root)


def _physical_cores(
    root: Path, siblings_of: dict[int, frozenset[int]], clusters: tuple[Cluster, ...]
) -> int:
    told = topology.cores(siblings_of, siblings_of)
    told = told or sum(cluster.cores or 0 for cluster in clusters) or None
    if told is None and root == HERE:
        import psutil

        told = psutil.cpu_count(logical=False)
    return told or sum(len(cluster.cpus) for cluster in clusters)


def _memory_total_bytes(root: Path) -> int:
    told = kernel_files.fields(root / "proc/meminfo").get("MemTotal", "").removesuffix(" kB")
    if told.isdigit():
        return int(told) * 1024
    import psutil

    return int(psutil.virtual_memory().total)


def _kernel(root: Path) -> str:
    release = kernel_files.text(root / "proc/sys/kernel/osrelease")
    return f"Linux {release}" if release else f"{platform.system()} {platform.release()}"


def _operating_system(root: Path) -> str | None:
    try:
        text = (root / "etc/os-release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.platform(terse=True) or None
    match = re.search(r'^PRETTY_NAME="?([^"\n]{1,80})', text, re.MULTILINE)
    return match[1] if match else None
