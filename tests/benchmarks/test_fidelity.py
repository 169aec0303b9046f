"""Does the harness cost speed? `edgebench run` against llama.cpp's own llama-bench.

Both run the same libraries, variant, threads, flash attention and KV type, in turns; the unit is a
pair of neighbouring launches, the figure the geometric mean of their ratios. Part of `make bench`,
on a quiet machine; not of the tests, because a busy neighbour would decide it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edgebench import files
from edgebench.analysis import metrics
from edgebench.backends.llama_cpp import LlamaCpp
from edgebench.files import cache_dir
from edgebench.schema.result import Result
from tests.benchmarks.pairs import ratio
from tests.real.conftest import smollm2  # noqa: F401 - a fixture, found by its name

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.bench
LOWEST_RATIO = 0.98


@pytest.fixture(scope="module")
def llama_bench() -> Path:
    variant = LlamaCpp().isas()[0]
    found = sorted(cache_dir().glob(f"llama-bench/*-{variant}/llama-bench"))
    if not found:
        pytest.skip("llama-bench is not built; run: make bench")
    return found[-1]


@pytest.mark.parametrize(
    ("workload", "flags"), [("pp512", "-p 512 -n 0"), ("tg128", "-p 0 -n 128")]
)
def test_the_harness_is_as_fast_as_llama_bench(
    request: pytest.FixtureRequest, tmp_path: Path, llama_bench: Path, workload: str, flags: str
) -> None:
    model: Path = request.getfixturevalue("smollm2")

    found = ratio(
        f"edgebench run / llama-bench, {workload}, 1 thread",
        lambda: _ours(tmp_path, model, workload),
        lambda: _theirs(llama_bench, model, flags),
    )

    assert found.estimate >= LOWEST_RATIO


def _ours(folder: Path, model: Path, workload: str) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "edgebench", "run", "--file", str(model), "--workload", workload,
         "--threads", "1", "--launches", "1", "--trials", "3", "--json",
         "--output", str(folder / "out")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    path = folder / "record.json"
    path.write_text(done.stdout)
    (entry,) = files.read_json(path, Result).cells
    (rate,) = metrics.primary(entry)
    return rate


def _theirs(llama_bench: Path, model: Path, flags: str) -> float:
    done = subprocess.run(
        [str(llama_bench), "-m", str(model), "-t", "1", "-fa", "1", "-lm", "mmap", "-r", "3",
         "-o", "jsonl", *flags.split()],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    samples: list[float] = json.loads(done.stdout.splitlines()[-1])["samples_ts"]
    return statistics.median(samples)
