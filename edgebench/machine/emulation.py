"""Is this process emulated? Time that passes in an emulator says nothing about a CPU.

User-mode emulators (QEMU, also behind `docker run --platform`) translate system calls but not
everything under /proc: the file that the kernel really executes there is a program for the host.
An emulator of a whole machine is not seen that way; whoever starts one can say so in
EDGEBENCH_EMULATED.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

VARIABLE = "EDGEBENCH_EMULATED"
# e_machine of the ELF specification's processor supplements. 32-bit programs run natively.
_NATIVE = {"x86_64": {3, 62}, "aarch64": {40, 183}, "riscv64": {243}}
_NAMES = {3: "x86", 62: "x86-64", 40: "ARM", 183: "aarch64", 243: "RISC-V"}


def emulator(root: Path, environ: Mapping[str, str], machine: str) -> str | None:
    """What emulates this process, or None where nothing shows that anything does.

    `machine` is what `platform.machine()` says. The name is that in EDGEBENCH_EMULATED; without
    it, what the kernel executes.
    """
    named = "".join(c for c in environ.get(VARIABLE, "") if c.isprintable()).strip()[:80]
    if named:
        return named
    found = next(filter(None, map(_elf_machine, _executables(root))), None)
    if found is None or found in _NATIVE.get(machine, {found}):
        return None
    return f"user-mode emulation of {machine} by a program for {_NAMES.get(found, found)}"


def _executables(root: Path) -> Iterable[Path]:
    """Names of this process's executable that emulators do not intercept as they do self/exe."""
    return root / "proc/thread-self/exe", root / f"proc/self/task/{os.getpid()}/exe"


def _elf_machine(path: Path) -> int | None:
    try:
        with path.open("rb") as stream:
            header = stream.read(20)
    except OSError:
        return None
    is_elf = len(header) == 20 and header.startswith(b"\x7fELF")
    return int.from_bytes(header[18:], "little") if is_elf else None
