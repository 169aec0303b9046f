"""Instructions retired by this process and the threads that it starts from now on.

Counted in user space by the CPU itself, so other programs do not add to them. Virtual machines
rarely have the counter. Standard library only, like everything that the worker imports.
"""

from __future__ import annotations

import os
import struct

from edgebench.machine import perf_event
from edgebench.machine.perf_event import Event

HARDWARE, INSTRUCTIONS = 0, 1
USER_SPACE = perf_event.EXCLUDE_KERNEL | perf_event.EXCLUDE_HYPERVISOR
INSTRUCTIONS_RETIRED = Event(
    kind=HARDWARE,
    config=INSTRUCTIONS,
    bits=perf_event.INHERIT | USER_SPACE,
    read_format=perf_event.TIME_ENABLED | perf_event.TIME_RUNNING,
)


class Retired:
    """Open it before the engine starts its threads: they inherit the counter, older ones do not."""

    def __init__(self, event: Event = INSTRUCTIONS_RETIRED) -> None:
        try:
            self._handle: int | None = perf_event.open_event(
                event, process=perf_event.THIS_PROCESS, cpu=perf_event.EVERY_CPU
            )
        except OSError:
            self._handle = None

    def read(self) -> int | None:
        """The count so far; None where there is no counter, or where it had to be shared.

        A counter that did not run all the time (too few of them, or a thread on a core of another
        kind) would have to be extrapolated.
        """
        if self._handle is None:
            return None
        try:
            return complete(os.read(self._handle, 24))
        except OSError:
            return None


def complete(answer: bytes) -> int | None:
    """The count of `value, time enabled, time running`; None unless it ran while enabled."""
    value, enabled, running = struct.unpack("=QQQ", answer)
    return int(value) if running and running == enabled else None
