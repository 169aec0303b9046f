"""Figures of an imported record: one per launch and metric, as of our own records.

A launch is one process of the source. Tools repeat within a process, so most imports have a single
launch, and no interval: its repetitions say nothing about the next process.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis.metrics import NS
from edgebench.schema.workload import LIMIT_SEQUENCES, Workload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.schema.comparison import Metric
    from edgebench.schema.imported import (
        Imported,
        ImportedCell,
        ImportedLaunch,
        ImportedWorkload,
        Phase,
        Timing,
    )

RATES: tuple[tuple[Metric, Phase], ...] = (
    ("prefill_tok_s", "prefill"),
    ("decode_tok_s", "decode"),
)


class ForeignCell(NamedTuple):
    """What comparing needs of a cell, of one that edgebench did not run. None: not said.

    `file` names weights by what the source calls them, since nobody hashed them.
    """

    id: str
    file: str
    backend: str
    isa: str | None
    device: str | None
    threads: int | None
    workload: Workload | ImportedWorkload
    options: tuple[tuple[str, object], ...]


def cell_of(cell: ImportedCell) -> ForeignCell:
    size = "" if cell.model_size_bytes is None else f", {cell.model_size_bytes} bytes"
    return ForeignCell(
        id=cell.id,
        file=f"{weights_label(cell)}{size}, by name",
        backend=cell.backend,
        isa=None,
        device=cell.device,
        threads=cell.threads,
        workload=workload_of(cell.workload),
        options=tuple(sorted(cell.settings.items())),
    )


def workload_of(said: ImportedWorkload) -> Workload | ImportedWorkload:
    """Ours, where the source says all of it, so that equal work counts as equal."""
    counts = (said.prompt_tokens, said.output_tokens, said.depth_tokens, said.sequences)
    if None in counts or not 1 <= (said.sequences or 0) <= LIMIT_SEQUENCES:
        return said
    if not (said.prompt_tokens or said.output_tokens):
        return said
    return Workload.model_validate(said.model_dump())


def weights_label(cell: ImportedCell) -> str:
    return f"{cell.model} {cell.quant}" if cell.quant else cell.model


def label(cell: ImportedCell, tool: str) -> str:
    """As our own cells are called, and where it comes from."""
    threads = f" {cell.threads}t" if cell.threads else ""
    device = f" {cell.device}" if cell.device and cell.device != "cpu" else ""
    where = f"{cell.backend}{device}{threads} {cell.workload.name}"
    return f"{weights_label(cell)} {where} (imported from {tool})"


def values(cell: ImportedCell) -> dict[Metric, dict[int, float]]:
    """One number per launch and metric, by the launch's place; medians over repetitions."""
    kept: dict[Metric, dict[int, float]] = {}
    for place, launch in enumerate(cell.launches):
        for metric, value in _of_launch(launch):
            if value is not None and 0 < value < math.inf:
                kept.setdefault(metric, {})[place] = value
    return kept


def rate(launch: ImportedLaunch, phase: Phase) -> float | None:
    """Tokens per second of that phase; None where the source did not time it."""
    found = [timing.tokens / (_typical_ns(timing) * NS) for timing in launch.timings
             if timing.phase == phase]  # fmt: skip
    return statistics.median(found) if found else None


def spread(launch: ImportedLaunch, phase: Phase) -> float | None:
    """Standard deviation of the rate within the launch, over the source's repetitions.

    Recomputed from samples; where there are none, the source's own.
    """
    timings = [timing for timing in launch.timings if timing.phase == phase]
    rates = [timing.tokens / (ns * NS) for timing in timings for ns in timing.samples_ns]
    if len(rates) > 1:
        return statistics.stdev(rates)
    own = [timing.source_stdev_tok_s for timing in timings]
    return own[0] if len(own) == 1 else None


def contradictions(record: Imported) -> Iterator[str]:
    """What does not fit the rest of it."""
    ids = [cell.id for cell in record.cells]
    if len(ids) != len(set(ids)):
        yield "cells: two cells have the same id."
    for place, cell in enumerate(record.cells):
        if cell.id != cell.identity():
            yield f"cells.{place}.id: is not the hash of the cell."
        for number, launch in enumerate(cell.launches):
            if launch.source >= len(record.sources):
                yield f"cells.{place}.launches.{number}.source: there is no such source."


def _of_launch(launch: ImportedLaunch) -> Iterator[tuple[Metric, float | None]]:
    for metric, phase in RATES:
        yield metric, rate(launch, phase)
    yield "time_to_first_token_s", _median_s(launch.time_to_first_token_ns)
    yield "load_s", None if launch.load_ns is None else launch.load_ns * NS
    yield "peak_rss_bytes", launch.peak_rss_bytes


def _median_s(samples_ns: Sequence[float]) -> float | None:
    return statistics.median(samples_ns) * NS if samples_ns else None


def _typical_ns(timing: Timing) -> float:
    """The median of samples, or the source's mean: one of them is there."""
    return statistics.median(timing.samples_ns) if timing.samples_ns else timing.mean_ns or math.inf
