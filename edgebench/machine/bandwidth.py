"""How fast this machine reads memory, without compiled code of our own.

Decoding reads weights and writes next to nothing, so reading is what bounds it; STREAM's copy and
triad (McCalpin 1995) also write. Three readers are tried, because none is the fastest everywhere,
and all are reported. C libraries write memchr and memcmp in assembly for each instruction set,
and ctypes releases the interpreter's lock around them: memchr reads one stream, memcmp two.
numpy's bitwise or is for C libraries with plain ones. One thread of a Zen 4 server read, best of
25 in turns: memcmp 34.9, memchr 34.2, bitwise or 34.1 GB/s; left out were BLAS's dot product
32.7, which brings threads of its own, numpy's maximum 32.2 and sum 25.5.

Threads of one process, as engines have, each on a CPU of its own. Each writes its own part
of the buffer first, so that the pages exist and lie in the memory nearest to it. The kernel is
asked for huge pages: this is a capacity, and address translation costs a few per cent without.
"""

from __future__ import annotations

import ctypes
import mmap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edgebench.machine.together import fastest_ns

if TYPE_CHECKING:
    from collections.abc import Callable

FILL, ABSENT = 1, 7
PAGE_BYTES = 1 << 21
MIN_BUFFER_BYTES, MANY_CACHES = 256 << 20, 4
AVAILABLE_SHARE = 4


class Part(NamedTuple):
    """The bytes of the buffer that one thread reads."""

    address: int
    size_bytes: int


def buffer_bytes(cache_bytes: int | None, available_bytes: int) -> int:
    """Four times the last-level caches, at least 256 MiB, at most a quarter of free memory."""
    wanted = max(MIN_BUFFER_BYTES, MANY_CACHES * (cache_bytes or 0))
    fitting = min(wanted, available_bytes // AVAILABLE_SHARE)
    return max(1, fitting // PAGE_BYTES) * PAGE_BYTES


def measure(
    threads: int, trials: int, size_bytes: int, clock: Callable[[], int]
) -> dict[str, object]:
    """The fastest trial of each reader, in a fresh buffer of about `size_bytes`.

    Raises MemoryError where there is no room for it, OSError where the system refuses it.
    """
    part_bytes = max(1, size_bytes // threads // PAGE_BYTES) * PAGE_BYTES
    private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    with mmap.mmap(-1, threads * part_bytes, flags=private) as buffer:
        if hasattr(mmap, "MADV_HUGEPAGE"):
            buffer.madvise(mmap.MADV_HUGEPAGE)
        held = ctypes.c_char.from_buffer(buffer)
        start = ctypes.addressof(held)
        parts = [Part(start + i * part_bytes, part_bytes) for i in range(threads)]
        fastest_ns([partial(_touch, part) for part in parts], trials=1, clock=clock)
        rates = [
            {
                "method": method,
                "bytes_read": threads * part_bytes,
                "fastest_ns": fastest_ns(
                    [partial(read, part) for part in parts], trials=trials, clock=clock
                ),
            }
            for method, read in READERS.items()
        ]
        huge = huge_page_bytes()
        # The mapping cannot be closed while something points into it.
        del held
        return {"rates": rates, "huge_page_bytes": huge}


def huge_page_bytes(root: Path = Path("/")) -> int | None:
    """Anonymous memory of this process in huge pages, Documentation/filesystems/proc.rst."""
    try:
        text = (root / "proc/self/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return None
    lines = [line.split() for line in text.splitlines() if line.startswith("AnonHugePages:")]
    return int(lines[0][1]) * 1024 if lines else None


def _touch(part: Part) -> None:
    ctypes.memset(part.address, FILL, part.size_bytes)


def _memchr(part: Part) -> None:
    find = ctypes.CDLL(None).memchr
    find.restype = ctypes.c_void_p
    found = find(ctypes.c_void_p(part.address), ABSENT, ctypes.c_size_t(part.size_bytes))
    _must(found is None)


def _memcmp(part: Part) -> None:
    half = part.size_bytes // 2
    differ = ctypes.CDLL(None).memcmp(
        ctypes.c_void_p(part.address), ctypes.c_void_p(part.address + half), ctypes.c_size_t(half)
    )
    _must(differ == 0)


def _numpy_or(part: Part) -> None:
    import numpy as np

    memory = (ctypes.c_uint64 * (part.size_bytes // 8)).from_address(part.address)
    found = np.bitwise_or.reduce(np.ctypeslib.as_array(memory))
    _must(int(found) == int.from_bytes(bytes([FILL]) * 8, "little"))


def _must(right: bool) -> None:
    """A reader that did not read everything would look fast."""
    if not right:
        raise RuntimeError("a reader did not find in memory what was written there")


READERS = {
    "memchr of the C library": _memchr,
    "memcmp of the C library": _memcmp,
    "numpy bitwise or": _numpy_or,
}
