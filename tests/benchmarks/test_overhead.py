"""What the harness itself takes: one trial around a session that does nothing, and `check`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.analysis import checking
from edgebench.measure.job import Job
from edgebench.measure.trial import run_trial
from edgebench.schema.result import CellResult
from tests.results_maker import cell, decode_launches, result, verification

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = pytest.mark.bench
STEPS = 1000


class Idle:
    """A session that answers at once."""

    def __init__(self) -> None:
        import numpy as np

        self._logits = np.zeros((1, 32), dtype=np.float32)

    def reset(self) -> None:
        """Nothing to forget."""

    def decode(self, _tokens: object) -> Any:
        return self._logits


def test_a_thousand_steps_around_nothing(benchmark: BenchmarkFixture) -> None:
    job = Job("measure", "", tokens=(1,) * STEPS, output_tokens=STEPS)

    fields = benchmark(run_trial, Idle(), job, time.monotonic_ns)

    assert len(fields["step_ns"]) == STEPS


def test_checking_a_record_of_fifty_launches(benchmark: BenchmarkFixture) -> None:
    launches = decode_launches(*(10 + i / 100 for i in range(50)))
    made = result(CellResult(cell=cell(), verification=verification(), launches=launches))

    problems = benchmark(lambda: list(checking.problems(made)))

    assert problems == []
