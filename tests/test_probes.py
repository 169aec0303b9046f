"""The real probes of reading and arithmetic, on little memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.backends import LoadOptions
from edgebench.machine import arithmetic, bandwidth
from edgebench.measure import roofline
from edgebench.measure.job import Job
from edgebench.measure.runner import run_job

if TYPE_CHECKING:
    from pathlib import Path


MIB = 1 << 20


def test_the_buffer_outgrows_the_caches_and_fits_the_memory() -> None:
    assert bandwidth.buffer_bytes(None, 8 << 30) == 256 * MIB
    assert bandwidth.buffer_bytes(384 * MIB, 64 << 30) == 4 * 384 * MIB
    assert bandwidth.buffer_bytes(MIB, 400 * MIB) == 100 * MIB
    assert bandwidth.buffer_bytes(MIB, 0) == 2 * MIB


def test_huge_pages_and_blas_kernels_that_nobody_names_are_unknown(tmp_path: Path) -> None:
    assert bandwidth.huge_page_bytes(tmp_path) is None
    assert arithmetic.kernel(tmp_path) is None
    process = tmp_path / "proc/self"
    process.mkdir(parents=True)
    (process / "smaps_rollup").write_text("Rss: 9 kB\nAnonHugePages:    2048 kB\n")
    (process / "maps").write_text("7f00-7f01 r-xp 00000000 08:01 7 /usr/lib/libblis.so.4\n")
    assert bandwidth.huge_page_bytes(tmp_path) == 2 * MIB
    assert arithmetic.kernel(tmp_path) is None


@pytest.mark.parametrize("kind", sorted(roofline.KINDS))
def test_probes_measure_in_a_worker(kind: str) -> None:
    """The answers are checked inside: a probe that did not do its work fails."""
    options = LoadOptions(isa="", threads=2, context_tokens=0)
    job = Job(
        "ceiling", roofline.KINDS[kind], options=options, trials=3, buffer_bytes=8 * MIB + 12345
    )

    outcome = run_job(job, silence_s=60)

    assert outcome.failure is None, outcome.failure
    event = outcome.find("ceiling")
    assert event is not None
    amounts = {rate.get("bytes_read") or rate["operations"] for rate in event["rates"]}
    expected = {"read": 8 * MIB, "f32": 2 * 2 * 512**3, "int8": 2 * 256 * 2048 * 2048}
    assert amounts == {expected[kind]}
    assert all(rate["fastest_ns"] > 0 for rate in event["rates"])
    assert len(event["rates"]) == (3 if kind == "read" else 1)
