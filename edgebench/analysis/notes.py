"""Warnings that follow from what was measured. Notes are values; tables show them as footnotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import metrics
from edgebench.analysis.labels import cell_label
from edgebench.schema.result import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.result import CellResult, Result

CONTENDED_SHARE = 0.02


def notes(result: Result) -> tuple[Note, ...]:
    """The record's own warnings, then those of its cells, each once."""
    derived = [note for entry in result.cells for note in _of_cell(entry, result)]
    return tuple(dict.fromkeys((*result.warnings, *derived)))


def _of_cell(cell: CellResult, result: Result) -> Iterator[Note]:
    where, precision = cell_label(cell.cell, result.files), result.schedule.precision
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
    if not cell.launches and verified is not None and verified.status != "failed":
        why = {"max_time": "--max-time was spent", "interrupted": "the run was interrupted"}
        reason = why.get(result.schedule.stopped_because or "", "the run ended early")
        yield Note(name="not_launched", message=f"{where}: not launched: {reason}.")
    for failure in dict.fromkeys(ln.failure for ln in cell.launches if ln.failure):
        yield Note(
            name="launch_failed",
            message=f"{where}: {failure.kind} at {failure.stage}: {failure.message}",
        )
    if contention(cell) > CONTENDED_SHARE:
        yield Note(
            name="contended",
            message=f"{where}: threads waited for a CPU {contention(cell):.0%} of their time: "
            "other programs ran. Repeat on a quiet machine.",
        )
    if len({t.output_hash for ln in cell.launches for t in ln.trials}) > 1:
        yield Note(name="outputs_differ", message=f"{where}: trials gave different greedy tokens.")
    width = metrics.half_width(cell)
    if width is not None and width > precision and metrics.may_show_speed(cell):
        yield Note(
            name="wide",
            message=f"{where}: the interval is {_reach(width)}, ±{precision:.1%} was asked for: "
            "allow more --launches or --max-time.",
        )


def contention(cell: CellResult) -> float:
    """Share of runnable time that threads spent waiting for a CPU, over all timed trials."""
    counters = [t.counters for ln in cell.launches for t in ln.trials if not t.warmup]
    waited = sum(c.run_delay_ns or 0 for c in counters) * metrics.NS
    ran = sum(c.cpu_user_s + c.cpu_system_s for c in counters)
    return waited / (waited + ran) if waited + ran else 0.0


def _reach(width: float) -> str:
    return f"±{width:.1%}" if width < 1 else "wider than the estimate"
