"""The figures behind the table: loading, single steps, how steady they were, memory by part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import metrics, steadiness
from edgebench.analysis.labels import cell_label
from edgebench.report import ceilings
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.interval import Interval
    from edgebench.schema.launch import Memory
    from edgebench.schema.result import CellResult, Result

COLUMNS = ("cell", "load", "cold load", "first call", "step p50", "p90", "p99",
           "between launches", "within a launch", "course", "CPU s/token", "CPU 95 % interval",
           "peak", "anonymous", "file", "PSS", "swapped", "KV cache", "load peak", "prefill peak",
           "decode peak", "mean KL", "top-1", "logit error",
           "of bandwidth", "of arithmetic")  # fmt: skip
MEMORY = ("peak_rss_bytes", "anonymous_bytes", "file_backed_bytes", "pss_bytes", "swapped_bytes",
          "kv_cache_bytes")  # fmt: skip


def render(result: Result, *, width: int = 480) -> str:
    """The rows as aligned text."""
    return grid(COLUMNS, rows(result), right=COLUMNS[1:], width=width)


def rows(result: Result) -> list[tuple[str, ...]]:
    """One row per cell; `-` for what was not measured."""
    return [
        (*_row(entry, cell_label(entry.cell, result.files)), *ceilings.shares(entry, result))
        for entry in result.cells
    ]


def _row(entry: CellResult, label: str) -> tuple[str, ...]:
    summary, verified = metrics.summarize(entry), entry.verification
    cold = verified.cold_load if verified and metrics.may_show_speed(entry) else None
    return (
        label,
        _seconds(_estimate(summary.load_s)),
        _seconds(cold.load_ns * metrics.NS if cold else None),
        _seconds(_estimate(summary.first_call_after_load_s)),
        _seconds(summary.step_p50_s),
        _seconds(summary.step_p90_s),
        _seconds(summary.step_p99_s),
        *_steadiness(entry),
        _seconds(_estimate(summary.cpu_s_per_token)),
        _milliseconds(summary.cpu_s_per_token),
        *_memory([launch.memory for launch in entry.launches if launch.memory]),
        _figure(verified.mean_kl if verified else None),
        _figure(verified.top1_agreement if verified else None),
        _figure(verified.relative_logit_error if verified else None),
    )


def _steadiness(entry: CellResult) -> tuple[str, str, str]:
    """One word where all phases had the same course."""
    found, spread = steadiness.courses(entry), steadiness.spread_of(entry)
    words = {seen.course for seen in found.values()}
    told = len(words) == 1 and len(found) == len(steadiness.phases(entry))
    each = ", ".join(f"{phase} {seen.course}" for phase, seen in found.items())
    return (_share(spread.between), _share(spread.within), words.pop() if told else each or "-")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _milliseconds(found: Interval | None) -> str:
    """`9.8 - 10.2 ms (n=5)`."""
    if found is None or found.low is None or found.high is None:
        return "-"
    return f"{found.low * 1000:.3g} - {found.high * 1000:.3g} ms (n={found.launches})"


def _memory(found: Sequence[Memory]) -> tuple[str, ...]:
    peaks = [memory.phase_peaks for memory in found if memory.phase_peaks]
    phases = ("load_bytes", "prefill_bytes", "decode_bytes")
    sampled = " (at its end)" * any(each.method == "sampled" for each in peaks)
    by_phase = [_mebibytes([getattr(each, phase) for each in peaks]) for phase in phases]
    return (
        *(_mebibytes([getattr(memory, name) for memory in found]) for name in MEMORY),
        *(each + sampled * (each != "-") for each in by_phase),
    )


def _mebibytes(values: Sequence[int | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{max(known) / 2**20:.1f} MiB" if known else "-"


def _estimate(found: Interval | None) -> float | None:
    return found.estimate if found else None


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value * 1000:.1f} ms"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
