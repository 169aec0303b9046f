"""What macOS says of itself: `sysctl hw machdep.cpu`.

Keys and their meaning: Apple, "Determining Instruction Set Characteristics" and
"Determining system capabilities" (developer.apple.com). Names of features are translated to
Linux's, so that one list of instruction sets serves both.
"""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from edgebench.machine import kernel_files
from edgebench.machine.found import Cache, Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.device import CoreKind

Told: TypeAlias = dict[str, str]

# A tree of files that stands for a Mac holds its answer under this name.
CAPTURED = "sysctl.txt"
COMMAND = ("/usr/sbin/sysctl", "hw", "machdep.cpu")
TIMEOUT_S = 5.0
_ARM = {
    "AdvSIMD": ("asimd",), "FEAT_FP16": ("asimdhp", "fphp"), "FEAT_DotProd": ("asimddp",),
    "FEAT_FHM": ("asimdfhm",), "FEAT_BF16": ("bf16",), "FEAT_I8MM": ("i8mm",),
    "FEAT_SME": ("sme",), "FEAT_SME2": ("sme2",), "SME_I8I32": ("smei8i32",),
    "SME_F16F32": ("smef16f32",),
}  # fmt: skip
_X86 = {"avx1.0": "avx", "sse4.1": "sse4_1", "sse4.2": "sse4_2", "avx512vnni": "avx512_vnni"}
_KINDS: dict[str, CoreKind] = {"Performance": "performance", "Efficiency": "efficiency"}


def ask(root: Path) -> Told:
    """Keys and values of this Mac, or of the one whose files lie below `root`; else empty."""
    if root != Path("/"):
        return kernel_files.fields(root / CAPTURED)
    if platform.system() != "Darwin":
        return {}
    try:
        done = subprocess.run(
            COMMAND, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    pairs = (line.partition(":") for line in done.stdout.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def architecture(told: Told) -> str:
    """As `uname -m` says it on a Mac."""
    return "arm64" if told.get("hw.optional.arm64") == "1" else "x86_64"


def clusters(told: Told) -> tuple[Cluster, ...]:
    """Cores by performance level. Their numbers are positions: macOS lets nobody choose a core."""
    brand = told.get("machdep.cpu.brand_string")
    levels = [*_levels(told)]
    if not levels:
        count = _number(told, "hw.logicalcpu") or 1
        cores = _number(told, "hw.physicalcpu")
        return (Cluster(cpus=tuple(range(count)), name=brand, vendor=None, cores=cores),)
    found = []
    first = 0
    for level in levels:
        count = _number(told, f"{level}.logicalcpu") or 0
        kind = _KINDS.get(told.get(f"{level}.name", ""))
        cores = _number(told, f"{level}.physicalcpu")
        cpus = tuple(range(first, first + count))
        found.append(Cluster(cpus=cpus, name=brand, vendor="Apple", kind=kind, cores=cores))
        first += count
    return tuple(found)


def flags(told: Told) -> tuple[str, ...]:
    """Linux's names of the features that are present, sorted."""
    arm = [
        name
        for key, names in _ARM.items()
        if told.get(f"hw.optional.arm.{key}") == "1"
        for name in names
    ]
    keys = ("machdep.cpu.features", "machdep.cpu.leaf7_features")
    x86 = [word for key in keys for word in told.get(key, "").lower().split()]
    return tuple(sorted({*arm, *(_X86.get(word, word) for word in x86)}))


def caches(told: Told) -> tuple[Cache, ...]:
    """First and second level of each kind of core."""
    return tuple(cache for level in _levels(told) for cache in _caches_of(told, level))


def memory_total_bytes(told: Told) -> int | None:
    return _number(told, "hw.memsize")


def _levels(told: Told) -> Iterator[str]:
    for number in range(_number(told, "hw.nperflevels") or 0):
        yield f"hw.perflevel{number}"


def _caches_of(told: Told, level: str) -> Iterator[Cache]:
    cpus = _number(told, f"{level}.logicalcpu") or 0
    sharing = _number(told, f"{level}.cpusperl2") or 1
    for number, kind, key, shared in (
        (1, "data", "l1dcachesize", 1),
        (1, "instruction", "l1icachesize", 1),
        (2, "unified", "l2cachesize", sharing),
    ):
        size_bytes = _number(told, f"{level}.{key}")
        if size_bytes and cpus:
            yield Cache(
                level=number, kind=kind, size_bytes=size_bytes, instances=cpus // shared,
                shared_by=shared,
            )  # fmt: skip


def _number(told: Told, key: str) -> int | None:
    text = told.get(key, "")
    return int(text) if text.isdigit() else None
