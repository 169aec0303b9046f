"""llama.cpp's aarch64 libraries with all eight variants, cross-built from the locked source.

clang 19 and lld 19 because gcc 12 does not know SME, which two variants need; without OpenMP,
which spins at barriers and costs an emulator four times the work.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from edgebench.errors import NotUsableHere
from scripts.arm import debian
from scripts.llama_wheel import jobs

TOOLS = ("clang-19", "lld-19")
SYSROOT = ("libstdc++-12-dev", "libc6-dev", "libgcc-12-dev", "linux-libc-dev")
SETTINGS = {
    "CMAKE_BUILD_TYPE": "Release",
    "CMAKE_BUILD_WITH_INSTALL_RPATH": "ON",
    "CMAKE_INSTALL_RPATH": "$ORIGIN",
    "BUILD_SHARED_LIBS": "ON",
    "GGML_NATIVE": "OFF",
    "GGML_BACKEND_DL": "ON",
    "GGML_CPU_ALL_VARIANTS": "ON",
    "GGML_OPENMP": "OFF",
    "LLAMA_CURL": "OFF",
    "LLAMA_OPENSSL": "OFF",
    "LLAMA_BUILD_COMMON": "OFF",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_TOOLS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_SERVER": "OFF",
}
COMPILER = """\
#!/bin/sh
LD_LIBRARY_PATH={tree}/usr/lib/llvm-19/lib:{tree}/usr/lib/x86_64-linux-gnu \
exec {tree}/usr/lib/llvm-19/bin/{name} "$@"
"""
TOOLCHAIN = """\
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER {folder}/clang)
set(CMAKE_CXX_COMPILER {folder}/clang++)
set(CMAKE_C_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_CXX_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_SYSROOT {sysroot})
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-fuse-ld=lld")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "-fuse-ld=lld")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=lld")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
"""


def build(target: Path, source: Path) -> Path:
    """Libraries from `source` (llama-cpp-python unpacked) in the folder `target`.

    About 5 CPU minutes. Raises NotUsableHere with the end of the build's log.
    """
    for tool in ("cmake", "ninja"):
        if _tool(tool) is None:
            raise NotUsableHere(f"{tool} is missing.", f"Install it: pip install {tool}.")
    with tempfile.TemporaryDirectory(prefix="cross-", dir=target.parent) as temporary:
        folder = Path(temporary)
        toolchain = _toolchain(folder)
        log = target.with_name(f"{target.name}.log")
        print(f"Cross-building llama.cpp for aarch64, once. Log: {log}", file=sys.stderr)
        with log.open("w") as output:
            for command in _commands(source / "vendor/llama.cpp", folder / "build", toolchain):
                done = subprocess.run(command, check=False, stdout=output, stderr=output)
                if done.returncode:
                    raise NotUsableHere(f"The cross-build of llama.cpp failed: see {log}.")
        _keep_libraries(folder / "build/bin", target)
    return target


def _commands(source: Path, build: Path, toolchain: Path) -> list[list[str]]:
    settings = {"CMAKE_TOOLCHAIN_FILE": toolchain, "CMAKE_MAKE_PROGRAM": _tool("ninja"), **SETTINGS}
    configure = [str(_tool("cmake")), "-S", str(source), "-B", str(build), "-G", "Ninja"]
    return [
        [*configure, *(f"-D{key}={value}" for key, value in settings.items())],
        ["nice", "-n", "10", str(_tool("ninja")), "-C", str(build), f"-j{jobs()}", "llama", "ggml"],
    ]


def _toolchain(folder: Path) -> Path:
    tree = debian.tree(folder / "llvm", "amd64", TOOLS)
    sysroot = debian.tree(folder / "sysroot", "arm64", SYSROOT)
    for name in ("clang", "clang++"):
        (folder / name).write_text(COMPILER.format(tree=tree, name=name))
        (folder / name).chmod(0o755)
    file = folder / "aarch64.cmake"
    file.write_text(TOOLCHAIN.format(folder=folder, sysroot=sysroot))
    return file


def _keep_libraries(built: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for library in built.glob("lib*.so*"):
        shutil.copy2(library, target, follow_symlinks=False)


def _tool(name: str) -> str | None:
    """Beside this Python first: the build tools are on the package index."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)
