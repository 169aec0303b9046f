"""Peak memory by configuration, and what of it is the model file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from edgebench.report.plots import style
from edgebench.report.plots.plot import (
    CELL,
    WIDE_LABEL,
    Plot,
    cell,
    drawable,
    grouped,
    key,
    nothing,
    told_apart,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from edgebench.analysis.report_rows import CellRow

NAME, TITLE = "memory", "Peak memory"
BARS = 24
MIB = 2**20
COLUMNS = (*CELL, "peak bytes", "anonymous bytes", "file-backed bytes", "KV cache bytes")


def plot(cells: Sequence[CellRow]) -> Plot:
    """A bar per device, model, engine and workload: of its instruction sets the largest peak."""
    known = [row for row in cells if row.memory and drawable(row.memory.peak_rss_bytes)]
    if not known:
        return nothing(NAME, TITLE, "No cell has a peak: no launch finished, or the kernel does "
                       "not say VmHWM.")  # fmt: skip
    largest = [max(rows, key=_peak) for rows in grouped(known, _bar).values()]
    ordered = sorted(largest, key=lambda row: (-_peak(row), _bar(row)))
    drawn, left = ordered[:BARS], len(ordered) - BARS
    notes = (f"The {BARS} largest are drawn; {left} more are in the table of cells.",) * (left > 0)
    return Plot(
        NAME,
        TITLE,
        "Length: the largest resident set of the worker process (VmHWM). Colours: its anonymous "
        "and file-backed parts at the end of that launch; pages of a mapped model file are "
        "file-backed; a GPU's own memory is not measured. Of several instruction sets and thread "
        "counts, the largest peak.",
        COLUMNS,
        tuple(map(_numbers, drawn)),
        notes,
        None,
        partial(_draw, drawn),
    )


def _peak(row: CellRow) -> int:
    return row.memory.peak_rss_bytes if row.memory else 0


def _bar(row: CellRow) -> tuple[str, ...]:
    return key(row, "device", "model", "backend", "workload", "settings")


def _numbers(row: CellRow) -> tuple[str | float | None, ...]:
    return (*cell(row), *(row.memory or ()))


def _draw(rows: Sequence[CellRow]) -> Figure:
    labels, shared = told_apart(map(_bar, rows), WIDE_LABEL)
    figure = style.figure(1.2 + 0.36 * len(rows))
    axes = figure.subplots()
    ups = list(range(len(rows)))[::-1]
    parts = [row.memory for row in rows if row.memory]
    anonymous = [(each.anonymous_bytes or 0) / MIB for each in parts]
    files = [(each.file_backed_bytes or 0) / MIB for each in parts]
    handles = [
        axes.barh(ups, [each.peak_rss_bytes / MIB for each in parts], height=0.44,
                  color=style.GRID),
        axes.barh(ups, anonymous, height=0.44, color=style.COLOURS[0]),
        axes.barh(ups, files, left=anonymous, height=0.44, color=style.COLOURS[1]),
    ]  # fmt: skip
    # Names are long: they stand above their bars, not beside them.
    for up, row in zip(ups, rows, strict=True):
        axes.text(0, up + 0.27, f" {labels[_bar(row)]}", fontsize=7.5, va="bottom")
    axes.set_yticks([])
    axes.set_ylim(-0.5, len(rows) - 0.1)
    axes.set_xlim(0, max(each.peak_rss_bytes for each in parts) / MIB * 1.05)
    axes.set_xlabel("MiB")
    style.heading(figure, shared)
    axes.grid(visible=False, axis="y")
    style.plain_numbers(axes, "x")
    style.legend(figure, handles, ["peak", "anonymous at the end", "file-backed at the end"])
    return figure
