"""About how long a launch of a cell will take, before anything was measured. For the time left.

The constants are a small server's, and errors of two either way are usual: as launches come in,
whoever shows the time left scales by what they really took.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from edgebench.schema.cell import Cell, MeasuredFile

START_S = 0.8
LOAD_BYTES_S = 2e9
READ_BYTES_S = 16e9
STEP_S = 0.0004
# Multiply-adds count as two; per thread.
OPERATIONS_S = 90e9
SLOWER = {
    "x64": 27.0, "sse42": 6.0, "sandybridge": 3.5, "haswell": 1.5, "armv8.0_1": 6.0,
    "numpy": 2.0, "eager": 3.0,
}  # fmt: skip
WITHOUT_REPACKING = 1.5


class Trials(NamedTuple):
    """Timed repetitions of a launch, and after how long no further one is begun."""

    most: int
    launch_time_s: float


def launch_s(cell: Cell, file: MeasuredFile, trials: Trials) -> float:
    """Start, load, warm-up and trials."""
    once = trial_s(cell, file)
    fitting = max(1, min(trials.most, int(trials.launch_time_s / once) if once else trials.most))
    return START_S + file.size_bytes / LOAD_BYTES_S + once * (1 + fitting)


def verification_s(cell: Cell, file: MeasuredFile) -> float:
    """64 positions through the batch kernels, 64 through the decode kernels."""
    parameters = _parameters(file)
    prompt = 2 * parameters * 64 / _operations_s(cell)
    return START_S + file.size_bytes / LOAD_BYTES_S + prompt + 64 * _step_s(cell, file)


def trial_s(cell: Cell, file: MeasuredFile) -> float:
    """One repetition: the untimed depth, the prompt, the steps."""
    workload = cell.workload
    prompt = (workload.depth_tokens + workload.prompt_tokens) * workload.sequences
    batched = max(1.0, workload.sequences * 0.4)
    steps = workload.output_tokens * _step_s(cell, file) * batched
    return 2 * _parameters(file) * prompt / _operations_s(cell) + steps


def _step_s(cell: Cell, file: MeasuredFile) -> float:
    plain = file.size_bytes / READ_BYTES_S * (1.0 if cell.threads > 1 else 1.6)
    return STEP_S + max(plain, 2 * _parameters(file) / _operations_s(cell))


def _operations_s(cell: Cell) -> float:
    slower = SLOWER.get(cell.isa, 1.0)
    if cell.options.repacking is False:
        slower *= WITHOUT_REPACKING
    return OPERATIONS_S * cell.threads / slower


def _parameters(file: MeasuredFile) -> float:
    shape = file.shape
    if shape is None:
        return file.size_bytes
    keys = shape.hidden // shape.heads * shape.kv_heads
    layer = 2 * shape.hidden * (shape.hidden + keys) + 3 * shape.hidden * shape.ffn
    return float(shape.layers * layer)
