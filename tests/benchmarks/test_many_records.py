"""A hundred thousand cells: how long a grouped query takes, and how the build of the index grows.

CPU time is judged where a neighbour on the machine would count; both are printed. Building is
linear when twice as many cells take about twice the CPU time.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis import compare_reading
from edgebench.analysis.index import query, sides, store
from tests import many_records

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.bench
CELLS = 100_000
ALLOWED_S = 1.0
SMALL = 10_000
LINEAR = (1.6, 2.5)
GROUPED = (
    "SELECT device_id, isa, threads, count(*), median(decode_tok_s), max(peak_rss_bytes) "
    "FROM results GROUP BY ALL ORDER BY ALL"
)


def test_a_grouped_query_over_a_hundred_thousand_cells(tmp_path: Path) -> None:
    many_records.write(tmp_path / "many", CELLS)
    built_s = _build(tmp_path, "many")

    with store.fresh([tmp_path / "many"], print, tmp_path / "cache") as index:
        query.run(index, GROUPED)
        begun = time.perf_counter()
        found = query.run(index, GROUPED)
        took_s = time.perf_counter() - begun

    print(
        f"{CELLS} cells: built in {built_s:.1f} s of CPU time, a grouped query in {took_s:.3f} s "
        f"({len(found.rows)} groups, {index.stat().st_size / 2**20:.0f} MiB)"
    )
    assert sum(row[3] for row in found.rows) == CELLS
    assert took_s <= ALLOWED_S


def test_building_is_linear(tmp_path: Path) -> None:
    for name, cells in (("warm-up", 1000), ("small", SMALL), ("large", 2 * SMALL)):
        many_records.write(tmp_path / name, cells)
    _build(tmp_path, "warm-up")

    small_s, large_s = _build(tmp_path, "small"), _build(tmp_path, "large")

    print(f"{SMALL} cells {small_s:.1f} s, {2 * SMALL} cells {large_s:.1f} s of CPU time")
    assert LINEAR[0] <= large_s / small_s <= LINEAR[1]


def test_a_warm_index_is_quicker_than_the_files(tmp_path: Path) -> None:
    """A thousand records of tg128: samples out of the index against samples out of the files."""
    many_records.write(tmp_path / "many", cells=4000, per_record=4, steps=128)
    # What was written a moment ago may still change, and an index would read it again.
    for path in (tmp_path / "many").rglob("*.json"):
        os.utime(path, (path.stat().st_mtime - 3600,) * 2)
    _build(tmp_path, "many")

    direct_s, indexed_s = (
        min(_cpu_s(read) for _ in range(3))
        for read in (
            lambda: compare_reading.read_side(tmp_path / "many"),
            lambda: sides.read_sides([tmp_path / "many"], print, tmp_path / "cache"),
        )
    )

    print(f"1000 records: {direct_s:.2f} s from files, {indexed_s:.2f} s from a warm index")
    assert indexed_s < direct_s


def _build(tmp_path: Path, name: str) -> float:
    begun = time.process_time()
    with store.fresh([tmp_path / name], lambda _: None, tmp_path / "cache"):
        return time.process_time() - begun


def _cpu_s(read: object) -> float:
    assert callable(read)
    begun = time.process_time()
    read()
    return time.process_time() - begun
