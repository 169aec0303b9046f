"""Releases of llama-cpp-python, each with the llama.cpp of its day, built here for this CPU.

Sources come from the package index that pip is set up to use, pinned by hash. A build is kept below
the cache, beside edgebench's own engine and never instead of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from edgebench.errors import FileUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PACKAGE = "llama-cpp-python"
# 5 to 10 CPU minutes on a server core; two cores of a small board take an hour.
LONGEST_BUILD_S, EXPECTED_BUILD_S = 2 * 3600.0, 400.0
FLAGS = "-DGGML_NATIVE=ON -DLLAMA_NATIVE=ON -DLLAVA_BUILD=OFF -DMTMD_BUILD=OFF"
_DONE = "built-by-edgebench"


class Release(NamedTuple):
    """`date` is that of the commit that the version's tag names; `sha256` the source archive's."""

    version: str
    date: str
    sha256: str


RELEASES = (
    Release(
        "0.2.6", "2023-09-15", "5f751db065c3bf7969ddf64a0051cffef6952479624e2c042bb35239f6ba13a2"
    ),
    Release(
        "0.2.56", "2024-03-08", "9c82db80e929ae93c2ab069a76a8a52aac82479cf9d0523c3550af48554cc785"
    ),
    Release(
        "0.3.1", "2024-09-29", "75ec8374960b6353c254e55a48e7c7783abf6bcb9178ba0f655490738e5a9004"
    ),
    Release(
        "0.3.9", "2025-05-08", "a3a985f558385e2f5de5b663f4e9b0817506d6af98122450142cd98e79216370"
    ),
    Release(
        "0.3.16", "2025-08-14", "34ed0f9bd9431af045bb63d9324ae620ad0536653740e9bb163a2e1fcb973be6"
    ),
    Release(
        "0.3.35", "2026-08-17", "1139dbb54509074b70893fab8554e3b079aa9f4d312058ce4018ef0019e3de12"
    ),
)


def folder(cache: Path, release: Release) -> Path:
    return cache / "engine-history" / f"{release.version}-{release.sha256[:12]}"


def is_built(cache: Path, release: Release) -> bool:
    return (folder(cache, release) / _DONE).exists()


def build(
    cache: Path,
    release: Release,
    say: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
    run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run,
) -> Path:
    """The folder to put on the path; built the first time. Raises FileUnavailable."""
    target = folder(cache, release)
    if is_built(cache, release):
        return target
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    say(f"building {PACKAGE} {release.version} of {release.date}: some minutes, once")
    wanted = target / "wanted.txt"
    wanted.write_text(f"{PACKAGE}=={release.version} --hash=sha256:{release.sha256}\n")
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-cache-dir",
        "--disable-pip-version-check", "--no-deps", "--no-binary", PACKAGE, "--require-hashes",
        "--target", str(target), "--requirement", str(wanted),
    ]  # fmt: skip
    env = {**environ, "CMAKE_ARGS": FLAGS}
    try:
        done = run(
            command, env=env, capture_output=True, text=True, timeout=LONGEST_BUILD_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise _failed(release, "it took too long") from None
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if "error" in line.lower()]
        raise _failed(release, lines[0][:200] if lines else f"status {done.returncode}")
    (target / _DONE).touch()
    return target


def _failed(release: Release, why: str) -> FileUnavailable:
    return FileUnavailable(
        f"{PACKAGE} {release.version} could not be built: {why}.",
        "It needs a package index, CMake and a C++ compiler.",
    )
