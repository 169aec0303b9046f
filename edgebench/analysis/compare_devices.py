"""Devices beside each other: each with its own intervals, none tested against another.

Two machines are never drawn from one population of launches, so a p value between them would say
nothing that the two intervals do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from edgebench.analysis import stats
from edgebench.analysis.compare_samples import figures
from edgebench.schema.comparison import DeviceRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgebench.analysis.compare_samples import Sample, SideSamples

RATES: tuple[Literal["prefill_tok_s", "decode_tok_s"], ...] = ("prefill_tok_s", "decode_tok_s")


def rows(sides: Sequence[SideSamples]) -> tuple[DeviceRow, ...]:
    """One row per cell and rate, cell by cell, so that devices stand below each other."""
    found = [
        row
        for number, side in enumerate(sides)
        for sample in side.samples
        for row in _rows(number, sample)
    ]
    return tuple(sorted(found, key=lambda row: (row.metric, row.label, row.device, row.side)))


def _rows(side: int, sample: Sample) -> Iterator[DeviceRow]:
    if sample.no_speed or sample.machine.emulated:
        return
    threads = sample.cell.threads or 0
    cores = min(threads, sample.machine.cores) or None
    bandwidth = sample.machine.bandwidth_gb_s.get(threads)
    for metric in RATES:
        rate = stats.interval(figures(sample, metric))
        if rate is None:
            continue
        yield DeviceRow(
            side=side,
            device=sample.machine.id,
            cell=sample.cell.id,
            label=sample.label,
            metric=metric,
            rate=rate,
            per_core=rate.estimate / cores if cores and sample.cell.device == "cpu" else None,
            per_gb_s=rate.estimate / bandwidth if bandwidth else None,
            per_usd=rate.estimate / sample.machine.price_usd if sample.machine.price_usd else None,
            **_per_watt(sample, "prefill" if metric == "prefill_tok_s" else "decode"),
        )


def _per_watt(sample: Sample, phase: str) -> dict[str, Any]:
    """Tokens per joule, which is tok/s per watt, of the phase's first figure, and whose it is."""
    for each in sample.energy:
        if each.phase == phase and each.tokens_per_joule is not None:
            by = f"{each.method}, {each.scope}, {each.quality}"
            return {"per_watt": each.tokens_per_joule.estimate, "watts_by": by}
    return {}
