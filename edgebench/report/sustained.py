"""Looped cells as a table of their own: the first minute against the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import metrics
from edgebench.analysis.labels import cell_label
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.result import CellResult, Result
    from edgebench.schema.sustained import SpeedCourse, SustainedSummary

COLUMNS = ("looped", "phase", "for", "window", "first tok/s", "last tok/s", "last / first",
           "95 % interval", "°C", "hottest", "MHz", "slowest", "throttled", "W")  # fmt: skip
RIGHT = COLUMNS[2:]


def render(result: Result, *, width: int = 300) -> str:
    """One row per cell and phase; empty for a record without looped cells."""
    found = rows(result)
    return grid(COLUMNS, found, right=RIGHT, width=width) if found else ""


def rows(result: Result) -> list[tuple[str, ...]]:
    return [row for cell in result.cells for row in _rows(cell, result)]


def _rows(cell: CellResult, result: Result) -> Iterator[tuple[str, ...]]:
    summary = metrics.summarize(cell).sustained
    if summary is None:
        return
    for phase in ("prefill", "decode"):
        found: SpeedCourse | None = getattr(summary, phase)
        if found is not None:
            yield (cell_label(cell.cell, result.files), phase, *_row(summary, found))


def _row(summary: SustainedSummary, speed: SpeedCourse) -> tuple[str, ...]:
    return (
        f"{summary.looped_s:.0f} s",
        f"{summary.window_s:.0f} s",
        f"{speed.first_tok_s:.4g}",
        f"{speed.last_tok_s:.4g}",
        f"{speed.last_over_first:.3f}",
        _interval(speed),
        _course(summary.first_temperature_c, summary.last_temperature_c),
        _plain(summary.highest_temperature_c),
        _course(_mhz(summary.first_frequency_khz), _mhz(summary.last_frequency_khz)),
        _plain(_mhz(summary.lowest_frequency_khz)),
        "-" if summary.throttled_share is None else f"{summary.throttled_share:.0%}",
        _watts(summary),
    )


def _interval(speed: SpeedCourse) -> str:
    """`0.981 - 1.004 (31+29 loops)`."""
    counted = f"{speed.first_loops}+{speed.last_loops} loops"
    if speed.unit == "windows":
        counted += ", by windows"
    if speed.low is None or speed.high is None:
        return f"{counted}: too few"
    return f"{speed.low:.3f} - {speed.high:.3f} ({counted})"


def _course(first: float | None, last: float | None) -> str:
    return "-" if first is None or last is None else f"{first:.0f} → {last:.0f}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _mhz(khz: float | None) -> float | None:
    return None if khz is None else khz / 1000


def _watts(summary: SustainedSummary) -> str:
    """Meters beside each other: scopes overlap, so nothing is added up."""
    told = [
        f"{each.meter} ({each.quality}) {each.first_w:.3g} → {each.last_w:.3g}"
        for each in summary.watts
    ]
    return ", ".join(told) or "-"
