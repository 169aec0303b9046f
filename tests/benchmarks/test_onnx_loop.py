"""Does our loop around ONNX Runtime cost speed? Against onnxruntime-genai, on the same graph.

Launches take turns; the unit is a pair of neighbouring ones, the figure the geometric mean of
their ratios. Part of `make bench`, on a quiet machine. EDGEBENCH_GENAI_PYTHON names a Python that
has onnxruntime-genai, where this one does not.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from edgebench import plugins
from edgebench.analysis import stats
from edgebench.backends import LoadOptions, onnx_own, onnx_session
from edgebench.backends.onnxruntime import OnnxRuntime
from edgebench.files import cache_dir
from edgebench.measure.job import Job
from edgebench.measure.runner import run_job
from edgebench.models.cache import hash_file
from edgebench.models.gguf import read_header
from edgebench.models.llama import dimensions
from edgebench.models.onnx_cache import onnx_for
from edgebench.models.progress import Silent
from tests.onnx_maker import as_others_make_it
from tests.real.conftest import smollm2  # noqa: F401 - a fixture, found by its name

if TYPE_CHECKING:
    from edgebench.models.llama import Dimensions

pytestmark = pytest.mark.bench
PAIRS = int(os.environ.get("EDGEBENCH_BENCH_PAIRS", "12"))
PYTHON = os.environ.get("EDGEBENCH_GENAI_PYTHON", sys.executable)
PROMPT, OUTPUT, CONTEXT = 512, 128, 704
LOWEST_RATIO = 1.0
MOST_HARNESS_SHARE = 0.02


class Rates(NamedTuple):
    """Tokens per second of one launch."""

    prefill: float
    decode: float

    @classmethod
    def of(cls, trials: list[dict[str, Any]]) -> Rates:
        steps = [step for trial in trials for step in trial["step_ns"]]
        prefill = statistics.median(trial["prefill_ns"] for trial in trials)
        return cls(PROMPT / prefill * 1e9, 1e9 / statistics.median(steps))


@pytest.fixture(scope="module")
def graph(request: pytest.FixtureRequest) -> Path:
    gguf: Path = request.getfixturevalue("smollm2")
    sha256 = hash_file(gguf, Silent())
    made = onnx_for(gguf, sha256, cache=cache_dir(), activations="int8", progress=Silent())
    return made.path


@pytest.fixture(scope="module")
def theirs(
    request: pytest.FixtureRequest, graph: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same graph and the same weights, dressed as onnxruntime-genai wants them."""
    command = [PYTHON, "-c", "import onnxruntime_genai"]
    found = subprocess.run(command, capture_output=True, check=False)
    if found.returncode != 0:
        pytest.skip("onnxruntime-genai is not installed: pip install onnxruntime-genai==0.18.0")
    folder = tmp_path_factory.mktemp("genai") / "model"
    as_others_make_it(graph, folder, last_only=True)
    shape = dimensions(read_header(request.getfixturevalue("smollm2")))
    (folder / "genai_config.json").write_text(json.dumps(genai_config(shape)))
    return folder


def genai_config(shape: Dimensions) -> dict[str, Any]:
    """What the model builder of onnxruntime-genai 0.18 writes, without a tokenizer."""
    decoder = {
        "session_options": {"log_id": "onnxruntime-genai", "provider_options": []},
        "filename": "model.onnx",
        "head_size": shape.head_dim,
        "hidden_size": shape.hidden,
        "inputs": {
            "input_ids": "input_ids",
            "attention_mask": "attention_mask",
            "past_key_names": "past_key_values.%d.key",
            "past_value_names": "past_key_values.%d.value",
        },
        "outputs": {
            "logits": "logits",
            "present_key_names": "present.%d.key",
            "present_value_names": "present.%d.value",
        },
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.kv_heads,
    }
    model = {
        "type": "llama", "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0,
        "context_length": shape.context, "vocab_size": shape.vocabulary, "decoder": decoder,
    }  # fmt: skip
    search = {"max_length": CONTEXT, "past_present_share_buffer": True, "do_sample": False}
    return {"model": model, "search": search}


