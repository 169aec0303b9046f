"""llama.cpp and ONNX Runtime on the very same weights: which is faster, and by how much?

Launches take turns. Nothing is asserted about who wins; docs/method.md says where the difference
comes from. Part of `make bench`; formats beside Q4_1 are those that were made in the cache.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import pytest

from edgebench import plugins
from edgebench.backends import LoadOptions
from edgebench.backends.llama_cpp import LlamaCpp
from edgebench.files import cache_dir
from edgebench.measure.job import Job
from edgebench.measure.runner import run_job
from edgebench.models.cache import hash_file
from edgebench.models.onnx_cache import onnx_for
from edgebench.models.progress import Silent
from tests.benchmarks.pairs import ratio
from tests.real.conftest import smollm2  # noqa: F401 - a fixture, found by its name

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.bench
PROMPT, OUTPUT = 512, 128


@pytest.fixture(scope="module", params=["Q4_1", "Q4_0", "Q8_0"])
def gguf(request: pytest.FixtureRequest) -> Path:
    if request.param == "Q4_1":
        path: Path = request.getfixturevalue("smollm2")
        return path
    made = sorted(cache_dir().glob(f"models/quantized/**/*{request.param}*from-*.gguf"))
    if not made:
        pytest.skip(f"not in the cache: edgebench models quantize smollm2-135m {request.param}")
    return made[0]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_onnx_runtime_beside_llama_cpp(gguf: Path, threads: int, phase: str) -> None:
    sha256 = hash_file(gguf, Silent())
    graph = onnx_for(gguf, sha256, cache=cache_dir(), activations="int8", progress=Silent()).path
    best = LlamaCpp().isas()[0]

    found = ratio(
        f"onnxruntime / llama.cpp {best}, {gguf.name}, {phase}, {threads} threads",
        lambda: tok_s("onnxruntime", graph, "mlas", threads, phase),
        lambda: tok_s("llama.cpp", gguf, best, threads, phase),
    )

    assert found.estimate > 0


def tok_s(backend: str, file: Path, isa: str, threads: int, phase: str) -> float:
    """Median of two trials of one launch."""
    prompt, output = (PROMPT, 0) if phase == "prefill" else (0, OUTPUT)
    job = Job(
        "measure", plugins.backend_target(backend), str(file),
        LoadOptions(isa=isa, threads=threads, context_tokens=prompt + output),
        tokens=tuple(range(1000, 1000 + prompt + output)), prompt_tokens=prompt,
        output_tokens=output, trials=2,
    )  # fmt: skip
    outcome = run_job(job, silence_s=120)
    assert outcome.failure is None, outcome.failure
    times = [
        (t["prefill_ns"] or 0) + sum(t["step_ns"]) for t in outcome.all("trial") if not t["warmup"]
    ]
    median_ns: float = statistics.median(times)
    return (prompt + output) * 1e9 / median_ns
