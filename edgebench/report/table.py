"""A result as the table that a person reads, and its warnings below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edgebench.analysis import metrics
from edgebench.analysis.labels import (
    engine_label,
    file_label,
    on_device,
    short_label,
    skipped_label,
)
from edgebench.analysis.notes import is_contended, notes
from edgebench.printable import clean
from edgebench.report import energy, instructions, sustained
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.cell import MeasuredFile
    from edgebench.schema.interval import Interval
    from edgebench.schema.result import CellResult, Result
    from edgebench.schema.summary import CellSummary

CPU_TIME = "CPU per token"
MEANING = {
    "model": "The model's name and weight format, and the one that it was made from",
    "backend": "The engine, and where it ran if not on the CPU",
    "ISA": "The instruction set that was dispatched, read back from the engine; in parentheses the "
    "one that was asked for, before the first launch",
    "threads": "Threads that compute",
    "test": "The phase: `pp` prefill, `tg` decode, and how many tokens",
    "tok/s": "Tokens per second, the geometric mean over launches; `-` where the output is wrong",
    "95 % interval": "Of that mean, and the number of launches",
    CPU_TIME: "CPU seconds of all threads per token; only where other programs took their share",
    "TTFT": "Time to first token",
    "peak memory": "VmHWM of the worker process, the largest over launches",
    "verified": "Whether the output agrees with the float32 reference",
}
COLUMNS = tuple(MEANING)
GPU_MEMORY = "Peak memory of cells on a GPU is main memory too: a GPU's own is not measured."
RIGHT = {"threads", "tok/s", "95 % interval", CPU_TIME, "TTFT", "peak memory"}
MARKS = {"passed": "yes", "failed": "FAILED", "not_possible": "not possible"}


class Footnote(NamedTuple):
    """One line below the table: what it is about, such as `skipped`, and what there is to say."""

    kind: str
    text: str


class Row(NamedTuple):
    """One line of the table, ready to print; the order is that of COLUMNS."""

    model: str
    backend: str
    isa: str
    threads: str
    test: str
    speed: str
    interval: str
    cpu_time: str
    ttft: str
    memory: str
    verified: str


def render(result: Result, *, width: int = 200) -> str:
    """The whole document as text: header, table, skipped cells, warnings."""
    table = grid(columns(result), rows(result), right=RIGHT, width=width)
    below = "".join(f"{note.kind}  {clean(note.text)}\n" for note in footnotes(result))
    counted = (
        instructions.render(result, width=width) + sustained.render(result) + energy.render(result)
    )
    return f"{clean(header(result))}\n{table}{counted}{below}"


def columns(result: Result) -> tuple[str, ...]:
    """COLUMNS; CPU time stands beside wall time only where other programs took their share."""
    contended = any(map(is_contended, result.cells))
    return tuple(name for name in COLUMNS if contended or name != CPU_TIME)


def rows(result: Result) -> list[tuple[str, ...]]:
    """One row per cell and phase that it has, with a field for each of `columns`."""
    files = {file.sha256: file for file in result.files}
    places = [COLUMNS.index(name) for name in columns(result)]
    found = [row for cell in result.cells for row in _rows(cell, files[cell.cell.file])]
    return [tuple(row[place] for place in places) for row in found]


def header(result: Result) -> str:
    """Where and when it was measured, and by what; as written in the record."""
    device = result.device
    names = ", ".join(dict.fromkeys(c.name or c.part or "unknown CPU" for c in device.clusters))
    memory = device.memory_total_bytes / 2**30
    used = any(entry.cell.device != "cpu" for entry in result.cells)
    gpus = "".join(f", {name}" for name in device.gpus[:1] if used)
    return (
        f"{device.board + ': ' if device.board else ''}{names}, {device.physical_cores} cores, "
        f"{memory:.1f} GiB{gpus}, {device.kernel}; edgebench {result.edgebench_version}, "
        f"{result.started_utc}"
    )


def footnotes(result: Result) -> Iterator[Footnote]:
    """What stands below the table, as written in the record."""
    files = {file.sha256: file_label(file) for file in result.files}
    for made in result.exports:
        same = "the very same weights" if made.weights_id == made.file else "NOT the same weights"
        whose = files.get(made.file, made.file)
        yield Footnote("weights", f"{made.backend} ran {same} as {whose}")
    if any(entry.cell.device != "cpu" and entry.launches for entry in result.cells):
        yield Footnote("memory", GPU_MEMORY)
    for skip in result.skipped:
        yield Footnote("skipped", f"{skipped_label(skip, result.files)}: {skip.reason}")
    for note in notes(result):
        yield Footnote("warning", f"{note.name}: {note.message}")


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
        yield _row(cell, file, _Phase(test, speed, ttft), summary)


class _Phase(NamedTuple):
    test: str
    speed: Interval | None
    ttft: Interval | None


def _row(cell: CellResult, file: MeasuredFile, phase: _Phase, summary: CellSummary) -> Row:
    peak, cpu_s = summary.peak_rss_bytes, summary.cpu_s_per_token
    return Row(
        model=short_label(file),
        backend=on_device(engine_label(cell.cell), cell.cell.device),
        isa=_dispatched(cell),
        threads=str(cell.cell.threads),
        test=phase.test,
        speed=significant(phase.speed.estimate) if phase.speed else "-",
        interval=interval(phase.speed),
        cpu_time=f"{significant(cpu_s.estimate * 1000)} ms" if cpu_s else "-",
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
    return f"{significant(found.low)} - {significant(found.high)} (n={found.launches})"


def significant(value: float) -> str:
    """Four significant digits, without an exponent."""
    digits = 0 if value >= 1000 else 1 if value >= 100 else 2 if value >= 10 else 3
    return f"{value:.{digits}f}"
