"""Synthetic weights in a real engine: every format loads, and verification bites."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgebench import plugins
from edgebench.backends import LoadOptions
from edgebench.backends.llama_cpp import LlamaCpp
from edgebench.backends.reference import Reference
from edgebench.measure import verify
from edgebench.measure.job import Job
from edgebench.measure.runner import run_job
from edgebench.models import fit, formats
from edgebench.models.gguf import read_header
from edgebench.models.llama import describe
from edgebench.models.progress import Silent
from edgebench.models.synthesize import synthesize
from edgebench.schema.cell import Options
from tests.synthetic import TINY, shaped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edgebench.schema.model import Shape

pytestmark = pytest.mark.real
POSITIONS = 64
# Mixtures of types that the other formats have as well.
OTHER_MIXTURES = {"Q3_K_S", "Q3_K_L", "Q4_K_S", "Q5_K_S"}
TEXT = "Call me Ishmael. Some years ago, never mind how long precisely, I thought I would sail."


def logits(path: Path, tokens: Sequence[int], backend: Reference) -> NDArray[np.float32]:
    with backend.load(path, LoadOptions("numpy", 1, len(tokens))) as session:
        return session.prefill(tokens[:-1], every=True)


def judged(path: Path, isa: str, tokens: Sequence[int], folder: Path) -> verify.Judgement:
    """The engine, in a worker, against the reference."""
    reference = folder / "reference.npy"
    np.save(reference, logits(path, tokens, Reference()))
    job = Job(
        kind="verify",
        backend=plugins.backend_target("llama.cpp"),
        file=str(path),
        options=LoadOptions(isa, 1, 256),
        tokens=tuple(tokens),
        result_path=str(reference),
    )
    outcome = run_job(job, silence_s=60)
    found = outcome.find("verified")
    assert found is not None, outcome.failure
    types = describe(read_header(path)).tensor_types
    return verify.judge(verify.Distances(**found["distances"]), verify.thresholds(types))


def spelled(isa: str, path: Path) -> tuple[int, ...]:
    job = Job(
        kind="tokenize",
        backend=plugins.backend_target("llama.cpp"),
        file=str(path),
        options=LoadOptions(isa, 1, 64),
        text=TEXT,
    )
    outcome = run_job(job, silence_s=60)
    found = outcome.find("tokenized")
    assert found is not None, outcome.failure
    return tuple(found["tokens"])


@pytest.mark.parametrize("quant", sorted(set(formats.BASE) - OTHER_MIXTURES))
def test_every_format_loads_and_is_verified(tmp_path: Path, isa: str, quant: str) -> None:
    path = tmp_path / "tiny.gguf"
    synthesize(TINY, quant, 1, path, Silent())
    tokens = [3 + byte for byte in TEXT.encode()[: POSITIONS + 1]]
    assert judged(path, isa, tokens, tmp_path) == ("passed", None)


def test_its_tokenizer_spells_text_byte_by_byte(tmp_path: Path, isa: str) -> None:
    path = tmp_path / "tiny.gguf"
    synthesize(TINY, "Q4_0", 1, path, Silent())
    found = spelled(isa, path)
    space = 3 + 256
    assert found == tuple(space if letter == " " else 3 + ord(letter) for letter in TEXT)


def test_verification_bites_on_a_tied_model_of_random_weights(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    synthesize(shaped(layers=4, tied_embeddings=True), "Q8_0", 1, path, Silent())
    tokens = [3 + byte for byte in TEXT.encode()[: POSITIONS + 1]]
    right = logits(path, tokens, Reference())
    wrong = logits(path, tokens, Reference(rope="neox"))
    limits = verify.thresholds({"Q8_0": 1})
    assert verify.judge(verify.distances(right, wrong, tokens[1:]), limits).status == "failed"
    assert len(set(right.argmax(axis=-1))) > POSITIONS // 4, "it does not say one thing always"
    assert np.mean(right.argmax(axis=-1) == np.array(tokens[:-1])) < 0.2, "nor what it was told"


LOG_OF_LOADING = """
import json, re, sys
from pathlib import Path
from edgebench.backends import LoadOptions, llama_cpp

said = []
class Log(llama_cpp.EngineLog):
    def _receive(self, level, text, data):
        said.append(text.decode())

llama_cpp.EngineLog = Log
path, isa, context, flash = json.loads(sys.argv[1])
options = LoadOptions(isa, 1, context, flash_attention=flash)
with llama_cpp.LlamaCpp().load(Path(path), options):
    print(re.search(r"CPU compute buffer size = +([0-9.]+) MiB", " ".join(said))[1])
"""


@pytest.mark.parametrize("flash", [True, False])
@pytest.mark.parametrize(
    "shape", [TINY, shaped(vocabulary=32000, context=2048)], ids=["small", "large vocabulary"]
)
def test_the_compute_buffer_is_foretold(
    tmp_path: Path, isa: str, shape: Shape, flash: bool
) -> None:
    path = tmp_path / "tiny.gguf"
    synthesize(shape, "Q4_0", 1, path, Silent())
    arguments = json.dumps([str(path), isa, shape.context, flash])
    command = [sys.executable, "-c", LOG_OF_LOADING, arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    logged_mib = float(done.stdout)
    foretold = fit.compute_bytes(shape, Options(flash_attention=flash), shape.context) / 2**20
    assert logged_mib <= foretold <= 1.25 * logged_mib


def test_llama_cpp_is_what_these_tests_need() -> None:
    assert LlamaCpp().why_not() is None
