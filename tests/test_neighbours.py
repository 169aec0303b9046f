"""Neighbours run while something is measured, and are gone afterwards."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from edgebench.backends import EngineError
from edgebench.measure.experiments import hog_tasks
from edgebench.measure.experiments.neighbours import BUSY, beside

TASKS = Path("/proc/self/task")


def children() -> set[int]:
    """Of this thread: whatever it started and has not waited for."""
    listed = (TASKS / str(os.getpid()) / "children").read_text(encoding="ascii")
    return {int(pid) for pid in listed.split()}


@pytest.mark.skipif(not TASKS.exists(), reason="Linux keeps such a list")
def test_a_busy_neighbour_runs_until_it_is_no_longer_wanted() -> None:
    before = children()
    with beside([BUSY]):
        (pid,) = children() - before
        used = [_ticks(pid)]
        time.sleep(0.3)
        used.append(_ticks(pid))
    assert used[1] > used[0], "it takes CPU time"
    assert not children() - before


def test_one_that_does_not_start_is_said_so() -> None:
    with pytest.raises(EngineError, match="did not start"), beside([("this",)]):
        pass


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="hogs are pinned")
def test_reading_beside_hogs_says_every_trial() -> None:
    said: list[tuple[str, dict[str, Any]]] = []
    cpu = max(os.sched_getaffinity(0))
    asked = {"buffer_bytes": 1 << 22, "hog_cpus": [cpu], "trials": 2}
    hog_tasks.read(asked, time.monotonic_ns, lambda name, **values: said.append((name, values)))
    assert [name for name, _ in said] == ["read", "read", "waited"]
    assert all(values["elapsed_ns"] > 0 for name, values in said if name == "read")


def _ticks(pid: int) -> int:
    """User and system time, fields 14 and 15 of proc(5)'s stat."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
