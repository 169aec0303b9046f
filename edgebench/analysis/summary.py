"""The summary block of a record: everything that tables show of each cell, energy included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import energy, metrics
from edgebench.schema.summary import CellSummary, EnergyFigure

if TYPE_CHECKING:
    from edgebench.schema.result import CellResult, Result


def of(result: Result) -> dict[str, CellSummary]:
    """By cell, in the order of the record."""
    return {entry.cell.id: of_cell(entry, result) for entry in result.cells}


def of_cell(entry: CellResult, result: Result) -> CellSummary:
    figures = energy.figures(entry, result.idle_energy)
    told = tuple(EnergyFigure(**each._asdict()) for each in figures)
    return metrics.summarize(entry).model_copy(update={"energy": told})
