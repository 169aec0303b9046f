"""A neighbour that reads memory as fast as it can, on a CPU of its own, until its parent ends.

Run as `python -m edgebench.measure.experiments.hog CPU BYTES`; says "ready" when it begins. The
reader is the C library's memchr, as in machine/bandwidth.py.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys

ABSENT = 7


def main() -> None:
    cpu, size_bytes = map(int, sys.argv[1:3])
    os.sched_setaffinity(0, {cpu})
    parent = os.getppid()
    with mmap.mmap(-1, size_bytes) as buffer:
        held = (ctypes.c_char * size_bytes).from_buffer(buffer)
        address = ctypes.addressof(held)
        ctypes.memset(address, 1, size_bytes)
        find = ctypes.CDLL(None).memchr
        find.restype = ctypes.c_void_p
        print("ready", flush=True)  # noqa: T201 - its parent waits for this line
        while os.getppid() == parent:
            find(ctypes.c_void_p(address), ABSENT, ctypes.c_size_t(size_bytes))
        del held


if __name__ == "__main__":
    main()
