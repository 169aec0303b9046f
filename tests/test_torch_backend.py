"""torch's answers against the reference, where torch is installed; what needs none, always."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.backends import EngineError, LoadOptions, WrongIsaError
from edgebench.backends.torch import Torch, build, why_not_cuda
from edgebench.backends.torch_session import cache_name
from edgebench.backends.torch_settings import named_memory_errors
from edgebench.backends.torch_weights import configuration, sources, unpermuted
from edgebench.models.gguf import read_header
from edgebench.models.llama import dimensions, expected_weights
from tests.answers import FACTORS, LINEAR, TOKENS, answers, mean_kl, right
from tests.gguf_maker import Tiny, random_weights, write_llama

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edgebench.backends import Backend, Session

    Floats = NDArray[np.float32]

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None or importlib.util.find_spec("transformers") is None,
    reason="torch and transformers are not installed: pip install 'edgebench[torch]'",
)

OPTIONS = LoadOptions(isa="torch", threads=1, context_tokens=32, activations="fp32")
SHOWN = """PyTorch built with:
  - Intel(R) oneAPI Math Kernel Library Version 2024.2-Product Build 20240605 for Intel(R) 64
  - Intel(R) MKL-DNN v3.12.0 (Git Hash 80afa71049cd69a3df32adcccb623b12cd7baa22)
  - Build settings: BLAS_INFO=mkl, COMMIT_SHA=cf30153c4c131c8164ee7798e5022d810682e2cb, USE_CUDA=0
"""


def logits(path: Path, **fields: Any) -> Floats:
    with Torch().load(path, OPTIONS._replace(**fields)) as session:
        return answers(session)


def refusal(path: Path, **fields: Any) -> str:
    with pytest.raises(EngineError) as caught, Torch().load(path, OPTIONS._replace(**fields)):
        pytest.fail("loaded")
    return str(caught.value)


def permuted(matrix: Floats, heads: int) -> Floats:
    """As llama.cpp's convert_hf_to_gguf.py does it, so that RoPE turns neighbouring rows."""
    halves = matrix.reshape(heads, 2, -1, matrix.shape[1])
    return halves.swapaxes(1, 2).reshape(matrix.shape)


