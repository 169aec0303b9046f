"""Executed instructions per token as a table: what stands where a speed would be untrue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import instructions
from edgebench.analysis.labels import cell_label
from edgebench.report.grid import grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.result import CellResult, Result

COLUMNS = ("millions of instructions executed", "per token of", "all", "integer", "branch",
           "load/store", "FP/SIMD", "SVE", "SME", "dot", "matrix")  # fmt: skip


def render(result: Result, *, width: int = 160) -> str:
    """One row per cell and phase that was counted; empty where nothing was."""
    found = rows(result)
    return grid(COLUMNS, found, right=COLUMNS[2:], width=width) if found else ""


def rows(result: Result) -> list[tuple[str, ...]]:
    return [row for cell in result.cells for row in _rows(cell, result)]


def _rows(cell: CellResult, result: Result) -> Iterator[tuple[str, ...]]:
    label = cell_label(cell.cell, result.files)
    for phase, figures in (
        ("prompt", instructions.per_prompt_token(cell)),
        ("output", instructions.per_output_token(cell)),
    ):
        if figures is not None:
            yield (label, phase, *(f"{figure / 1e6:.2f}" for figure in figures.values()))
