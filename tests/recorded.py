"""Launches that a busy machine really made (tests/traces), and what `compare` says of them."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from edgebench.analysis.compare import compare
from edgebench.analysis.compare_reading import samples_of
from edgebench.analysis.compare_samples import Sample, SideSamples
from edgebench.schema.result import CellResult
from tests.results_maker import cell, decode_launches, result, verification

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.comparison import Metric

    Launch = dict[Metric, float]
    Arms = dict[str, Launch]

T = TypeVar("T")
METRICS: tuple[Metric, ...] = ("decode_tok_s", "cpu_s_per_token", "load_s", "peak_rss_bytes")


def trace(name: str) -> dict[str, Any]:
    """What scripts/record_aa.py wrote as tests/traces/<name>-<machine>.json.gz."""
    (path,) = (Path(__file__).parent / "traces").glob(f"{name}-*.json.gz")
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def rounds(trace: dict[str, Any]) -> list[Arms]:
    """The launches of each round, by the arm that they were of."""
    arms: dict[int, Arms] = {}
    for launch in _launches(trace):
        figures = _figures(launch, trace["tokens"])
        arms.setdefault(launch["round"], {})[launch["arm"]] = figures
    return [each for _, each in sorted(arms.items())]


def _launches(trace: dict[str, Any]) -> list[dict[str, Any]]:
    """The first trace has a row for each launch; later ones a list for each column."""
    table = trace["launches"]
    names = trace.get("columns") or list(table)
    rows = table if "columns" in trace else zip(*table.values(), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _figures(launch: dict[str, Any], tokens: int) -> Launch:
    if "decode_ns" in launch:
        return {
            "decode_tok_s": tokens * 1e9 / launch["decode_ns"],
            "cpu_s_per_token": launch["cpu_s"] / tokens,
            "load_s": launch["load_ns"] / 1e9,
            "peak_rss_bytes": launch["peak_rss_bytes"],
        }
    return {
        "decode_tok_s": tokens * 1e6 / launch["decode_us"],
        "cpu_s_per_token": launch["cpu_us"] / 1e6 / tokens,
        "load_s": launch["load_us"] / 1e6,
        "peak_rss_bytes": launch["peak_rss_kib"] * 1024,
    }


def disjoint(launches: Sequence[T], length: int) -> list[Sequence[T]]:
    """Trials of that many neighbours, of which no two share one."""
    return [launches[at : at + length] for at in range(0, len(launches) - length + 1, length)]


def side(name: str, launches: Sequence[Launch]) -> SideSamples:
    values = {metric: dict(enumerate(each[metric] for each in launches)) for metric in METRICS}
    sample = _blank()._replace(values=values, run_id="0123abcd", launches=frozenset())
    return SideSamples(name, 1, (sample,), {})


def findings(base: Sequence[Launch], head: Sequence[Launch]) -> dict[Metric, str]:
    found = compare([side("base", base), side("head", head)])
    return {each.metric: each.finding for each in found.differences}


def called_different(base: Sequence[Launch], head: Sequence[Launch]) -> bool:
    return not {"better", "worse"}.isdisjoint(findings(base, head).values())


@cache
def _blank() -> Sample:
    entry = CellResult(cell=cell(), verification=verification(), launches=decode_launches(1, 1))
    (sample,) = samples_of(result(entry), "trace")
    return sample
