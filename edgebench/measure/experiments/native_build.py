"""Compiles data/native_rung.c here, at several levels of optimisation, once per compiler."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from edgebench import files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SOURCE = "native_rung.c"
# Sums in the order that suits the CPU, which vectorisation needs; not all of -ffast-math, which
# would also change how this process treats tiny numbers.
REORDER = ("-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math")
LEVELS: Mapping[str, tuple[str, ...]] = {
    "c_O0": ("-O0",),
    "c_O3_scalar": ("-O3", *REORDER, "-fno-tree-vectorize", "-fno-tree-slp-vectorize"),
    "c_O3_native": ("-O3", *REORDER, "-march=native"),
}
COMPILE_S = 120.0


class Built(NamedTuple):
    """A shared library, and what made it, for the record: `gcc 12.2.0 -O3 …`."""

    path: Path
    how: str


def compiler(environ: Mapping[str, str] = os.environ) -> str | None:
    """$CC where it is a program, else the usual names."""
    names = (environ.get("CC", ""), "cc", "gcc", "clang")
    return next((found for name in names if name and (found := shutil.which(name))), None)


def version(program: str) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.split("\n", 1)[0].strip() or program.rpartition("/")[2]


def build(level: str, cache: Path) -> Built | str:
    """The library of that level; or the compiler's own last words.

    OpenMP is left out where the compiler has none: the rung then has one thread.
    """
    program = compiler()
    if program is None:
        return "There is no C compiler. Install one: sudo apt-get install gcc."
    source = files.packaged(SOURCE)
    said = ""
    for flags in _tries(LEVELS[level]):
        how = " ".join((version(program), *flags))
        mark = hashlib.sha256(source.read_bytes() + how.encode()).hexdigest()[:16]
        path = cache / "native" / f"{level}-{mark}.so"
        if path.exists() or not (said := _compile(program, flags, source, path)):
            return Built(path, how)
    return f"The C rung could not be compiled: {said}"


def has_threads(built: Built) -> bool:
    return "-fopenmp" in built.how.split()


def _tries(flags: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Some compilers for ARM know the CPU as -mcpu; some have no OpenMP."""
    other = tuple("-mcpu=native" if flag == "-march=native" else flag for flag in flags)
    return [("-fopenmp", *flags), ("-fopenmp", *other), flags, other]


def _compile(program: str, flags: tuple[str, ...], source: Path, path: Path) -> str:
    """Empty when it was made; else what the compiler said last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    command = [program, "-std=c11", *flags, "-shared", "-fPIC", "-o", str(part), str(source), "-lm"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=COMPILE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode:
        part.unlink(missing_ok=True)
        return (done.stderr.strip().splitlines() or ["no reason given"])[-1][:300]
    part.replace(path)
    return ""
