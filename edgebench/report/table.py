"""A result as the table that a person reads, and its warnings below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import metrics
from edgebench.analysis.labels import file_label, skipped_label
from edgebench.analysis.notes import notes
from edgebench.printable import clean
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.result import CellResult, Interval, MeasuredFile, Result

COLUMNS = ("model", "backend", "ISA", "threads", "test", "tok/s", "95 % interval", "TTFT",
           "peak memory", "verified")  # fmt: skip
RIGHT = {"threads", "tok/s", "95 % interval", "TTFT", "peak memory"}
MARKS = {"passed": "yes", "failed": "FAILED", "not_possible": "not possible"}


class Row(NamedTuple):
    """One line of the table, ready to print; the order is that of COLUMNS."""

    model: str
    backend: str
    isa: str
    threads: str
    test: str
    speed: str
    interval: str
    ttft: str
    memory: str
    verified: str


def render(result: Result, *, width: int = 160) -> str:
    """The whole document as text: header, table, skipped cells, warnings."""
    table = grid(COLUMNS, rows(result), right=RIGHT, width=width)
    below = "".join(f"{clean(line)}\n" for line in _below(result))
    return f"{clean(_header(result))}\n{table}{below}"


def rows(result: Result) -> list[Row]:
    """One row per cell and phase that it has."""
    files = {file.sha256: file for file in result.files}
    return [row for cell in result.cells for row in _rows(cell, files[cell.cell.file])]


def _header(result: Result) -> str:
    device = result.device
    names = ", ".join(dict.fromkeys(c.name or c.part or "unknown CPU" for c in device.clusters))
    memory = device.memory_total_bytes / 2**30
    return (
        f"{device.board + ': ' if device.board else ''}{names}, {device.physical_cores} cores, "
        f"{memory:.1f} GiB, {device.kernel}; edgebench {result.edgebench_version}, "
        f"{result.started_utc}"
    )


def _below(result: Result) -> Iterator[str]:
    files = {file.sha256: file_label(file) for file in result.files}
    for made in result.exports:
        same = "the very same weights" if made.weights_id == made.file else "NOT the same weights"
        yield f"weights  {made.backend} ran {same} as {files.get(made.file, made.file)}"
    for skip in result.skipped:
        yield f"skipped  {skipped_label(skip, result.files)}: {skip.reason}"
    for note in notes(result):
        yield f"warning  {note.name}: {note.message}"


def _rows(cell: CellResult, file: MeasuredFile) -> Iterator[Row]:
    summary = metrics.summarize(cell)
    workload = cell.cell.workload
    phases = [
        (f"pp{workload.prompt_tokens}", summary.prefill_tok_s, summary.time_to_first_token_s)
    ] * bool(workload.prompt_tokens)
    phases += [(f"tg{workload.output_tokens}", summary.decode_tok_s, None)] * bool(
        workload.output_tokens
    )
    for phase, speed, ttft in phases:
        test = phase if workload.name == phase else f"{phase} of {workload.name}"
        yield _row(cell, file, _Phase(test, speed, ttft), summary.peak_rss_bytes)


class _Phase(NamedTuple):
    test: str
    speed: Interval | None
    ttft: Interval | None


def _row(cell: CellResult, file: MeasuredFile, phase: _Phase, peak: int | None) -> Row:
    return Row(
        model=file_label(file),
        backend=cell.cell.backend,
        isa=_dispatched(cell),
        threads=str(cell.cell.threads),
        test=phase.test,
        speed=_significant(phase.speed.estimate) if phase.speed else "-",
        interval=interval(phase.speed),
        ttft=f"{phase.ttft.estimate * 1000:.0f} ms" if phase.ttft else "-",
        memory=f"{peak / 2**20:.0f} MiB" if peak else "-",
        verified=_mark(cell),
    )


def _mark(cell: CellResult) -> str:
    verified = cell.verification
    if verified is None:
        return "not yet"
    return "engine failed" if verified.failure else MARKS[verified.status]


def _dispatched(cell: CellResult) -> str:
    """What the engine said it ran; before the first launch, what was asked for."""
    said = dict.fromkeys(ln.dispatch.isa for ln in cell.launches if ln.dispatch)
    return ", ".join(said) or f"({cell.cell.isa})"


def interval(found: Interval | None) -> str:
    """`118.2 - 121.0 (n=5)`, or why there is none."""
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return f"n={found.launches}"
    return f"{_significant(found.low)} - {_significant(found.high)} (n={found.launches})"


def _significant(value: float) -> str:
    """Four significant digits, without an exponent."""
    digits = 0 if value >= 1000 else 1 if value >= 100 else 2 if value >= 10 else 3
    return f"{value:.{digits}f}"
