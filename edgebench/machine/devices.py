"""Is there a GPU for CUDA, and may this process use it? Asked of files: no library is loaded.

Sources: NVIDIA's Linux driver README ("The /proc Filesystem Interface"), sysfs-bus-pci, and for
Jetson boards the device tree. Whether an engine was built for it is for the engine to say.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgebench.machine import kernel_files

if TYPE_CHECKING:
    from collections.abc import Callable

NVIDIA = "0x10de"
DISPLAY_CLASS = "0x03"
INTEGRATED = ("dev/nvhost-gpu", "dev/nvgpu/igpu0/ctrl")
WINDOWS_GPU = ("dev/dxg", "usr/lib/wsl/lib/libcuda.so.1")


class Gpu(NamedTuple):
    """GPUs by name, the version of their driver, and a sentence where they cannot be used."""

    names: tuple[str, ...]
    driver: str | None
    why_not: str | None


def accessible(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK)


def nvidia_gpu(root: Path = Path("/"), can_use: Callable[[Path], bool] = accessible) -> Gpu:
    """NVIDIA GPUs that the kernel knows, on PCI, on a Jetson board or through Windows (WSL 2)."""
    names, driver, nodes = _names(root), _driver(root), _nodes(root)
    if not names and not nodes:
        why_not: str | None = (
            "No NVIDIA GPU is to be seen. In a container, pass it in (docker run --gpus all)."
        )
    elif not nodes and driver is None:
        why_not = "There is an NVIDIA GPU and no driver for it: install NVIDIA's driver."
    elif not nodes:
        why_not = (
            "The NVIDIA driver is there and its device files are not: run nvidia-smi once as "
            "root; in a container, pass the GPU in (docker run --gpus all)."
        )
    elif not any(map(can_use, nodes)):
        groups = "add this user to the group that owns it"
        why_not = f"This user may not open /{nodes[0].relative_to(root)}: {groups}."
    else:
        why_not = None
    return Gpu(names or ("NVIDIA GPU",) * len(nodes), driver, why_not)


def _names(root: Path) -> tuple[str, ...]:
    told = [
        kernel_files.fields(path).get("Model", "NVIDIA GPU")
        for path in sorted(root.glob("proc/driver/nvidia/gpus/*/information"))
    ]
    if told:
        return tuple(told)
    on_pci = [
        f"NVIDIA {kernel_files.text(folder / 'device')}"
        for folder in sorted(root.glob("sys/bus/pci/devices/*"))
        if kernel_files.text(folder / "vendor") == NVIDIA
        and kernel_files.text(folder / "class").startswith(DISPLAY_CLASS)
    ]
    tegra = "nvidia,tegra" in kernel_files.text(root / "proc/device-tree/compatible")
    return tuple(on_pci) or ("NVIDIA Tegra, integrated",) * tegra


def _driver(root: Path) -> str | None:
    loaded = kernel_files.text(root / "sys/module/nvidia/version")
    told = re.search(
        r"Module\s.*?(\d+\.\d+(?:\.\d+)?)",
        kernel_files.text(root / "proc/driver/nvidia/version").split("\n", 1)[0],
    )
    return loaded or (told[1] if told else None)


def _nodes(root: Path) -> tuple[Path, ...]:
    """What a process opens to reach the GPU."""
    own = sorted(root.glob("dev/nvidia[0-9]*"))
    integrated = [root / name for name in INTEGRATED if (root / name).exists()]
    windows = [root / name for name in WINDOWS_GPU]
    return (*own, *integrated[:1], *windows[:1] * all(path.exists() for path in windows))
