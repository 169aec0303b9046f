"""Warnings that follow from what was measured. Notes are values; tables show them as footnotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import ceilings, metrics, steadiness
from edgebench.analysis.labels import cell_label
from edgebench.schema.note import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.result import CellResult, Result
    from edgebench.schema.sustained import SpeedCourse

CONTENDED_SHARE = 0.02
SLOWED_SHARE = 0.05
# Each reads at least a page, and with read-ahead much more: this many are no library's first use.
MANY_FAULTS = 16
MOST_NAMED = 2


def notes(result: Result) -> tuple[Note, ...]:
    """The record's own warnings, then those of its cells, each once."""
    derived = [note for entry in result.cells for note in _of_cell(entry, result)]
    derived += [*_contended(result), *ceilings.notes(result), *steadiness.notes(result)]
    found = (*_of_device(result), *result.warnings, *derived, *_wide(result))
    return tuple(dict.fromkeys(found))


def _of_device(result: Result) -> Iterator[Note]:
    named = result.device.emulated or next((c.emulated for c in result.cells if c.emulated), None)
    if named is not None:
        yield Note(
            name="emulated",
            message=f"This machine was played by {named}: no speed is shown, because time that "
            "passes in an emulator is not this CPU's, and memory includes the emulator's own.",
        )


def _of_cell(cell: CellResult, result: Result) -> Iterator[Note]:
    where = cell_label(cell.cell, result.files)
    verified = cell.verification
    if cell.cell.backend == "fake":
        yield Note(name="fake", message="The fake backend plays a script: no engine ran.")
    if verified is not None and verified.failure is not None:
        yield Note(
            name="verification_died",
            message=f"{where}: not measured, the engine failed while it was verified: "
            f"{verified.failure.kind}: {verified.failure.message}",
        )
        return
    if verified is not None and verified.status == "failed":
        yield Note(
            name="verification_failed",
            message=f"{where}: no speed is shown, the output is wrong. {verified.reason}",
        )
    if verified is not None and verified.status == "not_possible":
        yield Note(name="unverified", message=f"{where}: not verified. {verified.reason}")
    if not cell.launches and (verified is None or verified.status != "failed"):
        why = {"max_time": "--max-time was spent", "interrupted": "the run was interrupted"}
        reason = why.get(result.schedule.stopped_because or "", "the run ended early")
        reached = "not launched" if verified else "neither verified nor launched"
        yield Note(name="not_launched", message=f"{where}: {reached}: {reason}.")
    for failure in dict.fromkeys(ln.failure for ln in cell.launches if ln.failure):
        yield Note(
            name="launch_failed",
            message=f"{where}: {failure.kind} at {failure.stage}: {failure.message}",
        )
    yield from _of_loops(cell, where)
    yield from _of_memory(cell, where)
    whole = [t for ln in cell.launches for t in ln.trials if t.divided_by == 1]
    if len({t.output_hash for t in whole}) > 1:
        yield Note(name="outputs_differ", message=f"{where}: trials gave different greedy tokens.")


def _of_loops(cell: CellResult, where: str) -> Iterator[Note]:
    """Of a cell that was looped: slower at its end, and answers that changed meanwhile."""
    summary = metrics.summarize(cell).sustained
    for phase in ("prefill", "decode") if summary else ():
        found: SpeedCourse | None = getattr(summary, phase)
        if found and found.high is not None and found.high < 1 - SLOWED_SHARE:
            yield Note(
                name="slowed_down",
                message=f"{where}: {phase} ended at {found.last_over_first:.0%} of its first "
                f"window's speed (95 % interval {found.low:.0%} to {found.high:.0%}): see heat, "
                "frequency and throttling beside it.",
            )
    if other := sum(ln.sustained.other_outputs for ln in cell.launches if ln.sustained):
        yield Note(
            name="outputs_differ", message=f"{where}: {other} loops gave other greedy tokens."
        )


def _of_memory(cell: CellResult, where: str) -> Iterator[Note]:
    """Memory that was not where it should be while times were taken."""
    swapped = max((ln.memory.swapped_bytes or 0 for ln in cell.launches if ln.memory), default=0)
    if swapped:
        yield Note(
            name="swapped",
            message=f"{where}: {swapped / 2**20:.1f} MiB of the worker lay in swap: free memory, "
            "take a smaller model or --kv q8_0, or --load mlock.",
        )
    timed = [t.counters.major_faults for ln in cell.launches for t in ln.trials if not t.warmup]
    timed += [
        faults for ln in cell.launches if ln.sustained for faults in ln.sustained.major_faults
    ]
    if (most := max(timed, default=0)) >= MANY_FAULTS:
        yield Note(
            name="page_faults",
            message=f"{where}: up to {most} times in one trial the kernel had to read pages from "
            "storage: memory is too small for this file. Free some, or compare --load read,mlock.",
        )


def _contended(result: Result) -> Iterator[Note]:
    """Of many cells whose threads waited, the range and the one that waited longest."""
    found = [
        (contention(entry), cell_label(entry.cell, result.files))
        for entry in result.cells
        if is_contended(entry)
    ]
    lines = [(where, f"{share:.0%}") for share, where in found]
    if len(found) > MOST_NAMED:
        (least, _), (most, where) = min(found), max(found)
        cells = f"{len(found)} of {len(result.cells)} cells"
        lines = [(cells, f"{least:.0%} to {most:.0%} ({where})")]
    for where, share in lines:
        yield Note(
            name="contended",
            message=f"{where}: threads waited for a CPU {share} of their time: other programs ran. "
            "Read CPU time per token beside the speed, or repeat on a quiet machine "
            "(--wait-quiet 5m).",
        )


def _wide(result: Result) -> Iterator[Note]:
    """Of many intervals that are wider than asked for, only the widest is named."""
    asked = result.schedule.precision
    shown = [entry for entry in result.cells if metrics.may_show_speed(entry)]
    widths = {entry.cell: metrics.half_width(entry) for entry in shown}
    found = {cell: width for cell, width in widths.items() if width is not None and width > asked}
    remedy = f"±{asked:.1%} was asked for: allow more --launches or --max-time."
    if len(found) <= MOST_NAMED:
        for cell, width in found.items():
            where = cell_label(cell, result.files)
            yield Note(name="wide", message=f"{where}: the interval is {_reach(width)}, {remedy}")
        return
    widest = max(found, key=lambda cell: found[cell])
    where = f"{_reach(found[widest])} at {cell_label(widest, result.files)}"
    yield Note(
        name="wide", message=f"{len(found)} of {len(shown)} intervals are up to {where}, {remedy}"
    )


def contention(cell: CellResult) -> float:
    """Share of runnable time that threads spent waiting for a CPU, over all timed trials."""
    counters = [t.counters for ln in cell.launches for t in ln.trials if not t.warmup]
    looped = [ln.sustained for ln in cell.launches if ln.sustained]
    delays = [delay for one in looped for delay in one.run_delay_ns or ()]
    waited = sum(d or 0 for d in (*delays, *(c.run_delay_ns for c in counters))) * metrics.NS
    ran = sum(c.cpu_user_s + c.cpu_system_s for c in counters) + sum(sum(o.cpu_s) for o in looped)
    return waited / (waited + ran) if waited + ran else 0.0


def is_contended(cell: CellResult) -> bool:
    """Whether wall time says as much about other programs as about this one."""
    return contention(cell) > CONTENDED_SHARE and cell.emulated is None


def _reach(width: float) -> str:
    return f"±{width:.1%}" if width < 1 else "wider than the estimate"
