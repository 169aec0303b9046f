"""Counting through perf events, with an event that virtual machines have as well."""

from __future__ import annotations

import struct
import threading
import time

import pytest

from edgebench.machine import counters, perf_event
from edgebench.machine.perf_event import Event
from edgebench.machine.retired import INSTRUCTIONS_RETIRED, Retired, complete

SOFTWARE, TASK_CLOCK_NS = 1, 1
TASK_CLOCK = INSTRUCTIONS_RETIRED._replace(kind=SOFTWARE, config=TASK_CLOCK_NS)


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_threads_started_later_are_counted() -> None:
    counter = Retired(TASK_CLOCK)
    before = counter.read()
    if before is None:
        pytest.skip("perf events are closed to this user")
    burn(0.05)
    thread = threading.Thread(target=burn, args=(0.1,))
    thread.start()
    thread.join()
    after = counter.read()

    assert after is not None
    assert 0.14e9 < after - before < 0.5e9, "nanoseconds on a CPU of both threads"


def test_where_nothing_counts_there_is_no_count_and_no_zero() -> None:
    nonsense = Retired(Event(kind=10**6, config=0))
    assert nonsense.read() is None
    assert counters.snapshot().instructions_retired is None
    assert counters.snapshot(retired=lambda: 7).instructions_retired == 7


@pytest.mark.parametrize(
    ("value", "enabled", "running", "count"),
    [(5000, 10, 10, 5000), (5000, 10, 9, None), (0, 10, 0, None), (0, 0, 0, None)],
)
def test_a_counter_that_was_shared_is_not_extrapolated(
    value: int, enabled: int, running: int, count: int | None
) -> None:
    assert complete(struct.pack("=QQQ", value, enabled, running)) == count


def test_the_attribute_is_laid_out_as_the_kernel_reads_it() -> None:
    """Offsets of include/uapi/linux/perf_event.h: size at 4, config 8, read_format 32, bits 40."""
    packed = perf_event.attribute(Event(kind=9, config=2, bits=0x62, read_format=3))

    assert len(packed) == 128
    assert struct.unpack_from("=II", packed, 0) == (9, 128)
    assert struct.unpack_from("=Q", packed, 8) == (2,)
    assert struct.unpack_from("=QQ", packed, 32) == (3, 0x62)