@given(
    heads=st.integers(1, 6),
    pairs=st.integers(1, 5),
    inputs=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_unpermuting_undoes_what_the_conversion_to_gguf_did(
    heads: int, pairs: int, inputs: int, seed: int
) -> None:
    rows = 2 * heads * pairs
    matrix = np.random.default_rng(seed).normal(size=(rows, inputs)).astype(np.float32)
    np.testing.assert_array_equal(unpermuted(permuted(matrix, heads), heads), matrix)


def test_rows_of_a_pair_go_half_a_head_apart() -> None:
    rows = np.arange(8, dtype=np.float32).reshape(8, 1)
    assert unpermuted(rows, 2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_the_configuration_is_the_header(tmp_path: Path) -> None:
    header = read_header(write_llama(tmp_path / "m.gguf", Tiny(tied=True)))
    found = configuration(dimensions(header))
    assert found["hidden_size"] == 64
    assert found["intermediate_size"] == 128
    assert (found["num_attention_heads"], found["num_key_value_heads"]) == (4, 2)
    assert found["head_dim"] == 16
    assert found["rms_norm_eps"] == pytest.approx(1e-5)
    assert found["rope_parameters"] == {"rope_type": "default", "rope_theta": 10000.0}
    assert found["tie_word_embeddings"]
    assert found["attn_implementation"] == "eager"


def test_every_tensor_has_its_place_and_only_queries_and_keys_are_permuted(tmp_path: Path) -> None:
    shape = dimensions(read_header(write_llama(tmp_path / "m.gguf", Tiny(layers=1))))
    names = [name for name, _ in expected_weights(shape)]
    found = {source.gguf: source for source in sources(names, shape)}
    assert list(found) == names
    assert len({source.transformers for source in found.values()}) == len(names)
    assert found["blk.0.attn_q.weight"].transformers == "model.layers.0.self_attn.q_proj.weight"
    heads = {name: source.permuted_heads for name, source in found.items() if source.permuted_heads}
    assert heads == {"blk.0.attn_q.weight": 4, "blk.0.attn_k.weight": 2}


def test_a_network_that_transformers_does_not_have_is_refused(tmp_path: Path) -> None:
    shape = dimensions(read_header(write_llama(tmp_path / "m.gguf")))
    with pytest.raises(EngineError, match="rotates whole heads, and this file 8 of 16"):
        configuration(shape._replace(rope_dim=8))
    with pytest.raises(EngineError, match="5 heads of a hidden state of 64"):
        configuration(shape._replace(heads=5))


def test_the_cache_is_given_by_the_name_that_this_transformers_has() -> None:
    def until_5_23(input_ids: object, past_key_values: object = None, **_more: object) -> None: ...
    def from_5_24(input_ids: object, cache: object = None, **_more: object) -> None: ...

    assert cache_name(until_5_23) == "past_key_values"
    assert cache_name(from_5_24) == "cache"


def test_what_is_missing_is_named_with_its_remedy() -> None:
    nothing = Torch(find=lambda _name: None).why_not()
    assert nothing == (
        "torch and transformers are not installed. Install into edgebench's environment: "
        ".venv/bin/pip install 'edgebench[torch]'."
    )
    half = Torch(find=lambda name: name if name == "torch" else None).why_not()
    assert half is not None
    assert half.startswith("transformers is not installed.")
    assert Torch(find=lambda name: name).why_not() is None


def test_why_there_is_no_cuda() -> None:
    assert "for CPUs only" in str(why_not_cuda(None, lambda: pytest.fail("asked the driver")))
    assert "no GPU for its CUDA 13.2" in str(why_not_cuda("13.2", lambda: False))
    assert why_not_cuda("13.2", lambda: True) is None


def test_the_build_names_the_libraries_that_multiply() -> None:
    expected = "MKL 2024.2-Product, oneDNN 3.12.0, BLAS mkl, commit cf30153c4c13, no CUDA"
    assert build(SHOWN, None) == expected
    assert build("PyTorch built with:", "13.2") == "CUDA 13.2"


def test_running_out_of_memory_is_called_that() -> None:
    said = (
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"
    )
    with pytest.raises(MemoryError, match="DefaultCPUAllocator"), named_memory_errors():
        raise RuntimeError(said)
    with pytest.raises(RuntimeError, match="size mismatch"), named_memory_errors():
        raise RuntimeError("size mismatch for lm_head.weight")


def test_what_it_cannot_be_held_to_is_refused_before_torch_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "never-read.gguf"
    with pytest.raises(WrongIsaError, match="cannot be held to 'haswell'"):
        Torch().load(path, OPTIONS._replace(isa="haswell"))
    for fields in ({"activations": "int8"}, {"activations": "fp16"}, {"device": "tpu"}):
        assert "torch multiplies no" in refusal(path, **fields)


@needs_torch
@pytest.mark.parametrize(
    "shape", [Tiny(), Tiny(tied=True), Tiny(kv_heads=1), Tiny(kv_heads=4), Tiny(layers=3, heads=8)]
)
def test_it_agrees_with_the_reference(tmp_path: Path, shape: Tiny) -> None:
    path = write_llama(tmp_path / "m.gguf", shape)
    np.testing.assert_allclose(logits(path), right(path), atol=2e-4)


@needs_torch
@pytest.mark.parametrize("quant", ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0"])
def test_quantized_weights_are_the_file_s_own(tmp_path: Path, quant: str) -> None:
    path = write_llama(tmp_path / "m.gguf", quant=quant)
    assert mean_kl(right(path), logits(path)) < 1e-9


@needs_torch
def test_float16_activations_stay_near_the_reference(tmp_path: Path) -> None:
    """As on a GPU, without one: the network is made in float16 on the CPU."""
    from edgebench.backends.torch_network import network
    from edgebench.backends.torch_session import TorchSession

    path = write_llama(tmp_path / "m.gguf")
    options = OPTIONS._replace(activations="fp16")
    session = TorchSession(network(read_header(path), options), options)
    found = session.prefill(TOKENS, every=True)
    assert found.dtype == np.float32
    assert 1e-9 < mean_kl(right(path), found) < 1e-3
    assert session.kv_cache_bytes == 2 * 2 * 2 * 32 * 16 * 2
    assert "activations=float16" in session.dispatched().features


@needs_torch
@pytest.mark.parametrize("how", ["linear", "factors"])
def test_stretched_rotations_are_used(tmp_path: Path, how: str) -> None:
    weights = random_weights() | (FACTORS if how == "factors" else {})
    metadata = LINEAR if how == "linear" else {}
    path = write_llama(tmp_path / "m.gguf", weights=weights, metadata=metadata)
    plain = write_llama(tmp_path / "plain.gguf")
    np.testing.assert_allclose(logits(path), right(path), atol=2e-4)
    assert not np.allclose(logits(path), logits(plain), atol=0.01)


@needs_torch
def test_other_scalings_are_refused(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf", metadata={"llama.rope.scaling.type": "yarn"})
    assert "no RoPE scaling of type 'yarn'" in refusal(path)


@needs_torch
def test_a_prompt_in_chunks_is_the_prompt(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf")
    with Torch().load(path, OPTIONS._replace(ubatch_tokens=5)) as session:
        np.testing.assert_allclose(session.prefill(TOKENS, every=True), right(path), atol=2e-4)
        session.reset()
        np.testing.assert_allclose(session.prefill(TOKENS), right(path)[-1], atol=2e-4)


@needs_torch
def test_sequences_do_not_see_each_other(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "m.gguf")
    with Torch().load(path, OPTIONS._replace(sequences=2)) as session:
        session.prefill(TOKENS[:6])
        session.decode([TOKENS[6], 50])
        both = session.decode([TOKENS[7], TOKENS[7]])
        with pytest.raises(EngineError, match="1 tokens for 2 sequences"):
            session.decode([1])
    np.testing.assert_allclose(both[0], right(path)[7], atol=2e-4)
    assert not np.allclose(both[0], both[1], atol=0.01)


@needs_torch
@pytest.mark.parametrize("sequences", [1, 3])
def test_a_full_kv_cache_has_the_size_that_was_told(tmp_path: Path, sequences: int) -> None:
    options = OPTIONS._replace(sequences=sequences)
    with Torch().load(write_llama(tmp_path / "m.gguf"), options) as session:
        session.prefill([1] * 32)
        layers = session._cache.layers
        assert session.kv_cache_bytes == sum(x.keys.nbytes + x.values.nbytes for x in layers)
        with pytest.raises(EngineError, match="context of 32 tokens is full"):
            session.decode([1] * sequences)


@needs_torch
@pytest.mark.parametrize("threads", [1, 2])
def test_what_runs_is_read_back(tmp_path: Path, threads: int) -> None:
    backend: Backend = Torch()
    options = OPTIONS._replace(threads=threads)
    with backend.load(write_llama(tmp_path / "m.gguf"), options) as loaded:
        session: Session = loaded
        found = session.dispatched()
    assert found.isa == "torch"
    assert found.library.endswith("libtorch_cpu.so")
    expected = {f"threads={threads}", "interop_threads=1", "attention=eager", "weights_on=cpu"}
    assert expected <= set(found.features)
    assert "activations=float32" in found.features


@needs_torch
@pytest.mark.parametrize(
    ("tokens", "says"),
    [([], "no tokens"), ([1] * 33, "context of 32"), ([96], "vocabulary of 96"), ([-1], "vocab")],
)
def test_tokens_that_cannot_be_are_refused(tmp_path: Path, tokens: list[int], says: str) -> None:
    with (
        Torch().load(write_llama(tmp_path / "m.gguf"), OPTIONS) as session,
        pytest.raises(EngineError, match=says),
    ):
        session.prefill(tokens)


@needs_torch
def test_it_has_no_tokenizer(tmp_path: Path) -> None:
    with (
        Torch().load(write_llama(tmp_path / "m.gguf"), OPTIONS) as session,
        pytest.raises(EngineError, match="no tokenizer"),
    ):
        session.tokenize("Call me Ishmael.")
