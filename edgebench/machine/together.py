"""The same work on several threads at once, timed from the first start to the last end."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from edgebench.machine.kernel_files import cpu_list, text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    Work = Callable[[], object]

FEWEST, ENOUGH_NS = 3, 400_000_000


def fastest_ns(works: Sequence[Work], *, trials: int, clock: Callable[[], int]) -> int:
    """Nanoseconds of the fastest trial, which does every work at once on a thread of its own.

    `trials` at most: after ENOUGH_NS no further one is begun, so that slow boards are not asked
    for minutes; FEWEST are always done.

    Only work that releases the interpreter's lock runs at once: C functions through ctypes and
    numpy's loops do. Each work stays on a CPU of its own where there are enough: trials are too
    short for the kernel to move a thread that woke beside another, and two of them sharing a CPU
    read this machine's memory at 36 GB/s instead of 58. Raises what a work raises.
    """
    barrier = threading.Barrier(len(works))
    cpus = _cpus(len(works))

    def timed(number: int, work: Work) -> tuple[int, int]:
        if cpus:
            os.sched_setaffinity(0, {cpus[number]})
        barrier.wait()
        begun = clock()
        work()
        return begun, clock()

    found: list[int] = []
    with ThreadPoolExecutor(len(works)) as pool:
        while len(found) < trials and (len(found) < FEWEST or sum(found) < ENOUGH_NS):
            begun, ended = zip(*pool.map(timed, range(len(works)), works), strict=True)
            found.append(max(ended) - min(begun))
    return min(found)


def _cpus(count: int) -> list[int]:
    """So many of the CPUs that this process may use; none where there are fewer."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    allowed = cores_first(os.sched_getaffinity(0))
    return allowed[:count] if len(allowed) >= count else []


def cores_first(cpus: Collection[int], root: Path = Path("/")) -> list[int]:
    """One CPU of every core, then their hyper-threads."""

    def place(cpu: int) -> tuple[int, int]:
        name = f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        siblings = sorted(cpu_list(text(root / name)) & set(cpus))
        return (siblings.index(cpu) if cpu in siblings else 0, cpu)

    return sorted(cpus, key=place)
