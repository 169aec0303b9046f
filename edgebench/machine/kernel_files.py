"""Small files that the kernel writes, read under a root. What cannot be read is absent, never 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def text(path: Path) -> str:
    """The file without its outer white space and NULs; empty where it cannot be read."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip("\0 \n")
    except OSError:
        return ""


def integer(path: Path) -> int | None:
    """The decimal number in the file; None where there is none."""
    found = text(path)
    return int(found) if found.removeprefix("-").isdigit() else None


def fields(path: Path, separator: str = ":") -> dict[str, str]:
    """`key: value` lines, as in /proc/meminfo; the first of equal keys counts."""
    pairs = (line.partition(separator) for line in text(path).splitlines())
    return {key.strip(): value.strip() for key, found, value in reversed([*pairs]) if found}


def cpu_list(written: str) -> frozenset[int]:
    """`0-2,8` -> {0, 1, 2, 8}, the kernel's way to write CPUs; empty for anything else."""
    numbers: set[int] = set()
    for part in written.split(","):
        first, _, last = part.partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            return frozenset()
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


def as_cpu_list(cpus: frozenset[int]) -> str:
    """{0, 1, 2, 8} -> `0-2,8`, as taskset(1) takes it."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and cpu == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], cpu]
        else:
            runs.append([cpu])
    return ",".join("-".join(map(str, run)) for run in runs)
