"""Formats that watch benchmarks over time: github-action-benchmark and Bencher Metric Format.

Values are geometric means over launches, ranges and bounds their 95 % intervals.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from edgebench.analysis import comparable
from edgebench.analysis.compare_samples import HIGHER_IS_BETTER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.analysis.interchange.exported import Export, Exported
    from edgebench.schema.comparison import Metric
    from edgebench.schema.interval import Interval

UNITS: dict[Metric, str] = {
    "prefill_tok_s": "tok/s",
    "decode_tok_s": "tok/s",
    "time_to_first_token_s": "s",
    "load_s": "s",
    "cpu_s_per_token": "s/token",
    "peak_rss_bytes": "bytes",
}
# Bencher's limits of names, and of measures as slugs.
LONGEST_NAME = 1024


def bigger_is_better(export: Export) -> str:
    """github-action-benchmark's customBiggerIsBetter: prefill and decode rates."""
    return _action(export, bigger=True)


def smaller_is_better(export: Export) -> str:
    """github-action-benchmark's customSmallerIsBetter: times and memory."""
    return _action(export, bigger=False)


def bencher(export: Export) -> str:
    """Bencher Metric Format: an object of benchmarks, of measures, of values."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for each in export.cells:
        found[_short(each.name)] = {
            metric.replace("_", "-"): _bounded(interval) for metric, interval in _intervals(each)
        }
    return json.dumps(found, indent=2, allow_nan=False) + "\n"


def _action(export: Export, *, bigger: bool) -> str:
    rows = [
        _entry(each, metric, interval)
        for each in export.cells
        for metric, interval in _intervals(each)
        if (metric in HIGHER_IS_BETTER) == bigger
    ]
    return json.dumps(rows, indent=2, allow_nan=False) + "\n"


def _entry(each: Exported, metric: Metric, found: Interval) -> dict[str, object]:
    extra = f"{found.launches} launches, session {each.sample.started_utc}"
    if each.sample.imported_from:
        extra += f". {comparable.imported_remark(each.sample.imported_from)}"
    entry: dict[str, object] = {
        "name": f"{each.name} {metric}",
        "unit": UNITS[metric],
        "value": found.estimate,
        "extra": extra,
    }
    if found.low is not None and found.high is not None:
        entry["range"] = f"± {(found.high - found.low) / 2:.6g}"
    return entry


def _intervals(each: Exported) -> Iterator[tuple[Metric, Interval]]:
    for metric in UNITS:
        if (found := each.interval(metric)) is not None:
            yield metric, found


def _bounded(found: Interval) -> dict[str, float]:
    value = {"value": found.estimate}
    if found.low is None or found.high is None:
        return value
    return value | {"lower_value": found.low, "upper_value": found.high}


def _short(name: str) -> str:
    """At most as long as Bencher takes. A name that is cut holds a hash of the whole one."""
    if len(name) <= LONGEST_NAME:
        return name
    mark, half = (
        hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8],
        LONGEST_NAME // 2,
    )
    return f"{name[: half - 10]}…{mark}…{name[-half:]}"
