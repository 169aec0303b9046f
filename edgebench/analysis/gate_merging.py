"""The records of single launches, taken in turns, as one record per side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgebench.analysis import summary
from edgebench.schema.result import CellResult, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.verification import Verification


def merge(rounds: Sequence[Result], run_id: str) -> Result:
    """One side's records in the order of rounds, as one. Both sides get the same `run_id`.

    That shared id is what tells a reader that launches of one round are neighbours. A cell that
    was not verified in one of its launches is not verified.
    """
    first, last = rounds[0], rounds[-1]
    cells = tuple(_cell(entry, rounds) for entry in first.cells)
    known = {entry.cell.id for entry in cells}
    order = tuple(
        tuple(cell for turn in each.schedule.order for cell in turn if cell in known)
        for each in rounds
    )
    schedule = first.schedule.model_copy(
        update={"order": order, "min_launches": len(rounds), "max_launches": len(rounds)}
    )
    merged = first.model_copy(
        update={
            "run_id": run_id,
            "finished_utc": last.finished_utc,
            "schedule": schedule,
            "cells": cells,
            "warnings": tuple(dict.fromkeys(note for each in rounds for note in each.warnings)),
        }
    )
    return merged.model_copy(update={"summary": summary.of(merged)})


def _cell(entry: CellResult, rounds: Sequence[Result]) -> CellResult:
    found = [
        (number, same)
        for number, each in enumerate(rounds)
        for same in each.cells
        if same.cell.id == entry.cell.id
    ]
    launches = tuple(
        launch.model_copy(update={"round": number})
        for number, same in found
        for launch in same.launches
    )
    return CellResult(
        cell=entry.cell,
        verification=_verification([same.verification for _, same in found]),
        launches=launches,
    )


def _verification(found: Sequence[Verification | None]) -> Verification | None:
    """The first that is wrong, else one that is missing, else the first."""
    wrong = [v for v in found if v is not None and (v.failure or v.status == "failed")]
    return next(iter(wrong), None if None in found else found[0])
