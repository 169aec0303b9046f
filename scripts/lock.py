"""Write or check the lock files.

    requirements.lock        every distribution that edgebench and its tests use
    requirements-pip.lock    the same with the build settings that uv finds in pyproject.toml
    requirements-build.lock  what llama-cpp-python itself is built with

All versions are exact and all files hashed. `scripts/lock.py` needs uv and the network and moves
only what it must (`--upgrade`: everything); `scripts/lock.py --check` needs neither.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
# What is installed for development; torch is not: some GB (docs/decisions/0010).
EXTRAS = ("llama-cpp", "onnxruntime", "report")
SOURCE_ONLY = "llama-cpp-python"
BUILD_TOOLS = ("scikit-build-core>=0.9.2", "cmake>=3.21,<4", "ninja>=1.11")
HEADER = "# Made by scripts/lock.py from pyproject.toml.\n"
COMPILE = ("pip", "compile", "--quiet", "--universal", "--python-version", "3.11")
PLAIN = ("--generate-hashes", "--no-annotate", "--no-header", "--no-emit-index-url")


class Pin(NamedTuple):
    name: str
    version: str
    hashes: int


def pins(lock: str) -> list[Pin]:
    """The entries of a lock; a distribution has several when environments need different ones."""
    joined = re.sub(r"#.*", "", lock).replace("\\\n", " ")
    entries = (line.strip() for line in joined.splitlines())
    found = []
    for entry in entries:
        if match := re.match(r"([\w.-]+)==(\S+)", entry):
            name = canonicalize_name(match[1])
            found.append(Pin(name, match[2], len(re.findall(r"--hash=sha256:[0-9a-f]{64}", entry))))
    return found


def wanted(pyproject: dict[str, Any]) -> list[Requirement]:
    """What pyproject.toml asks for by name: to run with llama.cpp, to test, to build."""
    project = pyproject["project"]
    lines = [
        *project["dependencies"],
        *(line for extra in EXTRAS for line in project["optional-dependencies"][extra]),
        *pyproject["dependency-groups"]["dev"],
        *pyproject["build-system"]["requires"],
    ]
    return [Requirement(line) for line in lines]


def for_pip(pyproject: dict[str, Any], lock: str) -> str:
    """The text of requirements-pip.lock."""
    settings = pyproject["tool"]["uv"]["config-settings-package"][SOURCE_ONLY]
    options = " ".join(f'--config-settings="{key}={value}"' for key, value in settings.items())
    entry = re.search(rf"^{SOURCE_ONLY}==\S+(?: \\\n    --hash=\S+)+\n", lock, re.MULTILINE)
    if entry is None:
        return ""
    return (
        f"{HEADER}# pip takes the first entry of a distribution, uv refuses build settings here.\n"
        f"{entry[0].replace(' ', f' {options} ', 1)}-r requirements.lock\n"
    )


def problems(pyproject: dict[str, Any], lock: str, pip_lock: str, build_lock: str) -> list[str]:
    """What is wrong with the lock files, a sentence each; nothing when they fit pyproject.toml."""
    found = []
    locked = pins(lock)
    for requirement in wanted(pyproject):
        versions = [p.version for p in locked if p.name == canonicalize_name(requirement.name)]
        if not versions:
            found.append(f"requirements.lock: {requirement.name} is missing.")
        found += [
            f"requirements.lock: {requirement.name} {version} is not {requirement.specifier}."
            for version in versions
            if not requirement.specifier.contains(version, prereleases=True)
        ]
    built = pins(build_lock)
    for tool in map(Requirement, BUILD_TOOLS):
        if not any(p.name == tool.name and tool.specifier.contains(p.version) for p in built):
            found.append(f"requirements-build.lock: {tool} is missing.")
    found += [f"{p.name} {p.version} has no hash." for p in locked + built if not p.hashes]
    cpuinfo = sorted({p.name for p in locked} & {"py-cpuinfo", "py-cpuinfo2"})
    if len(cpuinfo) != 1:
        # Both install the same files over each other, and no tool complains.
        found.append(f"requirements.lock: one of py-cpuinfo and py-cpuinfo2, not {cpuinfo}.")
    if pip_lock != for_pip(pyproject, lock):
        found.append("requirements-pip.lock does not follow from pyproject.toml.")
    if any("://" in text or "index-url" in text for text in (lock, pip_lock, build_lock)):
        found.append("A lock file names an address; hashes are all it may name.")
    return found


def compile_lock(uv: str, source: str, out: Path, *options: str) -> None:
    """Let uv resolve `source` (a file, or requirements) into `out`, keeping what it holds."""
    given, text = (source, None) if Path(source).is_file() else ("-", source)
    command = [uv, *COMPILE, *PLAIN, *options, "--output-file", str(out), given]
    subprocess.run(command, check=True, cwd=ROOT, input=text, text=True, stdout=subprocess.DEVNULL)
    out.write_text(HEADER + out.read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if stale")
    parser.add_argument("--upgrade", action="store_true", help="move to the newest versions")
    args = parser.parse_args()
    lock, pip_lock, build_lock = (
        ROOT / f"requirements{part}.lock" for part in ("", "-pip", "-build")
    )
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())

    if not args.check:
        uv = shutil.which("uv") or shutil.which("uv", path=sysconfig.get_path("scripts"))
        if uv is None:
            print("scripts/lock.py: uv is missing: python -m pip install uv", file=sys.stderr)
            return 1
        more = ["--upgrade"] if args.upgrade else []
        pyproject_file = str(ROOT / "pyproject.toml")
        extras = [word for extra in EXTRAS for word in ("--extra", extra)]
        compile_lock(uv, pyproject_file, lock, *extras, "--group", "dev", *more)
        compile_lock(uv, "\n".join(BUILD_TOOLS), build_lock, *more)
        pip_lock.write_text(for_pip(pyproject, lock.read_text()))

    texts = [path.read_text() if path.is_file() else "" for path in (lock, pip_lock, build_lock)]
    found = problems(pyproject, *texts)
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        print("Remedy: python scripts/lock.py", file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
