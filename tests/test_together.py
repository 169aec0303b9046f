"""The same work on several threads at once."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from edgebench.machine.together import cores_first, fastest_ns

if TYPE_CHECKING:
    from pathlib import Path


def test_one_cpu_of_every_core_comes_first(tmp_path: Path) -> None:
    for cpu, siblings in {0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}.items():
        folder = tmp_path / f"sys/devices/system/cpu/cpu{cpu}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{siblings}\n")
    assert cores_first({0, 1, 2, 3}, tmp_path) == [0, 2, 1, 3]
    assert cores_first({1, 2, 3}, tmp_path) == [1, 2, 3]
    assert cores_first({4, 7}, tmp_path) == [4, 7], "nothing is known of them"


@pytest.mark.skipif(sys.platform != "linux", reason="threads are kept on CPUs on Linux only")
def test_every_work_has_a_cpu_of_its_own() -> None:
    allowed = os.sched_getaffinity(0)
    seen: list[frozenset[int]] = []
    works = [lambda: seen.append(frozenset(os.sched_getaffinity(0)))] * min(2, len(allowed))

    fastest_ns(works, trials=1, clock=iter(range(100)).__next__)

    assert len(set(seen)) == len(works)
    assert os.sched_getaffinity(0) == allowed, "the caller is left where it was"


def test_works_run_at_once_and_the_fastest_trial_counts() -> None:
    ticks = iter([0, 50, 100, 130, 200, 260])
    assert fastest_ns([lambda: None], trials=3, clock=lambda: next(ticks)) == 30

    at_once_ns = fastest_ns([lambda: time.sleep(0.05)] * 3, trials=3, clock=time.monotonic_ns)
    assert 50e6 <= at_once_ns < 150e6


def test_a_slow_machine_is_asked_for_fewer_trials() -> None:
    ticks = iter(range(0, 10**10, 10**9))
    assert fastest_ns([lambda: None], trials=50, clock=lambda: next(ticks)) == 10**9
    assert next(ticks) == 6 * 10**9, "three trials, two readings each"