@pytest.mark.parametrize("threads", [1, 2])
def test_our_loop_is_as_fast_as_genai_s(graph: Path, theirs: Path, threads: int) -> None:
    ratios: dict[str, list[float]] = {"prefill": [], "decode": []}
    for pair in range(PAIRS):
        if pair % 2:
            other, own = genai(theirs, threads), ours(graph, threads)
        else:
            own, other = ours(graph, threads), genai(theirs, threads)
        ratios["prefill"].append(own.prefill / other.prefill)
        ratios["decode"].append(own.decode / other.decode)

    for what, values in ratios.items():
        found = stats.interval(values)
        assert found is not None
        print(
            f"{what}, {threads} threads: edgebench / onnxruntime-genai = {found.estimate:.4f}, "
            f"95 % interval {found.low} to {found.high}, {found.launches} pairs of launches"
        )
        assert found.high is None or found.high >= LOWEST_RATIO


def test_where_a_decode_step_goes(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time inside the engine's call, the writing of its inputs, and the rest of our Python."""
    engine_ns: list[int] = []
    call = onnx_session.run

    def timed(session: Any, binding: Any) -> None:
        begun = time.perf_counter_ns()
        call(session, binding)
        engine_ns.append(time.perf_counter_ns() - begun)

    monkeypatch.setattr(onnx_own, "run", timed)
    options = LoadOptions(isa="mlas", threads=1, context_tokens=CONTEXT)
    with OnnxRuntime().load(graph, options) as session:
        session.prefill(range(1000, 1000 + PROMPT))
        engine_ns.clear()
        step_ns = []
        for token in range(1000, 1000 + OUTPUT):
            begun = time.perf_counter_ns()
            session.decode((token,))
            step_ns.append(time.perf_counter_ns() - begun)

    share = 1 - sum(engine_ns) / sum(step_ns)
    copies_ns = writing_inputs_ns()
    print(
        f"decode step {statistics.median(step_ns) / 1e3:.1f} us: engine "
        f"{statistics.median(engine_ns) / 1e3:.1f} us, copies of inputs {copies_ns / 1e3:.2f} us, "
        f"all of ours {share:.3%}; logits and cache are not copied"
    )
    assert share <= MOST_HARNESS_SHARE


def writing_inputs_ns() -> float:
    """What filling the bound input arrays of one step takes."""
    ids, seen = np.zeros((1, 1), dtype=np.int64), np.zeros(1, dtype=np.int32)
    total, rounds = np.zeros((), dtype=np.int32), 10_000
    begun = time.perf_counter_ns()
    for n in range(rounds):
        ids.reshape(-1)[:] = (n,)
        seen.fill(n)
        total[()] = n
    return (time.perf_counter_ns() - begun) / rounds


def ours(graph: Path, threads: int) -> Rates:
    options = LoadOptions(isa="mlas", threads=threads, context_tokens=CONTEXT)
    job = Job(
        "measure", plugins.backend_target("onnxruntime"), str(graph), options,
        tokens=tuple(range(1000, 1000 + PROMPT + OUTPUT)), prompt_tokens=PROMPT,
        output_tokens=OUTPUT, trials=2,
    )  # fmt: skip
    outcome = run_job(job, silence_s=120)
    assert outcome.failure is None, outcome.failure
    return Rates.of([t for t in outcome.all("trial") if not t["warmup"]])


def genai(folder: Path, threads: int) -> Rates:
    sizes = [str(n) for n in (threads, PROMPT, OUTPUT, CONTEXT)]
    program = Path(__file__).with_name("genai_loop.py")
    done = subprocess.run(
        [PYTHON, str(program), str(folder), *sizes], capture_output=True, text=True, check=True
    )
    return Rates.of(json.loads(done.stdout.splitlines()[-1])["trials"])
