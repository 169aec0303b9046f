"""Cache types, ways to load and looped launches, by llama.cpp on the real model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.analysis import metrics
from tests.conftest import record_in
from tests.real.program import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real
ONE = ("--threads", "1", "--launches", "1", "--trials", "1", "--meters", "none")


def test_a_quantized_cache_is_smaller_and_locked_weights_are_locked(
    tmp_path: Path, smollm2: Path
) -> None:
    lists = ("--kv", "f16,q8_0", "--load", "mmap,mlock")

    run(tmp_path, "run", "--file", smollm2, *ONE, "--workload", "pp32+tg4", *lists)

    kept = record_in(tmp_path)
    seen = {
        (entry.cell.options.kv_type, entry.cell.options.load_mode): memory
        for entry in kept.cells
        if metrics.is_sound(entry) and (memory := entry.launches[0].memory)
    }
    half, eighth = (seen[kv, "mmap"].kv_cache_bytes or 0 for kv in ("f16", "q8_0"))
    assert eighth * 64 == half * 34 > 0, "32 values take 34 bytes instead of 64"
    if reasons := [skip.reason for skip in kept.skipped]:
        assert all("RLIMIT_MEMLOCK" in reason for reason in reasons)
    else:
        locked = seen["f16", "mlock"].locked_bytes or 0
        assert locked > 0.8 * smollm2.stat().st_size
        assert seen["f16", "mmap"].locked_bytes == 0
    for memory in seen.values():
        peaks = memory.phase_peaks
        assert peaks is not None
        assert peaks.prefill_bytes is not None
        assert memory.peak_rss_bytes is not None
        assert peaks.prefill_bytes <= memory.peak_rss_bytes


def test_a_looped_launch_is_verified_first_and_repeats_itself(
    tmp_path: Path, smollm2: Path
) -> None:
    looped = ("--workload", "pp16+tg4", "--sustain", "5s")

    run(tmp_path, "run", "--file", smollm2, "--threads", "1", "--meters", "none", *looped)

    (entry,) = record_in(tmp_path).cells
    assert metrics.is_sound(entry)
    found = entry.launches[0].sustained
    assert found is not None
    assert found.started_ns[-1] - found.started_ns[0] < 5e9
    assert found.started_ns[-1] + found.wall_ns[-1] - found.started_ns[0] >= 4.9e9
    assert found.other_outputs == 0
    assert found.conditions is not None
    assert len(found.conditions.times_ns) >= 4
