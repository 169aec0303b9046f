"""perf_event_open(2), by its number: there is no wrapper in any C library.

Standard library only: the worker imports this before it has an engine.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import NamedTuple

# Architectures by the names that uname(2) gives.
SYSTEM_CALL = {"x86_64": 298, "aarch64": 241, "riscv64": 241, "armv7l": 364, "i686": 336}
ATTRIBUTE_BYTES = 128
THIS_PROCESS, EVERY_PROCESS = 0, -1
EVERY_CPU = -1
# Bits of the attribute, from include/uapi/linux/perf_event.h.
INHERIT, EXCLUDE_KERNEL, EXCLUDE_HYPERVISOR = 1 << 1, 1 << 5, 1 << 6
TIME_ENABLED, TIME_RUNNING = 1, 2
CLOSE_ON_EXEC = 8


class Event(NamedTuple):
    """What to count; the fields are those of the attribute."""

    kind: int
    config: int
    bits: int = 0
    read_format: int = 0


def open_event(event: Event, *, process: int, cpu: int) -> int:
    """A descriptor that counts from now on. Raises OSError where it may not or cannot."""
    number = SYSTEM_CALL.get(os.uname().machine)
    if number is None:
        raise OSError(0, "perf events are not known on this architecture")
    library = ctypes.CDLL(None, use_errno=True)
    handle = library.syscall(
        ctypes.c_long(number),
        attribute(event),
        ctypes.c_int(process),
        ctypes.c_int(cpu),
        ctypes.c_int(-1),
        ctypes.c_ulong(CLOSE_ON_EXEC),
    )
    if handle < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(handle)


def attribute(event: Event) -> bytes:
    """struct perf_event_attr: what is not set is 0, which older kernels accept too."""
    sampling, samples = 0, 0
    fields = struct.pack(
        "=IIQQQQQ", event.kind, ATTRIBUTE_BYTES, event.config, sampling, samples,
        event.read_format, event.bits,
    )  # fmt: skip
    return fields.ljust(ATTRIBUTE_BYTES, b"\0")
