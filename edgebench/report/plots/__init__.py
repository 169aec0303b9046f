"""Plots by name: rows of cells in, a plot that can be drawn, saved and read as numbers out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.report.plots import context, energy, ladder, memory, quality, roofline, sustained

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgebench.analysis.report_rows import CellRow
    from edgebench.report.plots.plot import Plot

# In the order in which a report shows them.
PLOTS: Mapping[str, Callable[[Sequence[CellRow]], Plot]] = {
    each.NAME: each.plot for each in (ladder, roofline, quality, context, memory, energy, sustained)
}
