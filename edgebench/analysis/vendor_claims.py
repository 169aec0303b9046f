"""A vendor's claims against records of that board, under the conditions that the vendor names.

A claim holds when the whole interval reaches it, does not hold when the whole interval misses it,
and is not tested otherwise: then more launches are needed. 5 % are forgiven: vendors round, and
measure another specimen. Where several cells fit, the fastest one speaks for the board.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import checking, metrics, stats
from edgebench.analysis.compare_reading import read_record, runs_below
from edgebench.analysis.labels import cell_label, file_label
from edgebench.errors import BadInput
from edgebench.schema.hardware import ClaimVerdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from edgebench.schema.device import Device
    from edgebench.schema.hardware import Claim, Conditions
    from edgebench.schema.interval import Interval
    from edgebench.schema.result import CellResult, Result

FORGIVEN = 0.05
TRIAL_METRICS = {
    "prefill_tok_s": metrics.prefill_tok_s,
    "decode_tok_s": metrics.decode_tok_s,
    "time_to_first_token_s": metrics.time_to_first_token_s,
}
AT_MOST = frozenset({"time_to_first_token_s"})


class Record(NamedTuple):
    """A record of the board, by the name of its file."""

    name: str
    result: Result


class Evidence(NamedTuple):
    """The records of one board, and how many of other machines were left out."""

    records: tuple[Record, ...]
    others: int


class _Fit(NamedTuple):
    """One cell beside a claim: what differs from its conditions, and what was measured."""

    record: str
    label: str
    differs: tuple[str, ...]
    measured: Interval | None
    why_none: str


def read(paths: Iterable[Path], is_board: Callable[[Device], bool]) -> Evidence:
    """Records, and those below folders, of one board. Raises BadInput for no or a bad record."""
    found = [path for given in paths for path in runs_below(given)]
    if not found:
        raise BadInput("There is no record here.", "Name a .json file or a folder of them.")
    results = [(path, read_record(path)) for path in found]
    for path, result in results:
        if problem := next(checking.contradictions(result), None):
            raise BadInput(f"{path} contradicts itself: {problem}", "See edgebench check.")
    ours = tuple(Record(path.name, r) for path, r in results if is_board(r.device))
    return Evidence(ours, len(results) - len(ours))


def judge(claims: Sequence[Claim], records: Sequence[Record]) -> list[ClaimVerdict]:
    """A verdict for each claim, in order."""
    return [_judge(claim, [*_fits(claim, records)]) for claim in claims]


def _judge(claim: Claim, fits: list[_Fit]) -> ClaimVerdict:
    fitting = [fit for fit in fits if not fit.differs]
    measured = [fit for fit in fitting if fit.measured is not None]
    best = max(measured, key=lambda fit: _goodness(claim, fit), default=None)
    if best is None or best.measured is None:
        return _verdict(claim, "not tested", _why_untested(fits, fitting), None, fitting)
    interval, fitting = best.measured, measured
    if interval.low is None or interval.high is None:
        return _verdict(claim, "not tested", "an interval needs two launches", best, fitting)
    worst, kindest = _bounds(claim, interval)
    if _reaches(claim, worst):
        return _verdict(claim, "held", None, best, fitting)
    if not _reaches(claim, kindest):
        return _verdict(claim, "not held", None, best, fitting)
    reason = "the interval lies on both sides of the claim: more launches are needed"
    return _verdict(claim, "not tested", reason, best, fitting)


def _bounds(claim: Claim, interval: Interval) -> tuple[float, float]:
    """The ends of an interval: first the one that speaks most against the claim."""
    low, high = (interval.low or interval.estimate), (interval.high or interval.estimate)
    return (high, low) if claim.metric in AT_MOST else (low, high)


def _reaches(claim: Claim, value: float) -> bool:
    if claim.metric in AT_MOST:
        return value <= claim.value * (1 + FORGIVEN)
    return value >= claim.value * (1 - FORGIVEN)


def _goodness(claim: Claim, fit: _Fit) -> float:
    estimate = fit.measured.estimate if fit.measured else 0.0
    return -estimate if claim.metric in AT_MOST else estimate


def _why_untested(fits: list[_Fit], fitting: list[_Fit]) -> str:
    if fitting:
        return fitting[0].why_none
    if not fits:
        return "there is no record of this board with such a measurement"
    nearest = min(fits, key=lambda fit: len(fit.differs))
    return f"no cell under these conditions; the nearest has {', '.join(nearest.differs)}"


def _fits(claim: Claim, records: Iterable[Record]) -> Iterator[_Fit]:
    for record in records:
        if claim.metric == "read_bandwidth_gb_s":
            yield from _read_rates(claim.conditions, record)
        else:
            for entry in record.result.cells:
                yield _of_cell(claim, entry, record)


def _of_cell(claim: Claim, entry: CellResult, record: Record) -> _Fit:
    values = metrics.per_launch(entry, TRIAL_METRICS[claim.metric])
    shown = metrics.may_show_speed(entry)
    file = next(f for f in record.result.files if f.sha256 == entry.cell.file)
    return _Fit(
        record=record.name,
        label=f"{file_label(file)} {cell_label(entry.cell, ())}",
        differs=tuple(_differences(claim.conditions, entry, record.result)),
        measured=stats.interval(values) if shown else None,
        why_none="its output is not verified, failed, or was emulated: it shows no speed"
        if not shown
        else f"its workload, {entry.cell.workload.name}, has no {claim.metric}",
    )


def _differences(wanted: Conditions, entry: CellResult, result: Result) -> Iterator[str]:
    """What the cell has instead of each condition that the vendor names."""
    cell = entry.cell
    file = next(f for f in result.files if f.sha256 == cell.file)
    found: dict[str, object] = {
        "model": file.model or file.name,
        "quant": file.quant,
        "backend": cell.backend,
        "device": cell.device,
        "isa": cell.isa,
        "threads": cell.threads,
        "workload": cell.workload.name,
    }
    for name, value in wanted:
        if value is not None and str(value).lower() != str(found[name]).lower():
            yield f"{name} {found[name]} (claimed: {value})"
    if file.weights == "synthetic":
        yield "synthetic weights"


def _read_rates(wanted: Conditions, record: Record) -> Iterator[_Fit]:
    """Bandwidth is measured by `edgebench roofline`; a capacity's best method counts."""
    ceilings = record.result.device.ceilings
    for rate in ceilings.read if ceilings else ():
        threads = wanted.threads
        differs = threads is not None and threads != rate.threads
        # Bytes per nanosecond are gigabytes per second.
        values = [rate.bytes_read / ns for ns in rate.fastest_ns]
        yield _Fit(
            record=record.name,
            label=f"read bandwidth, {rate.threads}t, {rate.method}",
            differs=(f"threads {rate.threads} (claimed: {threads})",) if differs else (),
            measured=stats.interval(values),
            why_none="",
        )


def _verdict(
    claim: Claim, verdict: str, reason: str | None, best: _Fit | None, fitting: list[_Fit]
) -> ClaimVerdict:
    return ClaimVerdict.model_validate(
        {
            "claim": claim.id,
            "metric": claim.metric,
            "claimed": claim.value,
            "verdict": verdict,
            "reason": reason,
            "measured": best.measured if best else None,
            "cell": best.label if best else None,
            "record": best.record if best else None,
            "cells": len(fitting),
            "open": tuple(name for name, value in claim.conditions if value is None),
        }
    )
