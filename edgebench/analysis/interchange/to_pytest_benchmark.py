"""pytest-benchmark's JSON, which `pytest-benchmark compare` reads.

Its figure is seconds, smaller is better: here seconds per token, and a round is a launch.
"""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING

from edgebench.analysis import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.analysis.interchange.exported import Export, Exported, Phase

# The release whose documents these are like.
VERSION = "5.1.0"


def text(export: Export) -> str:
    """One benchmark per cell and phase. `machine_info` is of the first cell's device."""
    first = export.cells[0]
    benchmarks = [_benchmark(each, phase) for each in export.cells for phase in each.phases]
    document = {
        "machine_info": {
            "node": first.sample.machine.id,
            "processor": "",
            "machine": "",
            "system": "",
            "release": "",
            "python_implementation": "",
            "python_version": "",
            "cpu": {"brand_raw": first.cpu or ""},
        },
        "commit_info": {
            "id": first.sample.run_id,
            "time": first.sample.started_utc,
            "dirty": False,
            "project": "edgebench",
            "branch": "",
        },
        "benchmarks": benchmarks,
        "datetime": first.sample.started_utc,
        "version": VERSION,
    }
    return json.dumps(document, indent=4, allow_nan=False) + "\n"


def _benchmark(each: Exported, phase: Phase) -> dict[str, object]:
    name = f"{phase.name}[{each.label}]"
    return {
        "group": each.sample.machine.id,
        "name": name,
        "fullname": f"{each.sample.machine.id}::{name}",
        "params": None,
        "param": None,
        "extra_info": {
            "unit": "seconds per token",
            "cell": each.sample.cell.id,
            "run_id": each.sample.run_id,
            "imported_from": each.sample.imported_from,
        },
        "options": {
            "disable_gc": False, "timer": "perf_counter", "min_rounds": 1, "max_time": 0.0,
            "min_time": 0.0, "warmup": True,
        },
        "stats": _stats(phase.launches_s_per_token),
    }  # fmt: skip


def _stats(data: Sequence[float]) -> dict[str, object]:
    """As pytest-benchmark computes them; it writes 0 for the spread of one round."""
    ordered = sorted(data)
    mean, spread = statistics.fmean(data), statistics.stdev(data) if len(data) > 1 else 0.0
    q1, median, q3 = (stats.quantile(ordered, q) or mean for q in (0.25, 0.5, 0.75))
    low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
    inside = [value for value in ordered if low <= value <= high] or ordered
    far = sum(abs(value - mean) > spread for value in ordered)
    return {
        "min": ordered[0], "max": ordered[-1], "mean": mean, "stddev": spread,
        "rounds": len(ordered), "median": median, "iqr": q3 - q1, "q1": q1, "q3": q3,
        "iqr_outliers": len(ordered) - len(inside), "stddev_outliers": far,
        "outliers": f"{far};{len(ordered) - len(inside)}", "ld15iqr": inside[0],
        "hd15iqr": inside[-1], "ops": 1 / mean, "total": sum(ordered), "iterations": 1,
        "data": list(data),
    }  # fmt: skip
