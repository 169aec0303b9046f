"""Ceilings: some made by hand, and those that a scripted machine measures."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from edgebench.measure import roofline
from edgebench.measure.runner import Outcome
from edgebench.schema.ceilings import ArithmeticRate, Ceilings, ReadRate
from edgebench.schema.launch import Failure
from tests.results_maker import DEVICE

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgebench.measure.job import Job

CEILINGS = Ceilings(
    schema_version=1, edgebench_version="0.1.0", device="board-4cpu",
    measured_utc="2026-01-01T00:00:00Z", load_average=0.1, environment={},
    last_level_cache_bytes=2 << 20, buffer_bytes=256 << 20, huge_page_bytes=256 << 20, trials=50,
    read=(
        ReadRate(method="memchr of the C library", threads=4, bytes_read=10**9,
                 fastest_ns=(120_000_000, 100_000_000)),
        ReadRate(method="memcmp of the C library", threads=4, bytes_read=10**9,
                 fastest_ns=(125_000_000, 110_000_000)),
    ),
    f32=(ArithmeticRate(method="numpy matmul", threads=4, operations=10**9,
                        fastest_ns=(20_000_000,)),),
    int8=(ArithmeticRate(method="MatMulInteger", threads=4, operations=10**9,
                         fastest_ns=(5_000_000, 6_000_000)),),
    not_measured={"int8, 1 thread(s)": "onnxruntime is not installed."},
    stopped_because="rounds",
)  # fmt: skip
MISSING = Failure(stage="trial", kind="engine_error", message="onnxruntime is not installed.")


class Clock:
    """Seconds that pass by one with every launch."""

    def __init__(self) -> None:
        self.launches = 0

    def __call__(self) -> float:
        return float(self.launches)


def played(clock: Clock, failing: str = "") -> Callable[[Job], Outcome]:
    """Each launch is a nanosecond slower than the one before it."""

    def run(job: Job) -> Outcome:
        clock.launches += 1
        kind = next(name for name, target in roofline.KINDS.items() if target == job.backend)
        if failing in (kind, "all"):
            return Outcome((), MISSING)
        amount = "bytes_read" if kind == "read" else "operations"
        rate = {"method": "m", amount: 100, "fastest_ns": 1000 + clock.launches}
        huge = {"huge_page_bytes": 4096 * clock.launches} if kind == "read" else {}
        return Outcome(({"event": "ceiling", "rates": [rate], **huge},), None)

    return run


def measured(
    failing: str = "", max_time_s: float = 1e9, threads: tuple[int, ...] = (1,)
) -> Ceilings:
    clock = Clock()
    world = roofline.World(
        run=played(clock, failing),
        monotonic_s=clock,
        utc=lambda: "2026-01-01T00:00:00Z",
        load_average=lambda: 0.5,
        available_bytes=lambda: 8 << 30,
        turn=nullcontext,
        say=lambda _: None,
    )
    return roofline.measure(DEVICE, threads, max_time_s, world)
