"""How much of some files the kernel holds in memory, and asking it to let go."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAP_FAILED = ctypes.c_void_p(-1).value


def drop(paths: Sequence[Path]) -> None:
    """Ask the kernel to forget the files' pages; it may keep those that others use.

    posix_fadvise(2), POSIX_FADV_DONTNEED. Whether it worked is for `resident_share` to say.
    """
    for path in paths:
        with contextlib.suppress(OSError, AttributeError), path.open("rb") as stream:
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def resident_share(paths: Sequence[Path]) -> float | None:
    """Share of the files' pages in the page cache, by mincore(2).

    None without files, and where the kernel will not say: since Linux 5.2 it calls every page
    resident of a file that the caller neither owns nor may write.
    """
    try:
        counts = [_pages(path) for path in paths]
    except (OSError, AttributeError):
        return None
    total = sum(pages for pages, _ in counts)
    return sum(resident for _, resident in counts) / total if total else None


def _pages(path: Path) -> tuple[int, int]:
    """Pages of a file, and how many of them are resident. Raises OSError."""
    status = path.stat()
    if status.st_uid != os.geteuid() and not os.access(path, os.W_OK):
        raise PermissionError(path)
    pages = -(-status.st_size // mmap.PAGESIZE)
    if not pages:
        return 0, 0
    found = (ctypes.c_ubyte * pages)()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
    ]  # fmt: skip
    libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    with path.open("rb") as stream:
        # Shared and read-only: a private mapping of a file larger than memory would be refused.
        address = libc.mmap(
            None, status.st_size, mmap.PROT_READ, mmap.MAP_SHARED, stream.fileno(), 0
        )
    if address == MAP_FAILED:
        raise OSError(ctypes.get_errno(), "mmap")
    try:
        if libc.mincore(address, status.st_size, found):
            raise OSError(ctypes.get_errno(), "mincore")
    finally:
        libc.munmap(address, status.st_size)
    return pages, sum(value & 1 for value in found)
