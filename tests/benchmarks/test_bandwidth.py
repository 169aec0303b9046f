"""Read bandwidth as edgebench measures it beside what a compiled read kernel reaches."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgebench.backends import LoadOptions
from edgebench.machine import device as machine
from edgebench.machine.bandwidth import PAGE_BYTES, READERS, buffer_bytes
from edgebench.measure.job import Job
from edgebench.measure.roofline import KINDS, last_level_cache_bytes
from edgebench.measure.runner import run_job
from edgebench.models.fit import available_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.bench
ROUNDS = int(os.environ.get("EDGEBENCH_BENCH_PAIRS", "12"))
TRIALS = 20
AT_LEAST = 0.9
SOURCE = Path(__file__).with_name("read_memory.c")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    assert compiler, "this comparison needs a C compiler"
    program = tmp_path_factory.mktemp("bandwidth") / "read_memory"
    flags = ["-O3", "-march=native", "-pthread"]
    subprocess.run([compiler, *flags, "-o", program, SOURCE], check=True)
    return program


def test_reading_is_as_fast_as_a_compiled_kernel(compiled: Path) -> None:
    """Best of many on both sides, in turns: bandwidth is a capacity, and neighbours only take."""
    device = machine.detect()
    threads = device.usable_cpus
    size_bytes = buffer_bytes(last_level_cache_bytes(device), available_bytes(Path("/")))
    readers: dict[str, Callable[[], float]] = {
        "ours": partial(_ours, threads, size_bytes),
        "compiled": partial(_theirs, compiled, threads, size_bytes),
    }
    found: dict[str, list[float]] = {name: [] for name in readers}
    for number in range(ROUNDS):
        for name in sorted(readers, reverse=bool(number % 2)):
            found[name].append(readers[name]())

    ours, theirs = max(found["ours"]), max(found["compiled"])
    print(
        f"read bandwidth, {threads} threads, best of {ROUNDS} launches: {ours:.1f} GB/s, "
        f"compiled {theirs:.1f} GB/s, ratio {ours / theirs:.3f}"
    )
    assert ours >= AT_LEAST * theirs


def _ours(threads: int, size_bytes: int) -> float:
    options = LoadOptions(isa="", threads=threads, context_tokens=0)
    job = Job("ceiling", KINDS["read"], options=options, trials=TRIALS, buffer_bytes=size_bytes)
    outcome = run_job(job, silence_s=120)
    event = outcome.find("ceiling")
    assert event is not None, outcome.failure
    rates: list[float] = [r["bytes_read"] / r["fastest_ns"] for r in event["rates"]]
    return max(rates)


def _theirs(program: Path, threads: int, size_bytes: int) -> float:
    # As many trials as our readers have together.
    arguments = [str(program), *map(str, (threads, size_bytes, TRIALS * len(READERS)))]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    part_bytes = size_bytes // threads // PAGE_BYTES * PAGE_BYTES
    return part_bytes * threads / int(done.stdout)
