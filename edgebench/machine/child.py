"""Between a process and the one that it starts: how either ends, and what was said last."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

TAIL_BYTES = 2000


def kill(process: subprocess.Popen[bytes]) -> None:
    """The process and whatever it started; it leads a session of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies, even by SIGKILL (prctl(2))."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def last_words(stream: IO[bytes], characters: int) -> str:
    """The end of what was written to `stream`, in one line."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - TAIL_BYTES))
    return " ".join(stream.read().decode(errors="replace").split())[-characters:]
