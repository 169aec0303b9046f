"""The same weights through ONNX Runtime, on a real model: the graph is right, and fast as asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from edgebench import files, plugins
from edgebench.backends import LoadOptions
from edgebench.backends.llama_cpp import LlamaCpp
from edgebench.measure.job import Job
from edgebench.measure.runner import run_job
from edgebench.models.cache import hash_file
from edgebench.models.onnx_cache import onnx_for
from edgebench.models.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.measure.runner import Outcome
    from edgebench.models.onnx_exported import Exported

pytestmark = pytest.mark.real
POSITIONS = 128
ENGINE = plugins.backend_target("onnxruntime")
OPTIONS = LoadOptions(isa="mlas", threads=1, context_tokens=256, kv_type="f32")


def finished(job: Job) -> Outcome:
    outcome = run_job(job, silence_s=300)
    assert outcome.failure is None, outcome.failure
    return outcome


def found(outcome: Outcome, event: str) -> dict[str, Any]:
    answer = outcome.find(event)
    assert answer is not None
    return answer


@pytest.fixture(scope="module")
def tokens(smollm2: Path) -> tuple[int, ...]:
    """text.v1 by the GGUF file's own tokenizer: the positions verified, and one that follows."""
    text = files.packaged("text.v1.txt").read_text("utf-8")
    isa = LlamaCpp().isas()[0]
    job = Job(
        "tokenize", plugins.backend_target("llama.cpp"), str(smollm2), LoadOptions(isa, 1, 64)
    )
    ids: list[int] = found(finished(job._replace(text=text)), "tokenized")["tokens"]
    return tuple(ids[: POSITIONS + 1])


@pytest.fixture(scope="module")
def reference(
    smollm2: Path, tokens: tuple[int, ...], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("reference") / "logits.npy"
    options = LoadOptions(isa="numpy", threads=1, context_tokens=len(tokens))
    job = Job("reference", plugins.backend_target("reference"), str(smollm2), options)
    finished(job._replace(tokens=tokens[:-1], result_path=str(path)))
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def exported(smollm2: Path, cache: Path, activations: str) -> Exported:
    sha256 = hash_file(smollm2, Silent())
    made = onnx_for(smollm2, sha256, cache=cache, activations=activations, progress=Silent())
    assert made.weights_id == sha256
    assert made.derived == ()
    return made


class Asked(NamedTuple):
    activations: str
    prepacked: bool
    most_kl: float
    least_top1: float


@pytest.mark.parametrize(
    "asked",
    [
        Asked("fp32", prepacked=False, most_kl=1e-6, least_top1=1.0),
        Asked("int8", prepacked=False, most_kl=1e-2, least_top1=0.93),
        Asked("int8", prepacked=True, most_kl=1e-2, least_top1=0.93),
    ],
)
def test_the_graph_says_what_the_reference_says(
    smollm2: Path, cache: Path, tokens: tuple[int, ...], reference: Path, asked: Asked
) -> None:
    made = exported(smollm2, cache, asked.activations)
    options = OPTIONS._replace(activations=asked.activations, prepacked=asked.prepacked)
    job = Job("verify", ENGINE, str(made.path), options, tokens=tokens, result_path=str(reference))

    outcome = finished(job)

    distances = found(outcome, "verified")["distances"]
    loaded = found(outcome, "loaded")
    print(asked, distances, loaded, found(outcome, "done"))  # noqa: T201 - for docs/onnx.md
    assert distances["positions"] == POSITIONS
    assert distances["mean_kl"] <= asked.most_kl
    assert distances["top1_agreement"] >= asked.least_top1
    features = loaded["dispatched"]["features"]
    assert f"activations={asked.activations}" in features
    assert f"prepacked={int(asked.prepacked)}" in features
    assert loaded["before_engine_peak_bytes"] < 25 * 2**20
