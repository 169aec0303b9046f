"""aarch64 wheels for the emulated Python, of exactly the versions and hashes in the lock."""

from __future__ import annotations

import compileall
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.markers import Marker

from edgebench.errors import NotUsableHere

if TYPE_CHECKING:
    from collections.abc import Iterable

PYTHON = "3.11"
A_DAY_S = 86_400
# What edgebench, its engines and their imports need; pip refuses a list that is not closed.
# llama-cpp-python is left out: it comes as source (bindings.py).
NAMES = """
    annotated-doc annotated-types certifi charset-normalizer diskcache filelock flatbuffers gguf
    idna jinja2 markdown-it-py markupsafe mdurl ml-dtypes numpy onnx onnxruntime packaging pip
    protobuf psutil py-cpuinfo pydantic pydantic-core pygments pyyaml requests rich scipy
    shellingham tqdm typer typing-extensions typing-inspection urllib3
"""
_ENVIRONMENT = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{PYTHON}.2",
    "python_version": PYTHON,
    "sys_platform": "linux",
}
_ENTRY = re.compile(r"^([\w.-]+)(==[^\s;]+)(?: ; ([^\\\n]+))? \\\n((?: +--hash=\S+(?: \\)?\n)+)",
                    re.MULTILINE)  # fmt: skip
# Newest first; the older ones are a safety net.
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")


def guest_lock(lock: str, names: Iterable[str] = frozenset(NAMES.split())) -> str:
    """The entries of requirements.lock that the emulated Python needs, without their markers.

    Markers are evaluated for the guest here, because pip evaluates them for the Python that it
    runs on.
    """
    return "".join(
        f"{name}{version} \\\n{hashes}"
        for name, version, marker, hashes in _ENTRY.findall(f"{lock.rstrip()}\n")
        if name in names and (not marker or Marker(marker.strip()).evaluate(_ENVIRONMENT))
    )


def place(folder: Path, lock: str) -> Path:
    """Where the wheels of that lock are installed: named by what is in it."""
    return folder / hashlib.sha256(guest_lock(lock).encode()).hexdigest()[:12]


def install(folder: Path, lock: str) -> Path:
    """A folder of wheels for PYTHONPATH, in `folder`."""
    target, wanted = place(folder, lock), guest_lock(lock)
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wheels-", dir=folder) as temporary:
        made, requirements = Path(temporary, "site"), Path(temporary, "requirements.txt")
        requirements.write_text(wanted)
        _pip(["--require-hashes", "--requirement", str(requirements)], made)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    _compile(target)
    return target


def install_edgebench(folder: Path, root: Path) -> Path:
    """The edgebench of the repository at `root` as its wheel installs it, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="edgebench-", dir=folder) as temporary:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
        _run([*command, "--no-build-isolation", "--wheel-dir", temporary, str(root)])
        (wheel,) = Path(temporary).glob("*.whl")
        target = folder / hashlib.sha256(wheel.read_bytes()).hexdigest()[:12]
        if not target.is_dir():
            made = Path(temporary, "site")
            _pip(["--no-deps", "--no-index", str(wheel)], made)
            made.rename(target)
            _compile(target)
    _forget_older(folder, target)
    return target


def _forget_older(folder: Path, kept: Path) -> None:
    """Copies of other states of the repository; one of today may still be running."""
    for other in folder.iterdir():
        if other != kept and time.time() - other.stat().st_mtime > A_DAY_S:
            shutil.rmtree(other, ignore_errors=True)


def _pip(arguments: list[str], target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-compile"]
    command += ["--disable-pip-version-check", "--root-user-action=ignore", "--target", str(target)]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON]
    for abi in ("cp311", "abi3", "none"):
        command += ["--abi", abi]
    for platform in PLATFORMS:
        command += ["--platform", f"{platform}_aarch64"]
    _run([*command, *arguments])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        said = " ".join(done.stderr.split())[-300:]
        raise NotUsableHere(f"pip failed: {said}", "Check the network and try again.")


def _compile(folder: Path) -> None:
    """Bytecode, where this Python writes what the guest's reads: imports are slow emulated."""
    if f"{sys.version_info.major}.{sys.version_info.minor}" == PYTHON:
        compileall.compile_dir(folder, quiet=2, workers=1)
