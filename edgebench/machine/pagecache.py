"""How much of a file the kernel holds in memory, and asking it to let go."""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def drop(path: Path) -> None:
    """Ask the kernel to forget `path`'s pages; it may keep those that others use.

    posix_fadvise(2), POSIX_FADV_DONTNEED. Whether it worked is for `resident_share` to say.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def resident_share(path: Path) -> float | None:
    """Share of `path`'s pages in the page cache, by mincore(2); None where that cannot be asked."""
    size = path.stat().st_size
    pages = -(-size // mmap.PAGESIZE)
    mincore = getattr(ctypes.CDLL(None, use_errno=True), "mincore", None)
    if mincore is None or not pages:
        return None
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_COPY) as m:
        first = ctypes.c_char.from_buffer(m)
        found = (ctypes.c_ubyte * pages)()
        failed = mincore(ctypes.byref(first), ctypes.c_size_t(size), found)
        del first
    return None if failed else sum(value & 1 for value in found) / pages
