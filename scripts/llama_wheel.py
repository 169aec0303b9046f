"""Build llama-cpp-python once, with every CPU variant in it, and keep the wheel.

Prints requirements.lock with the entry of llama-cpp-python replaced by that wheel and its hash.
The source's own hash was checked when the wheel was built. Runs before anything is installed, so
it needs only pip and the standard library.

pip's wheel cache is left out: it does not look at build settings, and would hand over a wheel
that somebody built for this CPU alone.

EDGEBENCH_LLAMA_WHEEL names a wheel that was built elsewhere, e.g. one of a release: no compiler is
needed then. `--folder` prints where the wheel is kept and builds nothing: the key for CI's cache.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
BUILD_LOCK = ROOT / "requirements-build.lock"
NAME = "llama-cpp-python"
ENTRY = re.compile(rf"^{NAME}==(\S+).*\n(?:    --hash=.*\n)+", re.MULTILINE)
GIB = 1 << 30
# 14 CPU minutes on an x86-64 server core (docs/decisions/0002-all-cpu-variants.md).
CPU_MINUTES = 15


def entry() -> re.Match[str]:
    """The lock entry of llama-cpp-python, build settings included; group 1 is the version."""
    match = ENTRY.search((ROOT / "requirements-pip.lock").read_text())
    if match is None:
        sys.exit(f"requirements-pip.lock has no entry of {NAME}: python scripts/lock.py")
    return match


def cache_dir(*parts: str) -> Path:
    """The folder that `edgebench.files` caches in; deleting it only costs time."""
    if chosen := os.environ.get("EDGEBENCH_CACHE"):
        return Path(chosen).expanduser().absolute().joinpath(*parts)
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    caches = Path(xdg) if xdg.startswith("/") else Path.home() / ".cache"
    return caches.joinpath("edgebench", *parts)


def compiler() -> str:
    """The C++ compiler that CMake will choose."""
    for command in (os.environ.get("CXX"), "c++", "g++", "clang++"):
        if command and shutil.which(shlex.split(command)[0]):
            return command
    sys.exit("No C++ compiler: sudo apt-get install g++")


def fingerprint() -> str:
    """Names everything that the wheel's machine code depends on, except the source's hash."""
    version = [*shlex.split(compiler()), "--version"]
    facts = [
        entry()[0],
        BUILD_LOCK.read_text(),
        platform.machine(),
        *platform.libc_ver(),
        subprocess.run(version, check=True, capture_output=True, text=True).stdout,
        *(os.environ.get(name, "") for name in ("CC", "CFLAGS", "CXXFLAGS", "CMAKE_ARGS")),
    ]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]


def sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def kept_wheel(folder: Path) -> Path | None:
    """The wheel in `folder`, when it is there and unchanged."""
    for wheel in folder.glob("*.whl"):
        recorded = folder / "sha256"
        if recorded.is_file() and recorded.read_text().strip() == sha256(wheel):
            return wheel
        print(f"{wheel} is damaged; building it again.", file=sys.stderr)
    return None


def pip(verb: str, target: str, folder: Path, log: Path) -> Path:
    """Let pip make or fetch what the lock entry names, its hash checked, inside `folder`."""
    wanted = folder / "wanted.txt"
    wanted.write_text(entry()[0])
    command = [sys.executable, "-m", "pip", verb, "--verbose", "--no-cache-dir", "--no-input"]
    command += ["--no-deps", "--require-hashes", "--requirement", str(wanted)]
    command += ["--build-constraint", str(BUILD_LOCK), target, str(folder)]
    # The sources do not fit into a /tmp that lives in the memory of a small board.
    environment = {"CMAKE_BUILD_PARALLEL_LEVEL": str(jobs()), **os.environ, "TMPDIR": str(folder)}
    with log.open("w") as output:
        done = subprocess.run(
            command, check=False, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    files = [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]
    if done.returncode or not files:
        print("".join(log.read_text().splitlines(keepends=True)[-20:]), file=sys.stderr)
        sys.exit(f"`pip {verb}` of {NAME} failed; the end of {log} is above.")
    return files[0]


def jobs() -> int:
    """How many compilers may run at once: one takes up to half a GiB."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(len(os.sched_getaffinity(0)), round(memory / GIB)))


def variants(wheel: Path) -> list[str]:
    """Names of the CPU variants that a wheel holds; none for one instruction set only."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    return [name for name in names if name.startswith("llama_cpp/lib/libggml-cpu-")]


def given_wheel() -> Path | None:
    """The wheel that EDGEBENCH_LLAMA_WHEEL names, after a look at what it is."""
    if not (named := os.environ.get("EDGEBENCH_LLAMA_WHEEL")):
        return None
    wheel = Path(named).expanduser().absolute()
    wanted = f"llama_cpp_python-{entry()[1]}-"
    if not (wheel.name.startswith(wanted) and zipfile.is_zipfile(wheel)):
        sys.exit(f"EDGEBENCH_LLAMA_WHEEL={named} is no file {wanted}….whl.")
    if platform.machine() not in wheel.name or not variants(wheel):
        sys.exit(f"{wheel.name} is not for {platform.machine()}, or has no CPU variants.")
    return wheel


def build(folder: Path) -> Path:
    """Build the wheel into `folder`; a failed build leaves nothing but its log beside it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    minutes = -(-CPU_MINUTES // jobs())
    print(
        f"Building llama.cpp with every CPU variant, once: about {minutes} minutes; longer on a"
        f" small board. Log: {log}",
        file=sys.stderr,
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="building-", dir=folder.parent) as temporary:
        built = pip("wheel", "--wheel-dir", Path(temporary), log)
        if not variants(built):
            sys.exit(f"{NAME} was built without its CPU variants: unset CMAKE_ARGS; see {log}")
        finished = Path(temporary, "finished")
        finished.mkdir()
        (finished / "sha256").write_text(sha256(built) + "\n")
        built.rename(finished / built.name)
        # A whole folder at once: another clone may be building the same.
        shutil.rmtree(folder, ignore_errors=True)
        finished.rename(folder)
    log.unlink()
    return folder / built.name


def lock_with(wheel: Path) -> str:
    """requirements.lock, with that wheel in place of the source."""
    return ENTRY.sub(f"{NAME} @ {wheel.as_uri()} --hash=sha256:{sha256(wheel)}\n", LOCK.read_text())


def main() -> None:
    given = given_wheel()
    if given is not None and sys.argv[1:] != ["--folder"]:
        print(lock_with(given))
        return
    folder = cache_dir("llama-cpp-python", f"{entry()[1]}-{fingerprint()}")
    if sys.argv[1:] == ["--folder"]:
        print(folder)
        return
    print(lock_with(kept_wheel(folder) or build(folder)))


if __name__ == "__main__":
    main()
