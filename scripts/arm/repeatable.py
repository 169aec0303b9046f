"""What is wrong with a record of an emulated run: cells not verified, counts that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import instructions
from edgebench.analysis.labels import cell_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgebench.schema.result import CellResult, Result

LARGEST_SPREAD = 0.001


def problems(result: Result, *, counted: bool) -> Iterator[str]:
    """A sentence for each cell that failed, and with `counted` for each that does not repeat."""
    if result.device.emulated is None:
        yield "The record does not say that it was emulated."
    for cell in result.cells:
        label = cell_label(cell.cell, result.files)
        if cell.verification is None or cell.verification.status != "passed":
            yield f"{label}: not verified."
        for launch in cell.launches:
            if launch.failure is not None:
                yield f"{label}: {launch.failure.kind}: {launch.failure.message}."
        if counted:
            yield from _spread(label, cell)


def spread(cell: CellResult) -> float | None:
    """How far launches differ in instructions per decoded token, relative to the fewest."""
    totals = [
        figures["total"]
        for launch in cell.launches
        if (
            figures := instructions.per_output_token(
                cell.model_copy(update={"launches": (launch,)})
            )
        )
    ]
    return max(totals) / min(totals) - 1 if len(totals) > 1 else None


def _spread(label: str, cell: CellResult) -> Iterator[str]:
    found = spread(cell)
    if found is None:
        yield f"{label}: instructions were not counted twice."
    elif found > LARGEST_SPREAD:
        yield f"{label}: instructions per token differ by {found:.2%} between launches."
