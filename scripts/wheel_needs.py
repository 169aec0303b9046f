"""What a wheel with compiled libraries needs of a machine: glibc, libstdc++, other libraries.

`python scripts/wheel_needs.py FILE.whl` prints it. Wheels of llama.cpp's variants are named
`linux_<machine>`, which promises nothing: their libraries load each other by path, and need libgomp
and OpenSSL of the system, which the manylinux policies do not allow. So they are attached to a
release and not uploaded to an index, and this says where they run. `readelf` is binutils', which
comes with every compiler.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = re.compile(r"Name: (GLIBC|GLIBCXX)_(\d+(?:\.\d+)+)")
NEEDED = re.compile(r"\(NEEDED\).*\[(.+?)\]")


class Needs(NamedTuple):
    """The newest symbol versions asked for, and the libraries that the wheel does not bring."""

    glibc: str
    glibcxx: str
    libraries: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"glibc {self.glibc} or newer, GLIBCXX {self.glibcxx} or newer, "
            f"and {', '.join(self.libraries)}"
        )


def needs(wheel: Path) -> Needs:
    """Of all libraries in the wheel together."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".so" in Path(name).name]
        told = [_readelf(Path(archive.extract(name, folder))) for name in names]
    return summed(told, {Path(name).name for name in names})


def summed(told: Iterable[str], brought: set[str]) -> Needs:
    """From what `readelf --version-info --dynamic` prints, file by file."""
    text = "\n".join(told)
    found: dict[str, list[str]] = {"GLIBC": [], "GLIBCXX": []}
    for name, version in VERSION.findall(text):
        found[name].append(version)
    newest = {name: max(each, key=_numbers, default="none") for name, each in found.items()}
    libraries = sorted(set(NEEDED.findall(text)) - brought)
    return Needs(newest["GLIBC"], newest["GLIBCXX"], tuple(libraries))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _readelf(library: Path) -> str:
    command = ["readelf", "--wide", "--version-info", "--dynamic", str(library)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(f"{Path(argument).name} needs {needs(Path(argument))}.")
