"""Figures of energy, and launches that carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgebench.schema.energy import Energy
from edgebench.schema.result import CellResult
from tests.power.makers import SECOND
from tests.results_maker import cell, launch, trial, verification

if TYPE_CHECKING:
    from edgebench.schema.launch import Launch


def joules(amount: float | None, phase: str = "decode", **fields: Any) -> Energy:
    """One meter's figure of three trials of 4 tokens in 6 seconds."""
    plain: dict[str, Any] = {
        "phase": phase, "method": "counter:rapl", "meter": "package-0", "scope": "package",
        "quality": "B", "joules": amount, "low_joules": amount, "high_joules": amount,
        "window_s": 6.0, "windows": 3, "samples": 60, "read_every_s": 0.1,
        "update_every_s": 0.001, "first_uj": 0, "last_uj": 1, "wraps": 0,
        "reason": None if amount else "It is gone.",
    }  # fmt: skip
    return Energy(**(plain | fields))


def launched(number: int, *energy: Energy) -> Launch:
    """Three timed trials of 4 steps of half a second, after a warm-up."""
    steps = (SECOND // 2,) * 4
    return launch(
        number, tuple(trial(i, prefill_ns=None, step_ns=steps) for i in range(4)), energy=energy
    )


def measured(*launches: Launch, status: str = "passed") -> CellResult:
    return CellResult(cell=cell(), verification=verification(status), launches=launches)
