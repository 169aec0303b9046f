"""A neighbour that reads memory as fast as it can, on a CPU of its own, until its parent ends.

Run as `python -m edgebench.measure.experiments.hog CPU BYTES`; says "ready" when it begins. The
reader is the C library's memchr, as in machine/bandwidth.py.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ABSENT = 7


def main() -> None:
    cpu, size_bytes = map(int, sys.argv[1:3])
    os.sched_setaffinity(0, {cpu})
    parent = os.getppid()
    with reader(size_bytes) as read:
        print("ready", flush=True)  # noqa: T201 - its parent waits for this line
        while os.getppid() == parent:
            read()


@contextmanager
def reader(size_bytes: int) -> Iterator[Callable[[], object]]:
    """A call reads the whole of a buffer that nobody else has."""
    with mmap.mmap(-1, size_bytes) as buffer:
        held = (ctypes.c_char * size_bytes).from_buffer(buffer)
        address = ctypes.addressof(held)
        ctypes.memset(address, 1, size_bytes)
        find = ctypes.CDLL(None).memchr
        find.restype = ctypes.c_void_p
        yield partial(find, ctypes.c_void_p(address), ABSENT, ctypes.c_size_t(size_bytes))
        # The mapping cannot be closed while something points into it.
        del held


if __name__ == "__main__":
    main()
