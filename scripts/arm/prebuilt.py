"""llama.cpp's aarch64 libraries as node-llama-cpp publishes them (MIT): no compiler, seconds.

All eight variants of llama.cpp v0.5.0, a little older than the source in the lock: the structures
that the Python bindings know are the same, fourteen functions that edgebench does not call are
not there. The full form builds the locked source instead (crossbuild.py).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from edgebench.errors import HashMismatch, NotUsableHere
from scripts.archives import extract

PACKAGE = "@node-llama-cpp/linux-arm64@3.22.1"
SHA256 = "39c76b998e35ed2f236c01472fc79eda0fc558b1c8b535023c2d7ded8c327cc4"
INSIDE = "package/bins/linux-arm64"
# The bindings look for the plain names.
NAMES = {"libllama.so": "libllama.v0.5.0.so", "libggml.so": "libggml.v0.5.0.so"}
# Goes at the end of llama_cpp/_ctypes_extensions.py, whose decorator insists on every function.
LENIENT = """

# Added by edgebench's scripts/arm/prebuilt.py: these libraries lack some functions.
_strict_ctypes_function_for_shared_library = ctypes_function_for_shared_library


def ctypes_function_for_shared_library(lib):
    bind = _strict_ctypes_function_for_shared_library(lib)

    def decorator(name, argtypes, restype, enabled=True):
        if enabled and not hasattr(lib, name):
            return lambda function: _missing(name)
        return bind(name, argtypes, restype, enabled)

    return decorator


def _missing(name):
    def refuse(*_):
        raise NotImplementedError(f"{name} is not in these libraries")

    return refuse
"""


def fetch(target: Path) -> Path:
    """The libraries in the folder `target`. Raises HashMismatch, NotUsableHere."""
    if shutil.which("npm") is None:
        raise NotUsableHere(
            "npm is missing: it fetches llama.cpp's aarch64 libraries.",
            "Install it, or build them: make arm-emulated.",
        )
    with tempfile.TemporaryDirectory(prefix="npm-", dir=target.parent) as temporary:
        command = ["npm", "pack", "--silent", "--pack-destination", temporary, PACKAGE]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        archives = list(Path(temporary).glob("*.tgz"))
        if done.returncode or not archives:
            said = " ".join(done.stderr.split())[-300:]
            raise NotUsableHere(f"npm failed: {said}", "Check the network and try again.")
        _unpack(archives[0], target)
    return target


def make_lenient(bindings: Path) -> None:
    """Let the bindings at `bindings` be imported although some functions are missing."""
    with (bindings / "llama_cpp/_ctypes_extensions.py").open("a") as stream:
        stream.write(LENIENT)


def _unpack(archive: Path, target: Path) -> None:
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != SHA256:
        raise HashMismatch(f"{PACKAGE} has SHA-256 {found}, not {SHA256}.", "Do not use it.")
    with tarfile.open(archive) as packed:
        extract(packed, archive.parent)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(archive.parent / INSIDE, target)
    for plain, versioned in NAMES.items():
        (target / plain).symlink_to(versioned)
