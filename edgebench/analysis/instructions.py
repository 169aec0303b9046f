"""Executed instructions per token, from the counts of an emulator."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from edgebench.analysis import metrics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgebench.schema.launch import InstructionCount, Instructions
    from edgebench.schema.result import CellResult

    Figures = dict[str, float]


def per_prompt_token(cell: CellResult) -> Figures | None:
    """Mean count per prompt token, by class; None where nothing was counted."""
    tokens = cell.cell.workload.prompt_tokens * cell.cell.workload.sequences
    return _mean((i.prefill for i in _counted(cell) if i.prefill), tokens)


def per_output_token(cell: CellResult) -> Figures | None:
    """Count of the median step per decoded token, by class; None where nothing was counted.

    The median, because an engine may build its graph anew in the first step after a prompt; one
    step's own row, so that its classes add up.
    """
    steps = sorted((step for i in _counted(cell) for step in i.steps), key=lambda step: step.total)
    return _mean(steps[(len(steps) - 1) // 2 :][:1], cell.cell.workload.sequences)


def _counted(cell: CellResult) -> list[Instructions]:
    """Of counted trials without the warm-up; none of a cell whose output may be wrong."""
    if not metrics.is_sound(cell):
        return []
    trials = (t for launch in cell.launches for t in launch.trials if not t.warmup)
    return [trial.instructions for trial in trials if trial.instructions]


def _mean(counts: Iterable[InstructionCount], tokens: int) -> Figures | None:
    rows = [count.model_dump() for count in counts]
    if not rows:
        return None
    return {name: statistics.fmean(row[name] for row in rows) / tokens for name in rows[0]}
