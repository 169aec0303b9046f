"""Two things measured in turns: what a busy machine does to one, it does to the other."""

from __future__ import annotations

import os
import statistics
from typing import TYPE_CHECKING

from edgebench.analysis import stats
from edgebench.backends import LoadOptions
from edgebench.backends.llama_cpp import LlamaCpp
from edgebench.measure.job import Job
from edgebench.measure.runner import run_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edgebench.schema.interval import Interval

PAIRS = int(os.environ.get("EDGEBENCH_BENCH_PAIRS", "12"))


def ratio(
    what: str, ours: Callable[[], float], theirs: Callable[[], float], pairs: int = PAIRS
) -> Interval:
    """Geometric mean of ours / theirs over pairs of neighbouring launches, printed and returned.

    The order within a pair alternates, so that a drift of the machine cancels.
    """
    ratios = []
    for pair in range(pairs):
        if pair % 2:
            one, other = theirs(), ours()
            ratios.append(other / one)
        else:
            one, other = ours(), theirs()
            ratios.append(one / other)
    found = stats.interval(ratios)
    assert found is not None
    print(
        f"{what}: {found.estimate:.4f}, 95 % interval {found.low:.4f} to {found.high:.4f}, "
        f"median {statistics.median(ratios):.4f}, {found.launches} pairs of launches"
    )
    return found


def launch_tok_s(file: Path, *, prompt: int, output: int, trials: int = 2) -> float:
    """Median tok/s of one launch on one thread, best instruction set; prefill or decode only."""
    outcome = run_job(
        Job(
            "measure",
            "edgebench.backends.llama_cpp:LlamaCpp",
            str(file),
            LoadOptions(LlamaCpp().isas()[0], 1, prompt + output),
            tokens=tuple(range(100, 100 + prompt + output)),
            prompt_tokens=prompt,
            output_tokens=output,
            trials=trials,
        ),
        silence_s=120,
    )
    assert outcome.failure is None, outcome.failure
    nanoseconds = [
        (t["prefill_ns"] or 0) + sum(t["step_ns"]) for t in outcome.all("trial") if not t["warmup"]
    ]
    median_ns: float = statistics.median(nanoseconds)
    return (prompt + output) * 1e9 / median_ns
