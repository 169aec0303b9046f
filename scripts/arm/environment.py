"""The emulated aarch64 environment: everything that edgebench needs there, in its cache.

    python -m scripts.arm.environment [--quick]     prints what it is made of

`--quick` fetches llama.cpp's libraries prebuilt, unless they were cross-built already.
"""

from __future__ import annotations

import argparse
import platform
import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from edgebench.errors import EdgebenchError, NotUsableHere
from edgebench.files import cache_dir
from edgebench.locks import held
from scripts.arm import bindings, crossbuild, debian, prebuilt, wheels
from scripts.arm.guest import HERE, Environment
from scripts.llama_wheel import LOCK, ROOT, compiler

if TYPE_CHECKING:
    from pathlib import Path

# Only Debian 12's dynamically linked QEMU takes plugins.
QEMU = ("qemu-user",)
GUEST = ("python3.11-minimal", "libpython3.11-stdlib", "libstdc++6", "libgomp1", "libgcc-s1")
FOLDER = "arm-emulated"


def make(folder: Path, *, quick: bool) -> Environment:
    """Make what is missing below `folder`. Raises EdgebenchError with what stands in the way."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise NotUsableHere(
            "The emulated ARM environment is made for Linux on x86-64.",
            "On aarch64 nothing needs to be emulated: edgebench run --isa best.",
        )
    waiting = "waiting for another process that makes the emulated environment"
    with held(folder / "making.lock", _say, waiting, "Set EDGEBENCH_CACHE to a folder."):
        debian.tree(folder / "qemu", "amd64", QEMU)
        debian.tree(folder / "root", "arm64", GUEST)
        site = wheels.install(folder / "wheels", LOCK.read_text())
        llama = _llama(folder / "llama", quick=quick)
        ours = wheels.install_edgebench(folder / "edgebench", ROOT)
        return Environment(
            folder=folder,
            python=_launcher(folder),
            python_path=(ours, llama, site),
            plugin=_plugin(folder),
            qemu_version=_qemu_version(folder),
        )


def is_made(folder: Path) -> bool:
    """Whether `make` with `quick` would have nothing to fetch."""
    parts = [folder / "qemu", folder / "root", wheels.place(folder / "wheels", LOCK.read_text())]
    llama = any(place.is_dir() for place in _llama_places(folder / "llama"))
    return llama and all(part.is_dir() for part in parts)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _llama(folder: Path, *, quick: bool) -> Path:
    folder.mkdir(exist_ok=True)
    built, fetched = _llama_places(folder)
    if built.is_dir() or (quick and fetched.is_dir()):
        return built if built.is_dir() else fetched
    with bindings.source(folder) as source:
        if quick:
            libraries = prebuilt.fetch(source / "libraries")
            prebuilt.make_lenient(source)
            return bindings.assemble(fetched, source, libraries)
        return bindings.assemble(built, source, crossbuild.build(folder / "libraries", source))


def _llama_places(folder: Path) -> tuple[Path, Path]:
    """Of the cross-built and of the prebuilt one."""
    version = bindings.version()
    return folder / f"built-{version}", folder / f"prebuilt-{version}"


def _launcher(folder: Path) -> Path:
    """`python.sh` where it may be executed: the kernel starts the guest's children through it."""
    launcher = folder / "python"
    shutil.copyfile(HERE / "python.sh", launcher)
    launcher.chmod(0o755)
    return launcher


def _plugin(folder: Path) -> Path:
    source, plugin = HERE / "count.c", folder / "count.so"
    if not plugin.is_file() or plugin.stat().st_mtime < source.stat().st_mtime:
        command = [*shlex.split(compiler()), "-x", "c", "-O2", "-Wall", "-shared", "-fPIC"]
        done = subprocess.run(
            [*command, "-o", str(plugin), str(source)], check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise NotUsableHere(f"{source.name} could not be compiled: {done.stderr[-300:]}")
    return plugin


def _qemu_version(folder: Path) -> str:
    listed = (folder / "qemu/packages.txt").read_text()
    match = re.search(r"qemu-user_(?:\d+%3a)?(\d+\.\d+)", listed)
    return match[1] if match else "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="prebuilt llama.cpp: no compiler")
    made = make(cache_dir() / FOLDER, quick=parser.parse_args().quick)
    print(f"{made.folder}: QEMU {made.qemu_version}, {made.python_path[1].name}")


if __name__ == "__main__":
    try:
        main()
    except EdgebenchError as error:
        sys.exit(f"No emulated ARM environment: {error}")
